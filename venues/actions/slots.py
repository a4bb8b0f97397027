"""Taking floor and time: the one way in for holds, bookings and blocks.

Sorted advisory locks (unit, day) → check → insert. The lock makes rivals queue instead
of colliding; the constraint `venues_occupancy_no_overlap` stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from bureau.common import clock
from bureau.common.db import advisory_locks
from venues.errors import (
    NothingPicked,
    SlotInThePast,
    SlotNotOffered,
    SlotNotOpenYet,
    SlotsOverlap,
    SlotTaken,
    TooManySlots,
    VenueShut,
)
from venues.models import Bookable, Booking, Occupancy, Venue
from venues.queries import HouseRules, Offer, house_rules

Wanted = tuple[int, datetime, datetime]
"""(unit id, from, until)"""


@dataclass(frozen=True)
class Pick:
    """A slot that a person points at: which court, from when (aware)."""

    bookable_id: int
    starts_at: datetime


@dataclass(frozen=True)
class PickedSlot:
    """A pick that the rules allow, with the units it takes and its price."""

    bookable: Bookable
    offer: Offer

    @property
    def wanted(self) -> list[Wanted]:
        return [
            (unit_id, self.offer.starts_at, self.offer.ends_at)
            for unit_id in self.bookable.unit_ids
        ]


def resolve_picks(
    venue: Venue,
    picks: Sequence[Pick],
    *,
    at: datetime,
    groups: frozenset[str] = frozenset(),
) -> list[PickedSlot]:
    """Hold picks against the venue's rules.

    Raises `VenueShut`, `NothingPicked`, `TooManySlots`, `SlotNotOffered`,
    `SlotInThePast`, `SlotNotOpenYet` or `SlotsOverlap`.
    """
    if venue.closed_on or venue.kind != Venue.Kind.PUBLIC:
        raise VenueShut
    if not picks:
        raise NothingPicked
    if len(picks) > venue.max_slots:
        raise TooManySlots(most=venue.max_slots)
    rules = house_rules(venue, today=clock.local_day(at))
    bookables = {bookable.pk: bookable for bookable in rules.bookables}
    slots = []
    for pick in sorted(picks, key=lambda pick: (pick.starts_at, pick.bookable_id)):
        bookable = bookables.get(pick.bookable_id)
        if bookable is None:
            raise SlotNotOffered
        _refuse_outside_window(venue, pick.starts_at, at)
        slots.append(PickedSlot(bookable, _offer(rules, bookable, pick, groups=groups)))
    _refuse_overlap(slots)
    return slots


def _offer(
    rules: HouseRules, bookable: Bookable, pick: Pick, *, groups: frozenset[str]
) -> Offer:
    on = clock.local_day(pick.starts_at)
    for offer in rules.offers(bookable, on, groups=groups):
        if offer.starts_at == pick.starts_at:
            return offer
    raise SlotNotOffered


def _refuse_outside_window(venue: Venue, starts_at: datetime, at: datetime) -> None:
    if starts_at <= at:
        raise SlotInThePast
    opens_on = clock.local_day(starts_at) - timedelta(days=venue.days_ahead)
    if clock.local_day(at) < opens_on:
        raise SlotNotOpenYet(opens_on=opens_on)


def _refuse_overlap(slots: Sequence[PickedSlot]) -> None:
    wanted = sorted(w for slot in slots for w in slot.wanted)
    for (unit, _start, end), (other, start, _end) in pairwise(wanted):
        if unit == other and start < end:
            raise SlotsOverlap


def lock_floor(wanted: Iterable[Wanted], *, person_id: int | None = None) -> None:
    """Queue up behind everybody who wants some of these units on these days.

    With `person_id`, also behind the same person's other requests.
    """
    keys = {
        (unit, day.toordinal())
        for unit, start, end in wanted
        for day in _days(start, end)
    }
    if person_id is not None:
        keys.add((-person_id, 0))
    advisory_locks(keys)


def refuse_taken(wanted: Sequence[Wanted], *, at: datetime) -> None:
    """Raise `SlotTaken` unless all of it is free; clears lapsed holds out of the way.

    Call it behind `lock_floor`.
    """
    in_the_way = list(
        Occupancy.objects.during_any_of(wanted).values_list(
            "kind", "hold_until", "line__booking_id"
        )
    )
    lapsed = set()
    for kind, hold_until, booking_id in in_the_way:
        if kind != Occupancy.Kind.HOLD or hold_until is None or hold_until > at:
            raise SlotTaken
        lapsed.add(booking_id)
    for booking_id in sorted(lapsed):
        if not expire_hold(booking_id, at=at):
            raise SlotTaken  # its money arrived this very moment


def expire_hold(booking_id: int, *, at: datetime) -> bool:
    """Give a lapsed hold's floor back; False when it is not (or no longer) lapsed.

    Its payment closes by itself: it has the same end (bureau/payments sweeps it).
    """
    moved = (
        Booking.objects.filter(pk=booking_id)
        .lapsed_at(at)
        .update(state=Booking.State.EXPIRED)
    )
    if moved:
        Occupancy.objects.filter(line__booking=booking_id).delete()
    return moved == 1


def _days(start: datetime, end: datetime) -> Iterable[date]:
    day = clock.local_day(start)
    last = clock.local_day(end - timedelta(microseconds=1))
    while day <= last:
        yield day
        day += timedelta(days=1)
