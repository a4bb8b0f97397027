"""Venues are held against the rules, for a week or a year."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bureau.common import clock
from bureau.common.fields import clock_text, clock_words
from venues.models import Venue
from venues.models.places import Facility
from venues.queries.closures import NOTICE_DAYS, notice_days
from venues.queries.days import is_fitness_day
from venues.queries.openness.book import CutDay, OpenBook, PlannedClosure
from venues.queries.openness.minutes import HOUR, Figures
from venues.queries.openness.rules import WORST_LAST, Light, Measure, Rule

WEEK_HOURS = 35
YEAR_DAYS = 330
REST_DAY_HOURS = 8
OUTDOOR_HOURS = 12


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
        return max((one.light for one in self.measures), key=WORST_LAST.index)

    @property
    def breaches(self) -> list[Measure]:
        return [one for one in self.measures if one.light in (Light.RED, Light.AMBER)]


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
        and WORST_LAST.index(one.light) > WORST_LAST.index(lights[one.rule])
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
        cut = self.book.cut_short(self.venue)
        figures = []
        if asked:
            told = _("%(good)s of %(all)s closures")
            figures += [told % {"good": len(asked) - len(late), "all": len(asked)}]
        if cut:
            days = len({one.on for one in cut})
            told = ngettext(
                "hours cut short on %(days)s day without notice",
                "hours cut short on %(days)s days without notice",
                days,
            )
            figures += [told % {"days": days}]
        reasons = [
            *(f"{clock.local_day(block.starts_at)}: {block.reason}" for block in late),
            *(_cut_in_words(one) for one in cut[:10]),
        ]
        light = Light.RED if late or cut else Light.GREEN
        figure = "; ".join(figures) or _("no closure")
        return Measure(Rule.NOTICE, light, figure, tuple(reasons))

    def _measure(
        self, rule: Rule, broken: Sequence[date], figure: str, reasons: Sequence[str]
    ) -> Measure:
        light = Light.GREEN
        if broken:
            light = Light.RED if broken[0] <= self.today else Light.AMBER
        return Measure(rule, light, figure, tuple(reasons))


def _cut_in_words(day: CutDay) -> str:
    announced, kept = (
        ", ".join(
            f"{clock_text(opens)}–{clock_words(closes)}" for opens, closes in hours
        )
        or pgettext("a day", "closed")
        for hours in (day.announced, day.kept)
    )
    return f"{day.on}, {day.court}: {announced} → {kept}"


def _hours(minutes: int) -> str:
    """Such as `34.5`; rounded down, so that 34.99 never reads as 35."""
    return f"{minutes * 10 // HOUR / 10:g}"
