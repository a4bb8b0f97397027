"""Other slots in exchange for booked ones; the difference is paid or comes back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.money import yuan
from bureau.payments import actions as payments
from bureau.payments.models import Payment
from venues.actions.floor import (
    beyond,
    groups_of,
    lock_booking,
    refit,
    take_floor,
    wanted_of,
    write_lines,
)
from venues.actions.money import lock_payments, pay_back
from venues.actions.slots import (
    Pick,
    Wanted,
    drop_arriving,
    expire_change,
    free_lines,
    lock_floor,
    refuse_taken,
    resolve_picks,
)
from venues.actions.telling import tell
from venues.actions.waiting import offer_freed
from venues.errors import (
    AlreadyAdmitted,
    BookingMovedOn,
    ChangeUnderWay,
    NotChangeable,
    PriceChanged,
    SlotTaken,
)
from venues.models import (
    Booking,
    BookingChange,
    BookingLine,
    EntryPass,
)


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def change_booking(
    *,
    booking: Booking,
    line_ids: Collection[int],
    picks: Sequence[Pick],
    quoted_fen: int,
    request_key: UUID,
    by: User,
) -> BookingChange:
    """Exchange slots of a booking for others of the same venue.

    `quoted_fen` is the price of the new slots that the person was shown. What is given
    up counts for what its cancellation would bring back now. When something is left to
    pay, the new slots are held as long as a booking would be and the old ones stand
    until the money is there; else the exchange happens at once.

    The same `request_key` again returns the change that it made the first time. Raises
    `NotChangeable`, `AlreadyAdmitted`, `ChangeUnderWay`, `BookingMovedOn`,
    `PriceChanged`, `SlotTaken` and the refusals of `resolve_picks`.
    """
    now = clock.now()
    paid = lock_payments(booking)
    venue = booking.venue
    groups = groups_of(
        booking.booked_by, booking.dependant, venue=venue, on=clock.local_day(now)
    )
    slots = resolve_picks(venue, picks, at=now, groups=groups)
    leaving = list(
        BookingLine.objects.standing()
        .filter(booking=booking, pk__in=line_ids)
        .with_courts()
    )
    wanted = [w for slot in slots for w in slot.wanted]
    lock_floor([*wanted, *wanted_of(leaving)])
    booking = lock_booking(booking)

    made_before = booking.changes.filter(request_key=request_key).first()
    if made_before:
        return made_before
    _refuse_change(booking, leaving, line_ids, at=now)
    total = sum(slot.offer.price.fen for slot in slots)
    if total != quoted_fen:
        raise PriceChanged(total=yuan(total))
    credit = sum(booking.refund_of(line, at=now) for line in leaving)
    refuse_taken(_beyond_own(booking, wanted), at=now)

    to_pay = max(0, total - credit)
    until = now + timedelta(minutes=venue.hold_minutes)
    change = BookingChange.objects.create(
        booking=booking,
        asked_by=by,
        created_at=now,
        hold_until=until,
        pay_fen=to_pay,
        refund_fen=max(0, credit - total),
        request_key=request_key,
    )
    BookingLine.objects.filter(pk__in=[line.pk for line in leaving]).update(
        leaves_with=change
    )
    lines = write_lines(booking, slots, change=change)
    record(
        "venues.booking.change_asked",
        subject=booking,
        by=by,
        at=now,
        detail={"change": change.number, "pay_fen": to_pay},
    )
    if not to_pay:
        _exchange(change, booking, paid, at=now, by=by)
        return change
    take_floor(lines, hold_until=until, only=_beyond_own(booking, wanted))
    change.payment = payments.request_payment(
        owner=booking,
        payer=by,
        amount_fen=to_pay,
        title=f"{venue.name} {clock.at_text(slots[0].offer.starts_at)}",
        expires_at=until,
        return_path=booking.get_absolute_url(),
        by=by,
    )
    change.save(update_fields=["payment"])
    return change


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def confirm_paid_change(*, change: BookingChange, payment: Payment) -> BookingChange:
    """The difference is there: exchange the slots, or give the money back.

    Late money takes the new slots again when they are still free. Called inside the
    transaction that settled the payment, which has locked the payment's row.
    """
    now = clock.now()
    booking = change.booking
    paid = lock_payments(booking)
    arriving = list(change.arriving.with_courts())
    leaving = list(change.leaving.with_courts())
    lock_floor([*wanted_of(arriving), *wanted_of(leaving)])
    booking = lock_booking(booking)
    change = BookingChange.objects.select_for_update().get(pk=change.pk)
    if _can_still_exchange(change, booking, arriving, leaving, at=now):
        _exchange(change, booking, paid, at=now, by=payment.payer)
        return change
    payments.request_refund(
        payment=payment,
        amount_fen=payment.amount_fen - payment.refunded_fen,
        reason=_("The time was no longer free when the payment arrived."),
        by=None,
        key="late",
    )
    record("venues.booking.change_refunded", subject=booking, by=None, at=now)
    tell(booking, "venues.change_lost", at=now)
    return change


def expire_changes(*, at: datetime, most: int = 500) -> int:
    """Let go of the floor of changes that nobody paid for; how many."""
    cleared = 0
    for change_id in BookingChange.objects.lapsed_at(at).values_list("pk", flat=True)[
        :most
    ]:
        with transaction.atomic():
            cleared += expire_change(change_id, at=at)
    return cleared


def drop_held_change(booking: Booking, *, at: datetime, by: User | None) -> None:
    """End a change that waits for its payment; the booking's rows must be locked."""
    held = booking.changes.filter(state=BookingChange.State.HELD).first()
    if held is None:
        return
    held.state, held.hold_until = BookingChange.State.DROPPED, None
    held.save(update_fields=["state", "hold_until"])
    drop_arriving(held.pk)
    if held.payment and held.payment.state == Payment.State.DUE:
        payments.close_payment(payment=held.payment, by=by)
    record(
        "venues.booking.change_dropped",
        subject=booking,
        by=by,
        at=at,
        detail={"change": held.number},
    )


