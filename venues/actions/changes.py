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
from venues.actions.companions import fit_party, refuse_too_small
from venues.actions.floor import (
    beyond,
    groups_of,
    lock_booking,
    refit,
    take_floor,
    wanted_of,
    write_lines,
)
from venues.actions.money import close_due, lock_payments, pay_back
from venues.actions.quotas import refuse_banned, refuse_over_quota
from venues.actions.slots import (
    ON_LINE,
    Pick,
    PickedSlot,
    drop_arriving,
    expire_change,
    free_lines,
    lock_floor,
    refuse_taken,
    resolve_picks,
)
from venues.actions.telling import tell
from venues.actions.waiting import offer_freed
from venues.errors.bookings import (
    BookingMovedOn,
    ChangeUnderWay,
    NotChangeable,
    NothingToChange,
    RefundChanged,
)
from venues.errors.gate import AlreadyAdmitted
from venues.errors.slots import PriceChanged, SlotTaken, TooManySlots
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
    expected_fen: int | None = None,
    channel: Booking.Channel = Booking.Channel.ONLINE,
) -> BookingChange:
    """Exchange slots of a booking for others of the same venue.

    `quoted_fen` is the price of the new slots that the person was shown. What is given
    up counts for what its cancellation would bring back now (`expected_fen`, if the
    person was told). A slot that is picked again stays as it is, at its old price. When
    something is left to pay, the new slots are held as long as a booking would be and
    the old ones stand until the money is there; else the exchange happens at once.
    `channel` is where the change is asked for: what binds only who books on line
    (notice, courts kept for the desk, quotas, bans) does not bind the window.

    The same `request_key` again returns the change that it made the first time. Raises
    `NotChangeable`, `AlreadyAdmitted`, `ChangeUnderWay`, `BookingMovedOn`,
    `NothingToChange`, `PriceChanged`, `RefundChanged`, `SlotTaken` and the refusals of
    `resolve_picks`.
    """
    now = clock.now()
    paid = lock_payments(booking)
    venue = booking.venue
    made_before = booking.changes.filter(request_key=request_key).first()
    if made_before:
        return made_before  # even when its slots have begun meanwhile
    leaving, slots = exchange_of(booking, line_ids, picks, at=now, channel=channel)
    wanted = [w for slot in slots for w in slot.wanted]
    floor = [*wanted, *wanted_of(leaving), *wanted_of(_arriving(booking))]
    lock_floor(floor, person=booking.booked_by)
    booking = lock_booking(booking)

    made_before = booking.changes.filter(request_key=request_key).first()
    if made_before:
        return made_before
    _refuse_change(booking, leaving, at=now)
    refuse_too_many(booking, leaving, slots)
    if channel in ON_LINE:
        if len(slots) > len(leaving):
            refuse_banned(booking.booked_by, at=now)
        refuse_over_quota(
            venue,
            slots,
            person=booking.booked_by,
            at=now,
            booking=booking,
            leaving=[line.pk for line in leaving],
        )
    total = sum(slot.offer.price.fen for slot in slots)
    if total != quoted_fen:
        raise PriceChanged(total=yuan(total))
    credit = sum(booking.refund_of(line, at=now) for line in leaving)
    if expected_fen not in (None, credit):
        raise RefundChanged(total=yuan(credit))
    beyond_own = beyond(wanted, wanted_of(leaving))
    refuse_taken(beyond_own, at=now)
    close_due(paid, by=None)  # what an earlier change asked for in vain

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
    refuse_too_small(booking)
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
    take_floor(lines, hold_until=until, only=beyond_own)
    change.payment = payments.request_payment(
        owner=booking,
        payer=booking.booked_by,
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
    """Clear unpaid changes away and offer their time to who waits for it; how many.

    Safe to run by many workers at once.
    """
    lapsed = BookingChange.objects.lapsed_at(at).order_by("hold_until", "pk")
    cleared = 0
    for change in lapsed.select_related("booking__venue")[:most]:
        with transaction.atomic():
            arriving = list(change.arriving.with_courts())
            lock_floor(wanted_of(arriving))
            if expire_change(change.pk, at=at):
                cleared += 1
                offer_freed(change.booking.venue, wanted_of(arriving), at=at)
    return cleared


def drop_held_change(booking: Booking, *, at: datetime, by: User | None) -> None:
    """End a change that waits for its payment, and offer its time to who waits for it.

    The booking's rows and the floor of all its lines must be locked.
    """
    held = booking.changes.filter(state=BookingChange.State.HELD).first()
    if held is None:
        return
    arriving = list(held.arriving.with_courts())
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
    offer_freed(booking.venue, wanted_of(arriving), at=at)


@transaction.atomic
def drop_change(*, change: BookingChange, by: User) -> Booking:
    """The person keeps the slots as they were. Raises `NotChangeable`."""
    lock_payments(change.booking)
    lock_floor(wanted_of(_arriving(change.booking)))
    booking = lock_booking(change.booking)
    change.refresh_from_db()
    if change.state != BookingChange.State.HELD:
        raise NotChangeable
    drop_held_change(booking, at=clock.now(), by=by)
    return booking


def exchange_of(
    booking: Booking,
    line_ids: Collection[int],
    picks: Sequence[Pick],
    *,
    at: datetime,
    channel: Booking.Channel = Booking.Channel.ONLINE,
) -> tuple[list[BookingLine], list[PickedSlot]]:
    """(the lines that would leave, the slots that would arrive), for a look as well.

    Raises `BookingMovedOn`, `NothingToChange` and the refusals of `resolve_picks`.
    """
    standing = BookingLine.objects.standing().filter(booking=booking)
    leaving = list(standing.filter(pk__in=line_ids).with_courts())
    if not leaving or {line.pk for line in leaving} != set(line_ids):
        raise BookingMovedOn
    groups = groups_of(
        booking.booked_by,
        booking.dependant,
        venue=booking.venue,
        on=clock.local_day(at),
    )
    slots = resolve_picks(booking.venue, picks, at=at, groups=groups, channel=channel)
    old = {(line.bookable_id, line.starts_at) for line in leaving}
    new = {(slot.bookable.pk, slot.offer.starts_at) for slot in slots}
    leaving = [
        line for line in leaving if (line.bookable_id, line.starts_at) not in new
    ]
    slots = [
        slot for slot in slots if (slot.bookable.pk, slot.offer.starts_at) not in old
    ]
    if not slots:
        raise NothingToChange
    return leaving, slots


def refuse_too_many(
    booking: Booking, leaving: Sequence[BookingLine], slots: Sequence[PickedSlot]
) -> None:
    """Raise `TooManySlots` when the booking would grow beyond what the venue allows."""
    standing = BookingLine.objects.standing().filter(booking=booking).count()
    most = max(booking.venue.max_slots, standing)
    if standing - len(leaving) + len(slots) > most:
        raise TooManySlots(most=most)


def _arriving(booking: Booking) -> list[BookingLine]:
    """The slots of a change that waits for its payment, if there is one."""
    pending = BookingLine.objects.filter(
        booking=booking, state=BookingLine.State.PENDING
    )
    return list(pending.with_courts())


def _refuse_change(
    booking: Booking, leaving: Sequence[BookingLine], *, at: datetime
) -> None:
    if booking.state != Booking.State.CONFIRMED or booking.invoice_id:
        raise NotChangeable
    standing = BookingLine.objects.standing().filter(booking=booking)
    if not {line.pk for line in leaving} <= set(standing.values_list("pk", flat=True)):
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
        refuse_taken(beyond(wanted_of(arriving), wanted_of(leaving)), at=at)
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
    fit_party(booking, at=at, by=by)
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
