"""Paid rescheduling: the difference is paid, or comes back, and never twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from bureau.audit.models import Entry
from bureau.payments.models import Payment, Refund
from tests import make
from venues import actions
from venues.errors.bookings import ChangeUnderWay, NothingToChange, RefundChanged
from venues.errors.slots import PriceChanged, SlotTaken, TooManySlots
from venues.models import (
    Bookable,
    Booking,
    BookingChange,
    BookingLine,
    Occupancy,
    WaitingEntry,
)

pytestmark = pytest.mark.django_db


def change(
    booking: Booking, court: Bookable, starts_at: datetime, fen: int, **given: Any
) -> BookingChange:
    given.setdefault("request_key", uuid4())
    given.setdefault(
        "line_ids",
        list(
            BookingLine.objects.standing()
            .filter(booking=booking)
            .values_list("pk", flat=True)
        ),
    )
    return actions.change_booking(
        booking=booking,
        picks=[make.pick(court, starts_at)],
        quoted_fen=fen,
        by=booking.booked_by,
        **given,
    )


def kept(booking: Booking) -> int:
    paid = Payment.objects.for_owner(booking).filter(state="paid")
    return sum(p.amount_fen - p.refunded_fen for p in paid)


@pytest.fixture
def booking() -> Booking:
    court = make.bookable()
    # Twice the price from 20:00 on, half of it in the morning.
    for starts, ends, fen in ((1200, 1440, 80_00), (0, 600, 20_00)):
        make.price(venue=court.venue, bookable=court, fen=fen, starts=starts, ends=ends)
    made = make.confirmed(court=court)
    assert made.total_fen == make.PRICE_FEN
    return made


def court_of(booking: Booking) -> Bookable:
    return booking.lines.order_by("pk")[0].bookable


def test_a_time_at_the_same_price_is_exchanged_at_once(booking: Booking) -> None:
    done = change(booking, court_of(booking), make.tomorrow_at(15), 40_00)

    booking.refresh_from_db()
    assert done.state == BookingChange.State.DONE
    assert booking.starts_at == make.tomorrow_at(15)
    assert Occupancy.objects.get().during.lower == make.tomorrow_at(15)
    assert (kept(booking), booking.total_fen) == (40_00, 40_00)
    assert not Refund.objects.exists()


def test_a_cheaper_time_gives_the_difference_back(booking: Booking) -> None:
    change(booking, court_of(booking), make.tomorrow_at(9), 20_00)

    booking.refresh_from_db()
    assert Refund.objects.get().amount_fen == 20_00
    assert (kept(booking), booking.total_fen, booking.retained_fen) == (20_00, 20_00, 0)


def test_a_dearer_time_is_held_until_the_difference_is_paid(booking: Booking) -> None:
    asked = change(booking, court_of(booking), make.tomorrow_at(20), 80_00)

    booking.refresh_from_db()
    assert (asked.state, asked.pay_fen) == (BookingChange.State.HELD, 40_00)
    assert booking.starts_at == make.tomorrow_at(18)
    assert Occupancy.objects.count() == 2

    make.settle(asked.payment)

    booking.refresh_from_db()
    assert booking.starts_at == make.tomorrow_at(20)
    assert Occupancy.objects.get().kind == Occupancy.Kind.BOOKING
    assert (kept(booking), booking.total_fen) == (80_00, 80_00)


def test_a_change_that_is_not_paid_leaves_everything_as_it_was(
    booking: Booking,
) -> None:
    asked = change(booking, court_of(booking), make.tomorrow_at(20), 80_00)
    assert asked.hold_until
    with time_machine.travel(asked.hold_until + timedelta(seconds=1), tick=False):
        actions.expire_changes(at=asked.hold_until + timedelta(seconds=1))

    booking.refresh_from_db()
    assert booking.starts_at == make.tomorrow_at(18)
    assert Occupancy.objects.count() == 1
    assert kept(booking) == 40_00


def test_late_money_for_a_change_goes_back_when_the_time_is_gone(
    booking: Booking,
) -> None:
    court = court_of(booking)
    asked = change(booking, court, make.tomorrow_at(20), 80_00)
    assert asked.hold_until
    with time_machine.travel(asked.hold_until + timedelta(seconds=1), tick=False):
        make.held(court=court, starts_at=make.tomorrow_at(20), quoted_fen=80_00)
        make.settle(asked.payment)

    booking.refresh_from_db()
    assert booking.starts_at == make.tomorrow_at(18)
    assert Refund.objects.get().amount_fen == 40_00
    assert kept(booking) == 40_00


def test_late_money_for_a_change_takes_the_time_when_it_is_still_free(
    booking: Booking,
) -> None:
    asked = change(booking, court_of(booking), make.tomorrow_at(20), 80_00)
    assert asked.hold_until
    with time_machine.travel(asked.hold_until + timedelta(seconds=1), tick=False):
        make.settle(asked.payment)

    booking.refresh_from_db()
    assert booking.starts_at == make.tomorrow_at(20)
    assert kept(booking) == booking.total_fen == 80_00


def test_a_half_hall_grows_into_the_whole_at_the_same_time() -> None:
    venue = make.venue()
    left, right = make.unit(venue=venue), make.unit(venue=venue)
    half, whole = make.bookable(units=[left]), make.bookable(units=[left, right])
    make.price(venue=venue, bookable=whole, fen=70_00)
    booking = make.confirmed(court=half)

    asked = change(booking, whole, booking.starts_at, 70_00)
    assert asked.pay_fen == 30_00
    assert Occupancy.objects.filter(kind="hold").get().unit == right
    make.settle(asked.payment)

    booking.refresh_from_db()
    assert booking.total_fen == kept(booking) == 70_00
    assert Occupancy.objects.filter(kind="booking").count() == 2


def test_a_taken_time_and_a_wrong_price_are_refused(booking: Booking) -> None:
    court = court_of(booking)
    make.held(court=court, starts_at=make.tomorrow_at(15))
    with pytest.raises(SlotTaken):
        change(booking, court, make.tomorrow_at(15), 40_00)
    with pytest.raises(PriceChanged):
        change(booking, court, make.tomorrow_at(16), 1)
    assert not BookingChange.objects.exists()


def test_one_change_at_a_time_and_the_same_request_is_one_change(
    booking: Booking,
) -> None:
    court, key = court_of(booking), uuid4()
    asked = change(booking, court, make.tomorrow_at(20), 80_00, request_key=key)
    again = change(booking, court, make.tomorrow_at(20), 80_00, request_key=key)
    assert asked == again
    with pytest.raises(ChangeUnderWay):
        change(booking, court, make.tomorrow_at(21), 80_00)


def test_cancelling_drops_a_change_that_waits_for_its_payment(booking: Booking) -> None:
    asked = change(booking, court_of(booking), make.tomorrow_at(20), 80_00)
    actions.cancel_booking(booking=booking, by=booking.booked_by)

    asked.refresh_from_db()
    assert asked.state == BookingChange.State.DROPPED
    assert not Occupancy.objects.exists()
    make.settle(asked.payment)
    assert kept(booking) == 0


def test_a_change_within_the_half_band_credits_half() -> None:
    court = make.bookable(venue=make.venue(bands=((1440, 100), (0, 50))))
    booking = make.confirmed(court=court)
    with time_machine.travel(booking.starts_at - timedelta(hours=4), tick=False):
        asked = change(booking, court, booking.starts_at + timedelta(hours=2), 40_00)
        assert asked.pay_fen == 20_00
        make.settle(asked.payment)
    booking.refresh_from_db()
    assert (booking.total_fen, booking.retained_fen, kept(booking)) == (
        40_00,
        20_00,
        60_00,
    )


def test_every_step_of_a_change_is_in_the_audit(booking: Booking) -> None:
    change(booking, court_of(booking), make.tomorrow_at(15), 40_00)
    names = set(Entry.objects.values_list("event", flat=True))
    assert {"venues.booking.change_asked", "venues.booking.changed"} <= names


def two_slots(court: Bookable) -> Booking:
    """One court from 18:00 to 20:00, booked and paid."""
    person = make.citizen()
    booking = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (18, 19)],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=person,
    )
    return make.pay(booking)


def change_to(booking: Booking, court: Bookable, hours: list[int], fen: int) -> Any:
    return actions.change_booking(
        booking=booking,
        line_ids=[line.pk for line in booking.lines.filter(state="standing")],
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in hours],
        quoted_fen=fen,
        request_key=uuid4(),
        by=booking.booked_by,
    )


def hours_of(booking: Booking) -> list[datetime]:
    standing = BookingLine.objects.standing().filter(booking=booking)
    return list(standing.order_by("starts_at").values_list("starts_at", flat=True))


def test_a_slot_that_is_picked_again_stays_as_it_is_at_its_old_price() -> None:
    court = make.bookable()
    booking = two_slots(court)
    make.price(venue=court.venue, bookable=court, fen=60_00)

    asked = change_to(booking, court, [19, 20], 60_00)

    assert asked.pay_fen == 20_00
    make.settle(asked.payment)
    booking.refresh_from_db()
    assert hours_of(booking) == [make.tomorrow_at(19), make.tomorrow_at(20)]
    assert booking.total_fen == kept(booking) == 100_00


def test_picking_what_one_has_already_is_no_change() -> None:
    court = make.bookable()
    booking = two_slots(court)
    with pytest.raises(NothingToChange):
        change_to(booking, court, [18, 19], 80_00)


def test_a_new_slot_cannot_lie_on_one_that_stays() -> None:
    court = make.bookable()
    booking = two_slots(court)
    early, late = booking.lines.order_by("starts_at")
    with pytest.raises(SlotTaken):
        change(booking, court, late.starts_at, 40_00, line_ids=[early.pk])
    assert not BookingChange.objects.exists()


def test_a_booking_does_not_grow_beyond_what_the_venue_allows() -> None:
    court = make.bookable(venue=make.venue(max_slots=2))
    booking = two_slots(court)
    with pytest.raises(TooManySlots):
        actions.change_booking(
            booking=booking,
            line_ids=[booking.lines.order_by("pk")[0].pk],
            picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (20, 21)],
            quoted_fen=80_00,
            request_key=uuid4(),
            by=booking.booked_by,
        )


def test_when_a_band_ended_meanwhile_the_person_is_asked_again(
    booking: Booking,
) -> None:
    late = booking.starts_at - timedelta(minutes=30)
    with (
        time_machine.travel(late, tick=False),
        pytest.raises(RefundChanged, match=r"^0 yuan"),
    ):
        change(
            booking, court_of(booking), make.tomorrow_at(19), 40_00, expected_fen=40_00
        )


def wait_for(court: Bookable, starts_at: datetime) -> WaitingEntry:
    return actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=starts_at,
        bookable=court,
        by=make.citizen(),
    )


def test_the_time_of_a_change_that_ran_out_goes_to_who_waits(booking: Booking) -> None:
    court = court_of(booking)
    asked = change(booking, court, make.tomorrow_at(20), 80_00)
    assert asked.hold_until
    entry = wait_for(court, make.tomorrow_at(20))

    actions.expire_changes(at=asked.hold_until)

    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.OFFERED


def test_the_time_of_a_dropped_change_goes_to_who_waits(booking: Booking) -> None:
    court = court_of(booking)
    asked = change(booking, court, make.tomorrow_at(20), 80_00)
    entry = wait_for(court, make.tomorrow_at(20))

    actions.drop_change(change=asked, by=booking.booked_by)

    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.OFFERED
    booking.refresh_from_db()
    assert booking.starts_at == make.tomorrow_at(18)


def test_cancelling_hands_on_the_old_time_and_the_new_one(booking: Booking) -> None:
    court = court_of(booking)
    change(booking, court, make.tomorrow_at(20), 80_00)
    lines = [wait_for(court, make.tomorrow_at(hour)) for hour in (18, 20)]

    actions.cancel_booking(booking=booking, by=booking.booked_by)

    for entry in lines:
        entry.refresh_from_db()
        assert entry.state == WaitingEntry.State.OFFERED
