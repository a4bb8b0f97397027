"""How a language puts words together."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.translation import pgettext


def listed(items: Iterable[object]) -> str:
    """`badminton, swimming`; Chinese has a comma of its own for lists: `羽毛球、游泳`.

    In the language of the reader: ask when a page is made, and keep no answer.
    """
    return pgettext("between the items of a list", ", ").join(map(str, items))


def run_on(text: str) -> str:
    """Sentences put together with spaces, as the language writes them.

    Chinese leaves no space after its full stops, commas and colons.
    """
    return re.sub(r"(?<=[。！？；：，]) +", "", text)
