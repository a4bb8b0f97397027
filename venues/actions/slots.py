"""Taking floor and time: the one way in for holds, bookings and blocks.

Sorted advisory locks (unit, day) → check → insert. The lock makes rivals queue instead
of colliding; the constraint `venues_occupancy_no_overlap` stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.db import (
    DrawnIds,
    advisory_locks,
    drawing,
    lock_statement,
    prepared,
)
from bureau.common.guarded import Look, written_if_clear
from bureau.payments.models import Payment
from venues.errors.slots import (
    NothingPicked,
    SlotInThePast,
    SlotKeptForDesk,
    SlotNotOffered,
    SlotNotOpenYet,
    SlotsOverlap,
    SlotTaken,
    TooManySlots,
    TooShortNotice,
    VenueShut,
)
from venues.models import (
    Bookable,
    Booking,
    BookingChange,
    BookingLine,
    Occupancy,
    OpenSession,
    Venue,
    WaitingEntry,
)
from venues.queries.rules import (
    HouseRules,
    Offer,
    house_rules,
    kept_until,
    online_until,
    window_opens_at,
)

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
    session: OpenSession | None = None
    places: int = 1

    @property
    def wanted(self) -> list[Wanted]:
        """Its floor, and the time that is kept free after it."""
        until = self.offer.ends_at + self.bookable.buffer
        return [
            (unit_id, self.offer.starts_at, until) for unit_id in self.bookable.unit_ids
        ]


ON_LINE = frozenset({Booking.Channel.ONLINE, Booking.Channel.OFFER})
"""Whoever books on line keeps the notice and leaves the kept courts to the window."""
IN_THE_WINDOW = ON_LINE | {Booking.Channel.DESK}
"""Whom the days ahead bind; a draw and a club season lie further ahead."""


def resolve_picks(
    venue: Venue,
    picks: Sequence[Pick],
    *,
    at: datetime,
    groups: frozenset[str] = frozenset(),
    channel: str = Booking.Channel.ONLINE,
) -> list[PickedSlot]:
    """Hold picks against the venue's rules, as far as they bind the channel.

    Raises `VenueShut`, `NothingPicked`, `TooManySlots`, `SlotNotOffered`,
    `SlotInThePast`, `SlotNotOpenYet`, `TooShortNotice`, `SlotKeptForDesk` or
    `SlotsOverlap`.
    """
    if venue.closed_on or venue.kind != Venue.Kind.PUBLIC:
        raise VenueShut
    if not picks:
        raise NothingPicked
    if channel in IN_THE_WINDOW and len(picks) > venue.max_slots:
        raise TooManySlots(most=venue.max_slots)
    rules = house_rules(venue, today=clock.local_day(at))
    in_order = sorted(picks, key=lambda pick: (pick.starts_at, pick.bookable_id))
    slots = [
        _resolve(venue, rules, pick, at=at, groups=groups, channel=channel)
        for pick in in_order
    ]
    _refuse_overlap(slots)
    return slots


def _resolve(
    venue: Venue,
    rules: HouseRules,
    pick: Pick,
    *,
    at: datetime,
    groups: frozenset[str],
    channel: str,
) -> PickedSlot:
    bookable = rules.court(pick.bookable_id)
    if bookable is None:
        raise SlotNotOffered
    if pick.starts_at <= at:
        raise SlotInThePast
    offer = rules.offer_at(bookable, pick.starts_at, groups=groups)
    if channel in IN_THE_WINDOW:
        on = offer.business_day if offer else clock.local_day(pick.starts_at)
        _refuse_before_window(venue, on, at)
    if offer is None:
        raise SlotNotOffered
    if channel in ON_LINE:
        _refuse_off_line(venue, rules, bookable, offer, at)
    return PickedSlot(bookable, offer)


def _refuse_before_window(venue: Venue, on: date, at: datetime) -> None:
    opens_at = window_opens_at(venue, on)
    if at < opens_at:
        raise SlotNotOpenYet(
            opens_at=clock.at_text(opens_at), opens_on=clock.local_day(opens_at)
        )


def _refuse_off_line(
    venue: Venue, rules: HouseRules, bookable: Bookable, offer: Offer, at: datetime
) -> None:
    """What only the window may give."""
    until = online_until(venue, offer.starts_at)
    if until <= at:
        raise TooShortNotice(until=clock.at_text(until))
    if not venue.walk_in_percent:
        return
    opens_at = kept_until(venue, offer.starts_at)
    kept = rules.kept_for_desk(
        bookable.sport, offer.business_day, percent=venue.walk_in_percent
    )
    if at < opens_at and offer.key in kept:
        raise SlotKeptForDesk(opens_at=clock.at_text(opens_at))


def _refuse_overlap(slots: Sequence[PickedSlot]) -> None:
    wanted = sorted(w for slot in slots for w in slot.wanted)
    for (unit, _start, end), (other, start, _end) in pairwise(wanted):
        if unit == other and start < end:
            raise SlotsOverlap


@dataclass(frozen=True)
class Seen:
    """What stands in the way of a wish, as seen from behind its locks."""

    made_before: int | None
    """The booking that this very request has made already."""
    holds: int
    """How many unpaid bookings the person has."""
    banned_until: datetime | None
    is_taken: bool
    lapsed: list[int]
    """Bookings whose holds ran out but still lie on the floor."""
    lapsed_changes: list[int]
    """Changes whose holds ran out but still lie on the floor."""
    is_awaited: bool
    """Whether somebody is in line for floor that a lapsed hold lies on."""
    ids: DrawnIds
    """Ids for the rows of the booking that may come of it (`open_booking`)."""

    @property
    def is_barred(self) -> bool:
        """Whether somebody else has the floor, or comes before."""
        return self.is_taken or self.is_awaited


def lock_floor(wanted: Iterable[Wanted], *, person: User | None = None) -> None:
    """Queue up behind everybody who wants some of these units on these days.

    With `person` also behind what this person books elsewhere: their quota.
    """
    keys = _keys(wanted)
    if person:
        keys.add(person_key(person))
    if keys:
        advisory_locks(keys)


def person_key(person: User) -> tuple[int, int]:
    """The name of a person's lock; it sorts before that of any floor."""
    return -person.pk, 0


