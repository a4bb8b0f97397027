"""When courts are open and what they cost; kept in memory under a version."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import Q, TextChoices
from django.utils.translation import gettext as _

from bureau.common import clock
from bureau.common.fields import DAY, LATEST, clock_text, clock_words
from bureau.common.money import yuan
from bureau.common.sports import Sport
from bureau.common.words import listed
from venues.models import (
    Bookable,
    DayTypeHours,
    HoursException,
    PriceRule,
    Quota,
    Venue,
    WeeklyHours,
)
from venues.models.rules import DayType, PriceGroup
from venues.queries.days import DayTypes, is_fitness_day

HOUR = 60
ONE_DAY = timedelta(days=1)
OpenMinutes = tuple[int, int]
"""(opens, closes) in minutes since the midnight with which the business day began"""


@dataclass(frozen=True)
class Price:
    """What one slot costs, and why."""

    fen: int
    is_peak: bool
    group: str
    rule_id: int | None
    """None where no rule is needed: 8 August is free."""
    fen_per_hour: int
    minutes: int = HOUR
    day_type: str = ""
    """The type of day that the price is for; empty: for this day of the week."""

    def as_quote(self) -> dict[str, Any]:
        """The breakdown that is kept on the booking."""
        return {
            "rule": self.rule_id,
            "group": self.group,
            "fen_per_hour": self.fen_per_hour,
            "minutes": self.minutes,
            "day_type": self.day_type,
            "is_peak": self.is_peak,
        }

    @property
    def in_words(self) -> str:
        """Such as `60 and over · weekend · ¥25 an hour × 1.5 h`."""
        return quote_in_words(self.as_quote())


def quote_in_words(quote: Mapping[str, Any]) -> str:
    """How a price came about, from the breakdown on a booking's line.

    Lines that were booked long ago keep fewer facts, and are told in fewer words. That
    something is free is said by its price, which stands beside these words.
    """
    words = []
    if group := quote.get("group"):
        words.append(_label(PriceGroup, group))
    if day_type := quote.get("day_type"):
        words.append(_label(DayType, day_type))
    if quote.get("is_peak"):
        words.append(_("peak time"))
    if fen := quote.get("fen_per_hour"):
        rate = _("¥%(yuan)s an hour") % {"yuan": yuan(fen)}
        hours = quote.get("minutes", HOUR) / HOUR
        how_long = _("%(hours)s h") % {"hours": f"{hours:g}"}
        words.append(rate if hours == 1 else f"{rate} × {how_long}")
    for tickets in quote.get("tickets", ()):
        each = f"{tickets['places']} × ¥{yuan(tickets['fen'])}"
        reduced = _("%(tickets)s reduced") % {"tickets": each}
        words.append(reduced if tickets["reduced"] else each)
    return " · ".join(words)


def _label(choices: type[TextChoices], value: str) -> str:
    return str(dict(choices.choices).get(value, value))


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
    on: date | None = None

    @property
    def business_day(self) -> date:
        """A slot after midnight belongs to the evening before when that is its day."""
        return self.on or clock.local_day(self.starts_at)

    def as_quote(self) -> dict[str, Any]:
        """The breakdown that is kept on the booking, and the day it counts for."""
        quote = self.price.as_quote()
        return quote | {"on": self.on.isoformat()} if self.on else quote

    @property
    def is_after_midnight(self) -> bool:
        return self.business_day != clock.local_day(self.starts_at)


@dataclass(frozen=True)
class RuleRows:
    """What is in the tables: hours by their opening, prices by their ids."""

    hours: Iterable[WeeklyHours]
    day_type_hours: Iterable[DayTypeHours]
    exceptions: Iterable[HoursException]
    prices: Iterable[PriceRule]


class Timetable:
    """The opening rules and prices of some courts from a day on, loaded at once.

    Four questions to the database, for one court or for thirty; three more where hours
    or prices hang on the type of day.
    """

    def __init__(
        self, venue: Venue, bookables: Sequence[Bookable], *, since: date
    ) -> None:
        ids = [bookable.pk for bookable in bookables]
        own_or_all = Q(bookable=None) | Q(bookable__in=ids)
        hours = WeeklyHours.objects.filter(own_or_all, venue=venue)
        typed = DayTypeHours.objects.filter(own_or_all, venue=venue)
        prices = PriceRule.objects.filter(own_or_all, venue=venue)
        self._take(
            venue,
            since,
            RuleRows(
                hours.in_force_between(since, date.max).order_by("opens", "pk"),
                typed.in_force_between(since, date.max).order_by("pk"),
                HoursException.objects.filter(own_or_all, venue=venue, on__gte=since),
                prices.in_force_between(since, date.max).order_by("pk"),
            ),
        )

    @classmethod
    def of_rows(
        cls, venue: Venue, rows: RuleRows, *, since: date, day_types: DayTypes
    ) -> Timetable:
        """The same from rows that were read for many venues at once."""
        made = cls.__new__(cls)
        made._take(venue, since, rows)  # noqa: SLF001 - its own
        made._day_types = day_types  # noqa: SLF001 - its own
        return made

    def _take(self, venue: Venue, since: date, rows: RuleRows) -> None:
        self.since = since
        self._is_free_on_fitness_day = venue.is_low_fee
        weekly, typed = list(rows.hours), list(rows.day_type_hours)
        versioned: list[WeeklyHours | DayTypeHours] = [*weekly, *typed]
        edges = {edge for row in versioned for edge in edges_of(row)}
        self._edges = sorted(edge for edge in edges if edge > since)
        # One for the days until the first edge, and one from each edge on.
        self._versions = [
            _Hours.in_force_on(day, weekly, typed) for day in (since, *self._edges)
        ]
        self._exceptions = {
            (row.bookable_id, row.on): _open(row) for row in rows.exceptions
        }
        # by weekday, and by type of day
        self._prices: dict[int | str, list[PriceRule]] = {}
        for rule in rows.prices:
            self._prices.setdefault(rule.weekday or rule.day_type, []).append(rule)
        self._types: dict[date, tuple[str, ...]] = {}

    @property
    def priced_groups(self) -> frozenset[str]:
        """The groups of people for whom some price is set."""
        rules = [rule for day in self._prices.values() for rule in day]
        return frozenset(rule.group for rule in rules if rule.group)

    def offers(
        self, bookable: Bookable, on: date, *, groups: frozenset[str] = frozenset()
    ) -> list[Offer]:
        """The slots of a court on a business day, in order, for somebody of `groups`.

        None before the day that the timetable begins with.
        """
        if on < self.since:
            return []
        offers = []
        rules = self._rules_on(bookable, on, groups)
        is_free = self._is_free_on_fitness_day and is_fitness_day(on)
        raster = bookable.slot_minutes + bookable.buffer_minutes
        for opens, closes in self.open_minutes(bookable, on):
            last = closes - bookable.slot_minutes
            for start in range(opens, last + 1, raster):
                if price := _price(bookable, rules, start, is_free=is_free):
                    begins_at = clock.at(on, start)
                    ends_at = begins_at + timedelta(minutes=bookable.slot_minutes)
                    day = on if start < DAY else on + ONE_DAY
                    key = f"{bookable.pk}@{day}T{clock_text(start % DAY)}"
                    span = int(begins_at.timestamp()), int(ends_at.timestamp())
                    offers.append(Offer(begins_at, ends_at, price, key, span, on))
        return offers

    def rates(
        self, bookable: Bookable, on: date, *, groups: frozenset[str] = frozenset()
    ) -> list[tuple[int, int, Price | None]]:
        """(from, until, price) of each stretch of a business day's opening, in order.

        In minutes; the price is None where none is set, so that nothing is offered.
        """
        rules = self._rules_on(bookable, on, groups)
        is_free = self._is_free_on_fitness_day and is_fitness_day(on)
        edges = {edge for rule in rules for edge in (rule.starts, rule.ends)}
        found = []
        for opens, closes in self.open_minutes(bookable, on):
            cuts = [opens, *sorted(e for e in edges if opens < e < closes), closes]
            for start, end in pairwise(cuts):
                price = _price(bookable, rules, start, is_free=is_free)
                found.append((start, end, price))
        return found

    def days_alike(self, on: date) -> tuple[object, ...]:
        """What the opening and the prices of a business day hang on.

        Two days of which this is the same are the same in all but their date.
        """
        days = (on, on + ONE_DAY)
        return (
            *((day.isoweekday(), self.types_of(day)) for day in days),
            *(bisect_right(self._edges, day) for day in days),
            *(key for key in self._exceptions if key[1] in days),
            *(
                rule.pk
                for rules in self._prices.values()
                for rule in rules
                if _is_in_force(rule, on)
            ),
        )

    def opening_text(self, bookable: Bookable, on: date) -> str:
        """Such as `09:00–21:30`, several parts joined; empty when shut."""
        return listed(
            f"{clock_text(opens)}–{clock_words(closes)}"
            for opens, closes in self.open_minutes(bookable, on)
        )

    def open_minutes(self, bookable: Bookable, on: date) -> list[OpenMinutes]:
        """When a court is open on a business day, in order.

        A night ends at the latest when the next day opens, so that every moment belongs
        to one business day.
        """
        today = self.hours_of_day(bookable, on)
        if not today or today[-1][1] <= DAY:
            return today
        tomorrow = self.hours_of_day(bookable, on + ONE_DAY)
        until = DAY + tomorrow[0][0] if tomorrow else LATEST
        return [(opens, min(closes, until)) for opens, closes in today]

    def hours_of_day(self, bookable: Bookable, on: date) -> list[OpenMinutes]:
        """An exception, else hours of the type of day, else those of the weekday.

        A night goes on into the next day, whenever that one opens.
        """
        owners = (bookable.pk, None)
        for owner in owners:
            if (owner, on) in self._exceptions:
                return self._exceptions[owner, on]
        hours = self._versions[bisect_right(self._edges, on)]
        if hours.of_day_type:
            for day_type in self.types_of(on):
                for owner in owners:
                    if (owner, day_type) in hours.of_day_type:
                        return hours.of_day_type[owner, day_type]
        week = hours.of_week.get(bookable.pk) or hours.of_week.get(None, {})
        return week.get(on.isoweekday(), [])

    def types_of(self, on: date) -> tuple[str, ...]:
        """The types of a day, the most special first."""
        if on not in self._types:
            self._types[on] = self._day_types.of(on)
        return self._types[on]

    def is_provisional(self, on: date) -> bool:
        """Whether the public holidays of that year are not published yet."""
        return self._day_types.is_provisional(on)

    @cached_property
    def _day_types(self) -> DayTypes:
        return DayTypes(since=self.since)

    def _rules_on(
        self, bookable: Bookable, on: date, groups: frozenset[str]
    ) -> list[PriceRule]:
        """The rules for a court on a day, the narrowest first.

        Court before sport before venue; among those, a type of day (the most special
        first) before the weekday.
        """
        kinds: list[int | str] = [on.isoweekday()]
        if any(isinstance(kind, str) for kind in self._prices):
            kinds = [*self.types_of(on), *kinds]
        if self._is_free_on_fitness_day and is_fitness_day(on):
            # What other days cost is nothing to this one.
            kinds = [DayType.FITNESS_DAY.value]
        rules = [
            rule
            for kind in kinds
            for rule in self._prices.get(kind, ())
            if _applies_on(rule, bookable, on)
            and (not rule.group or rule.group in groups)
        ]
        return sorted(rules, key=_narrowness, reverse=True)  # stable: kinds stay so


@dataclass(frozen=True)
class _Hours:
    """The ordinary hours of a venue and its courts between two changes of them."""

    of_week: dict[int | None, dict[int, list[OpenMinutes]]]
    of_day_type: dict[tuple[int | None, str], list[OpenMinutes]]

    @classmethod
    def in_force_on(
        cls, day: date, weekly: Iterable[WeeklyHours], typed: Iterable[DayTypeHours]
    ) -> _Hours:
        of_week: dict[int | None, dict[int, list[OpenMinutes]]] = {}
        for row in weekly:
            if _is_in_force(row, day):
                week = of_week.setdefault(row.bookable_id, {})
                week.setdefault(row.weekday, []).append((row.opens, row.closes))
        of_day_type = {
            (row.bookable_id, row.day_type): _open(row)
            for row in typed
            if _is_in_force(row, day)
        }
        return cls(of_week, of_day_type)


def edges_of(row: PriceRule | WeeklyHours | DayTypeHours) -> list[date]:
    """The days from which on it is in force, or not any more."""
    return [edge for edge in (row.valid_from, row.valid_until) if edge]


def _is_in_force(row: PriceRule | WeeklyHours | DayTypeHours, on: date) -> bool:
    return row.valid_from <= on and (row.valid_until is None or on < row.valid_until)


def _open(row: DayTypeHours | HoursException) -> list[OpenMinutes]:
    if row.opens is None or row.closes is None:
        return []
    return [(row.opens, row.closes)]


def _price(
    bookable: Bookable, rules: Iterable[PriceRule], minute: int, *, is_free: bool
) -> Price | None:
    """The cheapest of the narrowest rule of each group, at a minute of the day.

    `is_free`: what no rule says costs nothing, rather than not being offered.
    """
    narrowest: dict[str, PriceRule] = {}
    for rule in rules:
        if rule.starts <= minute < rule.ends:
            narrowest.setdefault(rule.group, rule)
    if is_free and PriceGroup.EVERYONE not in narrowest:
        return Price(
            fen=0,
            is_peak=False,
            group="",
            rule_id=None,
            fen_per_hour=0,
            minutes=bookable.slot_minutes,
            day_type=DayType.FITNESS_DAY.value,
        )
    if not narrowest:
        return None
    cheapest = min(
        narrowest.values(), key=lambda rule: (rule.price_fen, rule.group, rule.pk)
    )
    return Price(
        fen=cheapest.price_fen * bookable.slot_minutes // HOUR,
        is_peak=cheapest.is_peak,
        group=cheapest.group,
        rule_id=cheapest.pk,
        fen_per_hour=cheapest.price_fen,
        minutes=bookable.slot_minutes,
        day_type=cheapest.day_type,
    )


def _applies_on(rule: PriceRule, bookable: Bookable, on: date) -> bool:
    return (
        _is_in_force(rule, on)
        and rule.bookable_id in (None, bookable.pk)
        and rule.sport in ("", bookable.sport)
    )


def _narrowness(rule: PriceRule) -> int:
    return 2 if rule.bookable_id else 1 if rule.sport else 0


class HouseRules:
    """A venue's courts with their units, hours and prices, and the offers they make."""

    MOST_OFFERS = 4000  # (court, day, groups); a week of 30 courts is 240

    def __init__(self, venue: Venue, *, since: date) -> None:
        self.bookables = tuple(venue.bookables.offered().with_units().in_order())
        played = {court.sport for court in self.bookables}
        self.sports = [sport for sport in Sport.values if sport in played]
        # The evening before may not be over yet.
        self.timetable = Timetable(venue, self.bookables, since=since - ONE_DAY)
        self.priced_groups = self.timetable.priced_groups
        self._courts = {court.pk: court for court in self.bookables}
        self._venue = venue
        self._offers: dict[tuple[int, date, frozenset[str]], tuple[Offer, ...]] = {}
        self._kept: dict[tuple[date, str, int], frozenset[str]] = {}

    @cached_property
    def cancel_terms(self) -> list[list[int]]:
        """What is promised to who books now: [[minutes before, percent], …]."""
        bands = self._venue.cancel_bands.order_by("-minutes_before")
        return [[band.minutes_before, band.percent] for band in bands]

    @cached_property
    def quotas(self) -> tuple[Quota, ...]:
        """The limits of this venue and of the whole city."""
        city_or_own = Q(venue=None) | Q(venue=self._venue)
        rows = Quota.objects.filter(city_or_own).select_related("venue")
        return tuple(rows.order_by("pk"))

    @cached_property
    def asks_for_groups(self) -> bool:
        """Whether it matters here who somebody is."""
        return bool(self.priced_groups) or any(quota.group for quota in self.quotas)

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

    def court(self, bookable_id: int) -> Bookable | None:
        """One of the courts that can be booked."""
        return self._courts.get(bookable_id)

    def offer_at(
        self,
        bookable: Bookable,
        starts_at: datetime,
        *,
        groups: frozenset[str] = frozenset(),
    ) -> Offer | None:
        """The slot that starts then: one of that day, or of the night before it."""
        day = clock.local_day(starts_at)
        for on in (day, day - ONE_DAY):
            for offer in self.offers(bookable, on, groups=groups):
                if offer.starts_at == starts_at:
                    return offer
        return None

    def business_day(self, at: datetime) -> date:
        """The day that is going on: the one before, until its night is over."""
        today = clock.local_day(at)
        before = today - ONE_DAY
        ends = [
            closes
            for court in self.bookables
            for _opens, closes in self.timetable.open_minutes(court, before)[-1:]
        ]
        return before if ends and at < clock.at(before, max(ends)) else today

    def kept_for_desk(self, sport: str, on: date, *, percent: int) -> frozenset[str]:
        """The keys of the slots that are kept for window and telephone.

        That many percent of the courts of a sport that start together, rounded down;
        each day the next courts, so that it is not always the same ones. A court made
        of several units, such as a whole hall, is neither counted nor kept.
        """
        asked = (on, sport, percent)
        if asked not in self._kept:
            if len(self._kept) >= self.MOST_OFFERS:
                self._kept.clear()
            self._kept[asked] = self._kept_keys(sport, on, percent)
        return self._kept[asked]

    def _kept_keys(self, sport: str, on: date, percent: int) -> frozenset[str]:
        by_start: dict[datetime, list[str]] = {}
        for court in self.bookables:
            if court.sport == sport and len(court.unit_ids) == 1:
                for offer in self.offers(court, on):
                    by_start.setdefault(offer.starts_at, []).append(offer.key)
        kept: list[str] = []
        for keys in by_start.values():
            first = on.toordinal() % len(keys)
            kept += (keys + keys)[first : first + len(keys) * percent // 100]
        return frozenset(kept)


def window_opens_at(venue: Venue, on: date) -> datetime:
    """From when a business day can be booked."""
    return clock.at(on - timedelta(days=venue.days_ahead), venue.releases_at)


def online_until(venue: Venue, starts_at: datetime) -> datetime:
    """Until when a slot can be booked on line; before it begins in any case."""
    return starts_at - timedelta(minutes=venue.lead_minutes)


def kept_until(venue: Venue, starts_at: datetime) -> datetime:
    """When a slot that is kept for the window opens to all."""
    return starts_at - timedelta(minutes=venue.walk_in_until_minutes)


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
