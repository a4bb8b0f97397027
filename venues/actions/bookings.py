from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.models import Dependant, User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors, one_trip, told_as
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.payments import actions as payments
from bureau.payments.models import Payment
from venues.actions.floor import (
    groups_of,
    issue_pass,
    lock_lines,
    open_booking,
    take_floor,
    wanted_of,
)
from venues.actions.quotas import refuse_over_quota
from venues.actions.session_lines import offer_freed_places
from venues.actions.slots import (
    Pick,
    PickedSlot,
    Seen,
    Wanted,
    clear_way,
    expire_hold,
    is_crowded,
    lock_and_look,
    look,
    note_crowd,
    refuse_taken,
    resolve_picks,
    write_if_clear,
)
from venues.actions.telling import tell
from venues.actions.tickets import retake_tickets
from venues.actions.waiting import offer_freed
from venues.errors.conduct import Banned
from venues.errors.sessions import SessionCancelled, SessionFull
from venues.errors.slots import PriceChanged, SlotTaken, TooManyHolds
from venues.errors.waiting import OfferOver
from venues.models import Booking, Occupancy, Venue, WaitingEntry
from venues.queries.rules import house_rules

MOST_HOLDS = 2
"""Unpaid bookings that one person may have at a time, so that nobody hoards courts."""


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

    Raises `VenueShut`, `Banned`, `QuotaUsedUp`, `TooManyHolds`, `PriceChanged`,
    `SlotTaken` and the refusals of `resolve_picks`.
    """
    now = clock.now()
    groups = groups_of(by, dependant, venue=venue, on=clock.local_day(now))
    try:
        slots = resolve_picks(venue, picks, at=now, groups=groups)
    except DomainError:
        # A form sent again after its slot began is still the booking that it made.
        mine = Booking.objects.filter(booked_by=by, request_key=request_key)
        if made_before := mine.first():
            return made_before
        raise
    wish = _Wish(venue, slots, quoted_fen, request_key, by, dependant)
    if is_crowded(wish.wanted, at=now):
        # Whoever comes too late need not queue up to hear it.
        seen = look(wish.wanted, person=by, request_key=request_key, at=now)
        if seen.is_taken and not seen.made_before:
            _refuse(wish, seen, at=now)
            raise SlotTaken
    try:
        return _take(wish, at=now)
    except SlotTaken:
        note_crowd(wish.wanted, at=now)
        raise


@dataclass(frozen=True)
class _Wish:
    """What a person wants to take, as the rules allow it."""

    venue: Venue
    slots: Sequence[PickedSlot]
    quoted_fen: int
    request_key: UUID
    by: User
    dependant: Dependant | None

    @cached_property
    def wanted(self) -> list[Wanted]:
        return [piece for slot in self.slots for piece in slot.wanted]

    @cached_property
    def total_fen(self) -> int:
        return sum(slot.offer.price.fen for slot in self.slots)

    def is_plain_at(self, moment: datetime) -> bool:
        """Whether a look at the floor and the person says all that there is to ask."""
        rules = house_rules(self.venue, today=clock.local_day(moment))
        return bool(self.total_fen) and (
            self.total_fen == self.quoted_fen and not rules.quotas
        )


def _refuse(wish: _Wish, seen: Seen, *, at: datetime) -> None:
    """Raise what speaks against the person's taking this, free or not."""
    if seen.banned_until:
        raise Banned(until=clock.at_text(seen.banned_until))
    refuse_over_quota(wish.venue, wish.slots, person=wish.by, at=at)
    if wish.total_fen != wish.quoted_fen:
        raise PriceChanged(total=yuan(wish.total_fen))
    if wish.total_fen and seen.holds >= MOST_HOLDS:
        raise TooManyHolds(most=MOST_HOLDS)


def _take(wish: _Wish, *, at: datetime) -> Booking:
    """In one statement where nothing stands in the way, else step by step.

    Step by step go what asks more questions (quotas), what is free and so confirmed at
    once, and lapsed holds that have to be cleared away first.
    """
    if not wish.is_plain_at(at):
        return _hold(wish, at=at)
    with told_as({"venues_occupancy_no_overlap": SlotTaken}):
        seen, booking = write_if_clear(
            wish.wanted,
            person=wish.by,
            request_key=wish.request_key,
            most_holds=MOST_HOLDS,
            at=at,
            write=partial(_open, wish, at=at),
        )
    if booking:
        return booking
    if seen.made_before:
        return Booking.objects.get(pk=seen.made_before)
    _refuse(wish, seen, at=at)
    if seen.is_barred:
        raise SlotTaken
    return _hold(wish, at=at)


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def _hold(wish: _Wish, *, at: datetime) -> Booking:
    seen = lock_and_look(
        wish.wanted, person=wish.by, request_key=wish.request_key, at=at
    )
    if seen.made_before:
        return Booking.objects.get(pk=seen.made_before)
    _refuse(wish, seen, at=at)
    clear_way(seen, at=at)
    with one_trip(seen.ids):
        booking = _open(wish, at=at)
    if booking.state == Booking.State.CONFIRMED:
        tell(booking, "venues.booking_confirmed", at=at)
    return booking