@transaction.atomic
def drop_change(*, change: BookingChange, by: User) -> Booking:
    """The person keeps the slots as they were. Raises `NotChangeable`."""
    lock_payments(change.booking)
    booking = lock_booking(change.booking)
    change.refresh_from_db()
    if change.state != BookingChange.State.HELD:
        raise NotChangeable
    drop_held_change(booking, at=clock.now(), by=by)
    return booking


def _refuse_change(
    booking: Booking,
    leaving: Sequence[BookingLine],
    line_ids: Collection[int],
    *,
    at: datetime,
) -> None:
    if booking.state != Booking.State.CONFIRMED or booking.invoice_id:
        raise NotChangeable
    if not leaving or {line.pk for line in leaving} != set(line_ids):
        raise BookingMovedOn
    if any(line.starts_at <= at or line.session_id for line in leaving):
        raise NotChangeable
    if EntryPass.objects.filter(booking=booking, state=EntryPass.State.USED).exists():
        raise AlreadyAdmitted
    held = booking.changes.filter(state=BookingChange.State.HELD).first()
    if held is None:
        return
    if held.hold_until is None or held.hold_until > at:
        raise ChangeUnderWay
    drop_held_change(booking, at=at, by=None)


def _beyond_own(booking: Booking, wanted: Sequence[Wanted]) -> list[Wanted]:
    """What is wanted beyond the floor that the booking has already."""
    own = BookingLine.objects.standing().filter(booking=booking).with_courts()
    return beyond(wanted, wanted_of(list(own)))


def _can_still_exchange(
    change: BookingChange,
    booking: Booking,
    arriving: Sequence[BookingLine],
    leaving: Sequence[BookingLine],
    *,
    at: datetime,
) -> bool:
    if booking.state != Booking.State.CONFIRMED:
        return False
    if change.state == BookingChange.State.HELD and not expire_change(change.pk, at=at):
        return True
    change.refresh_from_db()
    is_too_late = any(line.starts_at <= at for line in [*arriving, *leaving])
    stands = all(line.state == BookingLine.State.STANDING for line in leaving)
    if change.state != BookingChange.State.EXPIRED or is_too_late or not stands:
        return False
    try:
        refuse_taken(_beyond_own(booking, wanted_of(arriving)), at=at)
    except SlotTaken:
        return False
    return True


def _exchange(
    change: BookingChange,
    booking: Booking,
    paid: Sequence[Payment],
    *,
    at: datetime,
    by: User | None,
) -> None:
    """Old lines go, new ones stand; the rows of floor, money and booking are locked."""
    leaving = list(change.leaving.with_courts())
    arriving = list(change.arriving.with_courts())
    value = sum(line.price_fen for line in leaving)
    credit = sum(line.price_fen for line in arriving) - change.pay_fen
    credit += change.refund_fen
    booking.retained_fen += value - credit
    free_lines([*leaving, *arriving])
    for lines, state in (
        (leaving, BookingLine.State.GIVEN_UP),
        (arriving, BookingLine.State.STANDING),
    ):
        BookingLine.objects.filter(pk__in=[line.pk for line in lines]).update(
            state=state
        )
    take_floor(arriving, hold_until=None)
    change.state, change.hold_until = BookingChange.State.DONE, None
    change.save(update_fields=["state", "hold_until"])
    refit(booking)
    pay_back(
        paid,
        fen=change.refund_fen,
        reason=_("Booking changed"),
        by=by,
        key=f"change-{change.pk}",
    )
    record(
        "venues.booking.changed",
        subject=booking,
        by=by,
        at=at,
        detail={"change": change.number, "refund_fen": change.refund_fen},
    )
    tell(booking, "venues.booking_changed", at=at)
    offer_freed(booking.venue, wanted_of(leaving), at=at)
