"""Deadlines once more, slowly and another way: by lists of days, from the package."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

CHINA = ZoneInfo("Asia/Shanghai")
FIXED = ["01-01", "05-01", "05-02", "10-01", "10-02", "10-03"]


def is_workday(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # a year that is not published
        return day.strftime("%a") not in ("Sat", "Sun") and f"{day:%m-%d}" not in FIXED


def end_of_workdays(
    start: datetime, count: int, pauses: list[tuple[datetime, datetime]]
) -> datetime:
    first = start.astimezone(CHINA).date()
    horizon = [first + timedelta(days=n) for n in range(1, 8 * count + 700)]
    countable = [day for day in horizon if is_workday(day) and not _paused(day, pauses)]
    last = countable[count - 1] if count else first
    return datetime.combine(last + timedelta(days=1), time(0), CHINA)


def end_of_days(
    start: datetime, count: int, pauses: list[tuple[datetime, datetime]]
) -> datetime:
    first = start.astimezone(CHINA).date()
    horizon = [first + timedelta(days=n) for n in range(1, count + 700)]
    countable = [day for day in horizon if not _paused(day, pauses)]
    last = countable[count - 1] if count else first
    while not is_workday(last):
        last += timedelta(days=1)
    return datetime.combine(last + timedelta(days=1), time(0), CHINA)


def _paused(day: date, pauses: list[tuple[datetime, datetime]]) -> bool:
    midnight = datetime.combine(day, time(0), CHINA)
    after = midnight + timedelta(days=1)
    return any(until >= midnight and since < after for since, until in pauses)
