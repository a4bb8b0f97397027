from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.errors import DomainError
from tests import make
from venues import actions
from venues.actions import Pick
from venues.actions.bookings import MOST_HOLDS
from venues.errors.slots import (
    NothingPicked,
    PriceChanged,
    SlotInThePast,
    SlotNotOffered,
    SlotNotOpenYet,
    SlotsOverlap,
    SlotTaken,
    TooManyHolds,
    TooManySlots,
    VenueShut,
)
from venues.models import Bookable, Booking, HoursException, Occupancy, Venue

pytestmark = pytest.mark.django_db


def test_holds_the_court_until_the_time_to_pay_is_over(citizen: User) -> None:
    court = make.bookable()

    booking = make.held(court=court, by=citizen)

    taken = Occupancy.objects.get()
    assert booking.state == Booking.State.HELD
    assert taken.kind == Occupancy.Kind.HOLD
    assert taken.hold_until == booking.hold_until
    assert booking.hold_until == booking.created_at + timedelta(minutes=10)


def test_asks_for_the_price_that_was_quoted(citizen: User) -> None:
    booking = make.held(by=citizen)

    payment = make.payment_of(booking)
    assert payment.amount_fen == booking.total_fen == make.PRICE_FEN
    assert payment.expires_at == booking.hold_until


def test_keeps_a_snapshot_of_how_the_price_came_about() -> None:
    booking = make.held()
    line = booking.lines.get()

    assert line.price_fen == make.PRICE_FEN
    assert line.quote["fen_per_hour"] == make.PRICE_FEN
    assert line.quote["group"] == ""


def test_books_a_free_slot_at_once_with_a_pass() -> None:
    venue = make.venue()
    court = make.bookable(venue=venue)
    actions.set_prices(
        venue=venue,
        band=actions.Band(),
        price_fen=0,
        from_on=clock.today(),
        by=make.user(),
    )

    booking = make.held(court=court, quoted_fen=0)

    assert booking.state == Booking.State.CONFIRMED
    assert make.pass_of(booking).state == "valid"


def test_the_same_request_twice_is_one_booking(citizen: User) -> None:
    court = make.bookable()
    key = uuid4()

    def send() -> Booking:
        return actions.hold_slots(
            venue=court.venue,
            picks=[Pick(court.pk, make.tomorrow_at(18))],
            quoted_fen=make.PRICE_FEN,
            request_key=key,
            by=citizen,
        )

    assert send() == send()
    assert Booking.objects.count() == 1


def test_the_same_request_after_the_game_began_is_still_that_booking(
    citizen: User,
) -> None:
    court = make.bookable()
    given: dict[str, Any] = {
        "venue": court.venue,
        "picks": [Pick(court.pk, make.tomorrow_at(18))],
        "quoted_fen": make.PRICE_FEN,
        "request_key": uuid4(),
        "by": citizen,
    }
    booking = actions.hold_slots(**given)

    with time_machine.travel(booking.starts_at, tick=False):
        assert actions.hold_slots(**given) == booking


def test_refuses_a_court_that_somebody_holds() -> None:
    court = make.bookable()
    make.held(court=court)

    with pytest.raises(SlotTaken):
        make.held(court=court)


def test_gives_the_hour_after_to_somebody_else() -> None:
    court = make.bookable()
    make.held(court=court, starts_at=make.tomorrow_at(18))

    make.held(court=court, starts_at=make.tomorrow_at(19))

    assert Occupancy.objects.count() == 2


def test_takes_over_a_hold_that_ran_out() -> None:
    court = make.bookable()
    lapsed = make.held(court=court)

    with time_machine.travel(make.end_of_hold(lapsed), tick=False):
        fresh = make.held(court=court)

    lapsed.refresh_from_db()
    assert lapsed.state == Booking.State.EXPIRED
    line = Occupancy.objects.get().line
    assert line
    assert line.booking == fresh


def test_does_not_take_over_a_hold_in_its_last_second() -> None:
    court = make.bookable()
    held = make.held(court=court)

    with (
        time_machine.travel(make.end_of_hold(held) - timedelta(seconds=1), tick=False),
        pytest.raises(SlotTaken),
    ):
        make.held(court=court)


def test_the_whole_hall_waits_for_its_halves() -> None:
    venue = make.venue()
    halves = [make.unit(venue=venue), make.unit(venue=venue)]
    hall = make.bookable(venue=venue, units=halves)
    half = make.bookable(venue=venue, units=halves[:1])
    make.held(court=half)

    with pytest.raises(SlotTaken):
        make.held(court=hall)


def test_one_floor_serves_two_sports_but_not_at_once() -> None:
    venue = make.venue()
    floor = make.unit(venue=venue)
    badminton = make.bookable(venue=venue, units=[floor])
    volleyball = make.bookable(venue=venue, units=[floor], sport="volleyball")
    make.held(court=badminton)

    with pytest.raises(SlotTaken):
        make.held(court=volleyball)


def test_a_tampered_price_is_refused_and_nothing_is_kept() -> None:
    with pytest.raises(PriceChanged) as refusal:
        make.held(quoted_fen=1)

    assert "40" in str(refusal.value)
    assert not Booking.objects.exists()
    assert not Occupancy.objects.exists()


