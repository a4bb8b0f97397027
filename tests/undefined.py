from __future__ import annotations

import inspect
from pathlib import Path


class UndefinedVariable:
    """What Django puts where a template names nothing: an error, in our templates.

    Packages that we use have templates of their own, and habits of their own.
    """

    def __init__(self, ours: Path) -> None:
        self.ours = ours

    def __bool__(self) -> bool:
        """Django asks this first; without it, nothing is put, as in production."""
        return _template_being_rendered().is_relative_to(self.ours)

    def __contains__(self, key: str) -> bool:
        return key == "%s"  # so that Django hands the variable over

    def __mod__(self, variable: object) -> str:
        template = _template_being_rendered()
        raise AssertionError(f"undefined variable {variable} in {template}")

    def __str__(self) -> str:
        return ""


def _template_being_rendered() -> Path:
    for frame in inspect.stack():
        node = frame.frame.f_locals.get("self")
        origin = getattr(node, "origin", None)
        if frame.function.startswith("render") and origin is not None:
            return Path(str(origin))
    return Path()
