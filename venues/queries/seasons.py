"""Seasons of clubs: which dates a weekly time has, who comes first, what is owed."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.fields import clock_text, clock_words
from bureau.common.money import yuan
from venues.models import (
    Bookable,
    Booking,
    BookingLine,
    Club,
    HoursException,
    Invoice,
    Occupancy,
    Season,
    SeasonRequest,
    TransferBack,
    Venue,
)
from venues.models.rules import DayType, Weekday
from venues.queries.rules import HouseRules, Offer, house_rules

ONE_DAY = timedelta(days=1)
Wanted = tuple[int, datetime, datetime]
"""(unit id, from, until)"""
MOST_SHOWN = 50
_LIVE = (Booking.State.CONFIRMED, Booking.State.NO_SHOW)


# --- The dates of a weekly time ---------------------------------------------------


@dataclass(frozen=True)
class WeeklyTime:
    """A court on a weekday, from `starts` until `ends` (minutes of the day)."""

    bookable_id: int
    weekday: int
    starts: int
    ends: int
    first_on: date
    last_on: date

    @classmethod
    def of(cls, request: SeasonRequest) -> WeeklyTime:
        return cls(
            request.bookable_id,
            request.weekday,
            request.starts,
            request.ends,
            request.first_on,
            request.last_on,
        )

    @property
    def dates(self) -> list[date]:
        """The business days of the series; a night belongs to the day it began with."""
        first = self.first_on + ONE_DAY * (
            (self.weekday - self.first_on.isoweekday()) % 7
        )
        weeks = (self.last_on - first).days // 7 + 1
        return [first + 7 * ONE_DAY * week for week in range(max(0, weeks))]

    @property
    def in_words(self) -> str:
        return f"{Weekday(self.weekday).label} {self.times}"

    @property
    def times(self) -> str:
        return f"{clock_text(self.starts)}–{clock_words(self.ends)}"


@dataclass(frozen=True)
class PlannedDate:
    """One date of a series: its slots, or why it is skipped."""

    on: date
    offers: tuple[Offer, ...]
    problem: str
    """Why it cannot be booked; empty when it can."""
    wanted: tuple[Wanted, ...] = ()

    @property
    def fen(self) -> int:
        return sum(offer.price.fen for offer in self.offers)


@dataclass(frozen=True)
class SeasonPlan:
    """What a weekly time comes to, as things stand now."""

    dates: tuple[PlannedDate, ...]
    provisional: tuple[int, ...] = ()
    """Years of them whose public holidays are not published yet."""

    @property
    def bookable(self) -> list[PlannedDate]:
        return [one for one in self.dates if not one.problem]

    @property
    def skipped(self) -> list[PlannedDate]:
        return [one for one in self.dates if one.problem]

    @property
    def total_fen(self) -> int:
        return sum(one.fen for one in self.bookable)

    @property
    def wanted(self) -> list[Wanted]:
        return [piece for one in self.bookable for piece in one.wanted]


def plan_season(venue: Venue, weekly: WeeklyTime, *, at: datetime) -> SeasonPlan:
    """Every date of a weekly time; four questions, for one date or for fifty."""
    rules = house_rules(venue, today=clock.local_day(at))
    court = rules.court(weekly.bookable_id)
    dates = weekly.dates
    if court is None or venue.closed_on:
        shut = _("This court cannot be booked.")
        return SeasonPlan(tuple(PlannedDate(on, (), shut) for on in dates))
    reasons = _exceptions(venue, court, dates)
    planned = []
    for on in dates:
        offers = slots_on(rules, court, on, starts=weekly.starts, ends=weekly.ends)
        if clock.at(on, weekly.starts) <= at:
            planned.append(PlannedDate(on, (), _("This date has passed.")))
        elif not offers:
            why = reasons.get(on) or _why_shut(rules, on)
            planned.append(PlannedDate(on, (), why))
        else:
            planned.append(PlannedDate(on, offers, "", _floor(court, offers)))
    years = {one.on.year for one in planned if rules.timetable.is_provisional(one.on)}
    found = tuple(_without_taken(planned, at=at))
    return SeasonPlan(found, tuple(sorted(years)))


def slots_on(
    rules: HouseRules, court: Bookable, on: date, *, starts: int, ends: int
) -> tuple[Offer, ...]:
    """The slots that fill a day from one time to the other; none when they do not.

    Between them lies no more than the court's own buffer.
    """
    expected, until = clock.at(on, starts), clock.at(on, ends)
    chosen: list[Offer] = []
    for offer in rules.offers(court, on):
        if offer.starts_at < expected:
            continue
        if offer.starts_at != expected:
            break
        chosen.append(offer)
        if offer.ends_at == until:
            return tuple(chosen)
        expected = offer.ends_at + court.buffer
    return ()


def _floor(court: Bookable, offers: Iterable[Offer]) -> tuple[Wanted, ...]:
    return tuple(
        (unit_id, offer.starts_at, offer.ends_at + court.buffer)
        for offer in offers
        for unit_id in court.unit_ids
    )


def _exceptions(venue: Venue, court: Bookable, dates: list[date]) -> dict[date, str]:
    """What staff wrote beside days that have other hours."""
    own_or_all = Q(bookable=None) | Q(bookable=court)
    rows = HoursException.objects.filter(own_or_all, venue=venue, on__in=dates)
    return {
        row.on: row.reason or _("Other opening hours on this day.")
        for row in rows.order_by("pk")
    }


def _why_shut(rules: HouseRules, on: date) -> str:
    types = rules.timetable.types_of(on)
    if DayType.HOLIDAY in types:
        return _("Public holiday: not open at this time.")
    if DayType.SCHOOL_BREAK in types:
        return _("School break: not open at this time.")
    if on.isoweekday() > Weekday.FRIDAY and DayType.WORKING in types:
        return _("Make-up working day: not open at this time.")
    return _("Not open, or without a price, at this time.")


def _without_taken(
    planned: Sequence[PlannedDate], *, at: datetime
) -> Iterator[PlannedDate]:
    wanted = [piece for one in planned for piece in one.wanted]
    taken: dict[int, list[Occupancy]] = defaultdict(list)
    if wanted:
        rows = Occupancy.objects.of_units({unit for unit, _start, _end in wanted})
        span = min(start for _u, start, _e in wanted), max(e for _u, _s, e in wanted)
        rows = rows.between(*span).standing_at(at).select_related("block")
        for row in rows:
            taken[row.unit_id].append(row)
    for one in planned:
        found = next((row for row in _on_top(one.wanted, taken)), None)
        problem = one.problem or (_what_lies_there(found) if found else "")
        yield PlannedDate(one.on, one.offers, problem, one.wanted)


def _on_top(
    wanted: Iterable[Wanted], taken: dict[int, list[Occupancy]]
) -> Iterator[Occupancy]:
    for unit, start, end in wanted:
        for row in taken[unit]:
            if row.during.lower < end and start < row.during.upper:
                yield row


def _what_lies_there(row: Occupancy) -> str:
    if row.block:
        return _("Closed: %(reason)s") % {"reason": row.block.reason}
    if row.kind == Occupancy.Kind.SESSION:
        return _("An open session takes place.")
    if row.kind == Occupancy.Kind.BALLOT:
        return _("This time is given out by ballot.")
    return _("Already booked by somebody else.")


# --- Who comes first --------------------------------------------------------------


def seed_hash(season: Season) -> str:
    """What is public of the seed while clubs can still apply."""
    return sha256(season.seed.encode()).hexdigest()


def ticket(seed: str, number: str) -> str:
    """The drawn order: HMAC-SHA256 of a request's number under the season's seed."""
    return hmac.new(seed.encode(), number.encode(), sha256).hexdigest()


@dataclass(frozen=True)
class Turn:
    """A request and its place: class, then the club's own rank, then the draw."""

    request: SeasonRequest
    round: int
    """1 for a club's dearest wish, 2 for its next one."""
    ticket: str

    @property
    def key(self) -> tuple[int, int, str]:
        return (self.request.club.priority, self.round, self.ticket)


