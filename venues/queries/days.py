"""What kind of day a date is, for hours and prices."""

from __future__ import annotations

from datetime import date

from bureau.workdays.models import DayType as CalendarType
from bureau.workdays.queries import calendar, school_breaks
from venues.models.rules import DayType

SATURDAY = 6


def is_fitness_day(day: date) -> bool:
    """National Fitness Day (全民健身日) is 8 August, whatever the calendar says."""
    return (day.month, day.day) == (8, 8)


class DayTypes:
    """The types of each day, the most special first; loaded once.

    A year that the State Council has not published yet has the holidays of fixed date
    only, and follows the published ones as soon as they are there.
    """

    def __init__(self, *, since: date) -> None:
        self._calendar = calendar()
        self._breaks = school_breaks(since=since)

    def of(self, day: date) -> tuple[str, ...]:
        """Such as (holiday, school_break, weekend) for a Sunday in February.

        A make-up Saturday (调休) is a working day, no weekend.
        """
        kind = self._calendar.day_type(day)
        asked = (
            (DayType.FITNESS_DAY, is_fitness_day(day)),
            (DayType.HOLIDAY, kind == CalendarType.HOLIDAY),
            (DayType.SCHOOL_BREAK, self._is_school_break(day)),
            (
                DayType.WEEKEND,
                day.isoweekday() >= SATURDAY and kind != CalendarType.WORKING,
            ),
            (DayType.WORKING, kind == CalendarType.WORKING),
        )
        return tuple(name.value for name, is_one in asked if is_one)

    def is_provisional(self, day: date) -> bool:
        """Whether the holidays of this day's year are not published yet."""
        return self._calendar.is_provisional(day, day)

    def _is_school_break(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self._breaks)
