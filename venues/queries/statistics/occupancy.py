"""How much of the floor that was offered was taken, in minutes of units.

A unit is the smallest piece of floor: a hall of two halves that is hired as a whole is
two units, each of its halves is one, and none counts twice. A unit on a business day is
a row of bits, one a minute, as in `queries.openness`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

from django.db.models.fields.json import KT

from bureau.common import clock
from venues.models import (
    Block,
    Bookable,
    Booking,
    BookingLine,
    DayTypeHours,
    HoursException,
    OpenSession,
    PriceRule,
    Venue,
    WeeklyHours,
)
from venues.queries.days import DayTypes
from venues.queries.rules import RuleRows, Timetable, edges_of
from venues.queries.statistics.scope import Scope

HOUR = 60
DAY_HOURS = 24
NIGHT_HOURS = 36  # a business day closes at noon of the next day, at the latest
_ONE_HOUR = (1 << HOUR) - 1
_STOOD = (Booking.State.CONFIRMED, Booking.State.NO_SHOW)
Bits = dict[int, int]
"""unit -> its minutes on a business day"""


@dataclass
class Use:
    """Minutes of units: offered, hired by bookings, and used by open sessions."""

    offered: int = 0
    hired: int = 0
    shared: int = 0

    @property
    def taken(self) -> int:
        return self.hired + self.shared

    @property
    def percent(self) -> float:
        """Taken of offered, in percent with one place; 0 where nothing was offered."""
        return round(100 * self.taken / self.offered, 1) if self.offered else 0.0

    def add(self, offered: int, hired: int, shared: int) -> None:
        self.offered += offered
        self.hired += hired
        self.shared += shared


@dataclass
class Occupation:
    """The same minutes from five sides.

    The sports may add up to more than the total: floor that two sports share is offered
    to both. Hours are those of the clock; a night belongs to the day before it.
    """

    total: Use = field(default_factory=Use)
    venues: dict[int, Use] = field(default_factory=lambda: defaultdict(Use))
    sports: dict[str, Use] = field(default_factory=lambda: defaultdict(Use))
    hours: dict[int, Use] = field(default_factory=lambda: defaultdict(Use))
    weekdays: dict[int, Use] = field(default_factory=lambda: defaultdict(Use))


def occupation_in(scope: Scope) -> Occupation:
    """How much was offered, and how much of it was taken.

    Offered are the slots of the timetable, without what was blocked; and whatever was
    taken all the same. Taken are standing slots of bookings that were not cancelled,
    used or not, and open sessions.
    """
    floor = _Floor(scope)
    found = Occupation()
    for venue in scope.venues:
        for on in scope.days:
            floor.count(venue, on, found)
    return found


@dataclass
class _Taken:
    """What was hired and shared of a venue on a business day, by sport and unit."""

    hired: dict[str, Bits] = field(default_factory=lambda: defaultdict(dict))
    shared: dict[str, Bits] = field(default_factory=lambda: defaultdict(dict))


@dataclass(frozen=True)
class _Offer:
    """What is offered on days that are alike: the minutes, and how many in each hour.

    Under "" that of all sports together.
    """

    slots: dict[str, Bits]
    hours: dict[str, Counter[int]]


class _Floor:
    """What is in the tables, for the venues and days of a scope; read at once."""

    def __init__(self, scope: Scope) -> None:
        self._first = scope.first
        courts = Bookable.objects.filter(venue__in=scope.venue_ids)
        if scope.sport:
            courts = courts.filter(sport=scope.sport)
        self._courts = _by_venue(courts.with_units().in_order())
        self._court: dict[int, Bookable] = {
            court.pk: court for rows in self._courts.values() for court in rows
        }
        self._tables = _timetables(scope.venues, since=scope.first)
        self._offers: dict[Any, _Offer] = {}
        self._blocks: dict[int, list[tuple[list[int], datetime, datetime]]] = (
            defaultdict(list)
        )
        self._taken: dict[tuple[int, date], _Taken] = defaultdict(_Taken)
        self._read_blocks(scope)
        self._read_lines(scope)
        self._read_sessions(scope)

    def _read_blocks(self, scope: Scope) -> None:
        """A block that was lifted while it lasted had taken the time until then."""
        rows = Block.objects.filter(
            venue__in=scope.venue_ids,
            starts_at__lt=scope.until + timedelta(hours=NIGHT_HOURS),
            ends_at__gt=scope.since,
        ).values_list("venue", "unit_ids", "starts_at", "ends_at", "lifted_at")
        for venue, units, starts_at, ends_at, lifted_at in rows.order_by("pk"):
            until = min(ends_at, lifted_at) if lifted_at else ends_at
            if starts_at < until:
                self._blocks[venue].append((units, starts_at, until))

    def _read_lines(self, scope: Scope) -> None:
        rows = (
            BookingLine.objects.filter(
                booking__venue__in=scope.venue_ids,
                booking__state__in=_STOOD,
                state=BookingLine.State.STANDING,
                session=None,
                starts_at__gte=scope.since,
                starts_at__lt=scope.until + timedelta(hours=NIGHT_HOURS),
            )
            .annotate(on=KT("quote__on"))
            .values_list("booking__venue", "bookable", "starts_at", "ends_at", "on")
            .order_by("pk")
        )
        for venue, court, starts_at, ends_at, on in rows:
            day = date.fromisoformat(on) if on else clock.local_day(starts_at)
            if scope.first <= day <= scope.last:
                hired = self._taken[venue, day].hired
                self._take(hired, court, _span(day, starts_at, ends_at))

    def _read_sessions(self, scope: Scope) -> None:
        rows = (
            OpenSession.objects.filter(
                venue__in=scope.venue_ids,
                cancelled_at=None,
                starts_at__gte=scope.since,
                starts_at__lt=scope.until,
            )
            .values_list("venue", "bookable", "starts_at", "ends_at")
            .order_by("pk")
        )
        for venue, court, starts_at, ends_at in rows:
            day = clock.local_day(starts_at)
            shared = self._taken[venue, day].shared
            self._take(shared, court, _span(day, starts_at, ends_at))

    def _take(self, how: dict[str, Bits], court_id: int, minutes: int) -> None:
        if court := self._court.get(court_id):
            units = how[court.sport]
            for unit in court.unit_ids:
                units[unit] = units.get(unit, 0) | minutes

    def count(self, venue: Venue, on: date, found: Occupation) -> None:
        """Add a venue's business day."""
        offer = self._offer(venue, on)
        taken = self._taken.get((venue.pk, on)) or _Taken()
        blocked = self._blocked(venue, on)
        whole = _Taken()
        whole.hired[""] = _together(taken.hired.values())
        whole.shared[""] = _together(taken.shared.values())
        hours = _uses(offer, "", blocked, whole)
        for hour, counts in enumerate(hours):
            found.hours[hour].add(*counts)
        day = tuple(map(sum, zip(*hours, strict=True)))
        found.weekdays[on.isoweekday()].add(*day)
        found.venues[venue.pk].add(*day)
        found.total.add(*day)
        for sport in sorted({*offer.slots, *taken.hired, *taken.shared} - {""}):
            uses = _uses(offer, sport, blocked, taken)
            found.sports[sport].add(*map(sum, zip(*uses, strict=True)))

    def _offer(self, venue: Venue, on: date) -> _Offer:
        table = self._tables[venue.pk]
        key = (venue.pk, table.alike(on))
        if key not in self._offers:
            slots: dict[str, Bits] = defaultdict(dict)
            for court in self._courts.get(venue.pk, ()):
                if court.is_open:
                    minutes = _slots(court, table.timetable, on)
                    for unit in court.unit_ids:
                        of_sport = slots[court.sport]
                        of_sport[unit] = of_sport.get(unit, 0) | minutes
            slots[""] = _together(list(slots.values()))
            hours = {sport: _by_hour(bits.values()) for sport, bits in slots.items()}
            self._offers[key] = _Offer(dict(slots), hours)
        return self._offers[key]

    def _blocked(self, venue: Venue, on: date) -> Bits:
        midnight = clock.at(on, 0)
        end = midnight + timedelta(hours=NIGHT_HOURS)
        blocked: Bits = {}
        for units, starts_at, ends_at in self._blocks.get(venue.pk, ()):
            if starts_at < end and ends_at > midnight:
                minutes = _span(on, max(starts_at, midnight), min(ends_at, end))
                for unit in units:
                    blocked[unit] = blocked.get(unit, 0) | minutes
        return blocked


