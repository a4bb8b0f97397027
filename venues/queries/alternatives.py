"""What else is free when a time was just taken: as near as it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import pairwise

from bureau.common import clock
from bureau.common.db import rows_of
from venues.models import Bookable, Venue
from venues.queries.free import FreeFloor, floor_lately
from venues.queries.grid import Slot
from venues.queries.lately import Lately
from venues.queries.rules import Offer, house_rules

MOST_ALTERNATIVES = 3
MOST_VENUES = 4
"""Neighbours with free floor that are looked at: the first nearly always has it."""


class Nearness(StrEnum):
    COURT = "court"
    TIME = "time"
    VENUE = "venue"


@dataclass(frozen=True)
class Alternative:
    """Slots that can be booked now, in place of some that cannot."""

    nearness: Nearness
    """The same time on another court, another time here, or another venue."""
    venue: Venue
    slots: tuple[Slot, ...]
    distance_m: int | None = None
    """From the venue that was wanted."""

    @property
    def bookable(self) -> Bookable:
        return self.slots[0].bookable

    @property
    def starts_at(self) -> datetime:
        return self.slots[0].starts_at

    @property
    def ends_at(self) -> datetime:
        return self.slots[-1].ends_at

    @property
    def total_fen(self) -> int:
        return sum(slot.price.fen for slot in self.slots)

    @property
    def keys(self) -> list[str]:
        """How an address names its slots."""
        return [slot.key for slot in self.slots]


@dataclass(frozen=True)
class WaysOut:
    """What to do about slots of which at least one cannot be had."""

    alternatives: list[Alternative]
    barred: list[tuple[Bookable, Offer]]
    """Those of them that are not free: one can stand in line for them."""


NO_WAY = WaysOut([], [])


def alternatives(
    *,
    venue: Venue,
    bookable: Bookable,
    starts: Sequence[datetime],
    at: datetime,
    groups: frozenset[str] = frozenset(),
) -> list[Alternative]:
    """The three nearest ways out when slots of a court cannot be had.

    The same time on another court, the nearest time here, and the nearest venue at the
    same time, each as many slots in a row as were wanted and at this person's price;
    where one kind has none, the next nearest times here fill up. However large the city
    is: two days of this venue are looked at, and `MOST_VENUES` others.
    """
    starts = sorted(starts)
    rules = house_rules(venue, today=clock.local_day(at))
    wanted = rules.offer_at(bookable, starts[0])
    on = wanted.business_day if wanted else clock.local_day(starts[0])
    here = FreeFloor(venue, sport=bookable.sport, on=on, at=at, groups=groups)
    return _nearest(here, bookable, starts, on=on, at=at, groups=groups, eyes=_NOW)


def alternatives_to(
    venue: Venue,
    wanted: Sequence[tuple[int, datetime]],
    *,
    at: datetime,
    groups: frozenset[str] = frozenset(),
) -> list[Alternative]:
    """The alternatives of `ways_out`."""
    return ways_out(venue, wanted, at=at, groups=groups).alternatives


def ways_out(
    venue: Venue,
    wanted: Sequence[tuple[int, datetime]],
    *,
    at: datetime,
    groups: frozenset[str] = frozenset(),
    lately: bool = False,
) -> WaysOut:
    """Ways out for (court id, start) pairs, of which at least one cannot be had.

    The alternatives replace what was wanted of the first court that is not free. Three
    questions to the database while the rules of the venues are known. `lately`, in a
    rush, it is hardly one, and what is free may be a second old; what was wanted is
    not: where that memory holds it for free, the floor is looked at.
    """
    if lately:
        ways = _ways_out(venue, wanted, at=at, groups=groups, eyes=_LATELY)
        if ways.barred:
            return ways
    return _ways_out(venue, wanted, at=at, groups=groups, eyes=_NOW)


def _ways_out(
    venue: Venue,
    wanted: Sequence[tuple[int, datetime]],
    *,
    at: datetime,
    groups: frozenset[str],
    eyes: _Eyes,
) -> WaysOut:
    rules = house_rules(venue, today=clock.local_day(at))
    known = [(court, start) for pk, start in wanted if (court := rules.court(pk))]
    if not known:
        return NO_WAY
    see = partial(eyes.floor, venue, at=at, groups=groups)
    floors: dict[tuple[str, date], FreeFloor] = {}
    barred = []
    for court, start in known:
        if (offer := rules.offer_at(court, start, groups=groups)) is None:
            continue
        which = court.sport, offer.business_day
        if which not in floors:
            floors[which] = see(sport=which[0], on=which[1])
        if not floors[which].has(court, offer):
            barred.append((court, offer))
    bookable, start = known[0]
    if barred:
        bookable, start = barred[0][0], barred[0][1].starts_at
    starts = sorted(start for pk, start in wanted if pk == bookable.pk)
    first = rules.offer_at(bookable, starts[0], groups=groups)
    on = first.business_day if first else clock.local_day(starts[0])
    here = floors.get((bookable.sport, on)) or see(sport=bookable.sport, on=on)
    found = _nearest(here, bookable, starts, on=on, at=at, groups=groups, eyes=eyes)
    return WaysOut(found, barred)


def _nearest(
    here: FreeFloor,
    bookable: Bookable,
    starts: Sequence[datetime],
    *,
    on: date,
    at: datetime,
    groups: frozenset[str],
    eyes: _Eyes,
) -> list[Alternative]:
    venue = here.venue
    found: list[Alternative] = []
    if same_time := _same_time(here.on(on), starts, but=bookable):
        found.append(Alternative(Nearness.COURT, venue, same_time))
    times = _other_times(here.on(on), starts, wanted=bookable) or _other_times(
        here.on(on + timedelta(days=1)), starts, wanted=bookable
    )
    later = [Alternative(Nearness.TIME, venue, run) for run in times]
    found += later[:1]
    for neighbour, metres in eyes.neighbours(venue, bookable, starts, at=at):
        floor = eyes.floor(neighbour, sport=bookable.sport, on=on, at=at, groups=groups)
        if there := _same_time(floor.on(on), starts, but=None):
            found.append(Alternative(Nearness.VENUE, neighbour, there, metres))
            break
    return [*found, *later[1:]][:MOST_ALTERNATIVES]


def _same_time(
    courts: Sequence[Sequence[Slot]],
    starts: Sequence[datetime],
    *,
    but: Bookable | None,
) -> tuple[Slot, ...] | None:
    """All these starts on one court, on the first that has them free."""
    for slots in courts:
        if slots[0].bookable == but:
            continue
        by_start = {slot.starts_at: slot for slot in slots}
        if all(start in by_start for start in starts):
            return tuple(by_start[start] for start in starts)
    return None


def _other_times(
    courts: Sequence[Sequence[Slot]], starts: Sequence[datetime], *, wanted: Bookable
) -> list[tuple[Slot, ...]]:
    """As many free slots in a row, the nearest in time first, each time once."""
    # Each time once, on the court that was wanted or on the first one.
    by_start: dict[datetime, tuple[Slot, ...]] = {}
    for slots in sorted(courts, key=lambda slots: _rank(slots[0], wanted)):
        for run in _runs(slots, len(starts)):
            by_start.setdefault(run[0].starts_at, run)
    by_start.pop(starts[0], None)
    nearest = sorted(
        by_start,
        key=lambda start: (
            abs(start - starts[0]),
            by_start[start][0].bookable_id != wanted.pk,
            start,
        ),
    )
    return [by_start[start] for start in nearest[:MOST_ALTERNATIVES]]


def _rank(slot: Slot, wanted: Bookable) -> tuple[bool, int, int]:
    """Where a slot's court stands when somebody wanted another."""
    return slot.bookable_id != wanted.pk, slot.bookable.position, slot.bookable_id


