"""A day of a venue: which slot is free, held, booked, blocked or past."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from django.db import connection

from bureau.common import clock
from venues.models import (
    Bookable,
    Occupancy,
    Venue,
)
from venues.queries.rules import Offer, Price, house_rules


class SlotState(StrEnum):
    FREE = "free"
    HELD = "held"
    BOOKED = "booked"
    BLOCKED = "blocked"
    SESSION = "session"
    BALLOT = "ballot"
    PAST = "past"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Slot:
    """One cell of the grid."""

    bookable: Bookable
    offer: Offer
    state: SlotState

    @property
    def bookable_id(self) -> int:
        return self.bookable.pk

    @property
    def bookable_name(self) -> str:
        return self.bookable.name

    @property
    def starts_at(self) -> datetime:
        return self.offer.starts_at

    @property
    def ends_at(self) -> datetime:
        return self.offer.ends_at

    @property
    def price(self) -> Price:
        return self.offer.price

    @property
    def key(self) -> str:
        return self.offer.key

    @property
    def is_free(self) -> bool:
        return self.state is SlotState.FREE


@dataclass(frozen=True)
class Row:
    """A start time and, per column of the grid, the slot that starts then, if any."""

    starts_at: datetime
    slots: tuple[Slot | None, ...]


@dataclass(frozen=True)
class DayGrid:
    on: date
    columns: tuple[Bookable, ...]
    rows: tuple[Row, ...]
    opens_for_booking_on: date | None
    """The day on which this day can be booked first; None when it can be now."""

    @cached_property
    def free_count(self) -> int:
        return sum(bool(s and s.is_free) for row in self.rows for s in row.slots)


def bookable_days(venue: Venue, *, today: date) -> list[date]:
    """The days that can be booked now, today first."""
    return [today + timedelta(days=ahead) for ahead in range(venue.days_ahead + 1)]


def day_grid(
    venue: Venue,
    *,
    sport: str,
    on: date,
    at: datetime,
    groups: frozenset[str] = frozenset(),
) -> DayGrid:
    """Every court of a sport on one day: free, held, booked, blocked, or past.

    One question to the database while the venue's rules are known, five when they
    have changed; as many for one court as for thirty.
    """
    today = clock.local_day(at)
    rules = house_rules(venue, today=today)
    bookables = [one for one in rules.bookables if one.sport == sport]
    taken = _taken_on(bookables, on, at)
    now = at.timestamp()
    opens_on = on - timedelta(days=venue.days_ahead)
    too_early = today < opens_on
    free = SlotState.NOT_YET if too_early else SlotState.FREE
    by_start: dict[int, list[Slot | None]] = {}
    starts: dict[int, datetime] = {}
    for column, bookable in enumerate(bookables):
        offers = rules.offers(bookable, on, groups=groups)
        states = _states(bookable, offers, taken)
        for offer in offers:
            since = offer.span[0]
            state = SlotState.PAST if since <= now else states.get(since, free)
            row = by_start.get(since)
            if row is None:
                row = by_start[since] = [None] * len(bookables)
                starts[since] = offer.starts_at
            row[column] = Slot(bookable, offer, state)
    rows = tuple(
        Row(starts[since], tuple(row)) for since, row in sorted(by_start.items())
    )
    return DayGrid(on, tuple(bookables), rows, opens_on if too_early else None)


# unit id -> (from, until, state), the moments in seconds since 1970
_Taken = dict[int, list[tuple[float, float, SlotState]]]
_STATES = {
    Occupancy.Kind.HOLD.value: SlotState.HELD,
    Occupancy.Kind.BOOKING.value: SlotState.BOOKED,
    Occupancy.Kind.BLOCK.value: SlotState.BLOCKED,
    Occupancy.Kind.SESSION.value: SlotState.SESSION,
    Occupancy.Kind.BALLOT.value: SlotState.BALLOT,
}
_TAKEN = """
    SELECT unit_id, extract(epoch FROM lower(during))::float,
           extract(epoch FROM upper(during))::float, kind
      FROM venues_occupancy
     WHERE unit_id = ANY(%s) AND during && tstzrange(%s, %s)
       AND NOT (kind = 'hold' AND hold_until <= %s)
     ORDER BY id
"""


def _taken_on(bookables: Sequence[Bookable], on: date, at: datetime) -> _Taken:
    """What really takes the floor on a day and the night after it."""
    units = {unit_id for bookable in bookables for unit_id in bookable.unit_ids}
    taken: _Taken = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKEN, [sorted(units), clock.at(on, 0), clock.at(on, 2 * 1440), at]
        )
        for unit_id, since, until, kind in cursor:
            taken[unit_id].append((since, until, _STATES[kind]))
    return taken


def _states(
    bookable: Bookable, offers: Sequence[Offer], taken: _Taken
) -> dict[int, SlotState]:
    """The states of those offers whose floor is taken, by their starts."""
    states: dict[int, SlotState] = {}
    begins = sorted(offer.span[0] for offer in offers)
    length = bookable.slot_minutes * 60
    for unit_id in bookable.unit_ids:
        for since, until, state in taken.get(unit_id, ()):
            touched = bisect_right(begins, since - length), bisect_left(begins, until)
            for begin in begins[slice(*touched)]:
                states.setdefault(begin, state)
    return states
