"""Weekly times of clubs, by the season (docs/venues/seasons.md).

An approval is one decision and then one transaction for each date, behind the locks of
its floor: a long season does not lock the city. Which dates are done is read from what
stands (a booked line or a skipped date), so a crash loses nothing, and going on twice
is going on once. The invoice is `new` meanwhile, and nobody can pay it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db import transaction
from django.utils import translation

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, credit_codes
from bureau.common.db import constraint_errors
from bureau.common.errors import DomainError
from bureau.common.tasks import after_commit
from bureau.notices.actions import notify
from venues.actions.floor import open_booking
from venues.actions.invoices import DUE_DAYS, add_to_invoice, tell_club
from venues.actions.money import lock_invoice_money
from venues.actions.slots import Pick, lock_floor, refuse_taken, resolve_picks
from venues.errors import (
    AskedAlready,
    ClubDecided,
    ClubNamed,
    ClubNotChecked,
    CreditCodeTaken,
    CreditCodeWrong,
    NoDateToBook,
    OutsideSeason,
    ReasonMissing,
    RequestMovedOn,
    RequestsCollide,
    SeasonBackwards,
    SeasonBeingDecided,
    SeasonClosed,
    SeasonNamed,
    SeasonStillOpen,
    SlotNotOffered,
    SlotTaken,
    TooManyRequests,
    VenueShut,
)
from venues.models import (
    Bookable,
    Booking,
    Club,
    Invoice,
    Season,
    SeasonRequest,
    SkippedDate,
    Venue,
)
from venues.queries import house_rules
from venues.queries.seasons import (
    Granted,
    Proposal,
    WeeklyTime,
    booked_dates,
    is_open_at,
    plan_season,
    slots_on,
    weigh,
)

State = SeasonRequest.State
LONGEST = timedelta(days=366)
MOST_REQUESTS = 20
"""Times that one club can ask for in a season."""
UNDECIDED = (State.ASKED, State.PROPOSED)


# --- Clubs ------------------------------------------------------------------------


@dataclass(frozen=True)
class ClubFacts:
    """What a club says of itself; staff check it."""

    name: str
    credit_code: str
    priority: int = Club.Priority.CLUB

    @property
    def code(self) -> str:
        """As it is kept. Raises `CreditCodeWrong`."""
        try:
            return credit_codes.parse(self.credit_code)
        except credit_codes.BadCreditCode as wrong:
            raise CreditCodeWrong from wrong


@transaction.atomic
@constraint_errors(venues_club_name_key=ClubNamed)
def register_club(*, facts: ClubFacts, by: User) -> Club:
    """Become the contact of a club; staff check it before it can apply.

    Raises `CreditCodeWrong` or `ClubNamed`.
    """
    code = facts.code
    if Club.objects.filter(name=facts.name).exists():
        raise ClubNamed
    club = Club.objects.create(
        name=facts.name, credit_code=code, priority=facts.priority, contact=by
    )
    record("venues.club.registered", subject=club, by=by, at=clock.now())
    return club


@transaction.atomic
def correct_club(*, club: Club, facts: ClubFacts, by: User) -> Club:
    """The contact corrects what staff could not approve, and asks again.

    Raises `ClubDecided`, `CreditCodeWrong` or `ClubNamed`.
    """
    code = facts.code
    club = Club.objects.select_for_update().get(pk=club.pk)
    if club.is_approved:
        raise ClubDecided
    if Club.objects.filter(name=facts.name).exclude(pk=club.pk).exists():
        raise ClubNamed
    club.name, club.credit_code, club.priority = facts.name, code, facts.priority
    club.refusal = ""
    club.save(update_fields=["name", "credit_code", "priority", "refusal"])
    record("venues.club.corrected", subject=club, by=by, at=clock.now())
    return club


@transaction.atomic
def approve_club(*, club: Club, by: User) -> Club:
    """Staff have checked the club. Raises `ClubDecided` or `CreditCodeTaken`."""
    now = clock.now()
    with constraint_errors(venues_club_credit_code_once=CreditCodeTaken):
        done = Club.objects.filter(pk=club.pk, is_approved=False).update(
            is_approved=True, refusal=""
        )
    if not done:
        raise ClubDecided
    club.refresh_from_db()
    record("venues.club.approved", subject=club, by=by, at=now)
    _tell_contact(club, "venues.club_approved", at=now)
    return club


@transaction.atomic
def refuse_club(*, club: Club, reason: str, by: User) -> Club:
    """Staff could not approve it. Raises `ReasonMissing` or `ClubDecided`."""
    now = clock.now()
    reason = _said(reason)
    if not Club.objects.filter(pk=club.pk, is_approved=False).update(refusal=reason):
        raise ClubDecided
    club.refresh_from_db()
    record(
        "venues.club.refused", subject=club, by=by, at=now, detail={"reason": reason}
    )
    _tell_contact(club, "venues.club_refused", at=now, reason=reason)
    return club


def _tell_contact(club: Club, kind: str, *, at: datetime, **more: str) -> None:
    notify(
        recipient=club.contact,
        kind=kind,
        context={"club": club.name, **more},
        subject=club,
        at=at,
    )


# --- Seasons and requests ---------------------------------------------------------


@transaction.atomic
def open_season(
    *,
    venue: Venue,
    name: str,
    first_on: date,
    last_on: date,
    applies_until: datetime,
    by: User,
    at: datetime | None = None,
) -> Season:
    """Let clubs apply for weekly times of a venue.

    The seed that decides between equals is drawn here, before anybody applies. Raises
    `VenueShut`, `SeasonBackwards` or `SeasonNamed`.
    """
    at = at or clock.now()
    if venue.closed_on or venue.kind != Venue.Kind.PUBLIC:
        raise VenueShut
    if not (
        at < applies_until < clock.at(first_on, 0)
        and first_on <= last_on < first_on + LONGEST
    ):
        raise SeasonBackwards(days=LONGEST.days)
    with constraint_errors(venues_season_name_unique_in_venue=SeasonNamed):
        season = Season.objects.create(
            venue=venue,
            name=name.strip(),
            first_on=first_on,
            last_on=last_on,
            applies_until=applies_until,
            seed=secrets.token_hex(32),
        )
    record("venues.season.opened", subject=season, by=by, at=at)
    return season


@transaction.atomic
@constraint_errors(venues_seasonrequest_asked_once=AskedAlready)
def ask_for_season(
    *,
    season: Season,
    club: Club,
    weekly: WeeklyTime,
    by: User,
    wish: int = 1,
    note: str = "",
    at: datetime | None = None,
) -> SeasonRequest:
    """A club asks for a weekly time. Who acts is the club's contact.

    Raises `ClubNotChecked`, `SeasonClosed`, `OutsideSeason`, `SlotNotOffered`,
    `TooManyRequests`, `NoDateToBook` or `AskedAlready`.
    """
    at = at or clock.now()
    # Behind the row: an allocation that is being proposed sees all or none of it.
    season = Season.objects.select_for_update().get(pk=season.pk)
    club = Club.objects.select_for_update().get(pk=club.pk)
    venue = season.venue
    if not club.is_approved or club.contact_id != by.pk:
        raise ClubNotChecked
    if not is_open_at(season, at) or venue.closed_on:
        raise SeasonClosed
    refuse_outside_season(season, weekly)
    if not Bookable.objects.filter(pk=weekly.bookable_id, venue=venue).exists():
        raise SlotNotOffered
    asked = SeasonRequest.objects.filter(season=season, club=club)
    if asked.exclude(state=State.WITHDRAWN).count() >= MOST_REQUESTS:
        raise TooManyRequests(most=MOST_REQUESTS)
    if not plan_season(venue, weekly, at=at).bookable:
        raise NoDateToBook
    request = SeasonRequest.objects.create(
        season=season,
        club=club,
        bookable_id=weekly.bookable_id,
        weekday=weekly.weekday,
        starts=weekly.starts,
        ends=weekly.ends,
        first_on=weekly.first_on,
        last_on=weekly.last_on,
        wish=wish,
        note=note.strip()[:200],
        asked_at=at,
    )
    record("venues.seasonrequest.asked", subject=request, by=by, at=at)
    tell_request(request, "venues.season_received", at=at)
    return request


def refuse_outside_season(season: Season, weekly: WeeklyTime) -> None:
    """Raises `OutsideSeason`."""
    inside = season.first_on <= weekly.first_on <= weekly.last_on <= season.last_on
    if not (inside and weekly.starts < weekly.ends):
        raise OutsideSeason


@transaction.atomic
def withdraw_request(*, request: SeasonRequest, by: User | None) -> SeasonRequest:
    """The club does not want this time any more. Raises `RequestMovedOn`."""
    now = clock.now()
    season = _lock_season(request.season_id)
    _move_to(request, State.WITHDRAWN)
    record("venues.seasonrequest.withdrawn", subject=request, by=by, at=now)
    _close_if_decided(season, at=now)
    return request


def withdraw_all_requests(user: User) -> None:
    """Somebody deletes their account: their clubs ask for nothing any more."""
    asking = SeasonRequest.objects.filter(club__contact=user, state__in=UNDECIDED)
    for request in asking.order_by("pk"):
        withdraw_request(request=request, by=user)


# --- Allocation -------------------------------------------------------------------


@transaction.atomic
def propose_allocation(
    *, season: Season, by: User, at: datetime | None = None
) -> list[Proposal]:
    """Say who should have what: by class, then wish, then the drawn order.

    Run again it replaces its proposal. Raises `SeasonStillOpen`, and
    `SeasonBeingDecided` once something is approved.
    """
    at = at or clock.now()
    season = _lock_season(season.pk)
    if at < season.applies_until:
        raise SeasonStillOpen(until=clock.at_text(season.applies_until))
    if season.requests.filter(state=State.APPROVED).exists():
        raise SeasonBeingDecided
    season.requests.filter(state=State.PROPOSED).update(state=State.ASKED)
    rows = weigh(season, at=at, afresh=True)
    given = [row.request.pk for row in rows if row.can_be_given]
    season.requests.filter(pk__in=given).update(state=State.PROPOSED)
    Season.objects.filter(pk=season.pk).update(state=Season.State.PROPOSED)
    record(
        "venues.season.proposed",
        subject=season,
        by=by,
        at=at,
        detail={"given": [row.request.number for row in rows if row.can_be_given]},
    )
    return rows


@transaction.atomic
def move_request(
    *,
    request: SeasonRequest,
    weekly: WeeklyTime,
    reason: str,
    by: User,
    at: datetime | None = None,
) -> SeasonRequest:
    """Staff propose another time, or the one asked for after all.

    Raises `ReasonMissing`, `SeasonStillOpen`, `OutsideSeason`, `SlotNotOffered`,
    `NoDateToBook`, `RequestsCollide`, `AskedAlready` or `RequestMovedOn`.
    """
    at = at or clock.now()
    reason = _said(reason)
    season = _lock_season(request.season_id)
    if at < season.applies_until:
        raise SeasonStillOpen(until=clock.at_text(season.applies_until))
    refuse_outside_season(season, weekly)
    courts = Bookable.objects.filter(venue=season.venue_id)
    if not courts.filter(pk=weekly.bookable_id).exists():
        raise SlotNotOffered
    plan = plan_season(season.venue, weekly, at=at)
    if not plan.bookable:
        raise NoDateToBook
    granted = Granted()
    others = SeasonRequest.objects.filter(season=season, state=State.PROPOSED)
    for other in others.exclude(pk=request.pk).select_related("club"):
        theirs = plan_season(season.venue, WeeklyTime.of(other), at=at)
        granted.give(other, theirs.wanted)
    if rival := granted.rival(plan.wanted):
        raise RequestsCollide(number=rival.number, club=rival.club.name)
    before = WeeklyTime.of(request)
    with constraint_errors(venues_seasonrequest_asked_once=AskedAlready):
        moved = SeasonRequest.objects.filter(
            pk=request.pk, state__in=[*UNDECIDED, State.DENIED]
        ).update(
            state=State.PROPOSED,
            bookable=weekly.bookable_id,
            weekday=weekly.weekday,
            starts=weekly.starts,
            ends=weekly.ends,
            first_on=weekly.first_on,
            last_on=weekly.last_on,
            reason=reason,
        )
    if moved != 1:
        raise RequestMovedOn
    Season.objects.filter(pk=season.pk).update(state=Season.State.PROPOSED)
    request.refresh_from_db()
    record(
        "venues.seasonrequest.moved",
        subject=request,
        by=by,
        at=at,
        detail={"reason": reason, "from": str(before), "to": str(weekly)},
    )
    return request


@transaction.atomic
def deny_request(
    *,
    request: SeasonRequest,
    reason: str,
    by: User,
    at: datetime | None = None,
) -> SeasonRequest:
    """Staff say no, and why. Raises `ReasonMissing` or `RequestMovedOn`."""
    at = at or clock.now()
    reason = _said(reason)
    season = _lock_season(request.season_id)
    _move_to(request, State.DENIED, reason=reason, decided_at=at, decided_by=by)
    record(
        "venues.seasonrequest.denied",
        subject=request,
        by=by,
        at=at,
        detail={"reason": reason},
    )
    tell_request(request, "venues.season_denied", at=at, reason=reason)
    _close_if_decided(season, at=at)
    return request


# --- Approval ---------------------------------------------------------------------


def approve_request(
    *, request: SeasonRequest, by: User, at: datetime | None = None
) -> Invoice:
    """Give a club what was proposed: book every date, then issue the invoice.

    A date that is taken meanwhile is skipped, with its reason. Not one transaction: the
    sweep (`finish_approvals`) goes on where a crash left it. Raises `RequestMovedOn`.
    """
    at = at or clock.now()
    _decide(request, by=by, at=at)
    return book_season(request=request, at=at)


@transaction.atomic
def approve_proposal(
    *, season: Season, by: User, at: datetime | None = None
) -> list[SeasonRequest]:
    """Approve all that is proposed; workers book the dates, each request on its own."""
    from venues.tasks import book_season as book  # noqa: PLC0415 - tasks call actions

    at = at or clock.now()
    season = _lock_season(season.pk)
    proposed = season.requests.filter(state=State.PROPOSED).select_related("club")
    rows = list(proposed.order_by("pk"))
    for request in rows:
        _decide(request, by=by, at=at)
        after_commit(book, request_id=request.pk)
    return rows


@transaction.atomic
def _decide(request: SeasonRequest, *, by: User, at: datetime) -> None:
    season = _lock_season(request.season_id)
    _move_to(request, State.APPROVED, decided_at=at, decided_by=by)
    Invoice.objects.create(
        request=request,
        club=request.club,
        total_fen=0,
        issued_at=at,
        due_on=clock.local_day(at) + timedelta(days=DUE_DAYS),
    )
    record("venues.seasonrequest.approved", subject=request, by=by, at=at)
    _close_if_decided(season, at=at)


def book_season(*, request: SeasonRequest, at: datetime) -> Invoice:
    """Go on with an approved request: its dates that are not done, then its invoice.

    Safe to run twice, by several workers, and again after a crash.
    """
    request = SeasonRequest.objects.select_related(
        "club__contact", "season", "decided_by"
    ).get(pk=request.pk)
    invoice = Invoice.objects.get(request=request)
    if invoice.state == Invoice.State.NEW:
        done = booked_dates(request)
        for on in WeeklyTime.of(request).dates:
            if on not in done:
                book_date(request, invoice, on, at=at)
        _issue(request, at=at)
    return Invoice.objects.get(pk=invoice.pk)


def finish_approvals(*, at: datetime) -> int:
    """Go on where a crash interrupted an approval; how many there were."""
    left = SeasonRequest.objects.filter(invoice__state=Invoice.State.NEW)
    rows = list(left.order_by("pk"))
    for request in rows:
        book_season(request=request, at=at)
    return len(rows)


@transaction.atomic
def book_date(
    request: SeasonRequest, invoice: Invoice, on: date, *, at: datetime
) -> None:
    """One date: booked, or skipped with its reason. Twice is once."""
    lock_invoice_money(invoice.pk)  # one after the other, if several go on with it
    venue = Venue.objects.get(pk=request.season.venue_id)
    rules = house_rules(venue, today=clock.local_day(at))
    court = rules.court(request.bookable_id)
    offers = (
        slots_on(rules, court, on, starts=request.starts, ends=request.ends)
        if court
        else ()
    )
    if court and offers:
        lock_floor(
            (unit_id, offer.starts_at, offer.ends_at + court.buffer)
            for offer in offers
            for unit_id in court.unit_ids
        )
    if on in booked_dates(request):
        return
    picks = [Pick(request.bookable_id, offer.starts_at) for offer in offers]
    try:
        booking = _book(request, venue, picks, on=on, at=at)
    except DomainError as refusal:
        _skip(request, venue, on, refusal, at=at)
        return
    booking.invoice = invoice
    booking.save(update_fields=["invoice"])
    add_to_invoice(invoice, booking.total_fen)


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def _book(
    request: SeasonRequest,
    venue: Venue,
    picks: Sequence[Pick],
    *,
    on: date,
    at: datetime,
) -> Booking:
    if not picks:
        raise SlotNotOffered
    slots = resolve_picks(venue, picks, at=at, channel=Booking.Channel.SERIES)
    refuse_taken([piece for slot in slots for piece in slot.wanted], at=at)
    return open_booking(
        venue=venue,
        slots=slots,
        person=request.club.contact,
        dependant=None,
        channel=Booking.Channel.SERIES,
        hold_until=None,
        at=at,
        by=request.decided_by,
        # One booking for each date, whoever goes on with it.
        request_key=uuid5(NAMESPACE_URL, f"season:{request.number}:{on}"),
    )


def _skip(
    request: SeasonRequest,
    venue: Venue,
    on: date,
    refusal: DomainError,
    *,
    at: datetime,
) -> None:
    """In the bureau's language: it stays in the table."""
    with translation.override(settings.LANGUAGE_CODE):
        weekly = WeeklyTime.of(request)
        one = WeeklyTime(
            weekly.bookable_id, on.isoweekday(), weekly.starts, weekly.ends, on, on
        )
        planned = plan_season(venue, one, at=at).dates
        reason = planned[0].problem if planned else ""
        SkippedDate.objects.get_or_create(
            request=request,
            on=on,
            defaults={"reason": (reason or str(refusal))[:200]},
        )


