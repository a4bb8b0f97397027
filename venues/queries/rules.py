"""When courts are open and what they cost; kept in memory under a version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Q

from bureau.common import clock
from bureau.common.fields import clock_text
from bureau.common.sports import Sport
from venues.models import (
    Bookable,
    HoursException,
    PriceRule,
    Quota,
    Venue,
    WeeklyHours,
)

HOUR = 60


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
            if rule.weekday is None:
                continue
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


class HouseRules:
    """A venue's courts with their units, hours and prices, and the offers they make."""

    MOST_OFFERS = 4000  # (court, day, groups); a week of 30 courts is 240

    def __init__(self, venue: Venue, *, since: date) -> None:
        self.bookables = tuple(venue.bookables.offered().with_units().in_order())
        played = {court.sport for court in self.bookables}
        self.sports = [sport for sport in Sport.values if sport in played]
        self.timetable = Timetable(venue, self.bookables, since=since)
        self.priced_groups = self.timetable.priced_groups
        self._venue = venue
        self._offers: dict[tuple[int, date, frozenset[str]], tuple[Offer, ...]] = {}

    @cached_property
    def cancel_terms(self) -> list[list[int]]:
        """What is promised to who books now: [[minutes before, percent], …]."""
        bands = self._venue.cancel_bands.order_by("-minutes_before")
        return [[band.minutes_before, band.percent] for band in bands]

    @cached_property
    def quotas(self) -> tuple[Quota, ...]:
        """The limits of this venue and of the whole city."""
        city_or_own = Q(venue=None) | Q(venue=self._venue)
        return tuple(Quota.objects.filter(city_or_own).order_by("pk"))

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
