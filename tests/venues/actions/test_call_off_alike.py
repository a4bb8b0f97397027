"""A hundred bookings called off together fare as each would have fared alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bureau.audit.models import Entry
from bureau.notices.models import Delivery, Notice
from bureau.payments.models import Refund
from tests import make
from tests.promises import broken_promises
from venues import actions
from venues.actions.calling_off import call_off_alike
from venues.models import (
    Bookable,
    Booking,
    BookingLine,
    Companion,
    EntryPass,
    Occupancy,
    WaitingEntry,
)

pytestmark = pytest.mark.django_db
REASON = "A pipe has burst"


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


def slots_of(*bookings: Booking) -> dict[int, list[int]]:
    return {
        booking.pk: [line.pk for line in booking.standing_lines] for booking in bookings
    }


def together(*bookings: Booking, **given: Any) -> set[int]:
    given.setdefault("line_ids", slots_of(*bookings))
    given.setdefault("instead", {})
    return call_off_alike(reason=REASON, by=None, **given)


def alone(*bookings: Booking) -> None:
    for booking in bookings:
        actions.call_off_booking(booking=booking, reason=REASON, by=None, closed=True)


def shared(court: Bookable, hour: int) -> Booking:
    """A paid booking of two slots with somebody who plays along."""
    start = make.tomorrow_at(hour)
    booking = make.pay(
        actions.hold_slots(
            venue=court.venue,
            picks=[
                make.pick(court, start),
                make.pick(court, start + timedelta(hours=1)),
            ],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            by=make.citizen(),
        )
    )
    booking = actions.make_invite(booking=booking, by=booking.booked_by)
    actions.join_booking(code=booking.invite_code or "", by=make.citizen())
    return booking


def left_behind(booking: Booking) -> dict[str, Any]:
    """All that calling a booking off wrote, without numbers, names and moments."""
    booking.refresh_from_db()
    lines = BookingLine.objects.filter(booking=booking)
    companions = Companion.objects.filter(booking=booking)
    told = Notice.objects.about(booking) | Notice.objects.filter(
        subject_type="venues.companion", subject_id__in=companions.values("pk")
    )
    hidden = {"number", "starts_at", "instead", "person"}
    refunds = Refund.objects.filter(payment__owner_id=booking.pk)
    trail = Entry.objects.filter(
        event="venues.booking.called_off", subject_id=booking.pk
    )
    return {
        "state": booking.state,
        "total": booking.total_fen,
        "retained": booking.retained_fen,
        "reason": booking.cancel_reason,
        "hold": booking.hold_until,
        "has a moment": booking.cancelled_at is not None,
        "lines": list(lines.order_by("pk").values_list("state", flat=True)),
        "floor": Occupancy.objects.filter(line__in=lines).count(),
        "passes": sorted(
            EntryPass.objects.filter(booking=booking).values_list("state", flat=True)
        ),
        "refunds": list(
            refunds.values_list(
                "key",
                "amount_fen",
                "reason",
                "payment__refunded_fen",
                "payment__state",
                "requested_by",
            )
        ),
        "refunds in the trail": Entry.objects.filter(
            subject_type="payments.refund", subject_id__in=refunds.values("pk")
        ).count(),
        "told": [
            (
                notice.kind,
                notice.subject_type,
                notice.importance,
                {k: v for k, v in notice.context.items() if k not in hidden},
            )
            for notice in told.order_by("pk")
        ],
        "sent": sorted(
            Delivery.objects.filter(notice__in=told).values_list("channel", flat=True)
        ),
        "trail": [
            (entry.event, entry.actor_id, {**entry.detail, "slots": None})
            for entry in trail.order_by("pk")
        ],
    }


@pytest.mark.parametrize(
    "made",
    [
        lambda court, hour: make.confirmed(
            court=court, starts_at=make.tomorrow_at(hour)
        ),
        shared,
    ],
    ids=["one slot", "two slots and a companion"],
)
def test_a_booking_fares_the_same_together_and_alone(
    court: Bookable, made: Callable[[Bookable, int], Booking]
) -> None:
    bookings = [made(court, hour) for hour in (8, 11, 14, 17)]

    alone(*bookings[:2])
    done = together(*bookings[2:])

    assert done == {booking.pk for booking in bookings[2:]}
    fates = [left_behind(booking) for booking in bookings]
    assert fates[0]["state"] == Booking.State.CANCELLED
    assert fates[0]["refunds"]
    assert fates[1:] == fates[:1] * 3
    assert broken_promises() == []


def test_all_of_a_changed_bookings_payments_give_back(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    make.price(venue=court.venue, bookable=court, fen=60_00)
    change = actions.change_booking(
        booking=booking,
        line_ids=slots_of(booking)[booking.pk],
        picks=[make.pick(court, make.tomorrow_at(20))],
        quoted_fen=60_00,
        request_key=uuid4(),
        by=booking.booked_by,
    )
    make.settle(change.payment)
    booking = Booking.objects.get(pk=booking.pk)

    assert together(booking) == {booking.pk}

    refunds = Refund.objects.filter(key="cancel")
    assert sum(refund.amount_fen for refund in refunds) == 60_00
    assert refunds.count() == 2
    assert broken_promises() == []


def special(court: Bookable, kind: str) -> tuple[Booking, dict[int, list[int]]]:
    start = make.tomorrow_at(18)
    if kind == "held":
        booking = make.held(court=court)
        return booking, slots_of(booking)
    if kind == "in part":
        booking = shared(court, 18)
        return booking, {booking.pk: slots_of(booking)[booking.pk][:1]}
    booking = make.confirmed(court=court, starts_at=start)
    if kind == "inside":
        EntryPass.objects.filter(booking=booking).update(state=EntryPass.State.USED)
    if kind == "changing":
        make.price(venue=court.venue, bookable=court, fen=60_00)
        actions.change_booking(
            booking=booking,
            line_ids=slots_of(booking)[booking.pk],
            picks=[make.pick(court, make.tomorrow_at(20))],
            quoted_fen=60_00,
            request_key=uuid4(),
            by=booking.booked_by,
        )
    if kind == "given back":
        slots = slots_of(booking)
        actions.cancel_booking(booking=booking, by=booking.booked_by)
        return booking, slots
    return booking, slots_of(booking)


@pytest.mark.parametrize(
    "kind", ["held", "in part", "inside", "changing", "given back"]
)
def test_what_is_special_is_left_alone(court: Bookable, kind: str) -> None:
    plain = make.confirmed(court=court, starts_at=make.tomorrow_at(8))
    booking, slots = special(court, kind)
    before = left_behind(booking)

    done = together(line_ids={**slots, **slots_of(plain)})

    assert done == {plain.pk}
    assert left_behind(booking) == before


def test_it_asks_the_same_for_one_and_for_ten(
    court: Bookable, django_assert_num_queries: Any
) -> None:
    bookings = [
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
        for hour in range(8, 19)
    ]
    few, many = slots_of(bookings[1]), slots_of(*bookings[2:])
    together(bookings[0])  # warm
    with django_assert_num_queries(40, exact=False) as one:
        together(line_ids=few)
    with django_assert_num_queries(len(one)):
        together(line_ids=many)


def test_what_lies_beyond_the_closed_floor_is_offered_to_the_line() -> None:
    half = make.unit()
    other = make.unit(venue=half.venue)
    hall = make.bookable(venue=half.venue, units=[half, other])
    court = make.bookable(venue=half.venue, units=[other])
    booking = make.confirmed(court=hall)
    entry = actions.join_waiting_list(
        venue=half.venue,
        sport=court.sport,
        starts_at=make.tomorrow_at(18),
        bookable=court,
        by=make.citizen(),
    )

    day = (make.tomorrow_at(6), make.tomorrow_at(22))
    together(booking, kept=[(half.pk, *day)])

    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.OFFERED
    assert broken_promises() == []


def test_nobody_is_offered_the_closed_floor(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    entry = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=make.tomorrow_at(18),
        by=make.citizen(),
    )

    day = (make.tomorrow_at(6), make.tomorrow_at(22))
    unit_ids = Bookable.objects.with_units().get(pk=court.pk).unit_ids
    together(booking, kept=[(unit, *day) for unit in unit_ids])

    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.WAITING
