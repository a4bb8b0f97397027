"""Closing a hall: the floor first, then everybody who had booked it.

The closure's row and its floor stand before anybody is called off, so that nobody books
into it meanwhile: what is free is taken at once, and what a booking lets go of falls to
the closure in the same moment (a trigger on `venues_occupancy`). Then bookings are
called off, a hundred in a transaction where they are alike, the others one by one. What
a crash leaves the sweep finishes; how far it is, is read from what still stands
(`queries.progress_of`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.errors import DomainError, ReasonMissing
from bureau.common.tasks import after_commit
from bureau.draws.models import Draw
from venues import queries
from venues.actions.ballots import call_off_ballot, hand_out_ballot
from venues.actions.blocks import LONGEST
from venues.actions.calling_off import call_off_alike
from venues.actions.cancellations import call_off_booking
from venues.actions.changes import drop_change
from venues.actions.sessions import cancel_session
from venues.actions.slots import lock_floor
from venues.errors.closures import AnnouncedLater, ClosureOver, PeriodTooLong
from venues.errors.gate import AlreadyAdmitted
from venues.errors.slots import NothingPicked, VenueShut
from venues.models import (
    Ballot,
    Block,
    Bookable,
    Booking,
    BookingLine,
    Unit,
    Venue,
)

MOST_LOCKS = 2000
"""(unit, day) locks held at a time; the server's table has room for some thousands."""
SHARES = 4
"""Tasks that work through a closure side by side, each with its share of bookings."""
CHUNK = 100
"""Bookings called off in one transaction; others of these courts wait for its end."""


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
    touched = queries.touched_lines(*asked, at=now).select_related("booking__venue")
    by_booking: dict[Booking, list[BookingLine]] = {}
    for line in touched.select_related("bookable"):
        by_booking.setdefault(line.booking, []).append(line)
    mine = {
        booking: lines
        for booking, lines in by_booking.items()
        if _share_of(lines[0], of) == share
    }
    instead = _Instead(at=now)
    for part in _chunks(mine):
        done += _call_off_chunk(block, part, instead)
    return done


def _share_of(line: BookingLine, of: int) -> int:
    """Whose a booking is: hardly two shares want the floor of one court and day."""
    return (line.bookable_id + clock.local_day(line.starts_at).toordinal()) % of


def _chunks(
    by_booking: dict[Booking, list[BookingLine]],
) -> Iterator[dict[Booking, list[BookingLine]]]:
    rows = list(by_booking.items())
    for first in range(0, len(rows), CHUNK):
        yield dict(rows[first : first + CHUNK])


def _call_off_chunk(
    block: Block, by_booking: dict[Booking, list[BookingLine]], instead: _Instead
) -> int:
    if Block.objects.filter(pk=block.pk).exclude(lifted_at=None).exists():
        return 0  # the hall has opened again while we worked
    ways_out = {
        booking.pk: instead.of(booking.venue, lines)
        for booking, lines in by_booking.items()
    }
    done = set[int]()
    with suppress(DomainError):  # then none of them was: each by itself, below
        done = call_off_alike(
            line_ids={
                booking.pk: [line.pk for line in lines]
                for booking, lines in by_booking.items()
            },
            reason=block.reason,
            by=block.set_by,
            kept=[(unit, block.starts_at, block.ends_at) for unit in block.unit_ids],
            instead=ways_out,
        )
    return len(done) + sum(
        _call_off(block, booking, lines, instead=ways_out[booking.pk])
        for booking, lines in by_booking.items()
        if booking.pk not in done
    )


class _Instead:
    """What else is free, in a line of text; looked up once for each time and sport."""

    def __init__(self, *, at: datetime) -> None:
        self._at = at
        self._known: dict[tuple[int, str, tuple[datetime, ...]], str] = {}

    def of(self, venue: Venue, lines: Sequence[BookingLine]) -> str:
        """For the first court and day of these slots; empty where nothing is near."""
        court, day = lines[0].bookable, clock.local_day(lines[0].starts_at)
        starts = tuple(
            line.starts_at
            for line in lines
            if line.bookable_id == court.pk and clock.local_day(line.starts_at) == day
        )
        key = (venue.pk, court.sport, starts)
        if key not in self._known:
            self._known[key] = self._look(venue, court, starts)
        return self._known[key]

    def _look(self, venue: Venue, court: Bookable, starts: Sequence[datetime]) -> str:
        ahead = [start for start in starts if start > self._at]
        if not ahead:
            return ""
        found = queries.alternatives(
            venue=venue, bookable=court, starts=ahead, at=self._at
        )
        return "; ".join(
            f"{one.starts_at.astimezone(clock.CHINA):%Y-%m-%d %H:%M} {one.venue.name}"
            f" {one.bookable.name}"
            for one in found
        )


def _prepare(block: Block, *, at: datetime) -> int:
    """All but the bookings: floor, ballots, sessions, changes to this floor."""
    for part in _parts(block):  # a crash may have left some of it open
        with transaction.atomic():
            lock_floor([(unit, block.starts_at, block.ends_at) for unit in part])
            _take_what_is_free(block, part)
    asked = (block.unit_ids, block.starts_at, block.ends_at)
    done = 0
    for ballot in queries.touched_ballots(*asked).select_related("draw"):
        _end_ballot(block, ballot, at=at)
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


def _end_ballot(block: Block, ballot: Ballot, *, at: datetime) -> None:
    """Call a ballot off, since what it promised is gone.

    One that has been drawn stands: it is handed out without the closed courts.
    """
    with transaction.atomic(), suppress(DomainError):  # ended this very moment
        locked = Draw.objects.select_for_update(of=["self"])
        draw = locked.filter(court_ballot=ballot).first()
        if draw and draw.state in (Draw.State.OPEN, Draw.State.FROZEN):
            call_off_ballot(ballot=ballot, reason=block.reason, by=block.set_by)
            return
    hand_out_ballot(ballot=ballot, at=at)


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


def _call_off(
    block: Block, booking: Booking, lines: Sequence[BookingLine], *, instead: str
) -> int:
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
                instead=instead,
            )
        except AlreadyAdmitted:
            continue
        except DomainError:
            return 0
        return 1
    return 0