@transaction.atomic
def _issue(request: SeasonRequest, *, at: datetime) -> None:
    invoice = (
        Invoice.objects.select_related("club__contact", "request__season__venue")
        .select_for_update(of=["self"])
        .get(request=request)
    )
    left = set(WeeklyTime.of(request).dates) - booked_dates(request)
    if invoice.state != Invoice.State.NEW or left:
        return
    owes = Invoice.State.OPEN if invoice.total_fen else Invoice.State.VOID
    invoice.state = owes
    invoice.issued_at = at
    invoice.save(update_fields=["state", "issued_at"])
    record(
        "venues.invoice.issued",
        subject=invoice,
        by=request.decided_by,
        at=at,
        detail={"total_fen": invoice.total_fen},
    )
    booked = invoice.bookings.count()
    tell_request(request, "venues.season_allocated", at=at, booked=str(booked))
    skipped = list(request.skipped.order_by("on"))
    if skipped:
        dates = "; ".join(f"{row.on:%Y-%m-%d} {row.reason}" for row in skipped)
        tell_request(
            request,
            "venues.season_dates_skipped",
            at=at,
            count=str(len(skipped)),
            dates=dates,
        )
    if owes == Invoice.State.OPEN:
        tell_club(invoice, "venues.invoice_open", at=at)


