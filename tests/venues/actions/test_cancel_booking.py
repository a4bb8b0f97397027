from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from bureau.payments.models import Payment, Refund
from tests import make
from venues import actions
from venues.errors.bookings import NotCancellable, TooLateToCancel
from venues.errors.gate import AlreadyAdmitted
from venues.models import Booking, Occupancy

pytestmark = pytest.mark.django_db


def test_in_time_everything_is_refunded_and_the_floor_is_free() -> None:
    booking = make.confirmed()

    actions.cancel_booking(booking=booking, by=booking.booked_by)

    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED
    assert Refund.objects.get().amount_fen == booking.total_fen
    assert not Occupancy.objects.exists()
    assert make.pass_of(booking).state == "revoked"


def test_the_last_moment_counts_and_the_one_after_does_not() -> None:
    booking = make.confirmed()
    last = booking.starts_at - timedelta(seconds=1)

    with (
        time_machine.travel(booking.starts_at, tick=False),
        pytest.raises(TooLateToCancel),
    ):
        actions.cancel_booking(booking=booking, by=booking.booked_by)
    with time_machine.travel(last, tick=False):
        actions.cancel_booking(booking=booking, by=booking.booked_by)

    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED


def test_a_hold_is_given_up_without_money_moving() -> None:
    held = make.held()

    actions.cancel_booking(booking=held, by=held.booked_by)

    assert make.payment_of(held).state == Payment.State.CLOSED
    assert not Refund.objects.exists()


def test_twice_is_once() -> None:
    booking = make.confirmed()
    actions.cancel_booking(booking=booking, by=booking.booked_by)

    with pytest.raises(NotCancellable):
        actions.cancel_booking(booking=booking, by=booking.booked_by)

    assert Refund.objects.count() == 1


def test_staff_call_off_at_any_time_with_a_reason() -> None:
    booking = make.confirmed()

    with time_machine.travel(booking.starts_at, tick=False):
        actions.call_off_booking(booking=booking, reason="Storm", by=make.user())

    booking.refresh_from_db()
    assert booking.cancel_reason == "Storm"
    assert Refund.objects.get().amount_fen == booking.total_fen


def test_who_went_in_gets_no_money_back() -> None:
    booking = make.confirmed()
    keeper = make.gatekeeper(booking.venue)

    with time_machine.travel(booking.starts_at, tick=False):
        actions.admit(entry_pass=make.pass_of(booking), venue=booking.venue, by=keeper)
        with pytest.raises(AlreadyAdmitted):
            actions.call_off_booking(booking=booking, reason="Storm", by=keeper)

    assert not Refund.objects.exists()
