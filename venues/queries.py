"""Reads over several tables: when courts are open, what they cost, what is free."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.db import prepared
from bureau.common.fields import clock_text
from bureau.common.sports import Sport
from venues.models import (
    Bookable,
    Booking,
    HoursException,
    Occupancy,
    PriceRule,
    Venue,
    WeeklyHours,
)

HOUR = 60


def offered_sports() -> list[tuple[str, str]]:
    """(code, words) of what some public venue has a court for."""
    courts = Bookable.objects.offered().filter(venue__in=Venue.objects.public())
    return [(code, str(Sport(code).label)) for code in courts.sports()]


@dataclass(frozen=True)
class Price:
    """What one slot costs, and why."""

    fen: int
    is_peak: bool
    group: str
    rule_id: int
    fen_per_hour: int

    def as_quote(self) -> dict[str, Any]:
        """The breakdown that is kept on the booking."""
        return {
            "rule": self.rule_id,
            "group": self.group,
            "fen_per_hour": self.fen_per_hour,
        }


@dataclass(frozen=True)
class Offer:
    """A slot that the rules offer, whether or not it is still free."""

    starts_at: datetime
    ends_at: datetime
    price: Price
    key: str
    """How a form names the slot: `<court>@<local start>`."""
    span: tuple[int, int]
    """Start and end in seconds since 1970: a grid compares hundreds of them."""


class Timetable:
    """The opening rules and prices of some courts from a day on, loaded at once.

    Three questions to the database, for one court or for thirty.
    """

    def __init__(
        self, venue: Venue, bookables: Sequence[Bookable], *, since: date
    ) -> None:
        ids = [bookable.pk for bookable in bookables]
        own_or_all = Q(bookable=None) | Q(bookable__in=ids)
        self.since = since
        self._hours: dict[int | None, dict[int, list[WeeklyHours]]] = {}
        for row in WeeklyHours.objects.filter(own_or_all, venue=venue).order_by(
            "opens", "pk"
        ):
            week = self._hours.setdefault(row.bookable_id, {})
            week.setdefault(row.weekday, []).append(row)
        self._exceptions: dict[tuple[int | None, date], HoursException] = {
            (row.bookable_id, row.on): row
            for row in HoursException.objects.filter(
                own_or_all, venue=venue, on__gte=since
            )
        }
        self._prices: dict[int, list[PriceRule]] = {}
        rules = PriceRule.objects.filter(own_or_all, venue=venue)
        for rule in rules.in_force_between(since, date.max).order_by("pk"):
            self._prices.setdefault(rule.weekday, []).append(rule)

    @property
    def priced_groups(self) -> frozenset[str]:
        """The groups of people for whom some price is set."""
        rules = [rule for day in self._prices.values() for rule in day]
        return frozenset(rule.group for rule in rules if rule.group)

    def offers(
        self, bookable: Bookable, on: date, *, groups: frozenset[str] = frozenset()
    ) -> list[Offer]:
        """The slots of a court on a day, in order, for a person of these groups.

        None before the day that the timetable begins with.
        """
        if on < self.since:
            return []
        offers = []
        rules = [
            rule
            for rule in self._prices.get(on.isoweekday(), [])
            if _applies_on(rule, bookable, on)
            and (not rule.group or rule.group in groups)
        ]
        for opens, closes in self._open_minutes(bookable, on):
            last = closes - bookable.slot_minutes
            for start in range(opens, last + 1, bookable.slot_minutes):
                if price := _price(bookable, rules, start):
                    begins_at = clock.at(on, start)
                    ends_at = begins_at + timedelta(minutes=bookable.slot_minutes)
                    key = f"{bookable.pk}@{on}T{clock_text(start)}"
                    span = int(begins_at.timestamp()), int(ends_at.timestamp())
                    offers.append(Offer(begins_at, ends_at, price, key, span))
        return offers

    def opening_text(self, bookable: Bookable, on: date) -> str:
        """Such as `09:00–21:30`, several parts joined; empty when shut."""
        return ", ".join(
            f"{clock_text(opens)}–{clock_text(closes)}"
            for opens, closes in self._open_minutes(bookable, on)
        )

    def _open_minutes(self, bookable: Bookable, on: date) -> list[tuple[int, int]]:
        for owner in (bookable.pk, None):
            if exception := self._exceptions.get((owner, on)):
                if exception.opens is None or exception.closes is None:
                    return []
                return [(exception.opens, exception.closes)]
        owner = bookable.pk if bookable.pk in self._hours else None
        day = self._hours.get(owner, {}).get(on.isoweekday(), [])
        return [(row.opens, row.closes) for row in day]


def _price(bookable: Bookable, rules: Iterable[PriceRule], minute: int) -> Price | None:
    """The cheapest of the narrowest rule of each group, at a minute of the day."""
    narrowest: dict[str, tuple[int, PriceRule]] = {}
    for rule in rules:
        if not rule.starts <= minute < rule.ends:
            continue
        width = _narrowness(rule)
        if rule.group not in narrowest or width > narrowest[rule.group][0]:
            narrowest[rule.group] = (width, rule)
    if not narrowest:
        return None
    cheapest = min(
        (rule for _width, rule in narrowest.values()),
        key=lambda rule: (rule.price_fen, rule.group, rule.pk),
    )
    return Price(
        fen=cheapest.price_fen * bookable.slot_minutes // HOUR,
        is_peak=cheapest.is_peak,
        group=cheapest.group,
        rule_id=cheapest.pk,
        fen_per_hour=cheapest.price_fen,
    )


def _applies_on(rule: PriceRule, bookable: Bookable, on: date) -> bool:
    return (
        rule.valid_from <= on
        and (rule.valid_until is None or on < rule.valid_until)
        and rule.bookable_id in (None, bookable.pk)
        and rule.sport in ("", bookable.sport)
    )


def _narrowness(rule: PriceRule) -> int:
    return 2 if rule.bookable_id else 1 if rule.sport else 0


# --- Rules that are kept in memory ---------------------------------------------------


class HouseRules:
    """A venue's courts with their units, hours and prices, and the offers they make."""

    MOST_OFFERS = 4000  # (court, day, groups); a week of 30 courts is 240

    def __init__(self, venue: Venue, *, since: date) -> None:
        self.bookables = tuple(venue.bookables.offered().with_units().in_order())
        played = {court.sport for court in self.bookables}
        self.sports = [sport for sport in Sport.values if sport in played]
        self.timetable = Timetable(venue, self.bookables, since=since)
        self.priced_groups = self.timetable.priced_groups
        self._offers: dict[tuple[int, date, frozenset[str]], tuple[Offer, ...]] = {}

    def offers(
        self, bookable: Bookable, on: date, *, groups: frozenset[str] = frozenset()
    ) -> tuple[Offer, ...]:
        """What `Timetable.offers` says, worked out once."""
        key = (bookable.pk, on, groups & self.priced_groups)
        found = self._offers.get(key)
        if found is None:
            if len(self._offers) >= self.MOST_OFFERS:
                self._offers.clear()
            found = tuple(self.timetable.offers(bookable, on, groups=key[2]))
            self._offers[key] = found
        return found