def test_one_person_cannot_hoard_holds(citizen: User) -> None:
    make.held(by=citizen)
    make.held(by=citizen)

    with pytest.raises(TooManyHolds):
        make.held(by=citizen)


@pytest.mark.parametrize(
    ("days", "minute", "refusal"),
    [
        (1, 18 * 60 + 30, SlotNotOffered),  # off the raster
        (1, 7 * 60, SlotNotOffered),  # before the doors open
        (1, 22 * 60, SlotNotOffered),  # the last slot ends at 22:00
        (-1, 18 * 60, SlotInThePast),
        (8, 18 * 60, SlotNotOpenYet),
    ],
)
def test_refuses_a_time_that_is_not_offered(
    days: int, minute: int, refusal: type[DomainError]
) -> None:
    court = make.bookable(venue=make.venue(opens=8 * 60, closes=22 * 60))
    start = clock.at(clock.today() + timedelta(days=days), minute)

    with pytest.raises(refusal):
        make.held(court=court, starts_at=start)


def test_refuses_nothing_and_too_much(citizen: User) -> None:
    court = make.bookable()
    hours = [Pick(court.pk, make.tomorrow_at(hour)) for hour in range(10, 15)]
    given: dict[str, Any] = {
        "venue": court.venue,
        "quoted_fen": 5 * make.PRICE_FEN,
        "request_key": uuid4(),
        "by": citizen,
    }

    with pytest.raises(NothingPicked):
        actions.hold_slots(picks=[], **given)
    with pytest.raises(TooManySlots):
        actions.hold_slots(picks=hours, **given)


def test_refuses_the_same_floor_twice_in_one_request(citizen: User) -> None:
    venue = make.venue()
    half, other = make.unit(venue=venue), make.unit(venue=venue)
    court = make.bookable(venue=venue, units=[half])
    hall = make.bookable(venue=venue, units=[half, other])

    with pytest.raises(SlotsOverlap):
        actions.hold_slots(
            venue=venue,
            picks=[make.pick(court, make.tomorrow_at(18))] * 2,
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            by=citizen,
        )
    with pytest.raises(SlotsOverlap):
        actions.hold_slots(
            venue=venue,
            picks=[make.pick(c, make.tomorrow_at(18)) for c in (court, hall)],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            by=citizen,
        )


def test_refuses_a_court_of_another_venue(citizen: User) -> None:
    elsewhere = make.bookable()
    here = make.venue()

    with pytest.raises(SlotNotOffered):
        actions.hold_slots(
            venue=here,
            picks=[make.pick(elsewhere, make.tomorrow_at(18))],
            quoted_fen=make.PRICE_FEN,
            request_key=uuid4(),
            by=citizen,
        )


def test_refuses_a_court_on_a_day_that_staff_closed() -> None:
    court = make.bookable()
    HoursException.objects.create(
        venue=court.venue, on=make.tomorrow_at(0).date(), reason="Floor is waxed"
    )

    with pytest.raises(SlotNotOffered):
        make.held(court=court)


@pytest.mark.parametrize(
    "shut", [{"closed_on": date(2020, 1, 1)}, {"kind": Venue.Kind.BUSINESS}]
)
def test_refuses_a_venue_that_takes_no_bookings(shut: dict[str, Any]) -> None:
    court = make.bookable(venue=make.venue(**shut))

    with pytest.raises(VenueShut):
        make.held(court=court)


# --- A crowd --------------------------------------------------------------------------


def locks_asked(*, court: Bookable, by: User) -> int:
    """How many statements that take locks a refused wish sends."""
    with CaptureQueriesContext(connection) as seen, pytest.raises(SlotTaken):
        make.held(court=court, by=by)
    return sum("EXECUTE advisory_locks" in query["sql"] for query in seen)


def test_after_a_refusal_the_next_ones_do_not_queue_up(citizen: User) -> None:
    court = make.bookable()
    make.held(court=court)
    assert locks_asked(court=court, by=citizen) == 1
    assert locks_asked(court=court, by=citizen) == 0


def test_a_crowd_does_not_keep_a_freed_slot_from_anybody(citizen: User) -> None:
    court = make.bookable()
    first = make.held(court=court)
    with pytest.raises(SlotTaken):
        make.held(court=court, by=citizen)
    actions.cancel_booking(booking=first, by=first.booked_by)
    assert make.held(court=court, by=citizen).state == Booking.State.HELD


def test_in_a_crowd_the_same_request_again_is_the_same_booking(citizen: User) -> None:
    court, key = make.bookable(), uuid4()

    def ask() -> Booking:
        return actions.hold_slots(
            venue=court.venue,
            picks=[make.pick(court, make.tomorrow_at(18))],
            quoted_fen=make.PRICE_FEN,
            request_key=key,
            by=citizen,
        )

    booking = ask()
    with pytest.raises(SlotTaken):
        make.held(court=court)
    assert ask() == booking


def test_in_a_crowd_what_binds_a_person_is_said_first(citizen: User) -> None:
    court = make.bookable()
    make.held(court=court)
    with pytest.raises(SlotTaken):
        make.held(court=court, by=citizen)
    with pytest.raises(PriceChanged):
        make.held(court=court, by=citizen, quoted_fen=1)
    for _ in range(MOST_HOLDS):
        make.held(by=citizen)
    with pytest.raises(TooManyHolds):
        make.held(court=court, by=citizen)
