from __future__ import annotations

import pytest
import time_machine

from bureau.notices.models import Notice
from bureau.payments.models import Refund
from tests import make
from venues import actions
from venues.models import Booking, EntryPass, Occupancy

pytestmark = pytest.mark.django_db


def test_money_in_time_makes_the_court_theirs_and_issues_a_pass() -> None:
    booking = make.pay(make.held())

    assert booking.state == Booking.State.CONFIRMED
    assert booking.hold_until is None
    assert Occupancy.objects.get().kind == Occupancy.Kind.BOOKING
    assert make.pass_of(booking).state == EntryPass.State.VALID


def test_the_person_is_told() -> None:
    booking = make.pay(make.held())

    notice = Notice.objects.get(recipient=booking.booked_by)
    assert notice.kind == "venues.booking_confirmed"


def test_late_money_takes_the_same_court_again_when_it_is_still_free() -> None:
    held = make.held()

    with time_machine.travel(make.end_of_hold(held), tick=False):
        actions.expire_holds(at=make.end_of_hold(held))
        booking = make.pay(held)

    assert booking.state == Booking.State.CONFIRMED
    assert Occupancy.objects.get().kind == Occupancy.Kind.BOOKING
    assert not Refund.objects.exists()


def test_late_money_before_the_sweep_takes_the_court_again_too() -> None:
    held = make.held()

    with time_machine.travel(make.end_of_hold(held), tick=False):
        booking = make.pay(held)

    assert booking.state == Booking.State.CONFIRMED
    assert Occupancy.objects.count() == 1


def test_late_money_goes_back_when_somebody_else_has_the_court() -> None:
    held = make.held()
    court = held.lines.get().bookable

    with time_machine.travel(make.end_of_hold(held), tick=False):
        winner = make.held(court=court)
        late = make.pay(held)

    assert late.state == Booking.State.EXPIRED
    assert Refund.objects.get().amount_fen == late.total_fen
    line = Occupancy.objects.get().line
    assert line
    assert line.booking == winner
    assert Notice.objects.filter(kind="venues.booking_lost").count() == 1


def test_money_for_a_cancelled_booking_goes_back() -> None:
    held = make.held()
    actions.cancel_booking(booking=held, by=held.booked_by)

    booking = make.pay(held)

    assert booking.state == Booking.State.CANCELLED
    assert Refund.objects.get().amount_fen == booking.total_fen
    assert not Occupancy.objects.exists()


def test_money_that_comes_after_the_game_began_goes_back() -> None:
    held = make.held()

    with time_machine.travel(held.starts_at, tick=False):
        booking = make.pay(held)

    assert booking.state == Booking.State.EXPIRED
    assert Refund.objects.get().amount_fen == booking.total_fen
