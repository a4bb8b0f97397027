"""Free and low-fee opening (低免开放), live: what the rules ask for and what there is.

Everything is counted in minutes of business days, from the hours, exceptions, closures,
sessions and prices that are in force. A day of a court is a row of bits, one a minute,
so that a year of a city is a matter of a second. Where the rules come from and how each
figure is defined: docs/venues/openness.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from math import ceil
from operator import or_
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from bureau.common import clock
from venues.models import (
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
from venues.models.places import Facility
from venues.models.rules import DayType
from venues.queries.closures import NOTICE_DAYS, notice_days
from venues.queries.days import DayTypes, is_fitness_day
from venues.queries.lowfee import ENTITLED, ENTITLED_PERCENT, MARKET_PERCENT
from venues.queries.rules import RuleRows, Timetable

HOUR = 60
WEEK_HOURS = 35
YEAR_DAYS = 330
REST_DAY_HOURS = 8
OUTDOOR_HOURS = 12
ONE_DAY = timedelta(days=1)
_REST = {DayType.HOLIDAY, DayType.SCHOOL_BREAK, DayType.WEEKEND}


class Light(StrEnum):
    """The state of a rule; in the order from good to bad."""

    NONE = "none"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


_WORST_LAST = list(Light)


class Rule(StrEnum):
    WEEK_HOURS = "week_hours"
    YEAR_DAYS = "year_days"
    REST_DAYS = "rest_days"
    OUTDOOR = "outdoor"
    LOW_SHARE = "low_share"
    MARKET = "market"
    ENTITLED = "entitled"
    FITNESS_DAY = "fitness_day"
    NOTICE = "notice"


LABELS: dict[Rule, Promise] = {
    Rule.WEEK_HOURS: gettext_lazy("Open at least 35 hours a week"),
    Rule.YEAR_DAYS: gettext_lazy("Open on at least 330 days a year"),
    Rule.REST_DAYS: gettext_lazy("8 hours on weekends, holidays and school breaks"),
    Rule.OUTDOOR: gettext_lazy("Outdoors: 12 hours a day"),
    Rule.LOW_SHARE: gettext_lazy("Free or low-fee hours, not only off-peak"),
    Rule.MARKET: gettext_lazy("At most 70 percent of the market price"),
    Rule.ENTITLED: gettext_lazy("Entitled groups: at most half of the market price"),
    Rule.FITNESS_DAY: gettext_lazy("8 August is free"),
    Rule.NOTICE: gettext_lazy("Closures announced 7 days ahead"),
}
SENTENCES: dict[Rule, Promise] = {
    Rule.WEEK_HOURS: gettext_lazy(
        "Each week the venue is open for at least 35 hours (2018 announcement of the "
        "General Administration of Sport)."
    ),
    Rule.YEAR_DAYS: gettext_lazy(
        "Each year the venue is open on at least 330 days (2018 announcement)."
    ),
    Rule.REST_DAYS: gettext_lazy(
        "On rest days, public holidays and in the school breaks it is open for at "
        "least 8 hours a day (2018 announcement)."
    ),
    Rule.OUTDOOR: gettext_lazy(
        "Outdoor areas are open for at least 12 hours a day (2018 announcement)."
    ),
    Rule.LOW_SHARE: gettext_lazy(
        "Free and low-fee opening is not put into off-peak hours only (norm no. 7 of "
        "2021, as quoted by cities)."
    ),
    Rule.MARKET: gettext_lazy(
        "A low fee is generally at most 70 percent of the local market price "
        "(norm no. 7 of 2021, as quoted by cities)."
    ),
    Rule.ENTITLED: gettext_lazy(
        "Older people, people with a disability, students, the military and the fire "
        "service generally pay at most half (norm no. 7 of 2021, as quoted by cities)."
    ),
    Rule.FITNESS_DAY: gettext_lazy(
        "On 8 August, National Fitness Day, the venue is wholly free (2018 "
        "announcement)."
    ),
    Rule.NOTICE: gettext_lazy(
        "Closing or changed hours are announced 7 days ahead, save for the weather "
        "(2018 announcement)."
    ),
}


@dataclass(frozen=True)
class Measure:
    """One rule, held against a period of a venue."""

    rule: Rule
    light: Light
    figure: str
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return str(LABELS[self.rule])

    @property
    def sentence(self) -> str:
        return str(SENTENCES[self.rule])


@dataclass(frozen=True)
class Figures:
    """Minutes of a venue on one business day, or added up over several.

    `open` counts the time in which at least one court is open; what follows counts each
    court by itself.
    """

    open: int = 0
    courts: int = 0
    priced: int = 0
    low: int = 0
    free: int = 0
    peak: int = 0
    low_peak: int = 0
    over: int = 0
    over_excused: int = 0
    entitled_over: int = 0
    entitled_excused: int = 0
    judged: int = 0
    """Priced time for whose sport a market price is known."""

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            *(
                mine + others
                for mine, others in zip(
                    self.__dict__.values(), other.__dict__.values(), strict=True
                )
            )
        )


@dataclass(frozen=True)
class Openness:
    """A venue in a week or a year."""

    venue: Venue
    first: date
    last: date
    days: dict[date, Figures]
    total: Figures
    measures: tuple[Measure, ...]

    @property
    def light(self) -> Light:
        return max((one.light for one in self.measures), key=_WORST_LAST.index)

    @property
    def breaches(self) -> list[Measure]:
        return [one for one in self.measures if one.light in (Light.RED, Light.AMBER)]


@dataclass(frozen=True)
class PlannedClosure:
    """A closure that is thought of, to see what it would break."""

    unit_ids: Collection[int]
    starts_at: datetime
    ends_at: datetime


# --- Bits -----------------------------------------------------------------------------


def _bits(start: int, end: int) -> int:
    """Ones from minute `start` until before `end`."""
    return ((1 << (end - start)) - 1) << start if end > start else 0


@dataclass
class _CourtDay:
    """A court on a business day; in each row of bits one stands for a minute."""

    open: int = 0
    priced: int = 0
    low: int = 0
    free: int = 0
    peak: int = 0
    over: int = 0
    over_excused: int = 0
    entitled_over: int = 0
    entitled_excused: int = 0
    judged: int = 0

    def without(self, taken: int) -> _CourtDay:
        return _CourtDay(*(row & ~taken for row in self.__dict__.values()))

    def mark(self, minutes: int, **rows: bool) -> None:
        for name, is_set in rows.items():
            if is_set:
                setattr(self, name, getattr(self, name) | minutes)

    @property
    def figures(self) -> Figures:
        counted = {name: row.bit_count() for name, row in self.__dict__.items()}
        courts = counted.pop("open")
        low_peak = (self.low & self.peak).bit_count()
        return Figures(courts=courts, low_peak=low_peak, **counted)


# --- What is in the tables ------------------------------------------------------------


class OpenBook:
    """All that the rules are held against, of some venues in a period.

    Eleven questions to the database, for one venue or for all, for a week or a year.
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
        blocks = Block.objects.filter(
            venue__in=self.venues,
            lifted_at=None,
            starts_at__lt=until,
            ends_at__gt=since,
        )
        for block in blocks.order_by("starts_at", "pk"):
            units = frozenset(block.unit_ids)
            self._blocks[block.venue_id].append((units, block.starts_at, block.ends_at))
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
        self._known_courts: dict[Any, _CourtDay] = {}
        self._known_days: dict[Any, Figures] = {}

    def _read_tables(self) -> dict[int, Timetable]:
        hours = WeeklyHours.objects.order_by("opens", "pk")
        prices = PriceRule.objects.in_force_between(self.first, date.max)
        exceptions = HoursException.objects.filter(on__gte=self.first)
        read = [
            _by_venue(rows.filter(venue__in=self.venues))
            for rows in (
                hours,
                DayTypeHours.objects.order_by("pk"),
                exceptions.order_by("pk"),
                prices.select_related("exception").order_by("pk"),
            )
        ]
        self._rules = {rule.pk: rule for rules in read[3].values() for rule in rules}
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
            (units, _span(midnight, max(starts, midnight), min(ends, end)))
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
            (session, _span(clock.at(on, 0), session.starts_at, session.ends_at))
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
                or_, (bits for part, bits in blocks if part & units[court.pk]), 0
            )
            day = day.without(blocked)
            is_open |= day.open
            total += day.figures
        return replace(total, open=is_open.bit_count())

    def _court_day(
        self, venue: Venue, court: Bookable, on: date, key: tuple[Any, ...]
    ) -> _CourtDay:
        """A court by its hours and prices alone; do not write into it."""
        if not court.is_open:
            return _CourtDay()
        known = self._known_courts.get((court.pk, key))
        if known is None:
            known = _CourtDay()
            market = self.market_fen(venue, court.sport, on)
            worth = None if market is None else market * max(1, len(court.unit_ids))
            table = self._tables[venue.pk]
            for start, end, price in table.rates(court, on):
                minutes = _bits(start, end)
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
                            _bits(start, end),
                            entitled_over=not excused,
                            entitled_excused=excused,
                        )
            self._known_courts[court.pk, key] = known
        return known

    def _is_excused(self, rule_id: int | None) -> bool:
        rule = self._rules.get(rule_id) if rule_id else None
        return rule is not None and hasattr(rule, "exception")

    def _mark_session(
        self, day: _CourtDay, venue: Venue, session: OpenSession, minutes: int, on: date
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


def _span(midnight: datetime, start: datetime, end: datetime) -> int:
    """Bits of every minute that lies at least partly between the two moments."""
    first = int((start - midnight).total_seconds() // 60)
    last = ceil((end - midnight).total_seconds() / 60)
    return _bits(max(0, first), max(0, last))


def _by_venue(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.venue_id].append(row)
    return found


# --- The rules ------------------------------------------------------------------------


def week_of(
    venues: Sequence[Venue],
    *,
    monday: date,
    at: datetime,
    planned: PlannedClosure | None = None,
) -> list[Openness]:
    """How the venues keep the rules in the week from a Monday on."""
    last = monday + timedelta(days=6)
    return _held_against(venues, monday, last, at=at, planned=planned)


def year_of(
    venues: Sequence[Venue],
    *,
    year: int,
    at: datetime,
    planned: PlannedClosure | None = None,
) -> list[Openness]:
    """How they keep them in a calendar year: what was, and what is planned."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    return _held_against(venues, first, last, at=at, planned=planned)


def warnings_about(venue: Venue, planned: PlannedClosure, *, at: datetime) -> list[str]:
    """The rules that a closure would break, or break more, in its weeks and years."""
    found = []
    first = clock.local_day(max(planned.starts_at, at))
    last = clock.local_day(planned.ends_at)
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        before = week_of([venue], monday=monday, at=at)[0]
        after = week_of([venue], monday=monday, at=at, planned=planned)[0]
        words = _("Week from %(monday)s") % {"monday": monday}
        found += _worse(words, before, after)
        monday += timedelta(days=7)
    for year in range(first.year, last.year + 1):
        before = year_of([venue], year=year, at=at)[0]
        after = year_of([venue], year=year, at=at, planned=planned)[0]
        kept = (Rule.YEAR_DAYS, Rule.FITNESS_DAY)
        found += _worse(str(year), before, after, only=kept)
    return found


def _worse(
    words: str, before: Openness, after: Openness, *, only: Collection[Rule] = ()
) -> list[str]:
    lights = {one.rule: one.light for one in before.measures}
    return [
        f"{words}: {one.label} ({one.figure})"
        for one in after.measures
        if (not only or one.rule in only)
        and _WORST_LAST.index(one.light) > _WORST_LAST.index(lights[one.rule])
    ]


def _held_against(
    venues: Sequence[Venue],
    first: date,
    last: date,
    *,
    at: datetime,
    planned: PlannedClosure | None,
) -> list[Openness]:
    book = OpenBook(venues, first=first, last=last, planned=planned)
    return [_judge(book, venue, at=at) for venue in book.venues]


def _judge(book: OpenBook, venue: Venue, *, at: datetime) -> Openness:
    span = (book.last - book.first).days + 1
    days = {
        day: book.figures(venue, day)
        for day in (book.first + timedelta(days=n) for n in range(span))
    }
    total = sum(days.values(), Figures())
    case = _Case(book, venue, days, total, clock.local_day(at))
    rules = [
        case.week_hours(),
        case.year_days() if span > 7 else None,
        case.day_hours(Rule.REST_DAYS, REST_DAY_HOURS, book.is_rest_day),
        None
        if Facility.INDOOR in venue.facilities
        else case.day_hours(Rule.OUTDOOR, OUTDOOR_HOURS, lambda _day: True),
        case.low_share(),
        case.price(Rule.MARKET, total.over, total.over_excused),
        case.price(Rule.ENTITLED, total.entitled_over, total.entitled_excused),
        case.fitness_day(),
        case.notice(),
    ]
    measures = tuple(one for one in rules if one)
    return Openness(venue, book.first, book.last, days, total, measures)


@dataclass(frozen=True)
class _Case:
    """One venue before the rules. What lies ahead only is amber: it can be averted."""

    book: OpenBook
    venue: Venue
    days: dict[date, Figures]
    total: Figures
    today: date

    def week_hours(self) -> Measure:
        weeks = {}
        for monday in self.days:
            week = [monday + timedelta(days=n) for n in range(7)]
            if monday.weekday() == 0 and week[-1] in self.days:
                weeks[monday] = sum(self.days[day].open for day in week)
        short = {
            monday: minutes
            for monday, minutes in weeks.items()
            if minutes < WEEK_HOURS * HOUR
        }
        least = _hours(min(weeks.values(), default=0))
        if len(weeks) == 1:
            figure = _("%(hours)s h") % {"hours": least}
        else:
            told = _(
                "%(short)s of %(weeks)s weeks too short; the shortest: %(hours)s h"
            )
            figure = told % {"short": len(short), "weeks": len(weeks), "hours": least}
        reasons = [
            _("Week from %(monday)s: %(hours)s h")
            % {"monday": monday, "hours": _hours(minutes)}
            for monday, minutes in short.items()
        ]
        return self._measure(Rule.WEEK_HOURS, list(short), figure, reasons)

    def year_days(self) -> Measure:
        shut = [day for day, figures in self.days.items() if not figures.open]
        opened = len(self.days) - len(shut)
        gone = [day for day in shut if day <= self.today]
        light = Light.GREEN
        if opened < YEAR_DAYS:
            too_late = len(self.days) - len(gone) < YEAR_DAYS
            light = Light.RED if too_late else Light.AMBER
        told = _("%(open)s days; closed on %(gone)s so far, on %(ahead)s to come")
        figure = told % {
            "open": opened,
            "gone": len(gone),
            "ahead": len(shut) - len(gone),
        }
        return Measure(Rule.YEAR_DAYS, light, figure)

    def day_hours(self, rule: Rule, hours: int, applies: Any) -> Measure:
        """Days on which it opens at all, but too briefly."""
        asked = {
            day: figures.open
            for day, figures in self.days.items()
            if figures.open and applies(day)
        }
        short = [day for day, minutes in asked.items() if minutes < hours * HOUR]
        if not asked:
            return Measure(rule, Light.NONE, _("no such day"))
        told = _("%(good)s of %(days)s days; shortest: %(hours)s h")
        figure = told % {
            "good": len(asked) - len(short),
            "days": len(asked),
            "hours": _hours(min(asked.values())),
        }
        open_for = _("%(hours)s h")
        reasons = [
            f"{day} {open_for % {'hours': _hours(asked[day])}}" for day in short[:10]
        ]
        return self._measure(rule, short, figure, reasons)

    def low_share(self) -> Measure:
        total = self.total
        if not total.priced:
            return Measure(Rule.LOW_SHARE, Light.NONE, _("no price is set"))
        percent = 100 * total.low // total.priced
        free = 100 * total.free // total.priced
        told = _("%(low)s %% of the time of the courts, %(free)s %% free")
        figure = told % {"low": percent, "free": free}
        if not total.low:
            return self._measure(Rule.LOW_SHARE, [self.book.first], figure, [])
        if total.peak and not total.low_peak:
            only = _("None of it is in peak time.")
            return self._measure(Rule.LOW_SHARE, [self.book.first], figure, [only])
        return Measure(Rule.LOW_SHARE, Light.GREEN, figure)

    def price(self, rule: Rule, over: int, excused: int) -> Measure:
        if not self.total.judged:
            return Measure(rule, Light.NONE, _("no market price is known"))
        if over:
            told = _("%(hours)s court hours cost more")
            figure = told % {"hours": _hours(over)}
            return Measure(rule, Light.RED, figure)
        if excused:
            told = _("%(hours)s court hours cost more, by a recorded exception")
            return Measure(rule, Light.AMBER, told % {"hours": _hours(excused)})
        return Measure(rule, Light.GREEN, _("kept at all hours"))

    def fitness_day(self) -> Measure | None:
        asked = [day for day in self.days if is_fitness_day(day)]
        if not asked:
            return None
        figures = self.days[asked[0]]
        if not figures.open:
            return self._measure(
                Rule.FITNESS_DAY, asked, pgettext("a day", "closed"), []
            )
        paid = figures.priced - figures.free
        if paid:
            figure = _("%(hours)s court hours cost something") % {"hours": _hours(paid)}
            return self._measure(Rule.FITNESS_DAY, asked, figure, [])
        return Measure(Rule.FITNESS_DAY, Light.GREEN, _("free"))

    def notice(self) -> Measure:
        asked = [
            block
            for block in self.book.closures[self.venue.pk]
            if self.book.first <= clock.local_day(block.starts_at) <= self.book.last
        ]
        late = [
            block
            for block in asked
            if not block.is_weather
            and notice_days(block.announced_at or block.created_at, block.starts_at)
            < NOTICE_DAYS
        ]
        if not asked:
            return Measure(Rule.NOTICE, Light.GREEN, _("no closure"))
        told = _("%(good)s of %(all)s closures")
        figure = told % {"good": len(asked) - len(late), "all": len(asked)}
        reasons = [
            f"{clock.local_day(block.starts_at)}: {block.reason}" for block in late
        ]
        light = Light.RED if late else Light.GREEN
        return Measure(Rule.NOTICE, light, figure, tuple(reasons))

    def _measure(
        self, rule: Rule, broken: Sequence[date], figure: str, reasons: Sequence[str]
    ) -> Measure:
        light = Light.GREEN
        if broken:
            light = Light.RED if broken[0] <= self.today else Light.AMBER
        return Measure(rule, light, figure, tuple(reasons))


def _hours(minutes: int) -> str:
    """Such as `34.5`; rounded down, so that 34.99 never reads as 35."""
    return f"{minutes * 10 // HOUR / 10:g}"
