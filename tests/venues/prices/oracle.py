"""What an hour costs, worked out the slow way: as a clerk with the price list would.

Knows nothing of `venues.queries`; only the words of docs/venues/prices.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

HOLIDAYS = {date(2026, 10, 1) + timedelta(days=n) for n in range(7)}
MAKE_UP = {date(2026, 9, 20), date(2026, 10, 10)}
SCHOOL_BREAK = (date(2026, 7, 11), date(2026, 8, 31))


@dataclass(frozen=True)
class Court:
    name: str
    sport: str
    minutes: int


@dataclass(frozen=True)
class Line:
    """One line of a price list; empty means for all."""

    fen: int
    court: str = ""
    sport: str = ""
    group: str = ""
    weekday: int | None = None
    day_type: str = ""
    starts: int = 0
    ends: int = 1440
    since: date = date(2020, 1, 1)
    before: date = date(9999, 1, 1)


def kinds_of(day: date) -> list[str]:
    """The types of a day, the most special first."""
    kinds = []
    if day.month == 8 and day.day == 8:
        kinds.append("fitness_day")
    if day in HOLIDAYS:
        kinds.append("holiday")
    if SCHOOL_BREAK[0] <= day <= SCHOOL_BREAK[1]:
        kinds.append("school_break")
    if day.weekday() in (5, 6) and day not in MAKE_UP:
        kinds.append("weekend")
    if day in MAKE_UP or (day.weekday() < 5 and day not in HOLIDAYS):
        kinds.append("working")
    return kinds


def price_of(
    lines: Sequence[Line],
    court: Court,
    day: date,
    minute: int,
    groups: Collection[str],
    *,
    is_low_fee: bool,
) -> int | None:
    """The price of a slot in fen; None when it is not offered."""
    is_free_day = is_low_fee and day.month == 8 and day.day == 8
    hourly = []
    for group in ("", *sorted(groups)):
        found = _line_for(lines, court, day, minute, group, is_free_day=is_free_day)
        if found is not None:
            hourly.append(found.fen)
        elif is_free_day and group == "":
            hourly.append(0)
    if not hourly:
        return None
    return min(hourly) * court.minutes // 60


def _line_for(
    lines: Sequence[Line],
    court: Court,
    day: date,
    minute: int,
    group: str,
    *,
    is_free_day: bool,
) -> Line | None:
    kinds = ["fitness_day"] if is_free_day else [*kinds_of(day), "weekday"]
    for width in ("court", "sport", "venue"):
        for kind in kinds:
            for line in lines:
                if (
                    _width(line) == width
                    and line.group == group
                    and line.court in ("", court.name)
                    and line.sport in ("", court.sport)
                    and _is_for(line, kind, day)
                    and line.since <= day < line.before
                    and line.starts <= minute < line.ends
                ):
                    return line
    return None


def _width(line: Line) -> str:
    return "court" if line.court else "sport" if line.sport else "venue"


def _is_for(line: Line, kind: str, day: date) -> bool:
    if kind == "weekday":
        return line.weekday == day.isoweekday()
    return line.day_type == kind