def lock_and_look(
    wanted: Sequence[Wanted], *, person: User, request_key: UUID, at: datetime
) -> Seen:
    """Queue up as `lock_floor` does, and behind the person's own requests; then look.

    Both in one go to the database, which also draws the ids for the booking's rows.
    Each statement sees what was committed when its own turn came, so the second one
    sees all that happened while the first one waited.
    """
    return _seen(
        lock_statement({person_key(person), *_keys(wanted)}),
        _look_statement(
            wanted,
            at=at,
            person_id=person.pk,
            request_key=request_key,
            drawn=len(wanted),
        ),
    )


def write_if_clear(
    wanted: Sequence[Wanted],
    *,
    person: User,
    request_key: UUID,
    most_holds: int,
    at: datetime,
    write: Callable[[], Booking],
) -> tuple[Seen, Booking | None]:
    """`lock_and_look`, and the booking that `write` makes if the way is clear.

    All of it is one message to the database: nothing is locked while Python thinks.
    Where the slightest thing stands in the way (somebody's floor, a hold that ran out,
    a ban, `most_holds` unpaid bookings, this very request) nothing is written, and what
    was seen from behind the locks says why. `write` inserts and asks nothing.
    """
    given = _look_given(
        wanted,
        at=at,
        person_id=person.pk,
        request_key=request_key,
        drawn=len(wanted),
    )
    locks = lock_statement({person_key(person), *_keys(wanted)})
    with written_if_clear(_clear_look(most_holds), given, behind=locks) as guarded:
        booking = write()
    seen = _as_seen(guarded.seen.values())
    return seen, booking if guarded.is_written else None


