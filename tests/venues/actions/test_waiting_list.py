"""A freed time is held for the first in line, one at a time, and never sold twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common.sports import Sport
from tests import make
from venues import actions
from venues.errors import AlreadyInLine, NotInLine, SlotNotTaken, SlotTaken
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
    assert entry.booking
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
