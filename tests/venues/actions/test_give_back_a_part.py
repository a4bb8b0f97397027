"""Cancelling within bands, giving back single slots, and what stays with the house."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from bureau.payments.models import Refund
from tests import make
from venues import actions
from venues.errors.bookings import BookingMovedOn, RefundChanged
from venues.models import Booking, BookingLine, Occupancy

pytestmark = pytest.mark.django_db
BANDS = ((1440, 100), (120, 50))


def two_slots() -> Booking:
    court = make.bookable(venue=make.venue(bands=BANDS))
    starts = make.tomorrow_at(18) + timedelta(days=2)
    booking = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, starts), make.pick(court, starts + timedelta(hours=1))],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=make.citizen(),
    )
    make.pay(booking)
    booking.refresh_from_db()
    return booking


@pytest.mark.parametrize(
    ("hours_before", "back"), [(24, 80_00), (23, 60_00), (2, 40_00), (1, 20_00)]
)
def test_each_slot_counts_by_its_own_notice(hours_before: int, back: int) -> None:
    """One hour before the start the second slot still is two hours away: 50 %."""
    booking = two_slots()
    with time_machine.travel(
        booking.starts_at - timedelta(hours=hours_before), tick=False
    ):
        actions.cancel_booking(
            booking=booking, by=booking.booked_by, expected_fen=_back(hours_before)
        )
    booking.refresh_from_db()
    assert Refund.objects.get().amount_fen == back
    assert booking.retained_fen == 80_00 - back


def _back(hours_before: int) -> int:
    first = 100 if hours_before >= 24 else 50 if hours_before >= 2 else 0
    second = 100 if hours_before + 1 >= 24 else 50 if hours_before + 1 >= 2 else 0
    return 40 * (first + second)


def test_one_slot_goes_back_and_the_other_stays() -> None:
    booking = two_slots()
    first, second = booking.lines.order_by("starts_at")

    actions.cancel_booking(
        booking=booking, by=booking.booked_by, line_ids=[first.pk], expected_fen=40_00
    )

    booking.refresh_from_db()
    first.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED
    assert (booking.starts_at, booking.total_fen) == (second.starts_at, 40_00)
    assert first.state == BookingLine.State.GIVEN_UP
    assert not Occupancy.objects.filter(line=first).exists()
    assert Occupancy.objects.filter(line=second).exists()
    assert make.pass_of(booking).state == "valid"


def test_a_slot_that_was_given_back_cannot_be_given_back_again() -> None:
    booking = two_slots()
    first = booking.lines.order_by("starts_at")[0]
    actions.cancel_booking(booking=booking, by=booking.booked_by, line_ids=[first.pk])
    with pytest.raises(BookingMovedOn):
        actions.cancel_booking(
            booking=booking, by=booking.booked_by, line_ids=[first.pk]
        )


def test_a_band_that_ended_between_page_and_tap_is_asked_again() -> None:
    booking = two_slots()
    late = booking.starts_at - timedelta(hours=3)
    with time_machine.travel(late, tick=False), pytest.raises(RefundChanged):
        actions.cancel_booking(
            booking=booking, by=booking.booked_by, expected_fen=80_00
        )
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_terms_that_change_later_do_not_touch_what_was_promised() -> None:
    booking = two_slots()
    booking.venue.cancel_bands.all().delete()
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    assert Refund.objects.get().amount_fen == 80_00


def test_staff_give_everything_back_whatever_the_terms() -> None:
    booking = two_slots()
    with time_machine.travel(booking.starts_at - timedelta(minutes=5), tick=False):
        actions.call_off_booking(booking=booking, reason="Rain", by=make.user())
    assert Refund.objects.get().amount_fen == 80_00
