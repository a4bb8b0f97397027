"""Tickets for open sessions (散客): taking places, and taking them again.

The places of a session are one counter in its row:
`UPDATE … SET taken = taken + n WHERE taken + n <= capacity`, so that rivals queue at
the row and nobody is sold a place that is not there; a constraint stands behind it.
Locks: (person) → bookings → the session. Who holds a session never waits for a booking.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, Sum

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock
from bureau.common.db import advisory_locks, constraint_errors
from bureau.common.money import yuan
from venues.actions.floor import open_booking
from venues.actions.slots import PickedSlot, expire_hold
from venues.actions.telling import tell
from venues.errors.conduct import Banned
from venues.errors.sessions import (
    SessionBegun,
    SessionCancelled,
    SessionFull,
    SessionNotOpenYet,
    SessionOver,
    TooManyTickets,
)
from venues.errors.slots import PriceChanged, TooManyHolds, VenueShut
from venues.models import Booking, BookingLine, OpenSession, Venue, WaitingEntry
from venues.queries import Offer, conduct, sessions

MOST_PLACES = 5
"""Places that one person may have in a session: a family, not a tout."""
MOST_HOLDS = 2
"""Unpaid bookings that one person may have at a time (as for courts)."""


@constraint_errors(venues_opensession_never_oversold=SessionFull)
def buy_tickets(
    *,
    session: OpenSession,
    places: int,
    quoted_fen: int,
    request_key: UUID,
    by: User,
    dependant: Dependant | None = None,
    channel: Booking.Channel = Booking.Channel.ONLINE,
) -> Booking:
    """Take places in a session until they are paid; free ones are booked at once.

    The first place is for who books (or for their dependant) at the reduced price, if
    they are entitled to it; companions pay in full. `quoted_fen` is the total that the
    person was shown. The same `request_key` again returns the booking that it made
    the first time. The window (`channel`) sells until the end of a session and is bound
    by no ban; on line the sale ends at the start.

    Raises `VenueShut`, `SessionCancelled`, `SessionOver`, `SessionBegun`,
    `SessionNotOpenYet`, `TooManyTickets`, `Banned`, `TooManyHolds`, `PriceChanged` or
    `SessionFull`.
    """
    now = clock.now()
    advisory_locks([(-by.pk, 0)])
    mine = Booking.objects.filter(booked_by=by, request_key=request_key)
    if made_before := mine.first():
        return made_before
    session = OpenSession.objects.select_related("venue", "bookable").get(pk=session.pk)
    is_desk = channel == Booking.Channel.DESK
    refuse_sale(session, at=now, is_desk=is_desk)
    if not 1 <= places <= MOST_PLACES:
        raise TooManyTickets(most=MOST_PLACES)
    groups = eligible_groups(by, dependant, on=clock.local_day(now))
    price = sessions.ticket_price(session, places, groups=groups)
    if not is_desk:
        _refuse_person(session, by, places, price.fen, at=now)
    if price.fen != quoted_fen:
        raise PriceChanged(total=yuan(price.fen))
    _take_places(session.pk, places, at=now)

    booking = open_booking(
        venue=session.venue,
        slots=[as_slot(session, places, price)],
        person=by,
        dependant=dependant,
        channel=channel,
        hold_until=_hold_until(session, at=now) if price.fen else None,
        request_key=request_key,
        at=now,
        by=by,
    )
    if booking.state == Booking.State.CONFIRMED:
        tell(booking, "venues.booking_confirmed", at=now)
    return booking


def retake_tickets(lines: Iterable[BookingLine], *, at: datetime) -> None:
    """Take the places of lapsed tickets again, for money that came late.

    Raises `SessionFull` or `SessionCancelled`; then nothing of it may stay.
    """
    tickets = [line for line in lines if line.session_id]
    for line in sorted(tickets, key=lambda line: line.session_id or 0):
        session_id = line.session_id or 0
        called_off = OpenSession.objects.filter(pk=session_id).exclude(
            cancelled_at=None
        )
        if called_off.exists():
            raise SessionCancelled
        _take_places(session_id, line.places, at=at)


def refuse_sale(session: OpenSession, *, at: datetime, is_desk: bool) -> None:
    venue = session.venue
    if venue.closed_on or venue.kind != Venue.Kind.PUBLIC:
        raise VenueShut
    if session.cancelled_at:
        raise SessionCancelled
    if session.ends_at <= at:
        raise SessionOver
    if session.starts_at <= at and not is_desk:
        raise SessionBegun
    opens_at = sessions.sale_opens_at(session)
    if at < opens_at:
        raise SessionNotOpenYet(opens_at=clock.at_text(opens_at))


def _refuse_person(
    session: OpenSession, person: User, places: int, fen: int, *, at: datetime
) -> None:
    """What the person has already; behind the person's lock."""
    if until := conduct.banned_until(person, at=at):
        raise Banned(until=clock.at_text(until))
    if places_of(person, session, at=at) + places > MOST_PLACES:
        raise TooManyTickets(most=MOST_PLACES)
    holds = Booking.objects.filter(booked_by=person).held_at(at)
    won_or_offered = (Booking.Channel.OFFER, Booking.Channel.BALLOT)
    unpaid = holds.exclude(channel__in=won_or_offered).count()
    if fen and unpaid >= MOST_HOLDS:
        raise TooManyHolds(most=MOST_HOLDS)


