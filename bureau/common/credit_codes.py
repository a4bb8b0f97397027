"""Unified social credit codes of organisations, as GB 32100-2015 builds them."""

from __future__ import annotations

import re

# Digits and capital letters without I, O, S, V and Z; the place is the value.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18
# Registering office, kind of organisation, division of China, organisation, check.
_SHAPE = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
_MODULUS = 31


class BadCreditCode(ValueError):
    """The text is no such code; `args[0]` is the rule: "shape" or "check_digit"."""


def check_digit(first_seventeen: str) -> str:
    """The last character that belongs to the first seventeen."""
    total = sum(
        ALPHABET.index(character) * pow(3, place, _MODULUS)
        for place, character in enumerate(first_seventeen)
    )
    return ALPHABET[-total % _MODULUS]


def parse(typed: str) -> str:
    """Read what a person typed; spaces, hyphens and small letters are forgiven.

    Raises `BadCreditCode`.
    """
    text = re.sub(r"[\s-]", "", typed).upper()
    if not _SHAPE.fullmatch(text):
        raise BadCreditCode("shape")
    if check_digit(text[:-1]) != text[-1]:
        raise BadCreditCode("check_digit")
    return text
