"""Statistics, against slow recounts: minute by minute, fen by fen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from bureau.common import clock
from bureau.common.sports import Sport
from bureau.payments.models import Payment, Refund
from tests import make
from venues import actions
from venues.models import (
    Block,
    Bookable,
    Booking,
    BookingLine,
    Crossing,
    HoursException,
    OpenSession,
    PriceRule,
    Unit,
    Venue,
    WaitingEntry,
    WeeklyHours,
)
from venues.queries.statistics import (
    Money,
    Occupation,
    Scope,
    bookings_in,
    money_in,
    occupation_in,
)

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)
NIGHT = 36 * 60


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(clock.at(date(2026, 11, 20), 9 * 60), tick=False):
        yield


def scope(*venues: Venue, days: int = 7, sport: str = "") -> Scope:
    return Scope(venues, MONDAY, MONDAY + timedelta(days=days - 1), sport)


def moment(day: int, hour: float) -> datetime:
    """An hour of a day that counts from the Monday; 25 is 01:00 of the next."""
    return clock.at(MONDAY + timedelta(days=day), round(hour * 60))


def line(
    court: Bookable,
    starts_at: datetime,
    *,
    hours: float = 1,
    state: str = Booking.State.CONFIRMED,
    on: date | None = None,
    line_state: str = BookingLine.State.STANDING,
    **given: Any,
) -> BookingLine:
    """A booked hour, as it stands in the tables."""
    ends_at = starts_at + timedelta(hours=hours)
    booking = Booking.objects.create(
        venue=court.venue,
        booked_by=given.pop("by", None) or make.citizen(),
        state=state,
        starts_at=starts_at,
        ends_at=ends_at,
        total_fen=0,
        created_at=clock.now(),
        cancelled_at=clock.now() if state == "cancelled" else None,
        **given,
    )
    return BookingLine.objects.create(
        booking=booking,
        bookable=court,
        starts_at=starts_at,
        ends_at=ends_at,
        price_fen=0,
        state=line_state,
        quote={"on": (on or clock.local_day(starts_at)).isoformat(), "group": ""},
    )


def told(found: Occupation) -> dict[str, Any]:
    def counts(side: dict[Any, Any]) -> dict[Any, tuple[int, int, int]]:
        return {
            key: (use.offered, use.hired, use.shared)
            for key, use in side.items()
            if use.offered
        }

    return {
        "venues": counts(found.venues),
        "sports": counts(found.sports),
        "hours": counts(found.hours),
        "weekdays": counts(found.weekdays),
        "total": counts({"": found.total}),
    }


# --- Occupancy by name ----------------------------------------------------------------


def test_an_hour_of_two_is_half() -> None:
    court = make.bookable(venue=make.venue(opens=600, closes=720))
    line(court, moment(0, 10))

    use = occupation_in(scope(court.venue, days=1)).total

    assert (use.offered, use.hired, use.percent) == (120, 60, 50.0)


def test_a_whole_hall_is_two_halves_and_none_counts_twice() -> None:
    venue = make.venue(opens=600, closes=660)
    halves = [make.unit(venue=venue), make.unit(venue=venue)]
    make.bookable(units=halves[:1])
    make.bookable(units=halves[1:])
    whole = make.bookable(units=halves, sport=Sport.BASKETBALL)

    empty = occupation_in(scope(venue, days=1))
    line(whole, moment(0, 10))
    full = occupation_in(scope(venue, days=1))

    assert empty.total.offered == full.total.offered == 120
    assert full.total.hired == 120
    assert full.sports[Sport.BASKETBALL].percent == 100
    assert full.sports[Sport.BADMINTON].percent == 0


def test_a_night_belongs_to_the_day_before_it() -> None:
    venue = make.venue(opens=1320, closes=1560)  # 22:00 to 02:00
    PriceRule.objects.filter(venue=venue).update(ends=NIGHT)
    court = make.bookable(venue=venue)
    line(court, moment(0, 25), on=MONDAY)

    monday = occupation_in(scope(venue, days=1))
    tuesday = occupation_in(Scope((venue,), date(2026, 11, 24), date(2026, 11, 24)))

    assert (monday.total.offered, monday.total.hired) == (240, 60)
    assert monday.hours[1].hired == 60
    assert monday.weekdays[1].hired == 60
    assert tuesday.total.hired == 0


def test_a_block_takes_the_offer_away_and_a_lifted_one_only_until_then() -> None:
    court = make.bookable(venue=make.venue(opens=600, closes=840))
    block = Block.objects.create(
        venue=court.venue,
        unit_ids=[unit.pk for unit in court.units.all()],
        reason="Floor",
        starts_at=moment(0, 10),
        ends_at=moment(0, 14),
        set_by=make.user(),
        created_at=clock.now(),
    )
    assert occupation_in(scope(court.venue, days=1)).total.offered == 0

    Block.objects.filter(pk=block.pk).update(lifted_at=moment(0, 11))
    assert occupation_in(scope(court.venue, days=1)).total.offered == 180

    Block.objects.filter(pk=block.pk).update(lifted_at=moment(0, 9))
    assert occupation_in(scope(court.venue, days=1)).total.offered == 240


@pytest.mark.parametrize(
    ("given", "hired"),
    [
        ({"state": "confirmed"}, 60),
        ({"state": "no_show"}, 60),
        ({"state": "cancelled"}, 0),
        ({"state": "expired"}, 0),
        ({"line_state": "given_up"}, 0),
    ],
)
def test_what_stood_is_taken_and_what_was_given_back_is_not(
    given: dict[str, Any], hired: int
) -> None:
    court = make.bookable()
    line(court, moment(0, 10), **given)

    assert occupation_in(scope(court.venue, days=1)).total.hired == hired


def test_an_open_session_takes_the_floor_unless_it_is_called_off() -> None:
    court = make.bookable()
    session = make.session(
        bookable=court, starts_at=moment(0, 10), ends_at=moment(0, 12)
    )
    assert occupation_in(scope(court.venue, days=1)).total.shared == 120

    OpenSession.objects.filter(pk=session.pk).update(cancelled_at=clock.now())
    assert occupation_in(scope(court.venue, days=1)).total.shared == 0


# --- Occupancy, minute by minute ------------------------------------------------------


def a_world(dice: Random) -> list[Venue]:
    """Two small venues: half courts, nights, exceptions, blocks, sessions, bookings."""
    venues = []
    for _number in range(2):
        opens = dice.choice([480, 540, 1080])
        venue = make.venue(opens=opens, closes=dice.choice([1320, 1500, 1620]))
        PriceRule.objects.filter(venue=venue).update(
            ends=dice.choice([1320, 1440, NIGHT])
        )
        halves = [make.unit(venue=venue) for _half in range(2)]
        make.bookable(units=halves[:1], slot_minutes=dice.choice([45, 60]))
        make.bookable(
            units=halves[1:],
            slot_minutes=60,
            buffer_minutes=dice.choice([0, 15]),
            is_open=dice.random() < 0.8,
        )
        make.bookable(units=halves, sport=Sport.BASKETBALL, slot_minutes=120)
        WeeklyHours.objects.filter(venue=venue, weekday=dice.randint(1, 7)).delete()
        day = MONDAY + timedelta(days=dice.randrange(6))
        shut = dice.random() < 0.5
        HoursException.objects.create(
            venue=venue,
            on=day,
            opens=None if shut else 600,
            closes=None if shut else 1470,
            reason="Feast",
        )
        venues.append(venue)
        scatter(dice, venue)
    return venues


def scatter(dice: Random, venue: Venue) -> None:
    courts = list(venue.bookables.order_by("pk"))
    for _n in range(25):
        starts_at = moment(dice.randrange(-1, 8), dice.randrange(8, 26))
        day = clock.local_day(starts_at)
        line(
            dice.choice(courts),
            starts_at,
            hours=dice.choice([0.75, 1, 2]),
            state=dice.choice(["confirmed", "confirmed", "no_show", "cancelled"]),
            line_state=dice.choice(["standing", "standing", "given_up"]),
            on=day - timedelta(days=starts_at.astimezone(clock.CHINA).hour < 8),
        )
    for _n in range(3):
        starts_at = moment(dice.randrange(7), dice.randrange(8, 22))
        OpenSession.objects.create(
            venue=venue,
            bookable=dice.choice(courts),
            name="Free play",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=dice.choice([90, 120])),
            capacity=10,
            cancelled_at=dice.choice([None, None, clock.now()]),
        )
        begins = moment(dice.randrange(7), dice.randrange(6, 20))
        Block.objects.create(
            venue=venue,
            unit_ids=[unit.pk for unit in venue.units.all() if dice.random() < 0.6],
            reason="Works",
            starts_at=begins,
            ends_at=begins + timedelta(hours=dice.choice([1, 5, 30])),
            lifted_at=dice.choice([None, None, begins + timedelta(minutes=95)]),
            set_by=make.user(),
            created_at=clock.now(),
        )


def periods(court: Bookable, on: date) -> list[tuple[int, int]]:
    exception = HoursException.objects.filter(venue=court.venue, on=on).first()
    if exception:
        if exception.opens is None or exception.closes is None:
            return []
        return [(exception.opens, exception.closes)]
    hours = WeeklyHours.objects.filter(venue=court.venue, weekday=on.isoweekday())
    return [(row.opens, row.closes) for row in hours.order_by("opens")]


def offered_minutes(court: Bookable, on: date) -> set[int]:
    """Slot by slot, from the tables alone."""
    if not court.is_open:
        return set()
    tomorrow = periods(court, on + timedelta(days=1))
    until = 1440 + tomorrow[0][0] if tomorrow else NIGHT
    prices = PriceRule.objects.filter(venue=court.venue, weekday=on.isoweekday())
    priced = {m for rule in prices for m in range(rule.starts, rule.ends)}
    found: set[int] = set()
    for opens, closes in periods(court, on):
        start = opens
        last = min(closes, until) if closes > 1440 else closes
        while start + court.slot_minutes <= last:
            if start in priced:
                found.update(range(start, start + court.slot_minutes))
            start += court.slot_minutes + court.buffer_minutes
    return found


def recount(asked: Scope) -> dict[str, Any]:
    """Every unit, every minute of every business day, by asking each row."""
    sides: dict[str, Any] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for venue in asked.venues:
        courts = list(venue.bookables.prefetch_related("units"))
        if asked.sport:
            courts = [court for court in courts if court.sport == asked.sport]
        for on in asked.days:
            for unit in venue.units.all():
                mine = [court for court in courts if unit in court.units.all()]
                recount_unit(unit, mine, on, sides)
    return {
        side: {key: tuple(counts) for key, counts in rows.items() if counts[0]}
        for side, rows in sides.items()
    }


def recount_unit(unit: Unit, courts: list[Bookable], on: date, sides: Any) -> None:
    for sport in {court.sport for court in courts}:
        played = [court for court in courts if court.sport == sport]
        for _minute, marks in walk(unit, played, on):
            add(sides["sports"][sport], marks)
    for minute, marks in walk(unit, courts, on):
        add(sides["venues"][unit.venue_id], marks)
        add(sides["hours"][minute // 60 % 24], marks)
        add(sides["weekdays"][on.isoweekday()], marks)
        add(sides["total"][""], marks)


def add(counts: list[int], marks: tuple[bool, bool, bool]) -> None:
    for place, mark in enumerate(marks):
        counts[place] += mark


def walk(
    unit: Unit, courts: list[Bookable], on: date
) -> Iterator[tuple[int, tuple[bool, bool, bool]]]:
    """(minute, (offered, hired, shared)) of each minute that is offered."""
    slots = set().union(*(offered_minutes(court, on) for court in courts))
    lines = [
        (row.starts_at, row.ends_at)
        for row in BookingLine.objects.filter(
            bookable__in=courts,
            state="standing",
            booking__state__in=["confirmed", "no_show"],
        )
        if row.quote["on"] == on.isoformat()
    ]
    sessions = [
        (row.starts_at, row.ends_at)
        for row in OpenSession.objects.filter(bookable__in=courts, cancelled_at=None)
        if clock.local_day(row.starts_at) == on
    ]
    blocks = [
        (block.starts_at, min(block.ends_at, block.lifted_at or block.ends_at))
        for block in Block.objects.filter(venue=unit.venue)
        if unit.pk in block.unit_ids
    ]
    seconds = [
        [(start.timestamp(), end.timestamp()) for start, end in rows]
        for rows in (lines, sessions, blocks)
    ]
    midnight = clock.at(on, 0).timestamp()
    for minute in range(NIGHT):
        at = midnight + 60 * minute
        hired, shared, blocked = (
            any(start <= at < end for start, end in rows) for rows in seconds
        )
        offered = (minute in slots and not blocked) or hired or shared
        if offered:
            yield minute, (True, hired, shared and not hired)


@pytest.mark.parametrize("seed", range(4))
def test_occupancy_is_what_a_walk_through_all_minutes_finds(seed: int) -> None:
    venues = a_world(Random(seed))  # noqa: S311 - a world, no lottery

    for sport in ("", Sport.BADMINTON.value):
        asked = scope(*venues, sport=sport)
        assert told(occupation_in(asked)) == recount(asked)


# --- Money ----------------------------------------------------------------------------


def kept(side: dict[Any, Any]) -> int:
    return sum(taking.kept for taking in side.values())


def all_sides(money: Money) -> list[dict[Any, Any]]:
    return [money.venues, money.methods, money.channels, money.sports, money.months]


def test_revenue_agrees_with_the_ledger_to_the_fen() -> None:
    venue = make.venue(bands=((120, 33),))
    courts = [make.bookable(venue=venue), make.bookable()]
    football = make.bookable(venue=venue, sport=Sport.FOOTBALL)
    for day in range(3, 6):
        make.confirmed(court=courts[0], starts_at=moment(day - 3, 18))
    given_back = make.confirmed(court=courts[0], starts_at=moment(3, 18))
    actions.cancel_booking(booking=given_back, by=given_back.booked_by)
    make.confirmed(court=courts[1], starts_at=moment(0, 10))
    both = actions.hold_slots(
        venue=venue,
        picks=[make.pick(football, moment(1, 9)), make.pick(courts[0], moment(1, 9))],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=make.citizen(),
    )
    make.pay(both)
    make.held(court=courts[0], starts_at=moment(4, 9))  # owes, and has paid nothing
    session = make.session(bookable=football, starts_at=moment(2, 9))
    make.pay(make.tickets(session, places=3))
    today = clock.today()

    money = money_in(Scope((venue, courts[1].venue), today, today))

    paid = Payment.objects.filter(state="paid").aggregate(Sum("amount_fen"))
    back = Refund.objects.aggregate(Sum("amount_fen"))
    assert money.total.paid == paid["amount_fen__sum"] == 7 * 4000 + 6000
    assert money.total.refunded == back["amount_fen__sum"] == 1320
    for side in all_sides(money):
        assert kept(side) == money.total.kept
    assert money.sports[""].kept == 8000
    assert money.sports[Sport.FOOTBALL].kept == 6000
    assert money.methods.keys() == {"sandbox"}
    assert money_in(Scope((venue,), today, today, Sport.FOOTBALL)).total.kept == 6000


def test_a_refund_counts_in_its_own_month() -> None:
    court = make.bookable(venue=make.venue(days_ahead=30))
    booking = make.confirmed(court=court, starts_at=moment(9, 18))
    with time_machine.travel(clock.at(date(2026, 12, 1), 9 * 60), tick=False):
        actions.call_off_booking(booking=booking, reason="Rain", by=make.user())

    money = money_in(Scope((court.venue,), date(2026, 11, 1), date(2026, 12, 31)))

    assert [(month, one.kept) for month, one in sorted(money.months.items())] == [
        ("2026-11", 4000),
        ("2026-12", -4000),
    ]
    assert money.total.kept == 0


# --- Bookings, waiting, visits --------------------------------------------------------


def test_bookings_are_counted_by_channel_and_by_what_became_of_them() -> None:
    venue = make.venue(no_show_minutes=15)
    court = make.bookable(venue=venue)
    came = make.confirmed(court=court, starts_at=moment(0, 10))
    gone = make.confirmed(court=court, starts_at=moment(0, 11))
    actions.cancel_booking(booking=gone, by=gone.booked_by)
    unpaid = make.held(court=court, starts_at=moment(0, 12))
    actions.cancel_booking(booking=unpaid, by=unpaid.booked_by)
    away = make.confirmed(court=court, starts_at=moment(0, 13))
    Booking.objects.filter(pk=away.pk).update(state="no_show")
    Booking.objects.filter(pk=came.pk).update(channel="desk")
    elder = line(court, moment(0, 15))
    elder.quote["group"] = "senior"
    elder.save()

    found = bookings_in(scope(venue), at=moment(1, 0))

    assert found.channels == {"online": 2, "desk": 1}
    assert found.groups == {"": 2, "senior": 1}
    assert (found.cancelled.some, found.cancelled.of) == (1, 4)
    assert (found.no_shows.some, found.no_shows.of) == (1, 3)
    assert bookings_in(scope(venue), at=moment(0, 12)).no_shows.of == 1


def test_the_waiting_list_is_filled_as_often_as_somebody_took_the_offer() -> None:
    court = make.bookable()
    booking = make.confirmed(court=court, starts_at=moment(0, 10))
    for state, offer in (
        ("taken", booking),
        ("missed", None),
        ("over", None),
        ("waiting", None),
    ):
        WaitingEntry.objects.create(
            person=make.citizen(),
            venue=court.venue,
            sport=court.sport,
            starts_at=moment(0, 10),
            ends_at=moment(0, 11),
            state=state,
            joined_at=clock.now(),
            offered_at=clock.now() if state in ("taken", "missed") else None,
            booking=offer,
        )

    found = bookings_in(scope(court.venue), at=moment(2, 0))

    assert (found.filled.some, found.filled.of, found.offered) == (1, 4, 2)
    assert bookings_in(scope(court.venue), at=moment(0, 9)).filled.of == 0


def test_visits_are_those_that_came_in() -> None:
    venue = make.venue()
    rows = [
        ("in", 3, "senior", moment(0, 9.5)),
        ("out", 3, "senior", moment(0, 11)),
        ("in", 2, "", moment(0, 23.9)),
        ("in", 1, "", moment(1, 0.1)),
        ("in", 5, "", moment(7, 0)),  # the day after
    ]
    for direction, persons, group, at in rows:
        Crossing.objects.create(
            venue=venue,
            direction=direction,
            persons=persons,
            group=group,
            crossed_at=at,
        )

    found = bookings_in(scope(venue), at=clock.now())

    assert found.visits == {MONDAY: 5, MONDAY + timedelta(days=1): 1}
    assert found.visits_by_hour == {9: 3, 23: 2, 0: 1}
    assert Counter(found.visits_by_group) == {"senior": 3, "": 3}


# --- Speed ----------------------------------------------------------------------------


def questions(asked: Scope) -> int:
    with CaptureQueriesContext(connection) as counted:
        occupation_in(asked)
        money_in(asked)
        bookings_in(asked, at=clock.now())
    return len(counted)


def test_many_venues_and_a_year_ask_as_often_as_one_for_a_day() -> None:
    venues = [make.bookable().venue for _number in range(4)]
    for venue in venues:
        line(venue.bookables.get(), moment(0, 10))

    questions(scope(venues[0], days=1))  # rules that are kept in memory are read once

    one = questions(scope(venues[0], days=1))

    assert questions(scope(*venues, days=1)) == one
    assert questions(scope(*venues, days=366)) == one <= 20
