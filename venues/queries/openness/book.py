"""What is in the tables: hours, prices, closures and sessions of a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import F, Q

from bureau.common import clock
from venues.models import (
    AnnouncedHours,
    Block,
    Bookable,
    DayTypeHours,
    HoursException,
    MarketPrice,
    OpenSession,
    PriceRule,
    Venue,
    WeeklyHours,
)
from venues.models.rules import DayType
from venues.queries.days import DayTypes
from venues.queries.lowfee import ENTITLED, ENTITLED_PERCENT, MARKET_PERCENT
from venues.queries.openness.minutes import HOUR, CourtDay, Figures, bits, span
from venues.queries.rules import OpenMinutes, RuleRows, Timetable

ONE_DAY = timedelta(days=1)
_REST = {DayType.HOLIDAY, DayType.SCHOOL_BREAK, DayType.WEEKEND}


@dataclass(frozen=True)
class PlannedClosure:
    """A closure that is thought of, to see what it would break."""

    unit_ids: Collection[int]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class CutDay:
    """A court on a business day, as it was announced and as it is."""

    court: Bookable
    on: date
    announced: list[OpenMinutes]
    kept: list[OpenMinutes]

    @property
    def lost(self) -> int:
        """Minutes that were announced and are not open."""
        return (_row(self.announced) & ~_row(self.kept)).bit_count()


class OpenBook:
    """All that the rules are held against, of some venues in a period.

    Twelve questions to the database, for one venue or for all, for a week or a year.
    """

    def __init__(
        self,
        venues: Sequence[Venue],
        *,
        first: date,
        last: date,
        planned: PlannedClosure | None = None,
    ) -> None:
        self.venues = list(venues)
        self.first, self.last = first, last
        since, until = clock.at(first, 0), clock.at(last, 3 * 24 * HOUR)
        self._courts = _by_venue(
            Bookable.objects.filter(venue__in=self.venues).with_units().in_order()
        )
        self._sports = {
            court.pk: court.sport
            for courts in self._courts.values()
            for court in courts
        }
        self._types = DayTypes(since=first)
        self._tables = self._read_tables()
        self._market_fen: dict[tuple[int, str, date], int | None] = {}
        self._market = list(MarketPrice.objects.order_by("valid_from", "pk"))
        self.closures: dict[int, list[Block]] = defaultdict(list)
        self._blocks: dict[int, list[tuple[frozenset[int], datetime, datetime]]] = (
            defaultdict(list)
        )
        # One that was lifted while it lasted had shut the courts until then.
        blocks = Block.objects.filter(
            Q(lifted_at=None) | Q(lifted_at__gt=F("starts_at")),
            venue__in=self.venues,
            starts_at__lt=until,
            ends_at__gt=since,
        )
        for block in blocks.order_by("starts_at", "pk"):
            units = frozenset(block.unit_ids)
            ended_at = min(block.ends_at, block.lifted_at or block.ends_at)
            self._blocks[block.venue_id].append((units, block.starts_at, ended_at))
            if block.is_closure:
                self.closures[block.venue_id].append(block)
        if planned:
            for venue in self.venues:
                units = frozenset(planned.unit_ids)
                self._blocks[venue.pk].append(
                    (units, planned.starts_at, planned.ends_at)
                )
        self._sessions: dict[tuple[int, date], list[OpenSession]] = defaultdict(list)
        for session in OpenSession.objects.filter(
            venue__in=self.venues,
            cancelled_at=None,
            starts_at__gte=since,
            starts_at__lt=clock.at(last + ONE_DAY, 0),
        ).order_by("starts_at", "pk"):
            day = clock.local_day(session.starts_at)
            self._sessions[session.venue_id, day].append(session)
        self._announced: dict[int, list[AnnouncedHours]] = defaultdict(list)
        for kept in AnnouncedHours.objects.filter(
            bookable__venue__in=self.venues, on__gte=first, on__lte=last
        ).order_by("on", "bookable"):
            self._announced[kept.bookable_id].append(kept)
        self._known_courts: dict[Any, CourtDay] = {}
        self._known_days: dict[Any, Figures] = {}

    def _read_tables(self) -> dict[int, Timetable]:
        hours = WeeklyHours.objects.in_force_between(self.first, date.max)
        typed = DayTypeHours.objects.in_force_between(self.first, date.max)
        prices = PriceRule.objects.in_force_between(self.first, date.max)
        exceptions = HoursException.objects.filter(on__gte=self.first)
        read = [
            _by_venue(rows.filter(venue__in=self.venues))
            for rows in (
                hours.order_by("opens", "pk"),
                typed.order_by("pk"),
                exceptions.order_by("pk"),
                prices.select_related("exception").order_by("pk"),
            )
        ]
        self._rules = {rule.pk: rule for rules in read[3].values() for rule in rules}
        self._is_weather: dict[tuple[int, int | None, date], bool] = {
            (row.venue_id, row.bookable_id, row.on): row.is_weather
            for rows in read[2].values()
            for row in rows
        }
        return {
            venue.pk: Timetable.of_rows(
                venue,
                RuleRows(*(rows[venue.pk] for rows in read)),
                since=self.first,
                day_types=self._types,
            )
            for venue in self.venues
        }

    def is_rest_day(self, day: date) -> bool:
        """A weekend, a public holiday, or a day of the school breaks."""
        return any(kind in _REST for kind in self._types.of(day))

    def figures(self, venue: Venue, on: date) -> Figures:
        """The minutes of a venue on a business day."""
        alike = self._tables[venue.pk].days_alike(on)
        market = tuple(
            self.market_fen(venue, court.sport, on) for court in self._courts[venue.pk]
        )
        blocks = self._blocks_on(venue, on)
        sessions = self._sessions.get((venue.pk, on), [])
        key = (venue.pk, alike, market)
        if blocks or sessions:
            return self._count(venue, on, key, blocks, sessions)
        if key not in self._known_days:
            self._known_days[key] = self._count(venue, on, key, [], [])
        return self._known_days[key]

    def cut_short(self, venue: Venue) -> list[CutDay]:
        """Hours that were announced, and taken back less than seven days ahead.

        Not for the weather. Of a day that was changed and is again, or opens longer
        than was announced, nothing was taken.
        """
        table = self._tables[venue.pk]
        found = [
            CutDay(court, kept.on, _periods(kept), table.hours_of_day(court, kept.on))
            for court in self._courts[venue.pk]
            for kept in self._announced[court.pk]
            if not self._is_for_the_weather(court, kept.on)
        ]
        return sorted((one for one in found if one.lost), key=lambda one: one.on)

    def _is_for_the_weather(self, court: Bookable, on: date) -> bool:
        """By the exception that holds for the court: its own, else that of all."""
        own = self._is_weather.get((court.venue_id, court.pk, on))
        whole = self._is_weather.get((court.venue_id, None, on), False)
        return whole if own is None else own

    def market_fen(self, venue: Venue, sport: str, on: date) -> int | None:
        """What an hour costs elsewhere: in the district, else in the city."""
        asked = (venue.district_id, sport, on)
        if asked not in self._market_fen:
            fen: dict[int | None, int] = {}
            for row in self._market:  # in the order of their days
                if row.sport == sport and row.valid_from <= on:
                    fen[row.district_id] = row.fen_per_hour
            self._market_fen[asked] = fen.get(venue.district_id, fen.get(None))
        return self._market_fen[asked]

    def _blocks_on(self, venue: Venue, on: date) -> list[tuple[frozenset[int], int]]:
        """(units, bits) of what is blocked on a business day and in its night."""
        midnight = clock.at(on, 0)
        end = midnight + 2 * ONE_DAY
        return [
            (units, span(midnight, max(starts, midnight), min(ends, end)))
            for units, starts, ends in self._blocks[venue.pk]
            if starts < end and ends > midnight
        ]

    def _count(
        self,
        venue: Venue,
        on: date,
        key: tuple[Any, ...],
        blocks: list[tuple[frozenset[int], int]],
        sessions: list[OpenSession],
    ) -> Figures:
        courts = self._courts[venue.pk]
        units = {court.pk: set(court.unit_ids) for court in courts}
        shared = [
            (session, span(clock.at(on, 0), session.starts_at, session.ends_at))
            for session in sessions
        ]
        total, is_open = Figures(), 0
        for court in courts:
            day = self._court_day(venue, court, on, key).without(0)
            lost = 0  # what sessions on its floor take from hiring it
            for session, minutes in shared:
                if units[court.pk] & units[session.bookable_id]:
                    lost |= minutes
            day = day.without(lost)
            for session, minutes in shared:
                if session.bookable_id == court.pk:
                    self._mark_session(day, venue, session, minutes, on)
            blocked = reduce(
                or_, (taken for part, taken in blocks if part & units[court.pk]), 0
            )
            day = day.without(blocked)
            is_open |= day.open
            total += day.figures
        return replace(total, open=is_open.bit_count())

    def _court_day(
        self, venue: Venue, court: Bookable, on: date, key: tuple[Any, ...]
    ) -> CourtDay:
        """A court by its hours and prices alone; do not write into it."""
        if not court.is_open:
            return CourtDay()
        known = self._known_courts.get((court.pk, key))
        if known is None:
            known = CourtDay()
            market = self.market_fen(venue, court.sport, on)
            worth = None if market is None else market * max(1, len(court.unit_ids))
            table = self._tables[venue.pk]
            for start, end, price in table.rates(court, on):
                minutes = bits(start, end)
                known.mark(minutes, open=True)
                if price is None:
                    continue
                is_over = _is_over(price.fen_per_hour, worth, MARKET_PERCENT)
                excused = self._is_excused(price.rule_id)
                known.mark(
                    minutes,
                    priced=True,
                    low=not is_over,
                    free=price.fen_per_hour == 0,
                    peak=price.is_peak,
                    over=is_over and not excused,
                    over_excused=is_over and excused,
                    judged=worth is not None,
                )
            for group in sorted(ENTITLED):
                for start, end, price in table.rates(
                    court, on, groups=frozenset({group})
                ):
                    if price and _is_over(price.fen_per_hour, worth, ENTITLED_PERCENT):
                        excused = self._is_excused(price.rule_id)
                        known.mark(
                            bits(start, end),
                            entitled_over=not excused,
                            entitled_excused=excused,
                        )
            self._known_courts[court.pk, key] = known
        return known

    def _is_excused(self, rule_id: int | None) -> bool:
        rule = self._rules.get(rule_id) if rule_id else None
        return rule is not None and hasattr(rule, "exception")

    def _mark_session(
        self, day: CourtDay, venue: Venue, session: OpenSession, minutes: int, on: date
    ) -> None:
        """A ticket counts as the price of an hour: fen / minutes × 60."""
        sport = self._sports[session.bookable_id]
        worth = self.market_fen(venue, sport, on)
        length = (session.ends_at - session.starts_at) // timedelta(minutes=1)
        is_over = _is_over(session.price_fen * HOUR // length, worth, MARKET_PERCENT)
        reduced = session.concession_fen * HOUR // length
        day.mark(
            minutes,
            open=True,
            priced=True,
            low=not is_over,
            free=session.price_fen == 0,
            over=is_over,
            entitled_over=_is_over(reduced, worth, ENTITLED_PERCENT),
            judged=worth is not None,
        )


def _is_over(fen_per_hour: int, worth: int | None, percent: int) -> bool:
    """Whether an hour costs more than so much of what it is worth in the market."""
    return worth is not None and fen_per_hour > worth * percent // 100


def _row(periods: Iterable[OpenMinutes]) -> int:
    return reduce(or_, (bits(start, end) for start, end in periods), 0)


def _periods(kept: AnnouncedHours) -> list[OpenMinutes]:
    return [(opens, closes) for opens, closes in kept.periods]


def _by_venue(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.venue_id].append(row)
    return found
