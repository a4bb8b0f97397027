"""Giving courts back: by the citizen within the terms, by staff at any time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.money import yuan
from bureau.payments.models import Payment
from venues.actions.changes import drop_held_change
from venues.actions.companions import fit_party, refuse_too_small
from venues.actions.conduct import note_late_cancel
from venues.actions.floor import lock_booking, lock_lines, refit, wanted_of
from venues.actions.invoices import lower_invoice
from venues.actions.money import close_due, lock_payments, pay_back
from venues.actions.session_lines import offer_freed_places
from venues.actions.slots import free_lines
from venues.actions.telling import tell
from venues.actions.waiting import offer_freed
from venues.errors.bookings import (
    BookingMovedOn,
    NotCancellable,
    RefundChanged,
    TooLateToCancel,
)
from venues.errors.gate import AlreadyAdmitted
from venues.errors.waiting import OfferOver
from venues.models import (
    Booking,
    BookingLine,
    EntryPass,
    WaitingEntry,
)


@transaction.atomic
def cancel_booking(
    *,
    booking: Booking,
    by: User,
    line_ids: Collection[int] = (),
    expected_fen: int | None = None,
) -> Booking:
    """A citizen gives a booking back, or some of its slots.

    What returns follows from the terms that were promised with the booking
    (`Booking.cancel_terms`), slot by slot. `expected_fen` is what the person was told
    would come back: when a band has ended meanwhile, it is refused and asked again.

    Raises `TooLateToCancel`, `AlreadyAdmitted`, `RefundChanged`, `BookingMovedOn`,
    `NotCancellable`, or `PartyTooLarge` when more people have joined than could still
    play.
    """
    now = clock.now()
    paid, booking, lines = _lock(booking, line_ids)
    if booking.state == Booking.State.CONFIRMED:
        for line in lines:
            if line.starts_at <= now:
                raise TooLateToCancel(until=clock.at_text(line.starts_at))
    was_confirmed = booking.state == Booking.State.CONFIRMED
    back = {
        line.pk: booking.refund_of(line, at=now) if was_confirmed else 0
        for line in lines
    }
    if expected_fen is not None and sum(back.values()) != expected_fen:
        raise RefundChanged(total=yuan(sum(back.values())))
    booking = _give_up(
        booking,
        lines,
        paid,
        back=back,
        at=now,
        by=by,
        reason="",
        event="venues.booking.cancelled",
    )
    refuse_too_small(booking)
    if was_confirmed:
        note_late_cancel(booking, lines, at=now)
    return booking


def decline_offer(*, booking: Booking, by: User) -> Booking:
    """Let the next one in line have a time that is held for the person.

    Raises `OfferOver`.
    """
    if not booking.is_offer or booking.state != Booking.State.HELD:
        raise OfferOver
    return cancel_booking(booking=booking, by=by, expected_fen=0)


@transaction.atomic
def call_off_booking(
    *,
    booking: Booking,
    reason: str,
    by: User | None,
    line_ids: Collection[int] = (),
    closed: bool = False,
    instead: str = "",
) -> Booking:
    """Staff (or the weather) take a booking back before entry, with a full refund.

    With `closed` the hall closes: the message leads to other times (and names those of
    `instead`), and later slots of a booking go back even when people came in for an
    earlier one. Raises `AlreadyAdmitted`, `BookingMovedOn` or `NotCancellable`.
    """
    now = clock.now()
    paid, booking, lines = _lock(booking, line_ids)
    booking = _give_up(
        booking,
        lines,
        paid,
        back={line.pk: line.price_fen for line in lines},
        at=now,
        by=by,
        reason=reason,
        event="venues.booking.called_off",
        closed=closed,
        instead=instead,
    )
    fit_party(booking, at=now, by=by)
    return booking


def _lock(
    booking: Booking, line_ids: Collection[int]
) -> tuple[list[Payment], Booking, list[BookingLine]]:
    """Payments, floor and booking, locked in this order; and the lines meant."""
    paid = lock_payments(booking)
    lines = lock_lines(booking, line_ids)
    booking = lock_booking(booking)
    if booking.state not in (Booking.State.HELD, Booking.State.CONFIRMED):
        raise NotCancellable
    standing = BookingLine.objects.standing().filter(booking=booking)
    meant = {line.pk for line in lines}
    known = set(standing.values_list("pk", flat=True))
    if not meant or not meant <= known:
        raise BookingMovedOn
    if booking.state == Booking.State.HELD and meant != known:
        raise NotCancellable  # its payment asks for all of it
    return paid, booking, lines


def _give_up(
    booking: Booking,
    lines: Sequence[BookingLine],
    paid: Sequence[Payment],
    *,
    back: dict[int, int],
    at: datetime,
    by: User | None,
    reason: str,
    event: str,
    closed: bool = False,
    instead: str = "",
) -> Booking:
    """Take the lines back; `back` says what returns of each, in fen."""
    used = EntryPass.objects.filter(booking=booking, state=EntryPass.State.USED)
    all_lines = BookingLine.objects.standing().filter(booking=booking).count()
    is_all = all_lines == len(lines)
    lie_ahead = not is_all and all(line.starts_at > at for line in lines)
    if used.exists() and not (closed and lie_ahead):
        raise AlreadyAdmitted
    drop_held_change(booking, at=at, by=by)
    was_paid = booking.state == Booking.State.CONFIRMED
    refund = sum(back.values()) if was_paid and booking.invoice_id is None else 0
    if was_paid and booking.invoice_id is None:
        booking.retained_fen += sum(line.price_fen for line in lines) - refund
    if is_all:
        _end(booking, at=at, reason=reason)
    else:
        _shrink(booking, lines)
    free_lines(lines)
    pay_back(
        paid,
        fen=refund,
        reason=reason or _("Booking cancelled"),
        by=by,
        key="cancel" if is_all else f"slot-{min(line.pk for line in lines)}",
    )
    if booking.invoice_id:
        refund = lower_invoice(
            booking,
            lines,
            back=back,
            key=f"slot-{min(line.pk for line in lines)}",
            reason=reason,
            by=by,
            at=at,
        )
    if is_all:
        close_due(paid, by=by)
        WaitingEntry.objects.filter(booking=booking, state="offered").update(
            state=WaitingEntry.State.LEFT
        )
    record(
        event,
        subject=booking,
        by=by,
        at=at,
        detail={
            "refunded_fen": refund,
            "slots": [line.pk for line in lines],
            "reason": reason,
        },
    )
    kind = "venues.booking_cancelled" if is_all else "venues.booking_shortened"
    ways_out = {"closed": "1", "instead": instead} if closed else {}
    tell(booking, kind, at=at, refunded=yuan(refund), **ways_out)
    offer_freed(booking.venue, wanted_of(lines), at=at)
    offer_freed_places(lines, at=at)
    return booking


def _end(booking: Booking, *, at: datetime, reason: str) -> None:
    booking.state = Booking.State.CANCELLED
    booking.cancelled_at = at
    booking.cancel_reason = reason
    booking.hold_until = None
    booking.save(
        update_fields=[
            "state",
            "cancelled_at",
            "cancel_reason",
            "hold_until",
            "retained_fen",
        ]
    )
    EntryPass.objects.live().filter(booking=booking).update(
        state=EntryPass.State.REVOKED
    )


def _shrink(booking: Booking, lines: Sequence[BookingLine]) -> None:
    """The booking goes on without these lines."""
    BookingLine.objects.filter(pk__in=[line.pk for line in lines]).update(
        state=BookingLine.State.GIVEN_UP
    )
    refit(booking)