def _open(wish: _Wish, *, at: datetime) -> Booking:
    until = at + timedelta(minutes=wish.venue.hold_minutes)
    return open_booking(
        venue=wish.venue,
        slots=wish.slots,
        person=wish.by,
        dependant=wish.dependant,
        channel=Booking.Channel.ONLINE,
        hold_until=until if wish.total_fen else None,
        request_key=wish.request_key,
        at=at,
        by=wish.by,
    )


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
        _keep_floor(booking)
    if confirmed or _rebook(booking, at=now):
        return _welcome(booking, by=payment.payer, at=now, payment=payment)

    payments.request_refund(
        payment=payment,
        amount_fen=payment.amount_fen - payment.refunded_fen,
        reason=_("The time was no longer free when the payment arrived."),
        by=None,
        key="late",
    )
    booking.refresh_from_db()
    record("venues.booking.refunded_late", subject=booking, by=None, at=now)
    tell(booking, "venues.booking_lost", at=now)
    return booking


@transaction.atomic
def accept_offer(*, booking: Booking, by: User) -> Booking:
    """Take a free time that the waiting list (or a ballot) holds for the person.

    One that costs something is accepted by paying. Raises `OfferOver`.
    """
    now = clock.now()
    confirmed = (
        Booking.objects.filter(pk=booking.pk, total_fen=0)
        .held_at(now)
        .update(state=Booking.State.CONFIRMED, hold_until=None)
    )
    if not confirmed:
        raise OfferOver
    _keep_floor(booking)
    return _welcome(booking, by=by, at=now)


def expire_holds(*, at: datetime, most: int = 500) -> int:
    """Clear lapsed holds away and offer their time to who waits for it; how many.

    Safe to run by many workers at once. Where nobody waits nothing depends on it:
    `hold_slots` takes lapsed holds over by itself.
    """
    lapsed = Booking.objects.lapsed_at(at).order_by("hold_until", "pk")
    cleared = 0
    for booking in lapsed.select_related("venue", "booked_by")[:most]:
        with transaction.atomic():
            lines = lock_lines(booking)
            if expire_hold(booking.pk, at=at):
                cleared += 1
                if booking.is_offer:
                    tell(booking, "venues.offer_missed", at=at)
                offer_freed(booking.venue, wanted_of(lines), at=at)
                offer_freed_places(lines, at=at)
    return cleared


def _keep_floor(booking: Booking) -> None:
    """What was held is booked; so is the place in line that it came from."""
    Occupancy.objects.filter(line__booking=booking).update(
        kind=Occupancy.Kind.BOOKING, hold_until=None
    )
    WaitingEntry.objects.filter(booking=booking, state="offered").update(
        state=WaitingEntry.State.TAKEN
    )


def _rebook(booking: Booking, *, at: datetime) -> bool:
    """Take the same floor again for a hold that ran out; whether that worked."""
    lines = lock_lines(booking)
    expire_hold(booking.pk, at=at)
    if booking.starts_at <= at:
        return False
    expired = Booking.objects.filter(pk=booking.pk, state=Booking.State.EXPIRED)
    try:
        with transaction.atomic():
            refuse_taken(wanted_of(lines), at=at)
            if not expired.update(state=Booking.State.CONFIRMED, hold_until=None):
                return False
            retake_tickets(lines, at=at)
            take_floor(lines, hold_until=None)
    except (SlotTaken, SessionFull, SessionCancelled):
        return False  # and nothing of it stays
    return True


def _welcome(
    booking: Booking, *, by: User | None, at: datetime, payment: Payment | None = None
) -> Booking:
    booking.refresh_from_db()
    issue_pass(booking, at=at)
    record(
        "venues.booking.confirmed",
        subject=booking,
        by=by,
        at=at,
        detail={"payment": payment.number} if payment else {},
    )
    tell(booking, "venues.booking_confirmed", at=at)
    return booking
