"""Ballots as people and staff look at them: starts, places, one's own request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from bureau.accounts.models import User
from bureau.common import clock
from venues.models import (
    Ballot,
    BallotRequest,
    Bookable,
    Booking,
    Occupancy,
    Venue,
)
from venues.queries.rules import Offer, house_rules
from venues.querysets import period

MOST_SHOWN = 50


def public_ballots() -> QuerySet[Ballot]:
    shown = Ballot.objects.filter(venue__kind=Venue.Kind.PUBLIC, venue__closed_on=None)
    return shown.select_related("venue", "draw")


def coming_ballots(*, at: datetime, venue: Venue | None = None) -> list[Ballot]:
    """What can be asked for now or soon, or is drawn soon; what closes first, first."""
    coming = public_ballots().filter(
        state__in=["planned", "open", "closed"], on__gte=clock.local_day(at)
    )
    if venue:
        coming = coming.filter(venue=venue)
    return list(coming.order_by("closes_at", "pk")[:MOST_SHOWN])


def past_ballots(*, most: int = 20) -> list[Ballot]:
    over = public_ballots().filter(state__in=["drawn", "called_off"])
    return list(over.order_by("-draws_at", "-pk")[:most])


def phase_of(ballot: Ballot, *, at: datetime) -> str:
    """Its state as a person should read it, not waiting for the sweep."""
    state = Ballot.State(ballot.state)
    if state in (Ballot.State.DRAWN, Ballot.State.CALLED_OFF):
        return state.value
    if at < ballot.opens_at:
        return Ballot.State.PLANNED.value
    is_open = at < ballot.closes_at and state != Ballot.State.CLOSED
    return (Ballot.State.OPEN if is_open else Ballot.State.CLOSED).value


@dataclass(frozen=True)
class Start:
    """One time that is drawn."""

    starts_at: datetime
    ends_at: datetime
    courts: tuple[str, ...]
    requests: int
    is_mine: bool


def starts_of(ballot: Ballot, mine: BallotRequest | None = None) -> list[Start]:
    """The times of a ballot with their courts, and how many ask; two questions."""
    rows = ballot.slots.select_related("bookable").order_by(
        "starts_at", "bookable__position", "bookable__pk"
    )
    grouped: dict[datetime, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.starts_at, []).append(row)
    asked: dict[datetime, int] = {}
    for moment in ballot.requests.values_list("starts_at", flat=True):
        asked[moment] = asked.get(moment, 0) + 1
    return [
        Start(
            moment,
            slots[0].ends_at,
            tuple(slot.bookable.name for slot in slots),
            asked.get(moment, 0),
            mine is not None and mine.starts_at == moment,
        )
        for moment, slots in grouped.items()
    ]


def requests_of(person: User) -> QuerySet[BallotRequest]:
    return BallotRequest.objects.filter(person=person).select_related(
        "ballot__venue", "ballot__draw", "entry", "dependant"
    )


def won_booking(request: BallotRequest) -> Booking | None:
    """The court that a request brought."""
    return Booking.objects.filter(
        ballot_slot__ballot=request.ballot_id, booked_by=request.person_id
    ).first()


@dataclass(frozen=True)
class Candidate:
    """A slot that staff think of drawing."""

    court: Bookable
    offer: Offer
    is_taken: bool


def candidates(
    venue: Venue, sport: str, on: date, *, since: int, until: int, at: datetime
) -> list[Candidate]:
    """The slots of a sport that begin in these minutes of a day, and what is taken."""
    rules = house_rules(venue, today=clock.local_day(at))
    first, last = clock.at(on, since), clock.at(on, until)
    found = []
    for court in rules.bookables:
        if court.sport != sport:
            continue
        for offer in rules.timetable.offers(court, on):
            if not first <= offer.starts_at < last or offer.starts_at <= at:
                continue
            taken = Occupancy.objects.filter(
                unit_id__in=court.unit_ids,
                during__overlap=period(offer.starts_at, offer.ends_at + court.buffer),
            )
            found.append(Candidate(court, offer, taken.standing_at(at).exists()))
    return found


def ballot_data_of(user: User) -> list[dict[str, Any]]:
    """What we hold of a person: what they asked for in ballots, as JSON types."""
    return [
        {
            "ballot": request.ballot.number,
            "venue": request.ballot.venue.name,
            "for": request.dependant_id,
            "starts_at": request.starts_at.isoformat(),
            "entry": request.entry.entry_id,
            "asked_at": request.asked_at.isoformat(),
            "rank": request.entry.rank,
            "outcome": request.entry.outcome,
        }
        for request in requests_of(user).order_by("pk")
    ]