_MOST_VENUES = 2000
_rules_of: dict[int, tuple[UUID, date, HouseRules]] = {}


def house_rules(venue: Venue, *, today: date) -> HouseRules:
    """The rules of a venue, from memory while they are the same in the database.

    The venue's row says which version of the rules is in force; triggers renew it with
    every change of hours, exceptions, prices or courts. So whoever has read the row may
    use what was loaded under its version, and never sees old rules.
    """
    known = _rules_of.get(venue.pk)
    if known is None or known[:2] != (venue.rules_version, today):
        if len(_rules_of) >= _MOST_VENUES:
            _rules_of.clear()
        known = (venue.rules_version, today, HouseRules(venue, since=today))
        _rules_of[venue.pk] = known
    return known[2]


# --- The day grid ------------------------------------------------------------------


class SlotState(StrEnum):
    FREE = "free"
    HELD = "held"
    BOOKED = "booked"
    BLOCKED = "blocked"
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


# --- Booking ------------------------------------------------------------------------

# Constant text: putting it together anew takes Django longer than asking it.
_FOR_BOOKING = """
    SELECT id, code, kind, name, days_ahead, hold_minutes, max_slots, closed_on,
           rules_version
      FROM venues_venue
     WHERE code = $1 AND kind = 'public' AND closed_on IS NULL
"""


