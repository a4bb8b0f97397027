"""Many bookings called off at once, when a whole hall closes.

A closure that lies on five hundred bookings must be through within seconds, so what is
alike is done together: one question locks a hundred, one gives their money back, one
writes their messages. What is special about a booking (it is unpaid, goes only in part,
is on an invoice, waits for a change, somebody is inside) is left to `call_off_booking`,
which knows all of that. Both do the same to a booking, and lock in the same order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record_each
from bureau.common import clock
from bureau.common.money import yuan
from bureau.payments import actions as payments
from bureau.payments.models import Payment
from venues.actions.floor import beyond, wanted_of
from venues.actions.money import shares_of
from venues.actions.slots import Wanted, lock_floor
from venues.actions.telling import tell_each
from venues.actions.waiting import offer_freed
from venues.models import (
    Booking,
    BookingChange,
    BookingLine,
    EntryPass,
    Occupancy,
    WaitingEntry,
)

Lines = dict[int, list[BookingLine]]
"""The live lines of bookings, by the booking's id."""


@transaction.atomic
def call_off_alike(
    *,
    line_ids: Mapping[int, Collection[int]],
    reason: str,
    by: User | None,
    kept: Sequence[Wanted] = (),
    instead: Mapping[int, str],
) -> set[int]:
    """Call off those of these bookings that are paid and go whole, with all money back.

    `line_ids` says by booking which of its slots go; `kept` is floor that nobody else
    is offered (it is closed), `instead` what is told of other times. The ids of those
    that were called off come back; the others are untouched.
    """
    now = clock.now()
    lines = {
        booking: rows
        for booking, rows in _live_lines(line_ids).items()
        if all(row.session_id is None for row in rows)
        and {row.pk for row in rows} == set(line_ids[booking])
    }
    # ADR 0004: payments → floor → bookings, each by its key and in one statement.
    paid = _lock_payments(lines)
    if floor := wanted_of(row for rows in lines.values() for row in rows):
        lock_floor(floor)
    bookings = [
        booking for booking in _lock_bookings(lines) if _is_same(booking, lines, paid)
    ]
    special = _special(bookings)
    going = [booking for booking in bookings if booking.pk not in special]
    gone = {booking.pk: lines[booking.pk] for booking in going}
    _end(going, at=now, reason=reason)
    _free(gone)
    _pay_back(going, paid, reason=reason, by=by)
    record_each(
        "venues.booking.called_off",
        {
            booking: {
                "refunded_fen": booking.total_fen,
                "slots": [row.pk for row in gone[booking.pk]],
                "reason": reason,
            }
            for booking in going
        },
        by=by,
        at=now,
    )
    tell_each(
        {
            booking: {
                "refunded": yuan(booking.total_fen),
                "closed": "1",
                "instead": instead.get(booking.pk, ""),
            }
            for booking in going
        },
        "venues.booking_cancelled",
        at=now,
    )
    _offer(going, gone, kept, at=now)
    return set(gone)


def _live_lines(bookings: Collection[int]) -> Lines:
    live = BookingLine.objects.exclude(state=BookingLine.State.GIVEN_UP)
    found: Lines = defaultdict(list)
    for row in live.filter(booking__in=list(bookings)).with_courts():
        found[row.booking_id].append(row)
    return dict(found)


def _lock_payments(bookings: Collection[int]) -> dict[int, list[Payment]]:
    """All payments of all of them, by booking."""
    found: dict[int, list[Payment]] = defaultdict(list)
    rows = Payment.objects.for_owners(Booking, bookings)
    for payment in rows.order_by("pk").select_for_update():
        found[payment.owner_id].append(payment)
    return found


def _lock_bookings(lines: Lines) -> list[Booking]:
    rows = Booking.objects.select_related("venue", "booked_by").filter(
        pk__in=list(lines), state=Booking.State.CONFIRMED, invoice=None
    )
    locked = list(rows.order_by("pk").select_for_update(of=["self"]))
    # Read again from behind the locks: some may have been given back or changed.
    now_live: dict[int, set[int]] = defaultdict(set)
    live = BookingLine.objects.exclude(state=BookingLine.State.GIVEN_UP)
    for row in live.filter(booking__in=locked, state=BookingLine.State.STANDING):
        now_live[row.booking_id].add(row.pk)
    return [
        booking
        for booking in locked
        if now_live[booking.pk] == {row.pk for row in lines[booking.pk]}
    ]


def _is_same(
    booking: Booking, lines: Lines, paid: Mapping[int, Sequence[Payment]]
) -> bool:
    """Whether the money is as plain as the rest: all of it here, nothing asked for."""
    mine = paid.get(booking.pk, [])
    return (
        booking.total_fen == sum(row.price_fen for row in lines[booking.pk])
        and all(payment.state != Payment.State.DUE for payment in mine)
        and sum(payment.refundable_fen for payment in mine) >= booking.total_fen
    )


def _special(bookings: Sequence[Booking]) -> set[int]:
    """Those with people inside, or with a change that waits for its payment."""
    inside = EntryPass.objects.filter(
        booking__in=bookings, state=EntryPass.State.USED
    ).values_list("booking", flat=True)
    changing = BookingChange.objects.filter(
        booking__in=bookings, state=BookingChange.State.HELD
    ).values_list("booking", flat=True)
    return set(inside.union(changing))


def _end(bookings: Sequence[Booking], *, at: datetime, reason: str) -> None:
    for booking in bookings:
        booking.state, booking.cancelled_at = Booking.State.CANCELLED, at
        booking.cancel_reason = reason
    pks = [booking.pk for booking in bookings]
    Booking.objects.filter(pk__in=pks).update(
        state=Booking.State.CANCELLED,
        cancelled_at=at,
        cancel_reason=reason,
        hold_until=None,
    )
    EntryPass.objects.live().filter(booking__in=pks).update(
        state=EntryPass.State.REVOKED
    )
    WaitingEntry.objects.filter(booking__in=pks, state="offered").update(
        state=WaitingEntry.State.LEFT
    )


def _free(lines: Lines) -> None:
    """One statement, so that the trigger of closures runs once for all of it."""
    pks = [row.pk for rows in lines.values() for row in rows]
    Occupancy.objects.filter(line__in=pks).delete()


def _pay_back(
    bookings: Sequence[Booking],
    paid: Mapping[int, Sequence[Payment]],
    *,
    reason: str,
    by: User | None,
) -> None:
    parts: dict[Payment, int] = {}
    for booking in bookings:
        parts.update(shares_of(paid.get(booking.pk, []), fen=booking.total_fen))
    payments.request_refunds(parts=parts, reason=reason, by=by, key="cancel")


def _offer(
    bookings: Sequence[Booking], lines: Lines, kept: Sequence[Wanted], *, at: datetime
) -> None:
    """What lies beyond the closed floor goes to who waits for it."""
    by_venue: dict[int, list[BookingLine]] = defaultdict(list)
    for booking in bookings:
        by_venue[booking.venue_id] += lines[booking.pk]
    venues = {booking.venue_id: booking.venue for booking in bookings}
    for venue_id, rows in sorted(by_venue.items()):
        offer_freed(venues[venue_id], beyond(wanted_of(rows), kept), at=at)
