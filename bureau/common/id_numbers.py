"""Resident identity numbers, as GB 11643-1999 builds them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
# Two to the power of the place, modulo 11, and the digit for each remainder.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_EARLIEST_YEAR = 1880


class BadIdNumber(ValueError):
    """The text is no resident identity number; `args[0]` names the rule it broke."""


@dataclass(frozen=True)
class IdNumber:
    """A number that passed every check which needs no register."""

    text: str
    born_on: date
    is_male: bool


def check_digit(first_seventeen: str) -> str:
    """The last character that belongs to the first seventeen digits."""
    total = sum(
        int(digit) * weight
        for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True)
    )
    return _CHECK_DIGITS[total % 11]


def parse(typed: str, *, today: date) -> IdNumber:
    """Read what a person typed: spaces and a small x are forgiven.

    Raises `BadIdNumber` with "shape", "check_digit" or "birth_date".
    """
    text = re.sub(r"\s", "", typed).upper()
    if not _SHAPE.fullmatch(text):
        raise BadIdNumber("shape")
    if check_digit(text[:17]) != text[17]:
        raise BadIdNumber("check_digit")
    try:
        born_on = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise BadIdNumber("birth_date") from None
    if born_on.year < _EARLIEST_YEAR or born_on > today:
        raise BadIdNumber("birth_date")
    return IdNumber(text, born_on, is_male=int(text[16]) % 2 == 1)


def age_on(day: date, *, born_on: date) -> int:
    """Full years of life; who is born on 29 February ages on 1 March."""
    before_birthday = (day.month, day.day) < (born_on.month, born_on.day)
    return day.year - born_on.year - before_birthday
