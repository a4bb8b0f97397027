"""The window and the telephone: staff book for people, take cash, and print passes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction

from bureau.accounts.models import Dependant, User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.money import yuan
from bureau.payments import actions as payments
from bureau.payments.http import way_to_pay
from bureau.payments.models import CashMovement, Payment, Refund
from venues.actions.changes import change_booking
from venues.actions.floor import groups_of, open_booking
from venues.actions.slots import Pick, clear_way, lock_and_look, resolve_picks
from venues.actions.telling import tell
from venues.actions.tickets import buy_tickets
from venues.errors.desk import NoPhoneForLink, WrongCash
from venues.errors.gate import AlreadyAdmitted, PassRevoked
from venues.errors.slots import PriceChanged, SlotTaken
from venues.models import Booking, BookingChange, EntryPass, OpenSession, Venue

Way = Literal["cash", "link"]


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def book_at_desk(
    *,
    venue: Venue,
    picks: Sequence[Pick],
    quoted_fen: int,
    request_key: UUID,
    person: User,
    way: Way,
    by: User,
    dependant: Dependant | None = None,
) -> Booking:
    """Book for somebody at the window or on the telephone, at their own price.

    With `way` cash the money is in the drawer and the booking confirmed at once; with
    link it is held as on line, and the person gets a message that leads to paying.
    Bans, quotas, lead times and the share that is kept for the desk do not bind it. The
    same `request_key` again returns the booking that it made.

    Raises `NoPhoneForLink`, `PriceChanged`, `SlotTaken`, and the refusals of
    `resolve_picks`.
    """
    now = clock.now()
    if made_before := Booking.objects.filter(
        booked_by=person, request_key=request_key
    ).first():
        return made_before
    groups = groups_of(person, dependant, venue=venue, on=clock.local_day(now))
    slots = resolve_picks(
        venue, picks, at=now, groups=groups, channel=Booking.Channel.DESK
    )
    total = sum(slot.offer.price.fen for slot in slots)
    if total and way == "link" and not person.phone:
        raise NoPhoneForLink
    wanted = [w for slot in slots for w in slot.wanted]
    seen = lock_and_look(wanted, person=person, request_key=request_key, at=now)
    if seen.made_before:
        return Booking.objects.get(pk=seen.made_before)
    if total != quoted_fen:
        raise PriceChanged(total=yuan(total))
    clear_way(seen, at=now)
    booking = open_booking(
        venue=venue,
        slots=slots,
        person=person,
        dependant=dependant,
        channel=Booking.Channel.DESK,
        hold_until=now + timedelta(minutes=venue.hold_minutes) if total else None,
        request_key=request_key,
        at=now,
        by=by,
    )
    if booking.payment_due is None:
        tell(booking, "venues.booking_confirmed", at=now)
    elif way == "cash":
        # Settling it confirms the booking, as a cashier's callback would.
        payments.take_cash(payment=booking.payment_due, till=venue.code, by=by)
        booking.refresh_from_db()
    else:
        _send_link(booking, booking.payment_due)
    return booking


@transaction.atomic
def sell_tickets(
    *,
    session: OpenSession,
    places: int,
    quoted_fen: int,
    request_key: UUID,
    person: User,
    way: Way,
    by: User,
) -> Booking:
    """Sell places in an open session at the window, also after it has begun.

    As `book_at_desk` else. Raises `NoPhoneForLink` and what `buy_tickets` raises.
    """
    if quoted_fen and way == "link" and not person.phone:
        raise NoPhoneForLink
    booking = buy_tickets(
        session=session,
        places=places,
        quoted_fen=quoted_fen,
        request_key=request_key,
        by=person,
        channel=Booking.Channel.DESK,
    )
    record("venues.booking.sold_at_desk", subject=booking, by=by, at=clock.now())
    if booking.payment_due and way == "cash":
        payments.take_cash(payment=booking.payment_due, till=booking.venue.code, by=by)
        booking.refresh_from_db()
    elif booking.payment_due:
        _send_link(booking, booking.payment_due)
    return booking


@transaction.atomic
def take_cash_for(*, booking: Booking, by: User) -> CashMovement:
    """Take what a held booking, or a change of a booking, still has to be paid.

    Raises `WrongCash` when nothing is due, and what `payments.take_cash` raises.
    """
    due = Payment.objects.for_owner(booking).due().first()
    if due is None:
        raise WrongCash
    return payments.take_cash(payment=due, till=booking.venue.code, by=by)


@transaction.atomic
def change_at_desk(
    *,
    booking: Booking,
    picks: Sequence[Pick],
    quoted_fen: int,
    request_key: UUID,
    by: User,
) -> BookingChange:
    """Exchange all slots of a booking for others; a difference is paid in cash at once.

    As with `book_at_desk`, bans, quotas, lead times and the share that is kept for the
    desk do not bind it. Raises what `change_booking` raises.
    """
    standing = booking.lines.filter(state="standing").values_list("pk", flat=True)
    change = change_booking(
        booking=booking,
        line_ids=list(standing),
        picks=picks,
        quoted_fen=quoted_fen,
        request_key=request_key,
        by=by,
        channel=Booking.Channel.DESK,
    )
    due = change.payment
    if due and due.state == Payment.State.DUE:
        payments.take_cash(payment=due, till=booking.venue.code, by=by)
        change.refresh_from_db()
    return change


@transaction.atomic
def pay_out_refund(*, refund: Refund, venue: Venue, by: User) -> CashMovement:
    """Give the cash of a refund back over the desk of the venue that took it.

    Raises `WrongCash` for a refund of somewhere else, and what `pay_out_cash` raises.
    """
    payment = refund.payment
    mine = Booking.objects.filter(pk=payment.owner_id, venue=venue)
    if payment.owner_label != Booking._meta.label_lower or not mine.exists():
        raise WrongCash
    return payments.pay_out_cash(refund=refund, till=venue.code, by=by)


@transaction.atomic
def print_pass(*, booking: Booking, by: User) -> EntryPass:
    """The booking's pass goes on paper: from now on its code alone opens the gate.

    It opens it once, and the gate compares the name. Raises `PassRevoked` or
    `AlreadyAdmitted`.
    """
    found = EntryPass.objects.live().filter(booking=booking, companion=None).first()
    if found is None:
        raise PassRevoked
    if found.state == EntryPass.State.USED:
        raise AlreadyAdmitted
    now = clock.now()
    found.printed_at = now
    found.save(update_fields=["printed_at"])
    record("venues.pass.printed", subject=found, by=by, at=now)
    return found


def _send_link(booking: Booking, payment: Payment) -> None:
    assert booking.hold_until  # noqa: S101 - it waits for this payment
    tell(
        booking,
        "venues.pay_link",
        at=booking.created_at,
        total=yuan(payment.amount_fen),
        until=booking.hold_until.isoformat(),
        link=f"{settings.PUBLIC_URL}{way_to_pay(payment)}",
    )
