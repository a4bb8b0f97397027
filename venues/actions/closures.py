"""Closing a hall: the floor first, then everybody who had booked it.

The closure's row and its floor stand before anybody is called off, so that nobody books
into it meanwhile: what is free is taken at once, and what a booking lets go of falls to
the closure in the same moment (a trigger on `venues_occupancy`). Then booking by
booking is called off, each in a transaction of its own. What a crash leaves the sweep
finishes; how far it is, is read from what still stands (`queries.progress_of`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.tasks import after_commit
from venues import queries
from venues.actions.blocks import LONGEST
from venues.actions.cancellations import call_off_booking
from venues.actions.changes import drop_change
from venues.actions.sessions import cancel_session
from venues.actions.slots import lock_floor
from venues.errors import (
    AlreadyAdmitted,
    AnnouncedLater,
    ClosureOver,
    NothingPicked,
    PeriodTooLong,
    ReasonMissing,
    VenueShut,
)
from venues.models import Block, Booking, BookingLine, Unit, Venue

MOST_LOCKS = 2000
"""(unit, day) locks held at a time; the server's table has room for some thousands."""
SHARES = 4
"""Tasks that work through a closure side by side, each with its share of bookings."""


def close_units(
    *,
    venue: Venue,
    units: Sequence[Unit],
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: User,
    is_weather: bool = False,
    announced_at: datetime | None = None,
) -> Block:
    """Close courts for a while, whatever has been booked there.

    The floor is closed when this returns; the bookings on it are called off by a task
    (`work_through_closure`), in full. `announced_at` says since when the public knows
    it (not given: since now). Raises `NothingPicked`, `VenueShut`, `ReasonMissing`,
    `PeriodTooLong`, `ClosureOver` or `AnnouncedLater`.
    """
    now = clock.now()
    if not units or any(unit.venue_id != venue.pk for unit in units):
        raise NothingPicked
    if venue.closed_on:
        raise VenueShut
    if not reason.strip():
        raise ReasonMissing
    _refuse_times(starts_at, ends_at, announced_at or now, at=now)
    block = Block(
        venue=venue,
        unit_ids=sorted(unit.pk for unit in units),
        reason=reason.strip(),
        is_closure=True,
        is_weather=is_weather,
        starts_at=starts_at,
        ends_at=ends_at,
        announced_at=announced_at or now,
        set_by=by,
        created_at=now,
    )
    for number, part in enumerate(_parts(block)):
        with transaction.atomic():
            lock_floor([(unit, starts_at, ends_at) for unit in part])
            if number == 0:
                block.save()
                _record(block, by=by, at=now)
            _take_what_is_free(block, part)
    return block


def work_through_closure(*, block: Block, share: int = 0, of: int = 1) -> int:
    """Call off what a closure lies on, with a full refund; how many bookings it was.

    With `of` shares, only the bookings of this one; the first also does all the rest.

    Safe to run twice, by several workers, and again after a crash. Who is inside
    already keeps the slot that has begun.
    """
    block.refresh_from_db()
    if block.lifted_at or not block.is_closure:
        return 0
    now = clock.now()
    done = _prepare(block, at=now) if share == 0 else 0
    asked = (block.unit_ids, block.starts_at, block.ends_at)
    touched = queries.touched_lines(*asked, at=now)
    by_booking: dict[Booking, list[BookingLine]] = {}
    for line in touched.select_related("booking__venue", "booking__booked_by"):
        if line.booking_id % of == share:
            by_booking.setdefault(line.booking, []).append(line)
    return done + sum(
        _call_off(block, booking, lines) for booking, lines in by_booking.items()
    )


def _prepare(block: Block, *, at: datetime) -> int:
    """All but the bookings of courts: the floor, sessions, changes to this floor."""
    for part in _parts(block):  # a crash may have left some of it open
        with transaction.atomic():
            lock_floor([(unit, block.starts_at, block.ends_at) for unit in part])
            _take_what_is_free(block, part)
    asked = (block.unit_ids, block.starts_at, block.ends_at)
    done = 0
    sessions = queries.touched_sessions(*asked, at=at)
    for session in sessions.select_related("venue", "bookable"):
        with suppress(DomainError):  # over or cancelled this very moment
            done += len(
                cancel_session(session=session, reason=block.reason, by=block.set_by)
            )
    for change in queries.touched_changes(*asked).select_related("booking__venue"):
        with suppress(DomainError):  # paid or dropped this very moment
            drop_change(change=change, by=block.set_by)
    return done


def finish_closures(*, at: datetime) -> int:
    """Go on where a crash interrupted a closure; how many bookings were called off."""
    return sum(
        work_through_closure(block=block)
        for block in queries.standing_closures(at=at)
        if not queries.progress_of(block, at=at).is_done
    )


def _refuse_times(
    starts_at: datetime, ends_at: datetime, announced_at: datetime, *, at: datetime
) -> None:
    if not starts_at < ends_at <= starts_at + LONGEST:
        raise PeriodTooLong(days=LONGEST.days)
    if ends_at <= at:
        raise ClosureOver
    if announced_at > at:
        raise AnnouncedLater


def _parts(block: Block) -> Iterator[tuple[int, ...]]:
    """Its units, as many at a time as can be locked together."""
    days = (block.ends_at - block.starts_at) // timedelta(days=1) + 2
    size = max(1, MOST_LOCKS // days)
    for first in range(0, len(block.unit_ids), size):
        yield tuple(block.unit_ids[first : first + size])


_TAKE = """
    INSERT INTO venues_occupancy (unit_id, during, kind, block_id)
    SELECT unit, piece, 'block', %(block)s
      FROM unnest(%(units)s::bigint[]) AS unit
     CROSS JOIN LATERAL unnest(
           tstzmultirange(tstzrange(%(start)s, %(end)s)) - coalesce(
               (SELECT range_agg(taken.during) FROM venues_occupancy AS taken
                 WHERE taken.unit_id = unit
                   AND taken.during && tstzrange(%(start)s, %(end)s)),
               '{}'::tstzmultirange)) AS piece
"""


def _take_what_is_free(block: Block, units: Sequence[int]) -> None:
    """Behind `lock_floor`: the pieces of this floor on which nothing lies."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "block": block.pk,
                "units": list(units),
                "start": block.starts_at,
                "end": block.ends_at,
            },
        )


def _record(block: Block, *, by: User, at: datetime) -> None:
    from venues.tasks import close_hall  # noqa: PLC0415 - tasks call actions

    record(
        "venues.closure.set",
        subject=block,
        by=by,
        at=at,
        detail={
            "units": block.unit_ids,
            "reason": block.reason,
            "weather": block.is_weather,
        },
    )
    for share in range(SHARES):
        after_commit(close_hall, block_id=block.pk, share=share, of=SHARES)


def _call_off(block: Block, booking: Booking, lines: Sequence[BookingLine]) -> int:
    """One booking; 0 when people are inside, or when it moved on by itself."""
    tries = [[line.pk for line in lines]]
    if booking.state == Booking.State.HELD:
        tries = [[]]  # its payment asks for all of it
    elif ahead := [line.pk for line in lines if line.starts_at > clock.now()]:
        tries.append(ahead)  # who came for an earlier slot plays that one
    for line_ids in tries:
        try:
            call_off_booking(
                booking=booking,
                line_ids=line_ids,
                reason=block.reason,
                by=block.set_by,
                closed=True,
            )
        except AlreadyAdmitted:
            continue
        except DomainError:
            return 0
        return 1
    return 0
