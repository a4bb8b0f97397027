from __future__ import annotations

import inspect
from pathlib import Path

OURS = Path(__file__).resolve().parent.parent / "templates"


class UndefinedVariable(str):
    """What Django puts where a template names nothing: an error, in our templates.

    Packages that we use have templates of their own, and habits of their own: there it
    is an empty text, as in production.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        """Django asks this first; without it, filters get the empty text."""
        return _template_being_rendered().is_relative_to(OURS)

    def __contains__(self, key: object) -> bool:
        return key == "%s"  # so that Django hands the variable over

    def __mod__(self, variable: object) -> str:
        template = _template_being_rendered()
        raise AssertionError(f"undefined variable {variable} in {template}")


def _template_being_rendered() -> Path:
    for frame in inspect.stack(context=0):
        node = frame.frame.f_locals.get("self")
        origin = getattr(node, "origin", None)
        if frame.function.startswith("render") and origin is not None:
            return Path(str(origin))
    return Path()
