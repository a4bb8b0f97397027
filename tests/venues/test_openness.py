"""The page on free and low-fee opening, against a slow recount minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine

from bureau.common import clock
from bureau.common.sports import Sport
from tests import make
from venues import actions, queries
from venues.models import (
    Block,
    Bookable,
    DayTypeHours,
    HoursException,
    MarketPrice,
    OpenSession,
    PriceException,
    PriceRule,
    Venue,
    WeeklyHours,
)
from venues.queries.days import DayTypes
from venues.queries.openness import Light, Measure, OpenBook, Openness, Rule

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)
ENTITLED = ("senior", "disabled", "student", "military", "fire_service")


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(clock.at(date(2026, 11, 20), 9 * 60), tick=False):
        yield


def measure(found: Openness, rule: Rule) -> Measure:
    return next(one for one in found.measures if one.rule is rule)


def week(venue: Venue, monday: date = MONDAY) -> Openness:
    return queries.week_of([venue], monday=monday, at=clock.now())[0]


def year(venue: Venue, of: int = 2026) -> Openness:
    return queries.year_of([venue], year=of, at=clock.now())[0]


def market(fen: int = 100_00, **given: Any) -> MarketPrice:
    given.setdefault("valid_from", date(2020, 1, 1))
    given.setdefault("sport", Sport.BADMINTON)
    return MarketPrice.objects.create(fen_per_hour=fen, source="Survey", **given)


# --- Rule by rule ---------------------------------------------------------------------


def test_thirty_five_hours_a_week_are_enough_and_a_minute_less_is_not() -> None:
    enough = make.bookable(venue=make.venue(opens=480, closes=780)).venue
    short = make.bookable(venue=make.venue(opens=480, closes=780)).venue
    WeeklyHours.objects.filter(venue=short, weekday=3).update(closes=779)

    assert measure(week(enough), Rule.WEEK_HOURS).light is Light.GREEN
    told = measure(week(short), Rule.WEEK_HOURS)
    assert (told.light, told.figure) == (Light.AMBER, "34.9 h")  # it lies ahead


def test_a_week_that_has_begun_is_red() -> None:
    venue = make.bookable(venue=make.venue(opens=480, closes=700)).venue

    assert measure(week(venue, date(2026, 11, 16)), Rule.WEEK_HOURS).light is Light.RED


def test_a_closure_takes_its_hours_and_is_late_without_seven_days() -> None:
    venue = make.bookable(venue=make.venue(opens=480, closes=1200)).venue
    actions.close_units(
        venue=venue,
        units=list(venue.units.all()),
        starts_at=clock.at(MONDAY, 0),
        ends_at=clock.at(MONDAY + timedelta(days=5), 0),
        reason="Repairs",
        by=make.user(),
    )

    found = week(venue)

    assert found.total.open == 2 * 720
    assert measure(found, Rule.WEEK_HOURS).light is Light.AMBER
    assert measure(found, Rule.NOTICE).light is Light.RED
    assert found.light is Light.RED


def test_a_venue_is_open_while_one_court_is() -> None:
    venue = make.venue(opens=480, closes=1200)
    shut, _kept = make.bookable(venue=venue), make.bookable(venue=venue)
    actions.close_units(
        venue=venue,
        units=list(shut.units.all()),
        starts_at=clock.at(MONDAY, 0),
        ends_at=clock.at(MONDAY + timedelta(days=7), 0),
        reason="Repairs",
        by=make.user(),
    )

    assert week(venue).total.open == 7 * 720


def test_a_low_fee_is_seventy_percent_of_the_market_and_a_fen_more_is_not() -> None:
    court = make.bookable()  # 40 yuan
    price = market(57_15)  # 70 % of it: 40.00
    assert measure(week(court.venue), Rule.MARKET).light is Light.GREEN

    price.fen_per_hour = 57_14
    price.save()
    assert measure(week(court.venue), Rule.MARKET).light is Light.RED


def test_a_recorded_exception_is_amber() -> None:
    court = make.bookable()
    market(50_00)
    for rule in PriceRule.objects.filter(venue=court.venue):
        PriceException.objects.create(
            rule=rule,
            breach="dear",
            reason="Ice",
            granted_by=make.user(),
            granted_at=clock.now(),
        )

    assert measure(week(court.venue), Rule.MARKET).light is Light.AMBER


def test_entitled_groups_pay_half_of_the_market_price_at_most() -> None:
    court = make.bookable()
    market(60_00)
    assert measure(week(court.venue), Rule.ENTITLED).light is Light.RED

    for group in ENTITLED:
        make.price(venue=court.venue, fen=30_00, group=group)
    assert measure(week(court.venue), Rule.ENTITLED).light is Light.GREEN


def test_without_a_market_price_nobody_judges() -> None:
    assert measure(week(make.bookable().venue), Rule.MARKET).light is Light.NONE


def test_low_fees_in_off_peak_hours_only_are_not_enough() -> None:
    venue = make.venue()
    venue.prices.all().delete()
    make.price(venue=venue, fen=20_00, starts=0, ends=1080)
    make.price(venue=venue, fen=90_00, starts=1080, ends=1440, is_peak=True)
    make.bookable(venue=venue)
    market(100_00)

    told = measure(week(venue), Rule.LOW_SHARE)

    assert told.light is Light.AMBER
    assert told.figure.startswith("75 %")


def test_fitness_day_is_free_where_fees_are_low_and_not_elsewhere() -> None:
    low = make.bookable().venue
    dear = make.bookable(venue=make.venue(is_low_fee=False)).venue

    assert measure(year(low), Rule.FITNESS_DAY).light is Light.GREEN
    assert measure(year(dear), Rule.FITNESS_DAY).light is Light.RED


def test_the_year_wants_330_days() -> None:
    venue = make.venue()
    make.bookable(venue=venue)
    shut = [date(2026, 1, 1) + timedelta(days=n) for n in range(35)]
    HoursException.objects.bulk_create(
        HoursException(venue=venue, on=day, reason="Works") for day in shut
    )
    assert measure(year(venue), Rule.YEAR_DAYS).light is Light.GREEN

    HoursException.objects.create(venue=venue, on=date(2026, 12, 24), reason="Works")
    assert measure(year(venue), Rule.YEAR_DAYS).light is Light.AMBER

    HoursException.objects.create(venue=venue, on=date(2026, 10, 24), reason="Works")
    assert measure(year(venue), Rule.YEAR_DAYS).light is Light.RED


def test_rest_days_want_eight_hours_and_the_open_air_twelve() -> None:
    venue = make.venue(opens=480, closes=959, facilities=[])
    make.bookable(venue=venue)

    found = week(venue)

    assert measure(found, Rule.REST_DAYS).light is Light.AMBER
    assert measure(found, Rule.REST_DAYS).figure.startswith("0 of 2 days")
    assert measure(found, Rule.OUTDOOR).light is Light.AMBER
    indoors = make.bookable(venue=make.venue(facilities=["indoor"])).venue
    assert not any(one.rule is Rule.OUTDOOR for one in week(indoors).measures)


def test_a_planned_closure_warns_before_it_breaks_a_rule() -> None:
    venue = make.bookable(venue=make.venue(opens=480, closes=1200)).venue
    planned = queries.PlannedClosure(
        unit_ids=list(venue.units.values_list("pk", flat=True)),
        starts_at=clock.at(MONDAY, 0),
        ends_at=clock.at(MONDAY + timedelta(days=5), 0),
    )

    warned = queries.warnings_about(venue, planned, at=clock.now())

    assert len(warned) == 1
    assert "35 hours" in warned[0]


def test_many_venues_ask_the_database_as_often_as_one(
    django_assert_max_num_queries: Any,
) -> None:
    venues = [make.bookable().venue for _ in range(4)]
    queries.week_of(venues, monday=MONDAY, at=clock.now())
    with django_assert_max_num_queries(14):
        queries.week_of(venues[:1], monday=MONDAY, at=clock.now())
    with django_assert_max_num_queries(14):
        queries.week_of(venues, monday=MONDAY, at=clock.now())
    with django_assert_max_num_queries(14):
        queries.year_of(venues, year=2026, at=clock.now())


# --- The slow recount -----------------------------------------------------------------


def given(row: HoursException | DayTypeHours) -> list[tuple[int, int]]:
    if row.opens is None or row.closes is None:
        return []
    return [(row.opens, row.closes)]


def holds(row: WeeklyHours | DayTypeHours, on: date) -> bool:
    if row.valid_from > on:
        return False
    return row.valid_until is None or on < row.valid_until


class Recount:
    """Counts one minute after another, straight from the tables.

    It shares nothing with the fast way but the tables and the types of days.
    """

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.courts = list(venue.bookables.all())
        self.units = {
            court.pk: {unit.pk for unit in court.units.all()} for court in self.courts
        }
        self.hours = list(WeeklyHours.objects.filter(venue=venue))
        self.typed = list(DayTypeHours.objects.filter(venue=venue))
        self.exceptions = list(HoursException.objects.filter(venue=venue))
        self.rules = list(PriceRule.objects.filter(venue=venue).order_by("pk"))
        self.excused = set(PriceException.objects.values_list("rule_id", flat=True))
        self.blocks = list(Block.objects.filter(venue=venue))
        self.sessions = list(OpenSession.objects.filter(venue=venue, cancelled_at=None))
        self.market = list(MarketPrice.objects.all())
        self.types = DayTypes(since=date(2020, 1, 1))

    def day(self, on: date) -> dict[str, int]:
        counted = dict.fromkeys(
            (
                "open",
                "courts",
                "priced",
                "low",
                "free",
                "peak",
                "low_peak",
                "over",
                "over_excused",
                "entitled_over",
                "entitled_excused",
                "judged",
            ),
            0,
        )
        for minute in range(48 * 60):
            facts = [self.minute(court, on, minute) for court in self.courts]
            counted["open"] += any(one.get("courts") for one in facts)
            for one in facts:
                for name, value in one.items():
                    counted[name] += value
        return counted

    def minute(self, court: Bookable, on: date, minute: int) -> dict[str, int]:
        moment = clock.at(on, 0) + timedelta(minutes=minute)
        if self.is_blocked(court, moment):
            return {}
        for session in self.sessions:
            starts = session.starts_at.astimezone(clock.CHINA).date()
            if starts != on or not session.starts_at <= moment < session.ends_at:
                continue
            if session.bookable_id == court.pk:
                return self.ticket(court, session, on)
            if self.units[session.bookable_id] & self.units[court.pk]:
                return {}
        if not court.is_open or not self.is_open(court, on, minute):
            return {}
        return {"courts": 1, **self.priced(court, on, minute)}

    def is_blocked(self, court: Bookable, moment: datetime) -> bool:
        return any(
            set(block.unit_ids) & self.units[court.pk]
            and block.starts_at < moment + timedelta(minutes=1)
            and block.ends_at > moment
            and (block.lifted_at is None or block.lifted_at > moment)
            and (block.lifted_at is None or block.lifted_at > block.starts_at)
            for block in self.blocks
        )

    def is_open(self, court: Bookable, on: date, minute: int) -> bool:
        if not any(start <= minute < end for start, end in self.periods(court, on)):
            return False
        if minute < 1440:
            return True
        later = self.periods(court, on + timedelta(days=1))
        return not later or minute - 1440 < min(start for start, _end in later)

    def periods(self, court: Bookable, on: date) -> list[tuple[int, int]]:
        for owner in (court.pk, None):
            for row in self.exceptions:
                if row.bookable_id == owner and row.on == on:
                    return given(row)
        for kind in self.types.of(on):
            for owner in (court.pk, None):
                for typed in self.typed:
                    if (
                        holds(typed, on)
                        and typed.bookable_id == owner
                        and typed.day_type == kind
                    ):
                        return given(typed)
        hours = [row for row in self.hours if holds(row, on)]
        own = [row for row in hours if row.bookable_id == court.pk]
        rows = own or [row for row in hours if row.bookable_id is None]
        return [
            (row.opens, row.closes) for row in rows if row.weekday == on.isoweekday()
        ]

    def worth(self, sport: str, on: date) -> int | None:
        for district in (self.venue.district_id, None):
            rows = [
                row
                for row in self.market
                if row.district_id == district
                and row.sport == sport
                and row.valid_from <= on
            ]
            if rows:
                return max(rows, key=lambda row: row.valid_from).fen_per_hour
        return None

    def rule(
        self, court: Bookable, on: date, minute: int, groups: set[str]
    ) -> tuple[int, PriceRule | None] | None:
        """(fen an hour, by which rule) of who belongs to these groups."""
        is_free = self.venue.is_low_fee and (on.month, on.day) == (8, 8)
        kinds = ["fitness_day"] if is_free else [*self.types.of(on), on.isoweekday()]
        best: dict[str, PriceRule] = {}
        for width in ("court", "sport", "venue"):
            for kind in kinds:
                for rule in self.rules:
                    wide = (
                        "court"
                        if rule.bookable_id
                        else "sport"
                        if rule.sport
                        else "venue"
                    )
                    if (
                        wide == width
                        and (rule.weekday or rule.day_type) == kind
                        and rule.bookable_id in (None, court.pk)
                        and rule.sport in ("", court.sport)
                        and rule.group in {"", *groups}
                        and rule.starts <= minute < rule.ends
                        and rule.valid_from <= on
                        and (rule.valid_until is None or on < rule.valid_until)
                        and rule.group not in best
                    ):
                        best[rule.group] = rule
        if is_free and "" not in best:
            return 0, None
        if not best:
            return None
        cheapest = min(
            best.values(), key=lambda one: (one.price_fen, one.group, one.pk)
        )
        return cheapest.price_fen, cheapest

    def priced(self, court: Bookable, on: date, minute: int) -> dict[str, int]:
        worth = self.worth(court.sport, on)
        if worth is not None:
            worth *= len(self.units[court.pk])
        facts: dict[str, int] = {}
        if asked := self.rule(court, on, minute, set()):
            fen, rule = asked
            over = worth is not None and fen > worth * 70 // 100
            excused = rule is not None and rule.pk in self.excused
            peak = rule is not None and rule.is_peak
            facts = {
                "priced": 1,
                "low": not over,
                "free": fen == 0,
                "peak": peak,
                "low_peak": peak and not over,
                "over": over and not excused,
                "over_excused": over and excused,
                "judged": worth is not None,
            }
        dear = set()
        for group in ENTITLED:
            if asked := self.rule(court, on, minute, {group}):
                fen, rule = asked
                if worth is not None and fen > worth * 50 // 100:
                    excused = rule is not None and rule.pk in self.excused
                    dear.add(
                        "entitled_excused" if excused else "entitled_over",
                    )
        return facts | dict.fromkeys(dear, 1)

    def ticket(self, court: Bookable, session: OpenSession, on: date) -> dict[str, int]:
        worth = self.worth(court.sport, on)
        minutes = (session.ends_at - session.starts_at).total_seconds() // 60
        full = session.price_fen * 60 // minutes
        reduced = session.concession_fen * 60 // minutes
        over = worth is not None and full > worth * 70 // 100
        return {
            "courts": 1,
            "priced": 1,
            "low": not over,
            "free": session.price_fen == 0,
            "over": over,
            "entitled_over": worth is not None and reduced > worth * 50 // 100,
            "judged": worth is not None,
        }


def some_venue(chance: Random) -> Venue:  # noqa: C901 - one table after another
    """A venue with rules drawn by a fixed seed."""
    venue = make.venue(
        opens=chance.choice([0, 420, 510]),
        closes=chance.choice([1200, 1337, 1440, 1560]),
        is_low_fee=chance.random() < 0.8,
        facilities=chance.choice([[], ["indoor"]]),
    )
    venue.prices.all().delete()
    halves = [make.bookable(venue=venue) for _ in range(2)]
    floor = [part for court in halves for part in court.units.all()]
    hall = make.bookable(venue=venue, units=floor, sport=Sport.BASKETBALL)
    closed = make.bookable(venue=venue, is_open=chance.random() < 0.5)
    courts = [*halves, hall, closed]
    if chance.random() < 0.5:
        WeeklyHours.objects.bulk_create(
            WeeklyHours(
                venue=venue, bookable=halves[0], weekday=day, opens=600, closes=1500
            )
            for day in (1, 3, 6)
        )
    for kind in chance.sample(["holiday", "weekend", "school_break"], 2):
        opens = chance.choice([None, 480, 600])
        DayTypeHours.objects.create(
            venue=venue,
            bookable=chance.choice([None, hall]),
            day_type=kind,
            opens=opens,
            closes=opens and chance.choice([900, 1320]),
        )
    first = FIRST
    for on in chance.sample(range(DAYS), 2):
        HoursException.objects.create(
            venue=venue,
            bookable=chance.choice([None, halves[1]]),
            on=first + timedelta(days=on),
            reason="Works",
            **chance.choice([{}, {"opens": 700, "closes": 811}]),
        )
    for group, fens in (("", (0, 30_00, 65_00, 90_00)), ("senior", (10_00, 70_00))):
        for starts, ends in ((0, 1000), (1000, 2160)):
            rows = make.price(
                venue=venue,
                fen=chance.choice(fens),
                group=group,
                starts=starts,
                ends=ends,
                is_peak=starts > 0,
                sport=chance.choice(["", Sport.BADMINTON]) if group else "",
                valid_until=chance.choice([None, first + timedelta(days=3)]),
            )
            if chance.random() < 0.3:
                PriceException.objects.create(
                    rule=chance.choice(rows),
                    breach="dear",
                    reason="Ice",
                    granted_by=make.user(),
                    granted_at=clock.now(),
                )
    make.price(venue=venue, fen=20_00, bookable=hall, starts=600, ends=900)
    PriceRule.objects.create(
        venue=venue,
        day_type="weekend",
        price_fen=80_00,
        starts=540,
        ends=1300,
        valid_from=first,
    )
    market(chance.choice([60_00, 100_00]), district=venue.district)
    for _ in range(2):
        start = clock.at(first + timedelta(days=chance.randrange(DAYS)), 0)
        start += timedelta(
            minutes=chance.randrange(1440), seconds=chance.choice([0, 7])
        )
        court = chance.choice(courts)
        Block.objects.create(
            venue=venue,
            unit_ids=[part.pk for part in court.units.all()],
            reason="Works",
            starts_at=start,
            ends_at=start + timedelta(minutes=chance.choice([45, 3000])),
            lifted_at=chance.choice([None, None, clock.now()]),
            set_by=make.user(),
            created_at=clock.now(),
        )
    for _ in range(2):
        start = clock.at(first + timedelta(days=chance.randrange(DAYS)), 0)
        start += timedelta(minutes=chance.randrange(300, 1400))
        OpenSession.objects.create(
            venue=venue,
            bookable=chance.choice(courts),
            name="Free play",
            starts_at=start,
            ends_at=start + timedelta(minutes=chance.choice([60, 90, 200])),
            capacity=20,
            price_fen=chance.choice([0, 50_00, 150_00]),
        )
    return venue


FIRST = date(2026, 8, 3)  # a Monday; the week ends after 8 August
DAYS = 6


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_equal_a_slow_recount(seed: int) -> None:
    market(80_00, sport=Sport.BADMINTON)
    market(70_00, sport=Sport.BADMINTON, valid_from=FIRST + timedelta(days=2))
    market(120_00, sport=Sport.BASKETBALL)
    venue = some_venue(Random(seed))  # noqa: S311 - the same each time
    slow = Recount(venue)

    found = week(venue, FIRST)

    for day in (FIRST, FIRST + timedelta(days=2), date(2026, 8, 8)):
        assert vars(found.days[day]) == slow.day(day), day


# --- Hours that changed ---------------------------------------------------------------


def change_hours(court: Bookable) -> None:
    """Shorter hours of the venue, own ones of a court, and other ones on holidays."""
    by = make.user()
    week = {day: [(600, 900)] for day in range(1, 8)}
    actions.set_weekly_hours(venue=court.venue, bookable=None, hours=week, by=by)
    evenings = {day: [(1080, 1260)] for day in (3, 5)}
    actions.set_weekly_hours(venue=court.venue, bookable=court, hours=evenings, by=by)
    actions.set_day_type_hours(
        venue=court.venue, bookable=None, hours={"weekend": (540, 1000)}, by=by
    )


def test_hours_that_change_in_mid_week_leave_the_days_before_as_they_were() -> None:
    venue = make.venue(opens=480, closes=1320)
    first, _second = make.bookable(venue=venue), make.bookable(venue=venue)
    before = week(venue)
    wednesday = MONDAY + timedelta(days=2)

    with time_machine.travel(clock.at(wednesday, 12 * 60), tick=False):
        change_hours(first)
        after = week(venue)
        last_week = week(venue, MONDAY - timedelta(days=7))

    slow = Recount(venue)
    for day, figures in after.days.items():
        assert vars(figures) == slow.day(day), day
        if day < wednesday:
            assert figures == before.days[day]
        else:
            assert figures.open < before.days[day].open
    assert last_week.total == before.total


def test_a_closure_that_is_lifted_early_was_one_until_then() -> None:
    venue = make.bookable(venue=make.venue(opens=480, closes=1320)).venue
    actions.close_units(
        venue=venue,
        units=list(venue.units.all()),
        starts_at=clock.at(MONDAY, 0),
        ends_at=clock.at(MONDAY + timedelta(days=4), 0),
        reason="Flood",
        by=make.user(),
    )
    thursday = MONDAY + timedelta(days=3)
    with time_machine.travel(clock.at(thursday - timedelta(days=1), 720), tick=False):
        actions.lift_block(block=Block.objects.get(), by=make.user())
        found = week(venue)
        slow = Recount(venue)

    assert [found.days[MONDAY + timedelta(days=n)].open for n in range(4)] == [
        0,
        0,
        10 * 60,
        14 * 60,
    ]
    for day, figures in found.days.items():
        assert vars(figures) == slow.day(day), day
    assert measure(found, Rule.NOTICE).light is Light.RED


def test_control_without_versions_last_week_would_be_another_one() -> None:
    venue = make.venue(opens=480, closes=1320)
    court = make.bookable(venue=venue)
    before = week(venue, MONDAY - timedelta(days=7))

    change_hours(court)
    WeeklyHours.objects.exclude(valid_until=None).delete()
    WeeklyHours.objects.update(valid_from=date(2000, 1, 1))

    assert week(venue, MONDAY - timedelta(days=7)).total != before.total


# --- Hours that were cut short --------------------------------------------------------


def cut(court: Bookable, on: date, hours: tuple[int, int] | None, **given: Any) -> None:
    actions.set_hours_exception(
        venue=court.venue,
        bookable=given.pop("bookable", None),
        on=on,
        hours=hours,
        reason="Works",
        by=make.user(),
        **given,
    )


def notice(venue: Venue, monday: date = MONDAY) -> tuple[Light, str]:
    told = measure(week(venue, monday), Rule.NOTICE)
    return told.light, told.figure


KEPT = (Light.GREEN, "no closure")
BROKEN = (Light.RED, "hours cut short on 1 day without notice")


@pytest.mark.parametrize(("ahead", "told"), [(6, BROKEN), (7, KEPT)])
def test_shorter_hours_are_announced_a_week_ahead(
    ahead: int, told: tuple[Light, str]
) -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1200))
    day = MONDAY + timedelta(days=2)

    with time_machine.travel(clock.at(day - timedelta(days=ahead), 23 * 60)):
        cut(court, day, (480, 720))

    assert notice(court.venue) == told
    if told == BROKEN:
        (reason,) = measure(week(court.venue), Rule.NOTICE).reasons
        assert reason == f"2026-11-25, {court}: 08:00–20:00 → 08:00–12:00"


def test_a_day_that_is_noted_as_shut_afterwards_was_not_announced() -> None:
    court = make.bookable()
    yesterday = clock.today() - timedelta(days=1)
    cut(court, yesterday, None)
    told = measure(week(court.venue, date(2026, 11, 16)), Rule.NOTICE)
    assert told.light is Light.RED
    assert told.reasons[0].endswith("→ closed")


def test_longer_hours_take_nothing_and_the_weather_needs_no_notice() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1200))
    cut(court, MONDAY, (420, 1320))
    cut(court, MONDAY + timedelta(days=1), (480, 720), is_weather=True)

    assert notice(court.venue) == KEPT


def test_what_is_given_back_was_not_taken() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1200))
    cut(court, MONDAY, (480, 720))
    assert notice(court.venue) == BROKEN

    actions.drop_hours_exception(exception=HoursException.objects.get(), by=make.user())

    assert notice(court.venue) == KEPT


def test_a_cut_that_was_announced_does_not_excuse_a_second_one() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1200))
    sunday = MONDAY + timedelta(days=6)
    cut(court, sunday, (480, 720))
    assert notice(court.venue) == KEPT

    with time_machine.travel(clock.at(sunday, 600)):
        cut(court, sunday, (480, 660))

    (reason,) = measure(week(court.venue), Rule.NOTICE).reasons
    assert reason.endswith(": 08:00–12:00 → 08:00–11:00")


def test_weekly_hours_that_shrink_next_week_count_each_day_of_it() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1200))
    actions.set_weekly_hours(
        venue=court.venue,
        bookable=None,
        hours={day: [(600, 900)] for day in range(1, 8)},
        from_on=MONDAY + timedelta(days=1),
        by=make.user(),
    )

    # Today is the Friday before: from the next Friday on it was announced in time.
    days = "hours cut short on 3 days without notice"
    assert notice(court.venue) == (Light.RED, days)


def test_a_closure_and_a_cut_are_told_together() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1200))
    actions.close_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=clock.at(MONDAY + timedelta(days=5), 0),
        ends_at=clock.at(MONDAY + timedelta(days=6), 0),
        reason="Repairs",
        by=make.user(),
    )
    cut(court, MONDAY, None)

    assert notice(court.venue) == (Light.RED, f"1 of 1 closures; {BROKEN[1]}")


def change_something(chance: Random, courts: list[Bookable]) -> None:
    """One change of the hours, of any kind."""
    venue, by = courts[0].venue, make.user()
    court = chance.choice([None, *courts])
    opens = chance.choice([420, 480, 600])
    hours = (opens, opens + chance.choice([120, 300, 600, 1200]))
    on = clock.today() + timedelta(days=chance.randrange(-1, 12))
    match chance.randrange(4):
        case 0:
            week = {day: [hours] for day in range(1, 8) if chance.random() < 0.8}
            from_on = max(on, clock.today())
            actions.set_weekly_hours(
                venue=venue, bookable=court, hours=week, from_on=from_on, by=by
            )
        case 1:
            actions.set_day_type_hours(
                venue=venue,
                bookable=court,
                hours={"weekend": chance.choice([None, hours])},
                by=by,
            )
        case 2:
            shut = on < clock.today() or chance.random() < 0.3
            actions.set_hours_exception(
                venue=venue,
                bookable=court,
                on=on,
                hours=None if shut else hours,
                reason="Works",
                is_weather=chance.random() < 0.2,
                by=by,
            )
        case _:
            known = HoursException.objects.filter(on__gte=clock.today()).order_by("pk")
            if row := known.first():
                actions.drop_hours_exception(exception=row, by=by)


def minutes_of(venue: Venue, on: date) -> dict[int, set[int]]:
    """What is open by the hours alone: the minutes of each court, from the tables."""
    slow = Recount(venue)
    return {
        court.pk: {n for since, to in slow.periods(court, on) for n in range(since, to)}
        for court in slow.courts
    }


def is_for_the_weather(court: Bookable, on: date) -> bool:
    rows = HoursException.objects.filter(venue=court.venue, on=on)
    row = rows.filter(bookable=court).first() or rows.filter(bookable=None).first()
    return row is not None and row.is_weather


@pytest.mark.parametrize("seed", range(6))
def test_days_cut_short_equal_a_diary_of_what_was_known_a_week_before(
    seed: int,
) -> None:
    """Each evening somebody writes down what is open on every day: slow, and sure."""
    chance = Random(seed)  # noqa: S311 - the same each time
    venue = make.venue(opens=480, closes=1200)
    courts = [make.bookable(venue=venue) for _ in range(2)]
    days = [MONDAY + timedelta(days=n) for n in range(7)]
    diary: dict[date, dict[date, dict[int, set[int]]]] = {}
    first = MONDAY - timedelta(days=10)
    for evening in (first + timedelta(days=n) for n in range(17)):
        with time_machine.travel(clock.at(evening, 20 * 60), tick=False):
            for _ in range(chance.choice([0, 0, 1, 2])):
                change_something(chance, courts)
            diary[evening] = {day: minutes_of(venue, day) for day in days}
            found = week(venue)
    is_now = diary[evening]

    expected = {
        (day, court.pk)
        for day in days
        for court in courts
        if diary[day - timedelta(days=7)][day][court.pk] - is_now[day][court.pk]
        and not is_for_the_weather(court, day)
    }

    book = OpenBook([venue], first=days[0], last=days[-1])
    assert {(one.on, one.court.pk) for one in book.cut_short(venue)} == expected
    assert (measure(found, Rule.NOTICE).light is Light.RED) == bool(expected)
