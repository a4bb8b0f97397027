"""The price engine against a slow oracle, and both against a table written down.

prices.csv can be checked by hand with `PRICE_LIST` below: fen for one slot, empty where
the court is not offered. `python -m tests.venues.prices.test_prices` writes it anew.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from bureau.workdays import actions as workdays
from tests import make
from tests.venues.prices.oracle import (
    HOLIDAYS,
    MAKE_UP,
    SCHOOL_BREAK,
    Court,
    Line,
    kinds_of,
    price_of,
)
from venues.models import Bookable, PriceRule, Venue
from venues.queries import DayTypes, Timetable

TABLE = Path(__file__).parent / "prices.csv"
SINCE = date(2026, 7, 1)
COURTS = [
    Court("1", "badminton", 60),
    Court("2", "badminton", 60),
    Court("3", "table_tennis", 90),
]
DAYS = {
    "Monday": date(2026, 7, 6),
    "Monday in the school break": date(2026, 7, 13),
    "8 August": date(2026, 8, 8),
    "Sunday in the school break": date(2026, 8, 9),
    "Tuesday before the rise": date(2026, 9, 29),
    "National Day": date(2026, 10, 1),
    "Saturday in the holidays": date(2026, 10, 3),
    "Tuesday in the holidays": date(2026, 10, 6),
    "make-up Saturday": date(2026, 10, 10),
    "Sunday": date(2026, 10, 11),
    "Tuesday after the rise": date(2026, 10, 13),
}
# On the raster of both 60 and 90 minutes from 06:00.
TIMES = {"06:00": 360, "12:00": 720, "18:00": 1080, "24:00": 1440}
PEOPLE = [(), ("senior", "student"), ("disabled",)]
WEEK = range(1, 8)
PRICE_LIST = [
    # Everybody, everywhere
    *(Line(4000, weekday=day) for day in WEEK),
    # Badminton by time of day
    *(
        Line(2500, sport="badminton", weekday=day, starts=480, ends=1080)
        for day in (1, 3, 4, 5)
    ),
    *(
        Line(4500, sport="badminton", weekday=day, starts=1080, ends=1560)
        for day in range(1, 6)
    ),
    *(Line(4600, sport="badminton", weekday=day, ends=1560) for day in (6, 7)),
    # Tuesdays get dearer with October
    Line(2500, sport="badminton", weekday=2, starts=480, ends=1080,
         before=date(2026, 10, 1)),
    Line(2800, sport="badminton", weekday=2, starts=480, ends=1080,
         since=date(2026, 10, 1)),
    # Types of day
    Line(5000, sport="badminton", day_type="holiday", ends=1560),
    Line(2000, sport="badminton", day_type="school_break", starts=480, ends=1080),
    Line(1500, sport="badminton", day_type="working", starts=720, ends=840),
    Line(4800, day_type="weekend"),
    # Groups
    *(
        Line(1000, sport="badminton", group="senior", weekday=day, starts=480,
             ends=1080)
        for day in WEEK
    ),
    Line(1200, group="student", day_type="school_break", starts=480, ends=1080),
    Line(2200, group="disabled", day_type="holiday"),
    *(Line(500, court="1", group="disabled", weekday=day) for day in range(1, 6)),
    # The court in front of the stand
    Line(7000, court="2", weekday=6, starts=1080, ends=1320),
    Line(6000, court="2", weekday=1, starts=1080, ends=1320,
         since=date(2026, 7, 1), before=date(2026, 7, 13)),
]  # fmt: skip
Case = tuple[str, str, str, str, str]
"""day, court, time, groups, fen"""


def cases() -> list[Case]:
    found = []
    for when, day in DAYS.items():
        for court in COURTS:
            for time, minute in TIMES.items():
                for groups in PEOPLE:
                    fen = price_of(
                        PRICE_LIST, court, day, minute, groups, is_low_fee=True
                    )
                    told = "" if fen is None else str(fen)
                    found.append((when, court.name, time, " ".join(groups), told))
    return found


def calendar() -> None:
    days = dict.fromkeys(HOLIDAYS, ("holiday", ""))
    days |= dict.fromkeys(MAKE_UP, ("working", ""))
    workdays.set_year(year=2026, days=days, by=None)
    workdays.set_school_break(
        name="Summer", first_on=SCHOOL_BREAK[0], last_on=SCHOOL_BREAK[1], by=None
    )


def hall(
    lines: Sequence[Line], *, is_low_fee: bool = True
) -> tuple[Venue, dict[str, Bookable]]:
    """A hall open 06:00 to 26:00 with this price list."""
    venue = make.venue(opens=360, closes=1560, is_low_fee=is_low_fee)
    venue.prices.all().delete()
    # The next day opens at six, so a night may go on until then.
    courts = {
        court.name: make.bookable(
            venue=venue, name=court.name, sport=court.sport, slot_minutes=court.minutes
        )
        for court in COURTS
    }
    PriceRule.objects.bulk_create(
        PriceRule(
            venue=venue,
            bookable=courts[line.court] if line.court else None,
            sport=line.sport,
            group=line.group,
            weekday=line.weekday,
            day_type=line.day_type,
            starts=line.starts,
            ends=line.ends,
            price_fen=line.fen,
            valid_from=line.since,
            valid_until=line.before if line.before.year < 9999 else None,
        )
        for line in lines
    )
    return venue, courts


def engine(
    table: Timetable, court: Bookable, day: date, minute: int, groups: Sequence[str]
) -> int | None:
    for offer in table.offers(court, day, groups=frozenset(groups)):
        if (offer.span[0] - midnight(day)) // 60 == minute:
            return offer.price.fen
    return None


def midnight(day: date) -> int:
    return int((day - date(1970, 1, 1)) / timedelta(seconds=1)) - 8 * 3600


def written() -> list[Case]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [(a, b, c, d, e) for a, b, c, d, e in list(csv.reader(file))[1:]]


def test_the_table_says_what_the_oracle_says() -> None:
    assert len(written()) >= 300
    assert written() == cases()


@pytest.mark.django_db
def test_the_engine_charges_what_the_table_says() -> None:
    calendar()
    venue, courts = hall(PRICE_LIST)
    table = Timetable(venue, list(courts.values()), since=SINCE)

    wrong = [
        (case, found)
        for case in written()
        if (
            found := engine(
                table, courts[case[1]], DAYS[case[0]], TIMES[case[2]], case[3].split()
            )
        )
        != (int(case[4]) if case[4] else None)
    ]

    assert wrong == []


KINDS = ["fitness_day", "holiday", "school_break", "weekend", "working"]
GROUPS = ["senior", "student", "disabled"]


@st.composite
def price_lines(draw: st.DrawFn) -> Line:
    scope = draw(st.sampled_from(["court", "sport", "venue"]))
    by_kind = draw(st.booleans())
    starts = draw(st.integers(0, 24))
    since = draw(st.sampled_from([date(2020, 1, 1), date(2026, 8, 8)]))
    before = draw(st.sampled_from([date(9999, 1, 1), date(2026, 10, 3)]))
    return Line(
        fen=draw(st.integers(0, 200)) * 50,
        court=draw(st.sampled_from(["1", "2", "3"])) if scope == "court" else "",
        sport=draw(st.sampled_from(["badminton", "table_tennis"]))
        if scope == "sport"
        else "",
        group=draw(st.sampled_from(["", "", *GROUPS])),
        weekday=None if by_kind else draw(st.sampled_from([1, 2, 4, 6, 7])),
        day_type=draw(st.sampled_from(KINDS)) if by_kind else "",
        starts=starts * 60,
        ends=draw(st.integers(starts + 1, 26)) * 60,
        since=since,
        before=before,
    )


def without_overlaps(lines: Sequence[Line]) -> list[Line]:
    """No two lines for the same people and floor at the same time, as in the tables."""
    kept: list[Line] = []
    for line in lines:
        clash = any(
            (one.court, one.sport, one.group, one.weekday, one.day_type)
            == (line.court, line.sport, line.group, line.weekday, line.day_type)
            and one.starts < line.ends
            and line.starts < one.ends
            and one.since < line.before
            and line.since < one.before
            for one in kept
        )
        if not clash:
            kept.append(line)
    return kept


class AnyPriceList(HypothesisTestCase):
    @settings(max_examples=60, deadline=None)
    @given(
        lines=st.lists(price_lines(), max_size=14).map(without_overlaps),
        groups=st.sets(st.sampled_from(GROUPS)),
        is_low_fee=st.booleans(),
    )
    def test_is_charged_as_the_oracle_does(
        self,
        lines: list[Line],
        groups: set[str],
        is_low_fee: bool,  # noqa: FBT001 - drawn by name
    ) -> None:
        calendar()
        venue, courts = hall(lines, is_low_fee=is_low_fee)
        table = Timetable(venue, list(courts.values()), since=SINCE)
        for day in DAYS.values():
            for court in COURTS:
                for minute in TIMES.values():
                    found = engine(
                        table, courts[court.name], day, minute, sorted(groups)
                    )
                    expected = price_of(
                        lines, court, day, minute, groups, is_low_fee=is_low_fee
                    )
                    assert found == expected, (day, court, minute)


@pytest.mark.django_db
def test_the_types_of_each_day_are_those_of_the_oracle() -> None:
    calendar()
    known = DayTypes(since=SINCE)
    year = [date(2026, 7, 1) + timedelta(days=n) for n in range(180)]
    assert [list(known.of(day)) for day in year] == [kinds_of(day) for day in year]


if __name__ == "__main__":
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["day", "court", "time", "groups", "fen"])
        writer.writerows(cases())
