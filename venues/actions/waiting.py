"""The waiting list: a freed time is held for the first in line, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from bureau.accounts.models import Dependant, User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from venues import queries
from venues.actions.floor import groups_of, open_booking
from venues.actions.quotas import may_be_offered, refuse_banned, refuse_over_quota
from venues.actions.slots import Pick, PickedSlot, Wanted, lock_floor, resolve_picks
from venues.actions.telling import tell
from venues.errors.slots import SlotInThePast, SlotNotOffered, SlotTaken
from venues.errors.waiting import AlreadyInLine, NotInLine, SlotNotTaken, TooManyLines
from venues.models import Bookable, Booking, Occupancy, Venue, WaitingEntry

MOST_TRIED = 50
"""How many of a line are looked at when a time is freed."""
MOST_LINES = 10
"""Lines in which one person may stand at a time."""


@constraint_errors(venues_waitingentry_one_live_per_time=AlreadyInLine)
def join_waiting_list(
    *,
    venue: Venue,
    sport: str,
    starts_at: datetime,
    by: User,
    bookable: Bookable | None = None,
    dependant: Dependant | None = None,
) -> WaitingEntry:
    """Stand in line for a time that is taken: on one court, or on any of a sport.

    Raises `SlotInThePast`, `SlotNotOffered`, `SlotNotTaken` when it can be booked right
    away, `Banned`, `QuotaUsedUp`, `TooManyLines` or `AlreadyInLine`.
    """
    now = clock.now()
    if starts_at <= now:
        raise SlotInThePast
    slots = _slots_at(
        venue, sport, starts_at, bookable, person=by, dependant=dependant, at=now
    )
    if not slots:
        raise SlotNotOffered
    refuse_banned(by, at=now)
    refuse_over_quota(venue, slots[:1], person=by, at=now)
    if any(_is_free(slot) for slot in slots):
        raise SlotNotTaken
    refuse_many_lines(by)
    entry = WaitingEntry.objects.create(
        person=by,
        dependant=dependant,
        venue=venue,
        sport=sport,
        bookable=bookable,
        starts_at=starts_at,
        ends_at=slots[0].offer.ends_at,
        joined_at=now,
    )
    record("venues.waiting.joined", subject=entry, by=by, at=now)
    return entry


def refuse_many_lines(person: User) -> None:
    """Raise `TooManyLines` for who stands in as many as one may."""
    if WaitingEntry.objects.live().filter(person=person).count() >= MOST_LINES:
        raise TooManyLines(most=MOST_LINES)


@transaction.atomic
def leave_waiting_list(*, entry: WaitingEntry, by: User) -> WaitingEntry:
    """Step out of the line. An offer is declined by cancelling its booking.

    Raises `NotInLine`.
    """
    if not WaitingEntry.objects.filter(
        pk=entry.pk, state=WaitingEntry.State.WAITING
    ).update(state=WaitingEntry.State.LEFT):
        raise NotInLine
    entry.refresh_from_db()
    record("venues.waiting.left", subject=entry, by=by, at=clock.now())
    return entry


def leave_all_lines(user: User) -> None:
    """Somebody deletes their account: nothing is offered to them any more."""
    for entry in WaitingEntry.objects.visible_to(user).filter(
        state=WaitingEntry.State.WAITING
    ):
        leave_waiting_list(entry=entry, by=user)


def offer_freed(
    venue: Venue, freed: Sequence[Wanted], *, at: datetime
) -> list[Booking]:
    """Hold freed floor for those who are first in line for it.

    Call it inside the transaction that freed the floor and behind `lock_floor` of it,
    so that nobody slips in between. Only times that lie wholly on this floor are
    offered here; for others the sweep looks (`offer_to_line`).
    """
    if not freed:
        return []
    start = min(w[1] for w in freed)
    end = max(w[2] for w in freed)
    if end <= at:
        return []
    locked = {unit for unit, _start, _end in freed}
    line = WaitingEntry.objects.in_line(venue, start, end)[:MOST_TRIED]
    offers = [_offer(entry, at=at, only_units=locked) for entry in line]
    return [booking for booking in offers if booking]


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def offer_to_line(*, entry: WaitingEntry, at: datetime) -> Booking | None:
    """Offer a time to somebody in line when it is free now; for the sweep."""
    slots = _slots_for(entry, at=at)
    lock_floor([w for slot in slots for w in slot.wanted])
    return _offer(entry, at=at, only_units=None)


def offer_to_lines(*, at: datetime, most: int = 500) -> int:
    """Offer what became free by any other way (a lifted block, a half of a hall).

    Whoever frees floor offers it at once (`offer_freed`); this finds the rest within
    seconds. How many offers it made. Safe to run by many workers at once.
    """
    made = 0
    for entry_id in queries.servable_entries(at=at, most=most):
        entry = WaitingEntry.objects.select_related(
            "person", "dependant", "venue", "bookable"
        ).get(pk=entry_id)
        try:
            made += offer_to_line(entry=entry, at=at) is not None
        except SlotTaken:
            continue  # somebody was quicker
    return made


def close_lines(*, at: datetime) -> int:
    """End the waiting of those whose time has come without an offer; how many."""
    return WaitingEntry.objects.filter(
        state=WaitingEntry.State.WAITING, starts_at__lte=at
    ).update(state=WaitingEntry.State.OVER)


def _offer(
    entry: WaitingEntry, *, at: datetime, only_units: set[int] | None
) -> Booking | None:
    for slot in _slots_for(entry, at=at):
        units = {unit for unit, _start, _end in slot.wanted}
        if only_units is not None and not units <= only_units:
            continue
        if not _is_free(slot):
            continue
        if not may_be_offered(entry.venue, slot, person=entry.person, at=at):
            return None
        waits = WaitingEntry.objects.select_for_update().filter(
            pk=entry.pk, state=WaitingEntry.State.WAITING
        )
        return hold_for(entry, slot, at=at) if waits.exists() else None
    return None


def hold_for(entry: WaitingEntry, slot: PickedSlot, *, at: datetime) -> Booking:
    """The offer: a held booking that runs out, and the news of it."""
    until = at + timedelta(minutes=entry.venue.offer_minutes)
    booking = open_booking(
        venue=entry.venue,
        slots=[slot],
        person=entry.person,
        dependant=entry.dependant,
        channel=Booking.Channel.OFFER,
        hold_until=min(until, slot.offer.starts_at),
        at=at,
        by=None,
    )
    WaitingEntry.objects.filter(pk=entry.pk).update(
        state=WaitingEntry.State.OFFERED, offered_at=at, booking=booking
    )
    record(
        "venues.waiting.offered",
        subject=entry,
        by=None,
        at=at,
        detail={"booking": booking.number},
    )
    tell(
        booking,
        "venues.slot_offered",
        at=at,
        total=yuan(booking.total_fen),
        until=booking.hold_until.isoformat() if booking.hold_until else "",
    )
    return booking


def _slots_for(entry: WaitingEntry, *, at: datetime) -> list[PickedSlot]:
    return _slots_at(
        entry.venue,
        entry.sport,
        entry.starts_at,
        entry.bookable,
        person=entry.person,
        dependant=entry.dependant,
        at=at,
    )


def _slots_at(
    venue: Venue,
    sport: str,
    starts_at: datetime,
    bookable: Bookable | None,
    *,
    person: User,
    dependant: Dependant | None,
    at: datetime,
) -> list[PickedSlot]:
    """The courts that would do, each as a slot at the price of who would play."""
    today = clock.local_day(at)
    courts = [
        court
        for court in queries.house_rules(venue, today=today).bookables
        if court.sport == sport and bookable in (None, court)
    ]
    groups = groups_of(person, dependant, venue=venue, on=today)
    slots = []
    for court in courts:
        try:
            slots += resolve_picks(
                venue, [Pick(court.pk, starts_at)], at=at, groups=groups
            )
        except DomainError:
            continue
    return slots


def _is_free(slot: PickedSlot) -> bool:
    """Whether nothing at all lies on the floor, not even a hold that ran out."""
    return not Occupancy.objects.during_any_of(slot.wanted).exists()
