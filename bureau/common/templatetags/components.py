"""`{% component "icon" name="pin" %}`: parts of a page that depend on nothing else.

Every template knows this tag (`builtins` in the settings). Such a part says the same
whenever it is given the same, so it is drawn once in each process and language: a page
has fifteen icons, and a rush asks for hundreds of pages a second.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from django import template
from django.conf import settings
from django.template.loader import get_template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

MOST = 2048
"""Parts that are kept; beyond these the ones longest not asked for go."""

Takes = tuple[tuple[str, Any, type], ...]


@register.simple_tag
def component(part: str, /, **takes: Any) -> SafeString:
    """Draw `components/<part>.html` with just what it takes, all of it hashable.

    Rows among it hold plain text only: their inside is compared by value, and words
    that are marked as safe equal those that are not. What belongs to a request (the
    address, a nonce, who is signed in) is no matter for such a part; it goes into a
    template by `{% include %}`.
    """
    # The types, too: words that are marked as safe equal those that are not.
    kept: Takes = tuple((name, value, type(value)) for name, value in takes.items())
    if settings.DEBUG:
        return _draw(part, kept)
    return _drawn(part, kept, get_language())


@lru_cache(maxsize=MOST)
def _drawn(part: str, takes: Takes, language: str | None) -> SafeString:
    del language  # a part of what it is known by
    return _draw(part, takes)


def _draw(part: str, takes: Takes) -> SafeString:
    given = {name: value for name, value, _type in takes}
    return cast("SafeString", get_template(f"components/{part}.html").render(given))