# --- Shared -----------------------------------------------------------------------


def tell_request(
    request: SeasonRequest, kind: str, *, at: datetime, **more: str
) -> None:
    """A notice about a request to the contact of its club."""
    notify(
        recipient=request.club.contact,
        kind=kind,
        context={
            "club": request.club.name,
            "venue": request.season.venue.name,
            "season": request.season.name,
            "number": request.number,
            "court": request.bookable.name,
            "weekday": request.weekday,
            "time": WeeklyTime.of(request).times,
            **more,
        },
        subject=request,
        at=at,
    )


def _lock_season(season_id: int) -> Season:
    return (
        Season.objects.select_related("venue")
        .select_for_update(of=["self"])
        .get(pk=season_id)
    )


def _move_to(request: SeasonRequest, state: str, **more: object) -> None:
    """Compare and set along `TRANSITIONS`. Raises `RequestMovedOn`."""
    before = [
        known for known, after in SeasonRequest.TRANSITIONS.items() if state in after
    ]
    if state == State.APPROVED:
        before = [State.PROPOSED]
    if state == State.DENIED:
        before = list(UNDECIDED)
    moved = SeasonRequest.objects.filter(pk=request.pk, state__in=before).update(
        state=state, **more
    )
    if moved != 1:
        raise RequestMovedOn
    request.refresh_from_db()


def _close_if_decided(season: Season, *, at: datetime) -> None:
    """Nothing is left to decide: the season is decided."""
    if at < season.applies_until:
        return
    if not season.requests.filter(state__in=UNDECIDED).exists():
        Season.objects.filter(pk=season.pk).update(state=Season.State.DECIDED)


def _said(reason: str) -> str:
    reason = reason.strip()[:200]
    if not reason:
        raise ReasonMissing
    return reason
