from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from bureau.common import clock
from bureau.workdays.models import (
    CalendarYear,
    DayRule,
    DayType,
    SchoolBreak,
    Unit,
)

ONE_DAY = timedelta(days=1)
LONGEST = 366 * 30  # days; an end beyond it is a mistake, not a deadline

# The holidays whose date is known before the State Council speaks.
FIXED = {(1, 1), (5, 1), (10, 1), (10, 2), (10, 3)}
SINCE_2025 = {(5, 2)}

# The State Council speaks in November: from this month on the next year is waited for.
NEXT_YEAR_FROM = 12

Period = tuple[datetime, datetime]


@dataclass(frozen=True)
class Calendar:
    """The working calendar of China, as the tables held it when it was read.

    A published year follows its rules. Another year is Monday to Friday without the
    fixed-date holidays, and everything that was computed with it is provisional.
    """

    days: dict[date, str]
    versions: dict[int, int]

    def day_type(self, day: date) -> DayType:
        rule = self.days.get(day)
        if rule == DayRule.Kind.HOLIDAY or (
            day.year not in self.versions and _is_fixed_holiday(day)
        ):
            return DayType.HOLIDAY
        if rule == DayRule.Kind.WORKING or day.weekday() < 5:
            return DayType.WORKING
        return DayType.WEEKEND

    def is_workday(self, day: date) -> bool:
        return self.day_type(day) is DayType.WORKING

    def add_workdays(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, or before it when negative.

        0 is the day itself, whatever it is.
        """
        step = ONE_DAY if count >= 0 else -ONE_DAY
        left = abs(count)
        while left:
            day += step
            left -= self.is_workday(day)
        return day

    def workdays_between(self, first: date, last: date) -> int:
        """How many working days lie in (first, last]; negative when turned round."""
        if last < first:
            return -self.workdays_between(last, first)
        days = (first + n * ONE_DAY for n in range(1, (last - first).days + 1))
        return sum(map(self.is_workday, days))

    def next_workday(self, day: date) -> date:
        """The day itself when it is a working day, else the next one."""
        return day if self.is_workday(day) else self.add_workdays(day, 1)

    def end_of(
        self, *, start: datetime, unit: str, amount: int, pauses: list[Period]
    ) -> datetime:
        """When `amount` units from `start` are over; the moment itself is too late.

        Days that a pause touches do not count; hours move by the length of the pauses.
        """
        if unit == Unit.HOURS:
            paused = sum((until - since for since, until in pauses), timedelta())
            return start + timedelta(hours=amount) + paused
        stopped = [(clock.local_day(a), clock.local_day(b)) for a, b in pauses]
        last = clock.local_day(start)
        left = amount
        for day in _days_after(last):
            if not left:
                break
            if any(first <= day <= final for first, final in stopped):
                continue
            if unit == Unit.DAYS or self.is_workday(day):
                last, left = day, left - 1
        if unit == Unit.DAYS:
            last = self.next_workday(last)
        return clock.at(last, 24 * 60)

    def is_provisional(self, first: date, last: date) -> bool:
        """Whether a year from `first` to `last` is not published yet."""
        return any(y not in self.versions for y in range(first.year, last.year + 1))

    def version_between(self, first: date, last: date) -> str:
        """The versions of the years from `first` to `last`: "2026.1 2027.0"."""
        years = range(first.year, last.year + 1)
        return " ".join(f"{year}.{self.versions.get(year, 0)}" for year in years)[:120]


def calendar() -> Calendar:
    """The calendar of this moment: one small query, and the days when they changed."""
    years = CalendarYear.objects.order_by("year")
    return _calendar(tuple(years.values_list("year", "version", "changed_at")))


@lru_cache(maxsize=4)
def _calendar(years: tuple[tuple[int, int, datetime], ...]) -> Calendar:
    days = dict(DayRule.objects.values_list("day", "kind"))
    return Calendar(days, {year: version for year, version, _changed in years})


def missing_year(*, on: date) -> int | None:
    """The year whose holidays staff still have to enter: this one, or soon the next."""
    years = [on.year, on.year + 1] if on.month >= NEXT_YEAR_FROM else [on.year]
    known = calendar().versions
    return next((year for year in years if year not in known), None)


def day_type(day: date) -> DayType:
    return calendar().day_type(day)


def is_workday(day: date) -> bool:
    return calendar().is_workday(day)


def add_workdays(day: date, count: int) -> date:
    return calendar().add_workdays(day, count)


def school_breaks(*, since: date) -> tuple[tuple[date, date], ...]:
    """(first day, last day) of the schools' holidays that are not over before a day."""
    rows = SchoolBreak.objects.filter(last_on__gte=since).order_by("first_on")
    return tuple(rows.values_list("first_on", "last_on"))


def is_school_break(day: date) -> bool:
    return SchoolBreak.objects.filter(first_on__lte=day, last_on__gte=day).exists()


def _is_fixed_holiday(day: date) -> bool:
    when = (day.month, day.day)
    return when in FIXED or (day.year >= 2025 and when in SINCE_2025)


def _days_after(day: date) -> Iterator[date]:
    for _ in range(LONGEST):
        day += ONE_DAY
        yield day
    raise OverflowError("A deadline of more than thirty years")
