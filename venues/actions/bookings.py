from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors, insert
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.notices.actions import notify
from bureau.payments import actions as payments
from bureau.payments.models import Payment
from venues.actions.slots import (
    Pick,
    PickedSlot,
    clear_way,
    expire_hold,
    lock_and_look,
    lock_floor,
    refuse_taken,
    resolve_picks,
)
from venues.errors import (
    AlreadyAdmitted,
    NotCancellable,
    PriceChanged,
    SlotTaken,
    TooLateToCancel,
    TooManyHolds,
)
from venues.models import Bookable, Booking, BookingLine, EntryPass, Occupancy, Venue
from venues.queries import house_rules
from venues.querysets import period

MOST_HOLDS = 2
"""Unpaid bookings that one person may have at a time, so that nobody hoards courts."""


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def hold_slots(
    *,
    venue: Venue,
    picks: Sequence[Pick],
    quoted_fen: int,
    request_key: UUID,
    by: User,
    dependant: Dependant | None = None,
) -> Booking:
    """Take slots for a person until they are paid; free ones are booked at once.

    `quoted_fen` is the total that the person was shown: a price that changed (or was
    tampered with) is refused, never charged. The same `request_key` again returns the
    booking that it made the first time. Expired holds are taken over on the way.

    Raises `VenueShut`, `TooManyHolds`, `PriceChanged`, `SlotTaken` and the refusals of
    `resolve_picks`.
    """
    now = clock.now()
    groups = _groups_of(by, dependant, venue=venue, on=clock.local_day(now))
    try:
        slots = resolve_picks(venue, picks, at=now, groups=groups)
    except DomainError:
        # A form sent again after its slot began is still the booking that it made.
        mine = Booking.objects.filter(booked_by=by, request_key=request_key)
        if made_before := mine.first():
            return made_before
        raise
    wanted = [w for slot in slots for w in slot.wanted]

    seen = lock_and_look(wanted, person=by, request_key=request_key, at=now)
    if seen.made_before:
        return Booking.objects.get(pk=seen.made_before)
    total = sum(slot.offer.price.fen for slot in slots)
    if total != quoted_fen:
        raise PriceChanged(total=yuan(total))
    if total and seen.holds >= MOST_HOLDS:
        raise TooManyHolds(most=MOST_HOLDS)
    clear_way(seen, at=now)

    hold_until = now + timedelta(minutes=venue.hold_minutes)
    booking = Booking(
        venue=venue,
        booked_by=by,
        dependant=dependant,
        state=Booking.State.HELD if total else Booking.State.CONFIRMED,
        starts_at=min(slot.offer.starts_at for slot in slots),
        ends_at=max(slot.offer.ends_at for slot in slots),
        total_fen=total,
        created_at=now,
        hold_until=hold_until if total else None,
        request_key=request_key,
    )
    insert(booking)
    _take_floor(booking, _write_lines(booking, slots))
    record(f"venues.booking.{booking.state}", subject=booking, by=by, at=now)
    if total:
        booking.payment_due = payments.request_payment(
            owner=booking,
            payer=by,
            amount_fen=total,
            title=f"{venue.name} {clock.at_text(booking.starts_at)}",
            expires_at=hold_until,
            return_path=booking.get_absolute_url(),
            by=by,
        )
    else:
        _issue_pass(booking, at=now)
        _tell(booking, "venues.booking_confirmed", at=now)
    return booking


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def confirm_paid_booking(*, booking: Booking, payment: Payment) -> Booking:
    """The money is there: the court is the person's, or the money goes back.

    Money that comes after the hold ran out takes the same slots again if they are
    still free and still ahead; else it is refunded in full. Called inside the
    transaction that settled the payment, which has locked the payment's row.
    """
    now = clock.now()
    confirmed = (
        Booking.objects.filter(pk=booking.pk)
        .held_at(now)
        .update(state=Booking.State.CONFIRMED, hold_until=None)
    )
    if confirmed:
        Occupancy.objects.filter(line__booking=booking).update(
            kind=Occupancy.Kind.BOOKING, hold_until=None
        )
        return _welcome(booking, payment, at=now)
    if _rebook(booking, at=now):
        return _welcome(booking, payment, at=now)

    payments.request_refund(
        payment=payment,
        amount_fen=payment.amount_fen - payment.refunded_fen,
        reason=_("The time was no longer free when the payment arrived."),
        by=None,
        key="late",
    )
    booking.refresh_from_db()
    record("venues.booking.refunded_late", subject=booking, by=None, at=now)
    _tell(booking, "venues.booking_lost", at=now)
    return booking


@transaction.atomic
def cancel_booking(*, booking: Booking, by: User) -> Booking:
    """A citizen gives the court back, in time for a full refund.

    Raises `TooLateToCancel`, `AlreadyAdmitted` or `NotCancellable`.
    """
    now = clock.now()
    paid = _lock_payments(booking)
    booking = _lock_booking(booking)
    if booking.state == Booking.State.CONFIRMED and not booking.is_cancellable_at(now):
        until = booking.venue.cancellable_until(booking.starts_at)
        raise TooLateToCancel(until=clock.at_text(until))
    return _give_back(
        booking, paid, at=now, by=by, reason="", event="venues.booking.cancelled"
    )


@transaction.atomic
def call_off_booking(*, booking: Booking, reason: str, by: User) -> Booking:
    """Staff take a booking back, at any time before entry, with a full refund.

    Raises `AlreadyAdmitted` or `NotCancellable`.
    """
    now = clock.now()
    paid = _lock_payments(booking)
    booking = _lock_booking(booking)
    return _give_back(
        booking, paid, at=now, by=by, reason=reason, event="venues.booking.called_off"
    )