def _slots(court: Bookable, timetable: Timetable, on: date) -> int:
    """The minutes of `Timetable.offers`, without what each slot costs."""
    priced = 0
    for start, end, price in timetable.rates(court, on):
        if price:
            priced |= ((1 << (end - start)) - 1) << start
    raster = court.slot_minutes + court.buffer_minutes
    slot = (1 << court.slot_minutes) - 1
    minutes = 0
    for opens, closes in timetable.open_minutes(court, on):
        for start in range(opens, closes - court.slot_minutes + 1, raster):
            if priced >> start & 1:
                minutes |= slot << start
    return minutes


def _uses(
    offer: _Offer, sport: str, blocked: Bits, taken: _Taken
) -> list[tuple[int, int, int]]:
    """(offered, hired, shared) of each hour of the clock, over all units of a sport.

    Only units that something happened to are counted anew.
    """
    slots = offer.slots.get(sport, {})
    hired, shared = taken.hired.get(sport, {}), taken.shared.get(sport, {})
    offered_by = Counter(offer.hours.get(sport, {}))
    hired_by, shared_by = Counter[int](), Counter[int]()
    for unit in {*(blocked.keys() & slots.keys()), *hired, *shared}:
        is_hired = hired.get(unit, 0)
        is_shared = shared.get(unit, 0) & ~is_hired
        planned = slots.get(unit, 0)
        free = planned & ~blocked.get(unit, 0)
        offered_by.subtract(_by_hour([planned]))
        offered_by.update(_by_hour([free | is_hired | is_shared]))
        hired_by.update(_by_hour([is_hired]))
        shared_by.update(_by_hour([is_shared]))
    return [
        (offered_by[hour], hired_by[hour], shared_by[hour]) for hour in range(DAY_HOURS)
    ]


