"""The only place that reads the system clock (ruff bans the others)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

CHINA = ZoneInfo("Asia/Shanghai")
_PAST: ContextVar[datetime | None] = ContextVar("_PAST", default=None)


def now() -> datetime:
    """Tell the moment, aware, in UTC."""
    return _PAST.get() or timezone.now()  # noqa: TID251 - the one allowed reader


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """Do what stands inside as if it were a moment of the past.

    For the demonstration alone, whose people have been at work for weeks: what they
    settled and closed then is dated then. Other threads keep the time.
    """
    token = _PAST.set(moment)
    try:
        yield
    finally:
        _PAST.reset(token)


def today() -> date:
    """Today's date as a person in China reads it off the wall."""
    return local_day(now())


def local_day(moment: datetime) -> date:
    """The date in China at a moment."""
    return moment.astimezone(CHINA).date()


def at(day: date, minute_of_day: int) -> datetime:
    """A wall-clock minute of a day in China; 1440 is the midnight that ends it.

    China keeps one offset all year (no summer time since 1991), so minutes add up.
    """
    midnight = datetime.combine(day, time(), tzinfo=CHINA)
    return midnight + timedelta(minutes=minute_of_day)


def at_text(moment: datetime) -> str:
    """A moment as people in China read it: 2026-11-22 18:00."""
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M}"