def _runs(slots: Sequence[Slot], length: int) -> Iterator[tuple[Slot, ...]]:
    """Every `length` slots of a court that follow each other without a gap."""
    for first in range(len(slots) - length + 1):
        run = tuple(slots[first : first + length])
        buffer = run[0].bookable.buffer
        if all(
            after.starts_at - before.ends_at <= buffer
            for before, after in pairwise(run)
        ):
            yield run


# Nearest first by the index on `location`, until enough are found; of each only whether
# some court has nothing on it then. Its rules (hours, price, window) are asked of the
# few that come back. `OFFSET 0` keeps the planner from joining every court of the city
# with all that lies on it: 72 ms in a city of 2,000 venues, where one venue after the
# other takes less than one.
_NEIGHBOURS = f"""
    SELECT near.*
      FROM (SELECT id, location FROM venues_venue WHERE id = $1) AS here
     CROSS JOIN LATERAL (
       SELECT venue.id, code, kind, name, name_en, days_ahead, closed_on,
              rules_version, releases_at, lead_minutes, walk_in_percent,
              walk_in_until_minutes, is_low_fee,
              ST_Distance(venue.location, here.location) AS metres
         FROM venues_venue AS venue
        WHERE venue.kind = 'public' AND venue.closed_on IS NULL
          AND venue.id <> here.id
          AND EXISTS (
              SELECT 1 FROM venues_bookable AS court
               WHERE court.venue_id = venue.id AND court.is_open AND court.sport = $2
                 AND NOT EXISTS (
                     SELECT 1 FROM venues_bookableunit AS part
                       JOIN venues_occupancy AS taken ON taken.unit_id = part.unit_id
                        AND taken.during && tstzrange($3, $4)
                        AND NOT (taken.kind = 'hold' AND taken.hold_until <= $5)
                      WHERE part.bookable_id = court.id
                     OFFSET 0)
              OFFSET 0)
        ORDER BY venue.location <-> here.location
        LIMIT {MOST_VENUES}) AS near
     ORDER BY near.metres
"""  # noqa: S608 - the number is our own


def _neighbours(
    venue: Venue, bookable: Bookable, starts: Sequence[datetime], *, at: datetime
) -> list[tuple[Venue, int]]:
    """(venue, metres) of those with free floor then, the nearest first.

    Of their rows there is what their rules and their names need.
    """
    until = starts[-1] + timedelta(minutes=bookable.slot_minutes)
    given = [venue.pk, bookable.sport, starts[0], until, at]
    return [
        (found, round(found.metres))  # type: ignore[attr-defined]  # of this question
        for found in rows_of(Venue, "venues_neighbours", _NEIGHBOURS, given)
    ]


_near: Lately[list[tuple[Venue, int]]] = Lately()


def _neighbours_lately(
    venue: Venue, bookable: Bookable, starts: Sequence[datetime], *, at: datetime
) -> list[tuple[Venue, int]]:
    return _near.get(
        (venue.pk, bookable.sport, starts[0], starts[-1], bookable.slot_minutes),
        lambda: _neighbours(venue, bookable, starts, at=at),
    )


@dataclass(frozen=True)
class _Eyes:
    """How the floor is looked at: now, or as it was a second ago."""

    floor: Callable[..., FreeFloor]
    neighbours: Callable[..., list[tuple[Venue, int]]]


_NOW = _Eyes(FreeFloor, _neighbours)
_LATELY = _Eyes(floor_lately, _neighbours_lately)
