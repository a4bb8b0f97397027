"""Clubs ask for weekly times of a season, and staff say who gets what."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.notices.actions import notify
from venues.actions.clubs import given_reason
from venues.errors.seasons import (
    AskedAlready,
    ClubNotChecked,
    NoDateToBook,
    OutsideSeason,
    RequestMovedOn,
    RequestsCollide,
    SeasonBackwards,
    SeasonBeingDecided,
    SeasonClosed,
    SeasonNamed,
    SeasonStillOpen,
    TooManyRequests,
)
from venues.errors.slots import SlotNotOffered, VenueShut
from venues.models import Bookable, Club, Season, SeasonRequest, Venue
from venues.queries.seasons import (
    Granted,
    Proposal,
    WeeklyTime,
    is_open_at,
    plan_season,
    weigh,
)

State = SeasonRequest.State
LONGEST = timedelta(days=366)
MOST_REQUESTS = 20
"""Times that one club can ask for in a season."""
UNDECIDED = (State.ASKED, State.PROPOSED)


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
        timedelta() <= first_on - clock.local_day(at) < LONGEST
        and timedelta() <= last_on - first_on < LONGEST
        and at < applies_until < clock.at(first_on, 0)
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
    season = lock_season(request.season_id)
    move_to(request, State.WITHDRAWN)
    record("venues.seasonrequest.withdrawn", subject=request, by=by, at=now)
    close_if_decided(season, at=now)
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
    season = lock_season(season.pk)
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
    reason = given_reason(reason)
    season = lock_season(request.season_id)
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
    reason = given_reason(reason)
    season = lock_season(request.season_id)
    move_to(request, State.DENIED, reason=reason, decided_at=at, decided_by=by)
    record(
        "venues.seasonrequest.denied",
        subject=request,
        by=by,
        at=at,
        detail={"reason": reason},
    )
    tell_request(request, "venues.season_denied", at=at, reason=reason)
    close_if_decided(season, at=at)
    return request


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


def lock_season(season_id: int) -> Season:
    return (
        Season.objects.select_related("venue")
        .select_for_update(of=["self"])
        .get(pk=season_id)
    )


def move_to(request: SeasonRequest, state: str, **more: object) -> None:
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


def close_if_decided(season: Season, *, at: datetime) -> None:
    """Nothing is left to decide: the season is decided."""
    if at < season.applies_until:
        return
    if not season.requests.filter(state__in=UNDECIDED).exists():
        Season.objects.filter(pk=season.pk).update(state=Season.State.DECIDED)
