"""A day of a venue: which slot is free, held, booked, blocked or past."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from django.db import connection

from bureau.common import clock
from venues.models import (
    Bookable,
    Booking,
    Occupancy,
    Venue,
)
from venues.queries.rules import (
    ONE_DAY,
    HouseRules,
    Offer,
    Price,
    house_rules,
    kept_until,
    window_opens_at,
)


class SlotState(StrEnum):
    FREE = "free"
    HELD = "held"
    BOOKED = "booked"
    BLOCKED = "blocked"
    SESSION = "session"
    BALLOT = "ballot"
    PAST = "past"
    NOT_YET = "not_yet"
    KEPT = "kept"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class Slot:
    """One cell of the grid."""

    bookable: Bookable
    offer: Offer
    state: SlotState
    opens_at: datetime | None = None
    """When a slot that is kept for the window opens to all."""

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

    @property
    def is_after_midnight(self) -> bool:
        """Whether it is on the next day, though it belongs to this one."""
        one = next((slot for slot in self.slots if slot), None)  # they start together
        return one is not None and one.offer.is_after_midnight


@dataclass(frozen=True)
class DayGrid:
    on: date
    columns: tuple[Bookable, ...]
    rows: tuple[Row, ...]
    opens_for_booking_at: datetime | None
    """The moment from which this day can be booked; None when it can be now."""

    @property
    def opens_for_booking_on(self) -> date | None:
        moment = self.opens_for_booking_at
        return clock.local_day(moment) if moment else None

    @cached_property
    def free_count(self) -> int:
        return sum(bool(s and s.is_free) for row in self.rows for s in row.slots)


def bookable_days(venue: Venue, *, at: datetime) -> list[date]:
    """The business days that can be booked now, in order.

    The first is today, or yesterday while its night is not over; the last one opens at
    the venue's own time of day. None when even the first is not open yet.
    """
    today = clock.local_day(at)
    first = house_rules(venue, today=today).business_day(at)
    last = today + timedelta(days=venue.days_ahead)
    if at < window_opens_at(venue, last):
        last -= ONE_DAY
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def day_grid(
    venue: Venue,
    *,
    sport: str,
    on: date,
    at: datetime,
    groups: frozenset[str] = frozenset(),
    channel: str = Booking.Channel.ONLINE,
    but_lines: Collection[int] = (),
) -> DayGrid:
    """Every court of a sport on one business day: free, taken (by what), or past.

    What these lines of a booking (`but_lines`) lie on is shown as if they were gone.
    The window (`channel="desk"`) sees as free what is kept for it or begins too soon to
    be booked on line. One question to the database while the venue's rules are known,
    six or more when they have changed; as many for one court as for thirty.
    """
    today = clock.local_day(at)
    rules = house_rules(venue, today=today)
    bookables = [one for one in rules.bookables if one.sport == sport]
    taken = _taken_on(bookables, on, at, but_lines)
    now = at.timestamp()
    opens_at = window_opens_at(venue, on)
    too_early = at < opens_at
    free = SlotState.NOT_YET if too_early else SlotState.FREE
    lead, kept = 0, frozenset[str]()
    if channel != Booking.Channel.DESK and not too_early:
        lead = venue.lead_minutes * 60
        kept = _kept(venue, rules, sport, on)
    by_start: dict[int, list[Slot | None]] = {}
    starts: dict[int, datetime] = {}
    for column, bookable in enumerate(bookables):
        offers = rules.offers(bookable, on, groups=groups)
        states = _states(bookable, offers, taken)
        for offer in offers:
            since = offer.span[0]
            state = SlotState.PAST if since <= now else states.get(since, free)
            until = None
            if state is SlotState.FREE:
                if since - lead <= now:
                    state = SlotState.TOO_LATE
                elif offer.key in kept:
                    until = kept_until(venue, offer.starts_at)
                    state = SlotState.KEPT if at < until else state
            row = by_start.get(since)
            if row is None:
                row = by_start[since] = [None] * len(bookables)
                starts[since] = offer.starts_at
            row[column] = Slot(bookable, offer, state, until)
    rows = tuple(
        Row(starts[since], tuple(row)) for since, row in sorted(by_start.items())
    )
    return DayGrid(on, tuple(bookables), rows, opens_at if too_early else None)


def _kept(venue: Venue, rules: HouseRules, sport: str, on: date) -> frozenset[str]:
    if not venue.walk_in_percent:
        return frozenset()
    return rules.kept_for_desk(sport, on, percent=venue.walk_in_percent)


# unit id -> (from, until, state), the moments in seconds since 1970
_Taken = dict[int, list[tuple[float, float, SlotState]]]
_STATES = {
    Occupancy.Kind.HOLD.value: SlotState.HELD,
    Occupancy.Kind.BOOKING.value: SlotState.BOOKED,
    Occupancy.Kind.BLOCK.value: SlotState.BLOCKED,
    Occupancy.Kind.SESSION.value: SlotState.SESSION,
    Occupancy.Kind.BALLOT.value: SlotState.BALLOT,
}
# Without the cast the numbers are int4, which the GiST index on (unit, during) does not
# compare with: in a city of a million rows a grid then takes ten times as long.
_TAKEN = """
    SELECT unit_id, extract(epoch FROM lower(during))::float,
           extract(epoch FROM upper(during))::float, kind
      FROM venues_occupancy
     WHERE unit_id = ANY(%s::bigint[]) AND during && tstzrange(%s, %s)
       AND NOT (kind = 'hold' AND hold_until <= %s)
       AND (line_id IS NULL OR line_id <> ALL(%s::bigint[]))
     ORDER BY id
"""


def _taken_on(
    bookables: Sequence[Bookable], on: date, at: datetime, but_lines: Collection[int]
) -> _Taken:
    """What really takes the floor on a day and the night after it."""
    units = {unit_id for bookable in bookables for unit_id in bookable.unit_ids}
    taken: _Taken = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKEN,
            [
                sorted(units),
                clock.at(on, 0),
                clock.at(on, 2 * 1440),
                at,
                list(but_lines),
            ],
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
    length = (bookable.slot_minutes + bookable.buffer_minutes) * 60
    for unit_id in bookable.unit_ids:
        for since, until, state in taken.get(unit_id, ()):
            touched = bisect_right(begins, since - length), bisect_left(begins, until)
            for begin in begins[slice(*touched)]:
                states.setdefault(begin, state)
    return states
