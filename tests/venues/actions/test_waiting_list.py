"""A freed time is held for the first in line, one at a time, and never sold twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.sports import Sport
from tests import make
from venues import actions, queries
from venues.errors.slots import SlotTaken
from venues.errors.waiting import AlreadyInLine, NotInLine, SlotNotTaken, TooManyLines
from venues.models import Bookable, Booking, Occupancy, WaitingEntry

pytestmark = pytest.mark.django_db


def wait(
    court: Bookable, starts_at: datetime, by: User | None = None, **given: Any
) -> WaitingEntry:
    given.setdefault("bookable", court)
    return actions.join_waiting_list(
        venue=court.venue,
        sport=Sport(court.sport),
        starts_at=starts_at,
        by=by or make.citizen(),
        **given,
    )


@pytest.fixture
def booking() -> Booking:
    return make.confirmed()


def court_of(booking: Booking) -> Bookable:
    return booking.lines.order_by("pk")[0].bookable


def test_who_was_first_gets_the_offer_when_the_time_is_freed(booking: Booking) -> None:
    court = court_of(booking)
    first = wait(court, booking.starts_at)
    second = wait(court, booking.starts_at)

    actions.cancel_booking(booking=booking, by=booking.booked_by)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("offered", "waiting")
    assert first.booking
    assert first.booking.booked_by == first.person
    assert first.booking.state == Booking.State.HELD
    assert first.booking.channel == Booking.Channel.OFFER


def test_a_passer_by_cannot_take_what_is_offered(booking: Booking) -> None:
    court = court_of(booking)
    wait(court, booking.starts_at)
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    with pytest.raises(SlotTaken):
        make.held(court=court, starts_at=booking.starts_at)


def test_an_offer_that_runs_out_goes_to_the_next_and_to_no_passer_by(
    booking: Booking,
) -> None:
    court = court_of(booking)
    first, second = (wait(court, booking.starts_at) for _ in range(2))
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    first.refresh_from_db()
    assert first.booking
    lapsed = make.end_of_hold(first.booking) + timedelta(seconds=1)

    with time_machine.travel(lapsed, tick=False):
        with pytest.raises(SlotTaken):
            make.held(court=court, starts_at=booking.starts_at)
        actions.expire_holds(at=lapsed)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("missed", "offered")
    assert Occupancy.objects.count() == 1


def test_a_paid_offer_is_taken(booking: Booking) -> None:
    entry = wait(court_of(booking), booking.starts_at)
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    entry.refresh_from_db()
    assert entry.booking
    make.pay(entry.booking)
    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.TAKEN
    assert entry.booking.state == Booking.State.CONFIRMED


def test_declining_an_offer_makes_it_the_next_ones_turn(booking: Booking) -> None:
    court = court_of(booking)
    first, second = (wait(court, booking.starts_at) for _ in range(2))
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    first.refresh_from_db()
    assert first.booking
    actions.cancel_booking(booking=first.booking, by=first.person)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("left", "offered")


def test_any_court_of_the_sport_will_do() -> None:
    venue = make.venue()
    one, two = make.bookable(venue=venue), make.bookable(venue=venue)
    at = make.tomorrow_at(19)
    make.confirmed(court=one, starts_at=at)
    other = make.confirmed(court=two, starts_at=at)
    entry = wait(one, at, bookable=None)

    actions.cancel_booking(booking=other, by=other.booked_by)

    entry.refresh_from_db()
    assert entry.booking
    assert entry.booking.lines.get().bookable == two


def test_a_free_time_has_no_line_and_one_stands_in_it_once(booking: Booking) -> None:
    court, person = court_of(booking), make.citizen()
    with pytest.raises(SlotNotTaken):
        wait(court, booking.starts_at + timedelta(hours=1))
    entry = wait(court, booking.starts_at, by=person)
    with pytest.raises(AlreadyInLine):
        wait(court, booking.starts_at, by=person)
    actions.leave_waiting_list(entry=entry, by=person)
    with pytest.raises(NotInLine):
        actions.leave_waiting_list(entry=entry, by=person)
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    assert not Occupancy.objects.exists()


def test_lines_close_when_their_time_has_come(booking: Booking) -> None:
    entry = wait(court_of(booking), booking.starts_at)
    actions.close_lines(at=booking.starts_at)
    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.OVER


def test_a_lifted_block_is_offered_to_who_waits() -> None:
    court = make.bookable()
    at = make.tomorrow_at(19)
    staff = make.user()
    block = actions.block_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=at,
        ends_at=at + timedelta(hours=1),
        reason="Floor is wet",
        by=staff,
    )
    entry = wait(court, at)

    actions.lift_block(block=block, by=staff)

    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.OFFERED


def test_the_sweep_offers_what_became_free_in_pieces() -> None:
    venue = make.venue()
    parts = [make.unit(venue=venue) for _ in range(2)]
    halves = [make.bookable(units=[part]) for part in parts]
    whole = make.bookable(units=parts)
    at = make.tomorrow_at(19)
    bookings = [make.confirmed(court=half, starts_at=at) for half in halves]
    entry = wait(whole, at)

    for booking in bookings:
        actions.cancel_booking(booking=booking, by=booking.booked_by)
        entry.refresh_from_db()
        assert entry.state == WaitingEntry.State.WAITING  # halves came one by one

    assert actions.offer_to_lines(at=clock.now()) == 1
    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.OFFERED
    assert actions.offer_to_lines(at=clock.now()) == 0


def test_an_offer_is_at_the_price_of_who_would_play(citizen: User) -> None:
    court = make.bookable()
    make.price(venue=court.venue, fen=10_00, group="minor")
    child = make.dependant(citizen)
    booking = make.confirmed(court=court)
    entry = wait(court, booking.starts_at, by=citizen, dependant=child)

    actions.cancel_booking(booking=booking, by=booking.booked_by)

    entry.refresh_from_db()
    assert entry.booking
    assert (entry.booking.total_fen, entry.booking.dependant) == (10_00, child)


def test_nobody_stands_in_more_than_ten_lines(citizen: User) -> None:
    court = make.bookable()
    for hour in range(10, 22):
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    for hour in range(10, 20):
        wait(court, make.tomorrow_at(hour), by=citizen)
    with pytest.raises(TooManyLines):
        wait(court, make.tomorrow_at(20), by=citizen)


def test_people_ahead_counts_those_whom_the_same_court_would_serve() -> None:
    venue = make.venue()
    one, two = make.bookable(venue=venue), make.bookable(venue=venue)
    at = make.tomorrow_at(19)
    for court in (one, two):
        make.confirmed(court=court, starts_at=at)
    on_one, on_two = wait(one, at), wait(two, at)
    on_any = wait(one, at, bookable=None)
    on_one_again = wait(one, at)

    entries = [on_one, on_two, on_any, on_one_again]
    ahead = queries.people_ahead(entries)

    assert [ahead[entry.pk] for entry in entries] == [0, 0, 2, 2]