def in_turn(requests: Iterable[SeasonRequest], *, seed: str) -> list[Turn]:
    """The order in which requests are considered; `club` must be loaded.

    The rank of a wish is its place among the wishes of its club, so that calling all
    of them the dearest brings nothing, and nobody's second wish is considered before
    every other club of its class had its first.
    """
    by_club: dict[int, list[SeasonRequest]] = defaultdict(list)
    for request in requests:
        by_club[request.club_id].append(request)
    turns = []
    for own in by_club.values():
        own.sort(key=lambda one: (one.wish, ticket(seed, one.number)))
        turns += [
            Turn(request, place, ticket(seed, request.number))
            for place, request in enumerate(own, start=1)
        ]
    return sorted(turns, key=lambda turn: turn.key)


class Granted:
    """The floor that requests of a season have, to see where others collide."""

    def __init__(self) -> None:
        self._by_unit: dict[int, list[tuple[datetime, datetime, SeasonRequest]]] = (
            defaultdict(list)
        )

    def give(self, request: SeasonRequest, wanted: Iterable[Wanted]) -> None:
        for unit, start, end in wanted:
            self._by_unit[unit].append((start, end, request))

    def rival(self, wanted: Iterable[Wanted]) -> SeasonRequest | None:
        """The first request that has some of this."""
        for unit, start, end in wanted:
            for since, until, request in self._by_unit[unit]:
                if since < end and start < until:
                    return request
        return None


