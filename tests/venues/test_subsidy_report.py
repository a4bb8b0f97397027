"""The subsidy report: equal to a slow recount, and the same file byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any

import pytest
import time_machine
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.common import clock
from tests import make
from venues import actions
from venues.models import (
    Block,
    Bookable,
    Crossing,
    HoursException,
    MarketPrice,
    PriceRule,
    Venue,
    WeeklyHours,
)
from venues.models.rules import PriceGroup
from venues.queries.subsidies import (
    GROUPS,
    SubsidyYear,
    subsidy_workbook,
    subsidy_year,
)

pytestmark = pytest.mark.django_db
YEAR = 2026
NOW = clock.at(date(2026, 11, 20), 9 * 60)


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def crossing(venue: Venue, at: datetime, **given: Any) -> Crossing:
    given.setdefault("direction", "in")
    return Crossing.objects.create(venue=venue, crossed_at=at, **given)


def report(venue: Venue, year: int = YEAR) -> SubsidyYear:
    return subsidy_year(venue, year=year, at=NOW)


def sheets(venue: Venue) -> list[list[tuple[Any, ...]]]:
    book = load_workbook(BytesIO(subsidy_workbook(report(venue))))
    return [list(page.iter_rows(values_only=True)) for page in book]


@pytest.fixture
def venue() -> Venue:
    """A hall with two courts: cheap at noon, free at night, dear in the evening."""
    dice = Random(8)  # noqa: S311 - a world, no lottery
    venue = make.venue(opens=480, closes=1320, open_area_m2=900, core_area_m2=600)
    venue.prices.all().delete()
    make.price(venue=venue, fen=30_00, starts=480, ends=840)
    make.price(venue=venue, fen=0, starts=840, ends=1080)
    make.price(venue=venue, fen=95_00, starts=1080, ends=1440)
    courts = [make.bookable(venue=venue), make.bookable(venue=venue)]
    MarketPrice.objects.create(
        sport=courts[0].sport,
        fen_per_hour=60_00,
        source="Survey",
        valid_from=date(2020, 1, 1),
    )
    for _n in range(6):
        day = date(2026, 1, 1) + timedelta(days=dice.randrange(330))
        HoursException.objects.get_or_create(
            venue=venue, on=day, defaults={"reason": "Works"}
        )
        starts_at = clock.at(day + timedelta(days=3), dice.randrange(300, 1000))
        Block.objects.create(
            venue=venue,
            unit_ids=[courts[dice.randrange(2)].units.get().pk],
            reason="Floor",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=dice.randrange(60, 900)),
            set_by=make.user(),
            created_at=NOW,
        )
    groups = [*GROUPS]
    for _n in range(300):
        at = clock.at(date(2025, 12, 25), dice.randrange(370 * 1440))
        crossing(
            venue,
            at,
            direction=dice.choice(["in", "in", "out"]),
            persons=dice.randint(1, 9),
            group=dice.choice(groups),
        )
    crossing(make.venue(), clock.at(date(2026, 5, 1), 600))  # of another venue
    return venue


def open_minutes(venue: Venue, court: Bookable, day: date) -> dict[int, int]:
    """Minute -> price of an hour, of each minute in which a court is open."""
    if HoursException.objects.filter(venue=venue, on=day).exists():
        return {}
    hours = WeeklyHours.objects.get(venue=venue, weekday=day.isoweekday())
    rules = list(PriceRule.objects.filter(venue=venue, weekday=day.isoweekday()))
    unit = court.units.get().pk
    blocks = [
        (block.starts_at, block.ends_at)
        for block in Block.objects.filter(venue=venue)
        if unit in block.unit_ids
    ]
    fitness_day = (day.month, day.day) == (8, 8)
    found = {}
    for minute in range(hours.opens, hours.closes):
        start = clock.at(day, minute)
        end = start + timedelta(minutes=1)
        if not any(since < end and start < until for since, until in blocks):
            price = next(r.price_fen for r in rules if r.starts <= minute < r.ends)
            found[minute] = 0 if fitness_day else price
    return found


def test_the_report_is_what_a_slow_recount_finds(venue: Venue) -> None:
    today = clock.local_day(NOW)
    visits: dict[tuple[int, int, str], int] = {}
    for row in Crossing.objects.filter(venue=venue, direction="in"):
        at = row.crossed_at.astimezone(clock.CHINA)
        if at.year == YEAR and row.crossed_at < NOW:
            key = (at.month, at.hour, row.group)
            visits[key] = visits.get(key, 0) + row.persons
    hours = {"open": 0, "courts": 0, "free": 0, "low": 0}
    days = 0
    day = date(YEAR, 1, 1)
    while day <= today:
        prices = [open_minutes(venue, court, day) for court in venue.bookables.all()]
        together = set().union(*prices)
        days += bool(together)
        hours["open"] += len(together)
        hours["courts"] += sum(len(court) for court in prices)
        hours["free"] += sum(fen == 0 for court in prices for fen in court.values())
        hours["low"] += sum(fen <= 42_00 for court in prices for fen in court.values())
        day += timedelta(days=1)

    found = report(venue)

    assert found.visits == visits
    assert found.days_open == days
    total = found.total
    assert {
        "open": total.open,
        "courts": total.courts,
        "free": total.free,
        "low": total.low,
    } == hours
    _summary, by_hour, by_month, opening, *_rest = sheets(venue)
    assert by_hour[-1][-1] == by_month[-1][-1] == sum(visits.values())
    for hour in range(24):
        told = by_hour[1 + hour][1:-1]
        assert list(told) == [
            sum(n for (_m, h, g), n in visits.items() if (h, g) == (hour, group))
            for group in GROUPS
        ]
    assert opening[-1][1] == days
    assert opening[-1][2] == pytest.approx(hours["open"] / 60, abs=0.01)


def test_the_same_figures_are_the_same_file_byte_for_byte(venue: Venue) -> None:
    first = subsidy_workbook(report(venue))
    with time_machine.travel(NOW + timedelta(seconds=40), tick=False):
        second = subsidy_workbook(report(venue))

    assert first == second
    assert b"2026-11-20T" not in first

    crossing(venue, NOW - timedelta(hours=1))
    assert subsidy_workbook(report(venue)) != first


def test_programmes_count_in_the_year_of_their_last_day() -> None:
    venue, clerk = make.venue(), make.user()
    for kind, first, last, persons in (
        ("event", date(2025, 12, 30), date(2026, 1, 2), 120),
        ("training", date(2026, 3, 1), date(2026, 3, 1), 25),
        ("training", date(2026, 4, 1), date(2026, 4, 3), 30),
        ("event", date(2025, 5, 1), date(2025, 5, 1), 999),
    ):
        actions.record_programme(
            venue=venue,
            kind=kind,
            title="Open day",
            first_on=first,
            last_on=last,
            persons=persons,
            by=clerk,
        )

    found = report(venue)

    assert (len(found.held("event")), found.persons("event")) == (1, 120)
    assert (len(found.held("training")), found.persons("training")) == (2, 55)
    assert report(venue, 2025).persons("event") == 999


def test_areas_and_sources_stand_in_the_file(venue: Venue) -> None:
    summary, *_rest, sources = sheets(venue)

    figures = {row[0]: row[1] for row in summary}
    assert figures["Open area"] == 900
    assert figures["Core free or low-fee area"] == 600
    assert any("70 percent" in str(row[1]) for row in sources)


def test_a_year_that_has_not_begun_is_empty(venue: Venue) -> None:
    found = report(venue, 2027)

    assert found.visits_total == found.days_open == 0
    assert subsidy_workbook(found)


def test_a_title_that_looks_like_a_formula_stays_text() -> None:
    venue = make.venue()
    actions.record_programme(
        venue=venue,
        kind="event",
        title='=HYPERLINK("http://evil")',
        first_on=date(2026, 1, 1),
        last_on=date(2026, 1, 1),
        persons=1,
        by=make.user(),
    )

    book = load_workbook(BytesIO(subsidy_workbook(report(venue))))
    cell = book["Events and trainings"]["B2"]

    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("http://evil")')


def test_every_group_has_its_column() -> None:
    assert set(GROUPS) == set(PriceGroup.values)
