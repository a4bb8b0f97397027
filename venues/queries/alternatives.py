"""What else is free when a time was just taken: as near as it gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import pairwise

from django.db import connection

from bureau.common import clock
from venues.models import Bookable, Venue
from venues.queries.grid import DayGrid, Slot, day_grid
from venues.queries.reasons import slot_at
from venues.queries.rules import house_rules

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
    is: at most two days of this venue are looked at, and `MOST_VENUES` others.
    """
    starts = sorted(starts)
    rules = house_rules(venue, today=clock.local_day(at))
    wanted = rules.offer_at(bookable, starts[0])
    on = wanted.business_day if wanted else clock.local_day(starts[0])
    look = partial(day_grid, sport=bookable.sport, at=at, groups=groups)
    here = _Free(look(venue, on=on))
    found: list[Alternative] = []
    if same_time := here.same_time(starts, but=bookable):
        found.append(Alternative(Nearness.COURT, venue, same_time))
    times = list(here.other_times(starts, wanted=bookable))
    if not times:
        times = list(
            _Free(look(venue, on=on + timedelta(days=1))).other_times(
                starts, wanted=bookable
            )
        )
    later = [Alternative(Nearness.TIME, venue, run) for run in times]
    found += later[:1]
    for neighbour, metres in _neighbours(venue, bookable, starts, at=at):
        there = _Free(look(neighbour, on=on)).same_time(starts, but=None)
        if there:
            found.append(Alternative(Nearness.VENUE, neighbour, there, metres))
            break
    return [*found, *later[1:]][:MOST_ALTERNATIVES]


def alternatives_to(
    venue: Venue,
    wanted: Sequence[tuple[int, datetime]],
    *,
    at: datetime,
    groups: frozenset[str] = frozenset(),
) -> list[Alternative]:
    """Ways out for (court id, start) pairs, of which at least one cannot be had.

    They replace what was wanted of the first court that is not free.
    """
    rules = house_rules(venue, today=clock.local_day(at))
    courts = {court.pk: court for court in rules.bookables}
    known = [(courts[pk], start) for pk, start in wanted if pk in courts]
    if not known:
        return []
    for bookable, start in known:
        slot = slot_at(venue, bookable, start, at=at, groups=groups)
        if slot and not slot.is_free:
            break
    else:
        bookable, start = known[0]
    starts = [start for pk, start in wanted if pk == bookable.pk]
    return alternatives(
        venue=venue, bookable=bookable, starts=starts, at=at, groups=groups
    )


class _Free:
    """The free slots of a day's grid."""

    def __init__(self, grid: DayGrid) -> None:
        self._courts = [
            [
                slot
                for row in grid.rows
                if (slot := row.slots[column]) is not None and slot.is_free
            ]
            for column in range(len(grid.columns))
        ]

    def same_time(
        self, starts: Sequence[datetime], *, but: Bookable | None
    ) -> tuple[Slot, ...] | None:
        """All these starts on one court, on the first that has them."""
        for slots in self._courts:
            if not slots or slots[0].bookable == but:
                continue
            by_start = {slot.starts_at: slot for slot in slots}
            if all(start in by_start for start in starts):
                return tuple(by_start[start] for start in starts)
        return None

    def other_times(
        self, starts: Sequence[datetime], *, wanted: Bookable
    ) -> Iterator[tuple[Slot, ...]]:
        """As many slots in a row, the nearest in time first, each time once."""
        runs = [
            run
            for slots in self._courts
            for run in _runs(slots, len(starts))
            if run[0].starts_at != starts[0]
        ]
        runs.sort(
            key=lambda run: (
                abs(run[0].starts_at - starts[0]),
                run[0].bookable != wanted,
                run[0].starts_at,
                run[0].bookable.position,
                run[0].bookable_id,
            )
        )
        seen: set[datetime] = set()
        for run in runs:
            if run[0].starts_at not in seen:
                seen.add(run[0].starts_at)
                yield run


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


# Nearest first by the index on `location`; of each only whether some court has nothing
# on it then. Its rules (hours, price, window) are asked of the few that come back.
_NEIGHBOURS = """
    SELECT venue.id, ST_Distance(venue.location, here.location)
      FROM venues_venue AS venue, venues_venue AS here
     WHERE here.id = %s AND venue.kind = 'public' AND venue.closed_on IS NULL
       AND venue.id <> here.id
       AND EXISTS (
           SELECT 1 FROM venues_bookable AS court
            WHERE court.venue_id = venue.id AND court.is_open AND court.sport = %s
              AND NOT EXISTS (
                  SELECT 1 FROM venues_bookableunit AS part
                    JOIN venues_occupancy AS taken ON taken.unit_id = part.unit_id
                     AND taken.during && tstzrange(%s, %s)
                     AND NOT (taken.kind = 'hold' AND taken.hold_until <= %s)
                   WHERE part.bookable_id = court.id))
     ORDER BY venue.location <-> here.location
     LIMIT %s
"""


def _neighbours(
    venue: Venue, bookable: Bookable, starts: Sequence[datetime], *, at: datetime
) -> list[tuple[Venue, int]]:
    """(venue, metres) of those with free floor then, the nearest first."""
    until = starts[-1] + timedelta(minutes=bookable.slot_minutes)
    with connection.cursor() as cursor:
        cursor.execute(
            _NEIGHBOURS,
            [
                venue.pk,
                bookable.sport,
                starts[0],
                until,
                at,
                MOST_VENUES,
            ],
        )
        found = cursor.fetchall()
    if not found:
        return []
    rows = Venue.objects.with_district().in_bulk([pk for pk, _metres in found])
    return [(rows[pk], round(metres)) for pk, metres in found]
