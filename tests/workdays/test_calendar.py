from __future__ import annotations

from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bureau.common.clock import CHINA
from bureau.workdays import actions, queries
from bureau.workdays.errors import DayOutsideYear
from bureau.workdays.models import CalendarYear, DayType, Unit
from tests.workdays import oracle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]
# The calendar is read once; examples do not write.
READING = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=150,
)
DAYS = st.dates(date(2004, 1, 2), date(2029, 12, 31))
MOMENTS = st.datetimes(
    datetime(2004, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(2028, 12, 31),  # noqa: DTZ001
    timezones=st.just(CHINA),
)


@st.composite
def pauses(draw: Any, start: datetime) -> list[tuple[datetime, datetime]]:
    found, since = [], start
    for _ in range(draw(st.integers(0, 3))):
        since += timedelta(hours=draw(st.integers(1, 400)))
        until = since + timedelta(hours=draw(st.integers(0, 300)))
        found.append((since, until))
        since = until
    return found


@READING
@given(DAYS)
def test_a_day_is_a_workday_where_the_package_says_so(day: date) -> None:
    assert queries.is_workday(day) == oracle.is_workday(day)


@READING
@given(st.data(), MOMENTS, st.integers(0, 60))
def test_working_days_end_where_the_slow_oracle_says(
    data: st.DataObject, start: datetime, count: int
) -> None:
    stopped = data.draw(pauses(start))
    end = queries.calendar().end_of(
        start=start, unit=Unit.WORKDAYS, amount=count, pauses=stopped
    )
    assert end == oracle.end_of_workdays(start, count, stopped)


@READING
@given(st.data(), MOMENTS, st.integers(0, 90))
def test_days_end_where_the_slow_oracle_says(
    data: st.DataObject, start: datetime, count: int
) -> None:
    stopped = data.draw(pauses(start))
    end = queries.calendar().end_of(
        start=start, unit=Unit.DAYS, amount=count, pauses=stopped
    )
    assert end == oracle.end_of_days(start, count, stopped)


@READING
@given(DAYS, st.integers(-60, 60))
def test_adding_and_counting_agree(day: date, count: int) -> None:
    end = queries.add_workdays(day, count)
    if count >= 0:
        assert queries.calendar().workdays_between(day, end) == count


@pytest.mark.parametrize(
    ("day", "count", "end"),
    [
        (date(2025, 9, 30), 5, date(2025, 10, 14)),  # over the long October holiday
        (date(2025, 9, 26), 3, date(2025, 9, 30)),  # the 28th, a Sunday, is worked
        (date(2025, 9, 30), 0, date(2025, 9, 30)),
        (date(2025, 10, 9), -1, date(2025, 9, 30)),
    ],
)
def test_known_working_days(day: date, count: int, end: date) -> None:
    assert queries.add_workdays(day, count) == end


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2025, 10, 1), DayType.HOLIDAY),
        (date(2025, 9, 28), DayType.WORKING),
        (date(2025, 9, 27), DayType.WEEKEND),
        (date(2025, 9, 26), DayType.WORKING),
        (date(2027, 10, 2), DayType.HOLIDAY),  # fixed, though 2027 is not published
        (date(2027, 10, 4), DayType.WORKING),
    ],
)
def test_a_day_has_its_type(day: date, kind: DayType) -> None:
    assert queries.day_type(day) is kind


def test_hours_run_on_over_every_holiday() -> None:
    start = datetime(2025, 9, 30, 20, tzinfo=CHINA)
    pause = (start + timedelta(hours=1), start + timedelta(hours=3))
    end = queries.calendar().end_of(
        start=start, unit=Unit.HOURS, amount=24, pauses=[pause]
    )
    assert end == datetime(2025, 10, 1, 22, tzinfo=CHINA)


def test_an_unpublished_year_is_provisional() -> None:
    known = queries.calendar()
    assert not known.is_provisional(date(2026, 1, 1), date(2026, 12, 31))
    assert known.is_provisional(date(2026, 12, 31), date(2027, 1, 4))
    version = known.version_between(date(2026, 12, 31), date(2027, 1, 4))
    assert version == "2026.1 2027.0"


def test_loading_again_changes_no_version() -> None:
    call_command("load_workdays", stdout=StringIO())
    assert set(CalendarYear.objects.values_list("version", flat=True)) == {1}


def test_loading_does_not_overwrite_what_staff_entered() -> None:
    day = date(2026, 3, 4)
    actions.set_year(year=2026, days={day: ("holiday", "test")}, by=None)
    assert queries.day_type(day) is DayType.HOLIDAY
    call_command("load_workdays", stdout=StringIO())
    assert queries.day_type(day) is DayType.HOLIDAY
    call_command("load_workdays", "--force", stdout=StringIO())
    assert queries.day_type(day) is DayType.WORKING


def test_a_day_of_another_year_is_refused() -> None:
    with pytest.raises(DayOutsideYear):
        actions.set_year(year=2027, days={date(2028, 1, 1): ("holiday", "")}, by=None)


def test_the_calendar_is_one_query_once_it_is_known(
    django_assert_num_queries: Any,
) -> None:
    queries.is_workday(date(2025, 1, 1))
    with django_assert_num_queries(1):
        queries.is_workday(date(2025, 1, 2))