@dataclass(frozen=True)
class Proposal:
    """A row of the table of an allocation, in the order of turns."""

    turn: Turn
    plan: SeasonPlan
    rival: SeasonRequest | None
    """Who comes first and has some of this time."""

    @property
    def request(self) -> SeasonRequest:
        return self.turn.request

    @property
    def can_be_given(self) -> bool:
        return self.rival is None and bool(self.plan.bookable)


def requests_to_weigh(season: Season) -> list[SeasonRequest]:
    """What an allocation decides between, and what it has to leave room for."""
    rows = SeasonRequest.objects.filter(
        season=season, state__in=["asked", "proposed", "approved"]
    )
    return list(rows.select_related("club", "bookable").order_by("pk"))


def weigh(season: Season, *, at: datetime, afresh: bool) -> list[Proposal]:
    """Each live request of a season with what stands in its way, in turn.

    `afresh` asks who should have what; else what is proposed already keeps its time.
    `season.venue` must be loaded.
    """
    venue = season.venue
    granted = Granted()
    rows: list[Proposal] = []
    turns = in_turn(requests_to_weigh(season), seed=season.seed)
    plans = {
        turn.request.pk: plan_season(venue, WeeklyTime.of(turn.request), at=at)
        for turn in turns
    }
    has = {SeasonRequest.State.APPROVED.value}
    if not afresh:
        has.add(SeasonRequest.State.PROPOSED.value)
    for turn in turns:
        if turn.request.state in has:
            granted.give(turn.request, plans[turn.request.pk].wanted)
    for turn in turns:
        plan = plans[turn.request.pk]
        if turn.request.state in has:
            rows.append(Proposal(turn, plan, None))
            continue
        row = Proposal(turn, plan, granted.rival(plan.wanted))
        rows.append(row)
        if afresh and row.can_be_given:
            granted.give(turn.request, plan.wanted)
    return rows


# --- What people look at ----------------------------------------------------------


def clubs_of(user: User) -> QuerySet[Club]:
    return Club.objects.filter(contact=user).order_by("name", "pk")


def public_seasons() -> QuerySet[Season]:
    shown = Season.objects.filter(venue__kind=Venue.Kind.PUBLIC, venue__closed_on=None)
    return shown.select_related("venue")


def open_seasons(*, at: datetime, venue: Venue | None = None) -> list[Season]:
    """Seasons that clubs can apply for, the first to close first."""
    rows = public_seasons().filter(state=Season.State.OPEN, applies_until__gt=at)
    if venue:
        rows = rows.filter(venue=venue)
    return list(rows.order_by("applies_until", "pk")[:MOST_SHOWN])


def decided_seasons() -> list[Season]:
    """Seasons whose applications are over, the latest first."""
    rows = public_seasons().exclude(state=Season.State.OPEN)
    return list(rows.order_by("-first_on", "-pk")[:20])