def look(
    wanted: Sequence[Wanted], *, person: User, request_key: UUID, at: datetime
) -> Seen:
    """The same look without the locks: enough to say no, never enough to say yes."""
    given = _look_statement(
        wanted, at=at, person_id=person.pk, request_key=request_key, drawn=0
    )
    return _seen(given)


# Floor that somebody was just refused, and until when others had better look first.
# Each process learns it anew; whoever finds nothing here queues up, as everybody could.
_crowded: dict[Wanted, datetime] = {}
_CROWD = timedelta(seconds=10)
_MOST_CROWDED = 5000


def is_crowded(wanted: Iterable[Wanted], *, at: datetime) -> bool:
    """Whether somebody was refused some of this floor a moment ago."""
    return any(piece in _crowded and at < _crowded[piece] for piece in wanted)


def note_crowd(wanted: Iterable[Wanted], *, at: datetime) -> None:
    """Let those who come now for this floor look before they queue up."""
    if len(_crowded) >= _MOST_CROWDED:
        _crowded.clear()
    _crowded.update(dict.fromkeys(wanted, at + _CROWD))


def refuse_taken(wanted: Sequence[Wanted], *, at: datetime) -> None:
    """Raise `SlotTaken` unless all of it is free; clears lapsed holds out of the way.

    Call it behind `lock_floor`.
    """
    if wanted:
        clear_way(_seen(_look_statement(wanted, at=at)), at=at)


def clear_way(seen: Seen, *, at: datetime) -> None:
    """Take lapsed holds over; raises `SlotTaken` where something else is in the way.

    What a lapsed hold lies on belongs to the first in line, if there is a line: the
    sweep offers it within seconds (`expire_holds`).
    """
    if seen.is_barred:
        raise SlotTaken
    for change_id in seen.lapsed_changes:
        if not expire_change(change_id, at=at):
            raise SlotTaken
    for booking_id in seen.lapsed:
        if not expire_hold(booking_id, at=at):
            raise SlotTaken  # its money arrived this very moment


# What a booking is made of. Beside it, its payment has an audit entry too.
_BOOKED = (Booking, BookingLine, Occupancy, Payment, Entry)

_LOOK = f"""
    SELECT (SELECT id FROM venues_booking
             WHERE booked_by_id = $1 AND request_key = $2),
           (SELECT count(*) FROM venues_booking
             WHERE booked_by_id = $1 AND state = 'held' AND hold_until > $3
               AND channel NOT IN ('offer', 'ballot')),
           (SELECT max(ends_at) FROM venues_ban
             WHERE person_id = $1 AND lifted_at IS NULL
               AND starts_at <= $3 AND ends_at > $3),
           coalesce(bool_or(kind <> 'hold' OR occupancy.hold_until > $3), false),
           array_agg(DISTINCT line.booking_id ORDER BY line.booking_id)
             FILTER (WHERE kind = 'hold' AND line.state = 'standing'),
           array_agg(DISTINCT line.arrives_with_id)
             FILTER (WHERE kind = 'hold' AND line.state = 'pending'),
           coalesce(bool_or(kind = 'hold' AND EXISTS (
               SELECT 1 FROM venues_waitingentry AS entry
                 JOIN venues_unit AS unit ON unit.venue_id = entry.venue_id
                WHERE unit.id = occupancy.unit_id AND entry.state = 'waiting'
                  AND entry.session_id IS NULL
                  AND entry.starts_at < wanted.ends_at
                  AND entry.ends_at > wanted.starts_at)), false),
           {drawing(_BOOKED, first_mark=7)}
      FROM unnest($4::bigint[], $5::timestamptz[], $6::timestamptz[])
           AS wanted (unit_id, starts_at, ends_at)
      JOIN venues_occupancy AS occupancy
        ON occupancy.unit_id = wanted.unit_id
       AND occupancy.during && tstzrange(wanted.starts_at, wanted.ends_at)
      LEFT JOIN venues_bookingline AS line ON line.id = occupancy.line_id
"""  # noqa: S608 - the tables are our own


