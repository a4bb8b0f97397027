"""Lines for full sessions: given-back places are held for the first in line.

The same promise as for courts (docs/adr/0011), with a counter instead of floor: whoever
gives places back has the session's row locked, and offers them before letting it go. So
nobody who passes by ever sees them free.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors, try_advisory_lock
from bureau.notices.actions import Message, notify_each
from venues import queries
from venues.actions.quotas import refuse_banned
from venues.actions.slots import person_key
from venues.actions.tickets import (
    MOST_PLACES,
    as_slot,
    count_in,
    places_of,
    refuse_sale,
)
from venues.actions.waiting import MOST_TRIED, hold_for, refuse_many_lines
from venues.errors.sessions import TooManyTickets
from venues.errors.waiting import AlreadyInLine, PlacesLeft
from venues.models import Booking, BookingLine, OpenSession, Venue, WaitingEntry


@constraint_errors(venues_waitingentry_one_live_per_time=AlreadyInLine)
def join_session_line(
    *,
    session: OpenSession,
    places: int,
    by: User,
    dependant: Dependant | None = None,
) -> WaitingEntry:
    """Stand in line for so many places, all at once, in a session that is full.

    Raises `VenueShut`, `SessionCancelled`, `SessionOver`, `SessionBegun`,
    `SessionNotOpenYet`, `TooManyTickets`, `Banned`, `PlacesLeft` when they can be had
    right away, `TooManyLines` or `AlreadyInLine`.
    """
    now = clock.now()
    session = _locked(session.pk)
    refuse_sale(session, at=now, is_desk=False)
    if not 1 <= places <= MOST_PLACES - places_of(by, session, at=now):
        raise TooManyTickets(most=MOST_PLACES)
    refuse_banned(by, at=now)
    if session.left >= places:
        raise PlacesLeft
    refuse_many_lines(by)
    entry = WaitingEntry.objects.create(
        person=by,
        dependant=dependant,
        venue=session.venue,
        sport=session.bookable.sport,
        bookable=session.bookable,
        session=session,
        places=places,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        joined_at=now,
    )
    record("venues.waiting.joined", subject=entry, by=by, at=now)
    return entry


def offer_freed_places(lines: Iterable[BookingLine], *, at: datetime) -> list[Booking]:
    """Hold the places of tickets that were given back for who is first in line.

    Call it inside the transaction that gave them back.
    """
    tickets = sorted({line.session_id for line in lines if line.session_id})
    return [
        booking for session_id in tickets for booking in offer_places(session_id, at=at)
    ]


@transaction.atomic
def offer_places(session_id: int, *, at: datetime) -> list[Booking]:
    """Hold what is left of a session for those in line whose wish it fulfils.

    In their order. Who wants more places than are left keeps their turn and is passed
    over, and so is who buys something at this very moment: the sweep comes back.
    """
    session = _locked(session_id)
    if not _can_be_offered(session, at=at):
        return []
    line = WaitingEntry.objects.for_session(session_id).first_come_first()
    offers = []
    for entry in line.select_related("person", "dependant", "venue")[:MOST_TRIED]:
        if entry.places <= session.left and (booking := _offer(entry, session, at=at)):
            session.taken += entry.places
            offers.append(booking)
    return offers


def offer_places_to_lines(*, at: datetime, most: int = 500) -> int:
    """Offer what is left in any other way; how many offers it made.

    Whoever gives places back offers them at once; this finds the rest within seconds.
    Safe to run by many workers at once.
    """
    found = queries.servable_sessions(at=at, most=most)
    return sum(len(offer_places(session_id, at=at)) for session_id in found)


def end_session_line(session: OpenSession, *, at: datetime) -> int:
    """Nobody waits for a cancelled session any more, and they are told; how many.

    Call it inside the transaction that cancelled the session. What is offered already
    is a booking, and is called off as any other.
    """
    line = WaitingEntry.objects.for_session(session.pk).first_come_first()
    waited = list(line.select_related("person").select_for_update(of=["self"]))
    WaitingEntry.objects.filter(pk__in=[entry.pk for entry in waited]).update(
        state=WaitingEntry.State.OVER
    )
    facts = {
        "venue": session.venue.name,
        "session": session.name,
        "starts_at": session.starts_at.isoformat(),
    }
    notify_each(
        kind="venues.session_line_over",
        messages=[Message(entry.person, facts, entry) for entry in waited],
        at=at,
    )
    return len(waited)


def _locked(session_id: int) -> OpenSession:
    return (
        OpenSession.objects.select_related("venue", "bookable")
        .select_for_update(of=["self"])
        .get(pk=session_id)
    )


def _can_be_offered(session: OpenSession, *, at: datetime) -> bool:
    return (
        session.cancelled_at is None
        and session.left > 0
        and session.starts_at > at
        and session.venue.closed_on is None
        and session.venue.kind == Venue.Kind.PUBLIC
    )


def _offer(
    entry: WaitingEntry, session: OpenSession, *, at: datetime
) -> Booking | None:
    """Hold the places for this one, behind the lock of the session's row.

    People are locked before that row everywhere else, so whoever is busy just now is
    not waited for.
    """
    person = entry.person
    if queries.banned_until(person, at=at):
        return None
    if not try_advisory_lock(person_key(person)):
        return None
    if places_of(person, session, at=at) + entry.places > MOST_PLACES:
        return None
    still_waits = WaitingEntry.objects.for_session(session.pk).filter(pk=entry.pk)
    if not still_waits.select_for_update(skip_locked=True, of=["self"]).first():
        return None
    if not count_in(session.pk, entry.places):
        return None
    groups = eligible_groups(person, entry.dependant, on=clock.local_day(at))
    price = queries.ticket_price(session, entry.places, groups=groups)
    return hold_for(entry, as_slot(session, entry.places, price), at=at)