def expire_holds(*, at: datetime, most: int = 500) -> int:
    """Clear lapsed holds away; how many. Safe to run by many workers at once.

    Nothing depends on it: `hold_slots` takes lapsed holds over by itself.
    """
    lapsed = Booking.objects.lapsed_at(at).order_by("hold_until", "pk")
    cleared = 0
    for booking_id in lapsed.values_list("pk", flat=True)[:most]:
        with transaction.atomic():
            cleared += expire_hold(booking_id, at=at)
    return cleared


def _groups_of(
    person: User, dependant: Dependant | None, *, venue: Venue, on: date
) -> frozenset[str]:
    """The price groups of whoever plays; not asked where no group has its price."""
    if not house_rules(venue, today=on).priced_groups:
        return frozenset()
    return eligible_groups(person, dependant=dependant, on=on)


def _write_lines(booking: Booking, slots: Sequence[PickedSlot]) -> list[BookingLine]:
    lines = [
        BookingLine(
            booking=booking,
            bookable=slot.bookable,
            starts_at=slot.offer.starts_at,
            ends_at=slot.offer.ends_at,
            price_fen=slot.offer.price.fen,
            quote=slot.offer.price.as_quote(),
        )
        for slot in slots
    ]
    insert(*lines)
    return lines


def _take_floor(booking: Booking, lines: Sequence[BookingLine]) -> None:
    """Occupy every unit of every line; the lines' courts come from `with_units`."""
    held = booking.state == Booking.State.HELD
    insert(
        *(
            Occupancy(
                unit_id=unit_id,
                during=period(line.starts_at, line.ends_at),
                kind=Occupancy.Kind.HOLD if held else Occupancy.Kind.BOOKING,
                line=line,
                hold_until=booking.hold_until if held else None,
            )
            for line in lines
            for unit_id in line.bookable.unit_ids
        )
    )


def _rebook(booking: Booking, *, at: datetime) -> bool:
    """Take the same floor again for a hold that ran out; whether that worked."""
    courts = Prefetch("bookable", Bookable.objects.with_units())
    lines = list(
        BookingLine.objects.filter(booking=booking)
        .prefetch_related(courts)
        .order_by("pk")
    )
    wanted = [
        (unit_id, line.starts_at, line.ends_at)
        for line in lines
        for unit_id in line.bookable.unit_ids
    ]
    lock_floor(wanted)
    expire_hold(booking.pk, at=at)
    if booking.starts_at <= at:
        return False
    try:
        refuse_taken(wanted, at=at)
    except SlotTaken:
        return False
    back = Booking.objects.filter(pk=booking.pk, state=Booking.State.EXPIRED).update(
        state=Booking.State.CONFIRMED, hold_until=None
    )
    if not back:
        return False
    booking.state = Booking.State.CONFIRMED
    _take_floor(booking, lines)
    return True


def _welcome(booking: Booking, payment: Payment, *, at: datetime) -> Booking:
    booking.refresh_from_db()
    _issue_pass(booking, at=at)
    record(
        "venues.booking.confirmed",
        subject=booking,
        by=payment.payer,
        at=at,
        detail={"payment": payment.number},
    )
    _tell(booking, "venues.booking_confirmed", at=at)
    return booking


def _issue_pass(booking: Booking, *, at: datetime) -> None:
    EntryPass.objects.create(booking=booking, issued_at=at)


def _lock_payments(booking: Booking) -> list[Payment]:
    return list(Payment.objects.for_owner(booking).order_by("pk").select_for_update())


def _lock_booking(booking: Booking) -> Booking:
    return (
        Booking.objects.select_related("venue", "booked_by")
        .select_for_update(of=["self"])
        .get(pk=booking.pk)
    )


def _give_back(
    booking: Booking,
    paid: Sequence[Payment],
    *,
    at: datetime,
    by: User,
    reason: str,
    event: str,
) -> Booking:
    if booking.state not in (Booking.State.HELD, Booking.State.CONFIRMED):
        raise NotCancellable
    revoked = EntryPass.objects.filter(booking=booking, state=EntryPass.State.VALID)
    if booking.state == Booking.State.CONFIRMED and not revoked.update(
        state=EntryPass.State.REVOKED
    ):
        raise AlreadyAdmitted
    booking.state = Booking.State.CANCELLED
    booking.cancelled_at = at
    booking.cancel_reason = reason
    booking.hold_until = None
    booking.save(update_fields=["state", "cancelled_at", "cancel_reason", "hold_until"])
    Occupancy.objects.filter(line__booking=booking).delete()
    refunded = _refund(paid, reason=reason or _("Booking cancelled"), by=by)
    record(event, subject=booking, by=by, at=at, detail={"refunded_fen": refunded})
    _tell(booking, "venues.booking_cancelled", at=at, refunded=yuan(refunded))
    return booking


def _refund(paid: Sequence[Payment], *, reason: str, by: User) -> int:
    """Ask all money of a booking back and close what is still due; the sum in fen."""
    refunded = 0
    for payment in paid:
        left = payment.amount_fen - payment.refunded_fen
        if payment.state == Payment.State.PAID and left:
            payments.request_refund(
                payment=payment, amount_fen=left, reason=reason, by=by, key="cancel"
            )
            refunded += left
        elif payment.state == Payment.State.DUE:
            payments.close_payment(payment=payment, by=by)
    return refunded


def _tell(booking: Booking, kind: str, *, at: datetime, **more: str) -> None:
    notify(
        recipient=booking.booked_by,
        kind=kind,
        context={
            "venue": booking.venue.name,
            "number": booking.number,
            "starts_at": booking.starts_at.isoformat(),
            "reason": booking.cancel_reason,
            **more,
        },
        subject=booking,
        at=at,
    )