def is_open_at(season: Season, moment: datetime) -> bool:
    return season.state == Season.State.OPEN and moment < season.applies_until


def requests_of(user: User) -> QuerySet[SeasonRequest]:
    """The requests of the person's clubs."""
    rows = SeasonRequest.objects.filter(club__contact=user)
    return rows.select_related("season__venue", "club", "bookable", "invoice")


def invoices_of(user: User) -> QuerySet[Invoice]:
    """The invoices of the person's clubs that are ready."""
    rows = Invoice.objects.filter(club__contact=user).exclude(state=Invoice.State.NEW)
    return rows.select_related(
        "club", "request__season__venue", "request__bookable", "transfer_noted_by"
    )


def approved_times(season: Season) -> list[SeasonRequest]:
    """What clubs got: organisations and their times, for everybody to read."""
    rows = SeasonRequest.objects.filter(season=season, state="approved")
    rows = rows.select_related("club", "bookable")
    return list(rows.order_by("weekday", "starts", "bookable__position", "pk"))


def open_lines(invoice: Invoice) -> QuerySet[BookingLine]:
    """The slots that an invoice asks for, in order of time."""
    rows = BookingLine.objects.standing().filter(
        booking__invoice=invoice, booking__state__in=_LIVE
    )
    return rows.select_related("bookable", "booking").order_by("starts_at", "pk")


def returned_lines(invoice: Invoice) -> QuerySet[BookingLine]:
    """The slots that were given back or called off."""
    rows = BookingLine.objects.filter(booking__invoice=invoice).exclude(
        state="standing", booking__state__in=_LIVE
    )
    return rows.select_related("bookable", "booking").order_by("starts_at", "pk")


def booked_dates(request: SeasonRequest) -> set[date]:
    """The dates of an approved request that have been dealt with."""
    moments = BookingLine.objects.filter(booking__invoice__request=request)
    midnights = timedelta(minutes=request.starts)
    done = {
        clock.local_day(moment - midnights)
        for moment in moments.values_list("starts_at", flat=True)
        if clock.at(clock.local_day(moment - midnights), request.starts) == moment
    }
    return done | set(request.skipped.values_list("on", flat=True))


def club_work(districts: set[int] | None) -> tuple[int, int]:
    """(clubs to be checked, sums to be transferred back) for the first staff page.

    Clubs belong to the whole city; the sums to these districts, None meaning all.
    """
    back = TransferBack.objects.filter(done_at=None)
    if districts is not None:
        back = back.filter(booking__venue__district__in=districts)
    unchecked = Club.objects.filter(is_approved=False, refusal="")
    return unchecked.count(), back.count()


def club_data_of(user: User) -> list[dict[str, Any]]:
    """What we hold of a person as the contact of clubs, as JSON types."""
    rows = clubs_of(user).prefetch_related("requests__season", "invoices")
    return [
        {
            "club": club.name,
            "credit_code": club.credit_code,
            "is_approved": club.is_approved,
            "requests": [
                {
                    "number": request.number,
                    "season": request.season.name,
                    "time": WeeklyTime.of(request).in_words,
                    "state": request.state,
                    "note": request.note,
                    "asked_at": request.asked_at.isoformat(),
                }
                for request in club.requests.all()
            ],
            "invoices": [
                {
                    "number": invoice.number,
                    "total_fen": invoice.total_fen,
                    "state": invoice.state,
                }
                for invoice in club.invoices.all()
            ],
        }
        for club in rows
    ]


def reasons_for_club_to_stay(user: User) -> list[str]:
    """What must end before the contact of a club can delete their account."""
    asking = requests_of(user).filter(state__in=["asked", "proposed"])
    owing = Invoice.objects.filter(club__contact=user, state__in=["new", "open"])
    return [
        *(
            _("Your club's request %(number)s is not decided. Withdraw it first.")
            % {"number": number}
            for number in asking.order_by("pk").values_list("number", flat=True)
        ),
        *(
            _("Invoice %(number)s over %(sum)s yuan is open. Pay it first.")
            % {"number": invoice.number, "sum": yuan(invoice.total_fen)}
            for invoice in owing.order_by("pk")
        ),
    ]