def _by_hour(rows: Iterable[int]) -> Counter[int]:
    """How many of the minutes lie in each hour of the clock."""
    counter = Counter[int]()
    for minutes in rows:
        rest, hour = minutes, 0
        while rest:
            if part := rest & _ONE_HOUR:
                counter[hour % DAY_HOURS] += part.bit_count()
            rest >>= HOUR
            hour += 1
    return counter


def _together(parts: Iterable[Bits]) -> Bits:
    whole: Bits = {}
    for part in parts:
        for unit, minutes in part.items():
            whole[unit] = whole.get(unit, 0) | minutes
    return whole


def _span(on: date, starts_at: datetime, ends_at: datetime) -> int:
    """Bits of every minute of a business day that lies between the two moments."""
    midnight = clock.at(on, 0)
    first = max(0, int((starts_at - midnight).total_seconds() // HOUR))
    last = max(first, ceil((ends_at - midnight).total_seconds() / HOUR))
    return ((1 << (last - first)) - 1) << first


def _by_venue(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.venue_id].append(row)
    return found


class _Table:
    """A venue's timetable, and on what its days hang.

    It says what `Timetable.days_alike` says, without a look at each price on each day.
    """

    def __init__(self, timetable: Timetable, rows: RuleRows) -> None:
        self.timetable = timetable
        self._exceptions = {row.on for row in rows.exceptions}
        versioned: list[PriceRule | WeeklyHours | DayTypeHours] = [
            *rows.prices,
            *rows.hours,
            *rows.day_type_hours,
        ]
        edges = {edge for row in versioned for edge in edges_of(row)}
        self._edges = sorted(edges)

    def alike(self, on: date) -> tuple[object, ...]:
        """Two days of which this is the same are offered the same."""
        tomorrow = on + timedelta(days=1)
        return (
            on.isoweekday(),
            self.timetable.types_of(on),
            self.timetable.types_of(tomorrow),
            tuple(day for day in (on, tomorrow) if day in self._exceptions),
            bisect_right(self._edges, on),
            bisect_right(self._edges, tomorrow),
        )


def _timetables(venues: Sequence[Venue], *, since: date) -> dict[int, _Table]:
    """The timetables of many venues, read at once."""
    types = DayTypes(since=since)
    hours = WeeklyHours.objects.in_force_between(since, date.max)
    typed = DayTypeHours.objects.in_force_between(since, date.max)
    read = [
        _by_venue(rows.filter(venue__in=[venue.pk for venue in venues]))
        for rows in (
            hours.order_by("opens", "pk"),
            typed.order_by("pk"),
            HoursException.objects.filter(on__gte=since).order_by("pk"),
            PriceRule.objects.in_force_between(since, date.max).order_by("pk"),
        )
    ]
    found = {}
    for venue in venues:
        rows = RuleRows(*(of_venue.get(venue.pk, ()) for of_venue in read))
        timetable = Timetable.of_rows(venue, rows, since=since, day_types=types)
        found[venue.pk] = _Table(timetable, rows)
    return found