@cache
def _clear_look(most_holds: int) -> Look:
    """What has to be seen so that a booking is written in the same statement."""
    return Look(
        name=f"venues_take_{most_holds}",
        sql=_LOOK,
        columns=(
            *("made_before", "holds", "banned_until", "is_taken", "lapsed"),
            *("lapsed_changes", "is_awaited"),
            *(f"{model._meta.model_name}_ids" for model in _BOOKED),
        ),
        ids={model: f"{model._meta.model_name}_ids" for model in _BOOKED},
        is_clear=f"made_before IS NULL AND holds < {most_holds} AND NOT is_taken"
        " AND banned_until IS NULL AND lapsed IS NULL AND lapsed_changes IS NULL"
        " AND NOT is_awaited",
    )


def _look_statement(
    wanted: Sequence[Wanted],
    *,
    at: datetime,
    person_id: int | None = None,
    request_key: UUID | None = None,
    drawn: int = 0,
) -> tuple[str, list[Any]]:
    given = _look_given(
        wanted, at=at, person_id=person_id, request_key=request_key, drawn=drawn
    )
    return prepared("venues_look", _LOOK, len(given)), given


def _look_given(
    wanted: Sequence[Wanted],
    *,
    at: datetime,
    person_id: int | None,
    request_key: UUID | None,
    drawn: int,
) -> list[Any]:
    """`drawn`: how many pieces of floor to draw ids for; there are as many lines."""
    units, starts, ends = map(list, zip(*wanted, strict=True))
    one = min(drawn, 1)
    ids = [one, drawn, drawn, one, 2 * one]
    return [person_id, request_key, at, units, starts, ends, *ids]


def _seen(*statements: tuple[str, list[Any]]) -> Seen:
    """Send the statements together; what the last one says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "; ".join(sql for sql, _given in statements),
            [value for _sql, given in statements for value in given],
        )
        return _as_seen(cursor.fetchone())


def _as_seen(found: Iterable[Any]) -> Seen:
    made_before, holds, banned, taken, lapsed, changes, awaited, *drawn = found
    ids: DrawnIds = dict(zip(_BOOKED, drawn, strict=True))
    return Seen(
        made_before, holds, banned, taken, lapsed or [], changes or [], awaited, ids
    )


def _keys(wanted: Iterable[Wanted]) -> set[tuple[int, int]]:
    return {
        (unit, day.toordinal())
        for unit, start, end in wanted
        for day in _days(start, end)
    }


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
        free_lines(BookingLine.objects.filter(booking=booking_id))
        WaitingEntry.objects.filter(booking=booking_id, state="offered").update(
            state=WaitingEntry.State.MISSED
        )
    return moved == 1


def expire_change(change_id: int, *, at: datetime) -> bool:
    """Give the floor of a lapsed change back; False when it is not lapsed any more."""
    moved = (
        BookingChange.objects.filter(pk=change_id)
        .lapsed_at(at)
        .update(state=BookingChange.State.EXPIRED, hold_until=None)
    )
    if moved:
        drop_arriving(change_id)
    return moved == 1


def drop_arriving(change_id: int) -> None:
    """The new slots of a change that comes to nothing go."""
    arriving = BookingLine.objects.filter(arrives_with=change_id)
    free_lines(arriving)
    arriving.update(state=BookingLine.State.GIVEN_UP)


def free_lines(lines: Iterable[BookingLine]) -> None:
    """Let go of the floor of these lines, and of their tickets to open sessions."""
    rows = sorted(lines, key=lambda line: (line.session_id or 0, line.pk))
    Occupancy.objects.filter(line__in=[line.pk for line in rows]).delete()
    for line in rows:
        if line.session_id:
            OpenSession.objects.filter(pk=line.session_id).update(
                taken=F("taken") - line.places
            )


def _days(start: datetime, end: datetime) -> Iterable[date]:
    day = clock.local_day(start)
    last = clock.local_day(end - timedelta(microseconds=1))
    while day <= last:
        yield day
        day += timedelta(days=1)