def venue_for_booking(code: str) -> Venue | None:
    """A public venue with as much of its row as `hold_slots` needs."""
    sql = prepared("venues_for_booking", _FOR_BOOKING, 1)
    return next(iter(Venue.objects.raw(sql, [code])), None)


# --- Lists -------------------------------------------------------------------------


def lowest_prices(venues: Sequence[Venue], *, on: date) -> dict[int, int]:
    """What the cheapest hour of each venue costs everybody (fen, by venue id)."""
    return dict(
        PriceRule.objects.in_force_between(on, on)
        .filter(venue__in=venues, group="")
        .values_list("venue")
        .annotate(Min("price_fen"))
        .order_by()
    )


def personal_data_of(user: User) -> list[dict[str, Any]]:
    """What we hold of a person: their bookings, as JSON types."""
    bookings = Booking.objects.visible_to(user).with_lines().order_by("pk")
    return [
        {
            "number": booking.number,
            "venue": booking.venue.name,
            "for": booking.dependant_id,
            "state": booking.state,
            "total_fen": booking.total_fen,
            "created_at": booking.created_at.isoformat(),
            "slots": [
                {
                    "court": line.bookable.name,
                    "starts_at": line.starts_at.isoformat(),
                    "ends_at": line.ends_at.isoformat(),
                    "price_fen": line.price_fen,
                }
                for line in booking.lines.all()
            ],
        }
        for booking in bookings
    ]


def reasons_to_stay(user: User) -> list[str]:
    """What must end before an account can be deleted, in the person's language."""
    return [
        _("Your booking %(number)s is still ahead. Cancel it first.")
        % {"number": number}
        for number in Booking.objects.visible_to(user)
        .upcoming_at(clock.now())
        .order_by("starts_at", "pk")
        .values_list("number", flat=True)
    ]


def is_taken(wanted: Sequence[tuple[int, datetime, datetime]], *, at: datetime) -> bool:
    """Whether some of this floor is taken now. Only `hold_slots` can promise it."""
    return Occupancy.objects.during_any_of(wanted).standing_at(at).exists()


def gate_opens_at(booking: Booking) -> datetime:
    """From when the gate lets in; `booking.venue` must be loaded."""
    return booking.starts_at - timedelta(minutes=booking.venue.entry_minutes)


# --- The map -------------------------------------------------------------------------


@dataclass(frozen=True)
class MapPoint:
    """One venue, or a cluster of `count` venues around its centre (WGS-84 degrees)."""

    longitude: float
    latitude: float
    count: int
    code: str
    name: str


# Cells of a grid in degrees: about 64 pixels wide at each zoom, never below a street.
_CELL_AT_ZOOM_0 = 360 * 64 / 256
CLOSEST_ZOOM = 14


def map_points(
    *, box: tuple[float, float, float, float], zoom: int, sport: str = ""
) -> list[MapPoint]:
    """Venues in a viewport (west, south, east, north), near ones merged for the zoom.

    One question to the database; from zoom 14 on nothing is merged.
    """
    cell = _CELL_AT_ZOOM_0 / 2**zoom if zoom < CLOSEST_ZOOM else 0.00001
    sql = """
        SELECT avg(ST_X(p)), avg(ST_Y(p)), count(*), min(code), min(name), min(name_en)
          FROM (SELECT location::geometry AS p, code, name, name_en
                  FROM venues_venue
                 WHERE closed_on IS NULL AND kind = 'public'
                   AND (%(sport)s = '' OR %(sport)s = ANY (sports))
                   AND location::geometry
                       && ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4326)
               ) AS seen
         GROUP BY ST_SnapToGrid(p, %(cell)s)
         ORDER BY count(*) DESC, min(code)
         LIMIT 500
    """
    west, south, east, north = box
    given = {
        "sport": sport,
        "cell": cell,
        "w": west,
        "s": south,
        "e": east,
        "n": north,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found = cursor.fetchall()
    english = (get_language() or "").startswith("en")
    points = []
    for x, y, count, code, name, name_en in found:
        shown = (english and name_en) or name
        single = count == 1
        points.append(
            MapPoint(x, y, count, code if single else "", shown if single else "")
        )
    return points