def places_of(person: User, session: OpenSession, *, at: datetime) -> int:
    """How many places in a session the person has, paid or held."""
    live = Q(booking__state="confirmed") | Q(
        booking__state="held", booking__hold_until__gt=at
    )
    tickets = BookingLine.objects.standing().filter(live, session=session)
    has = tickets.filter(booking__booked_by=person).aggregate(places=Sum("places"))
    return has["places"] or 0


def _take_places(session_id: int, places: int, *, at: datetime) -> None:
    """Count the places in, or clear lapsed holds of the session and try once more.

    What a lapsed hold gives back belongs to the first in line, if there is a line: the
    sweep offers it within seconds (`expire_holds`). The line is looked at behind the
    lock of the session's row, where nobody joins it any more.
    """
    if count_in(session_id, places):
        return
    if (
        _clear_lapsed(session_id, at=at)
        and not WaitingEntry.objects.for_session(session_id).exists()
        and count_in(session_id, places)
    ):
        return
    raise SessionFull(left=OpenSession.objects.get(pk=session_id).left)


def count_in(session_id: int, places: int) -> bool:
    """Whether so many places were left; they are taken then."""
    return bool(
        OpenSession.objects.filter(
            pk=session_id,
            cancelled_at=None,
            taken__lte=F("capacity") - places,
        ).update(taken=F("taken") + places)
    )


def _clear_lapsed(session_id: int, *, at: datetime) -> int:
    """Give back the places of holds that nobody paid for; how many holds there were.

    Bookings that somebody else works on are passed over, so that nobody who has the
    session's row waits for a booking.
    """
    lapsed = Booking.objects.lapsed_at(at).filter(
        pk__in=BookingLine.objects.standing()
        .filter(session=session_id)
        .values("booking")
    )
    locked = lapsed.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
    return sum(expire_hold(booking.pk, at=at) for booking in list(locked))


def _hold_until(session: OpenSession, *, at: datetime) -> datetime:
    """As long as for courts; at the window it may be shorter, but never to the end."""
    until = at + timedelta(minutes=session.venue.hold_minutes)
    return min(until, session.ends_at)


def as_slot(
    session: OpenSession, places: int, price: sessions.TicketPrice
) -> PickedSlot:
    offer = Offer(
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        price=price,
        key=f"session-{session.pk}",
        span=(int(session.starts_at.timestamp()), int(session.ends_at.timestamp())),
    )
    return PickedSlot(session.bookable, offer, session=session, places=places)
