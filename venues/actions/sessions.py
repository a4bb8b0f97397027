"""Open sessions (散客): laying them out, selling places, calling them off.

A session takes its floor as any booking does. Its places are one counter in its row:
`UPDATE … SET taken = taken + n WHERE taken + n <= capacity`, so that rivals queue at
the row and nobody is sold a place that is not there; a constraint stands behind it.
Locks: (person) → bookings → the session. Who holds a session never waits for a booking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import advisory_locks, constraint_errors
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.words import listed
from venues.actions.cancellations import call_off_booking
from venues.actions.floor import open_booking
from venues.actions.slots import (
    PickedSlot,
    Wanted,
    expire_hold,
    lock_floor,
    refuse_taken,
)
from venues.actions.telling import tell
from venues.actions.waiting import offer_freed
from venues.errors import (
    AlreadyAdmitted,
    Banned,
    CapacityTooSmall,
    ConcessionTooDear,
    NotCancellable,
    PriceChanged,
    ReasonMissing,
    SessionBackwards,
    SessionBegun,
    SessionCancelled,
    SessionFull,
    SessionNotOpenYet,
    SessionOver,
    SlotTaken,
    TooManyHolds,
    TooManyTickets,
    UnitsTaken,
    VenueShut,
)
from venues.models import (
    Bookable,
    Booking,
    BookingLine,
    Occupancy,
    OpenSession,
    SessionPlan,
    Venue,
)
from venues.queries import Offer, conduct, sessions
from venues.querysets import period

MOST_PLACES = 5
"""Places that one person may have in a session: a family, not a tout."""
MOST_HOLDS = 2
"""Unpaid bookings that one person may have at a time (as for courts)."""
LAID_OUT_BEYOND = 3
"""Days beyond the bookable ones that plans are laid out for: their floor has to be
taken before the day opens and the rush for courts begins."""
LONGEST = timedelta(hours=24)


# --- Tickets ----------------------------------------------------------------------


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
    _refuse_sale(session, at=now, is_desk=is_desk)
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
        slots=[_as_slot(session, places, price)],
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


def _refuse_sale(session: OpenSession, *, at: datetime, is_desk: bool) -> None:
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
    live = Q(booking__state="confirmed") | Q(
        booking__state="held", booking__hold_until__gt=at
    )
    tickets = BookingLine.objects.standing().filter(live, session=session)
    has = tickets.filter(booking__booked_by=person).aggregate(places=Sum("places"))
    if (has["places"] or 0) + places > MOST_PLACES:
        raise TooManyTickets(most=MOST_PLACES)
    holds = Booking.objects.filter(booked_by=person).held_at(at)
    won_or_offered = (Booking.Channel.OFFER, Booking.Channel.BALLOT)
    unpaid = holds.exclude(channel__in=won_or_offered).count()
    if fen and unpaid >= MOST_HOLDS:
        raise TooManyHolds(most=MOST_HOLDS)


def _take_places(session_id: int, places: int, *, at: datetime) -> None:
    """Count the places in, or clear lapsed holds of the session and try once more."""
    if _count_in(session_id, places):
        return
    if _clear_lapsed(session_id, at=at) and _count_in(session_id, places):
        return
    raise SessionFull(left=OpenSession.objects.get(pk=session_id).left)


def _count_in(session_id: int, places: int) -> bool:
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


def _as_slot(
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


# --- Sessions ---------------------------------------------------------------------


@dataclass(frozen=True)
class Prices:
    """Fen a ticket: in full, and for the entitled groups."""

    full_fen: int = 0
    concession_fen: int = 0


@constraint_errors(
    venues_occupancy_no_overlap=SlotTaken,
    venues_opensession_concession_is_no_dearer=ConcessionTooDear,
)
def open_session(
    *,
    bookable: Bookable,
    name: str,
    starts_at: datetime,
    ends_at: datetime,
    capacity: int,
    prices: Prices,
    by: User,
) -> OpenSession:
    """Staff open a floor to many for once.

    Raises `SessionBackwards`, `ConcessionTooDear`, `UnitsTaken` with the bookings in
    the way, or `SlotTaken` when something else is there.
    """
    now = clock.now()
    if not (now < starts_at < ends_at <= starts_at + LONGEST and capacity):
        raise SessionBackwards
    session = OpenSession(
        venue=bookable.venue,
        bookable=bookable,
        name=name,
        starts_at=starts_at,
        ends_at=ends_at,
        capacity=capacity,
        price_fen=prices.full_fen,
        concession_fen=prices.concession_fen,
        set_by=by,
    )
    wanted = _floor_of(session)
    lock_floor(wanted)
    _refuse_taken_by_name(wanted, at=now)
    _write(session, wanted, by=by, at=now)
    return session


@constraint_errors(venues_opensession_never_oversold=CapacityTooSmall)
def set_session_capacity(
    *, session: OpenSession, capacity: int, by: User
) -> OpenSession:
    """Let more or fewer people in; never fewer than have their places.

    Raises `SessionCancelled`, `CapacityTooSmall`, or `SessionBackwards` for none.
    """
    if capacity < 1:
        raise SessionBackwards
    session = OpenSession.objects.select_for_update().get(pk=session.pk)
    if session.cancelled_at:
        raise SessionCancelled
    if capacity < session.taken:
        raise CapacityTooSmall(taken=session.taken)
    before = session.capacity
    session.capacity = capacity
    session.save(update_fields=["capacity"])
    record(
        "venues.session.resized",
        subject=session,
        by=by,
        at=clock.now(),
        detail={"from": before, "to": capacity},
    )
    return session


def cancel_session(
    *, session: OpenSession, reason: str, by: User | None
) -> list[Booking]:
    """Call a session off: nobody can buy any more, everybody gets all money back.

    The bookings that were called off come back. First the session itself ends, then
    each booking in a transaction of its own; what a crash leaves undone the sweep
    finishes (`finish_cancelled_sessions`). Who is inside already keeps the ticket.
    Raises `SessionCancelled`, `SessionOver` or `ReasonMissing`.
    """
    if not reason:
        raise ReasonMissing
    _end_session(session, reason=reason, by=by)
    return _refund_tickets(session, reason=reason, by=by)


def finish_cancelled_sessions(*, at: datetime) -> int:
    """Refund the tickets of cancelled sessions that a crash left; how many."""
    left = OpenSession.objects.filter(cancelled_at__isnull=False, taken__gt=0)
    recent = left.filter(ends_at__gt=at - timedelta(days=30)).order_by("pk")
    return sum(
        len(_refund_tickets(session, reason=_("The session was cancelled."), by=None))
        for session in recent
    )


@transaction.atomic
def _end_session(session: OpenSession, *, reason: str, by: User | None) -> None:
    now = clock.now()
    session.bookable.unit_ids = _unit_ids(session.bookable)
    wanted = _floor_of(session)
    lock_floor(wanted)
    if session.ends_at <= now:
        raise SessionOver
    ended = OpenSession.objects.filter(pk=session.pk, cancelled_at=None).update(
        cancelled_at=now
    )
    if not ended:
        raise SessionCancelled
    Occupancy.objects.filter(session=session).delete()
    record(
        "venues.session.cancelled",
        subject=session,
        by=by,
        at=now,
        detail={"reason": reason},
    )
    offer_freed(session.venue, wanted, at=now)
    session.refresh_from_db()


def _refund_tickets(
    session: OpenSession, *, reason: str, by: User | None
) -> list[Booking]:
    done = []
    for line in sessions.live_tickets(session):
        try:
            booking = call_off_booking(
                booking=line.booking, line_ids=[line.pk], reason=reason, by=by
            )
        except (AlreadyAdmitted, NotCancellable):
            continue  # inside already, or just given back by the person
        except DomainError:
            continue  # moved on this very moment: the sweep looks again
        done.append(booking)
    return done


# --- Plans ------------------------------------------------------------------------


@constraint_errors(venues_sessionplan_concession_is_no_dearer=ConcessionTooDear)
def set_session_plan(*, plan: SessionPlan, by: User) -> list[OpenSession]:
    """Write a new or changed plan, and lay out its dates that can be booked soon.

    Dates that are laid out already stay as they are. Raises `ConcessionTooDear`.
    """
    is_new = plan.pk is None
    plan.save()
    now = clock.now()
    record(
        "venues.session_plan.set" if is_new else "venues.session_plan.changed",
        subject=plan,
        by=by,
        at=now,
        detail={
            "weekday": plan.weekday,
            "minutes": [plan.starts, plan.ends],
            "capacity": plan.capacity,
            "fen": [plan.price_fen, plan.concession_fen],
        },
    )
    return _lay_out_plan(plan, at=now)


def lay_out_sessions(*, at: datetime) -> int:
    """Lay out the dates of all plans that can be booked soon; how many were new.

    Safe to run by many workers at once. A date on which bookings, blocks or a closed
    day stand in the way is passed over and tried again the next time; the staff page of
    the plan says why (`queries.sessions.dates_of`).
    """
    plans = SessionPlan.objects.filter(
        venue__closed_on=None, venue__kind=Venue.Kind.PUBLIC
    ).select_related("venue", "bookable")
    return sum(len(_lay_out_plan(plan, at=at)) for plan in plans.order_by("pk"))


def plan_days(plan: SessionPlan, *, today: date) -> list[date]:
    """The days for which a plan is laid out now."""
    ahead = range(plan.venue.days_ahead + LAID_OUT_BEYOND + 1)
    days = [today + timedelta(days=n) for n in ahead]
    return [
        day
        for day in days
        if day.isoweekday() == plan.weekday
        and plan.valid_from <= day
        and (plan.valid_until is None or day < plan.valid_until)
    ]


def _lay_out_plan(plan: SessionPlan, *, at: datetime) -> list[OpenSession]:
    days = plan_days(plan, today=clock.local_day(at))
    if not days:
        return []
    there = set(
        OpenSession.objects.filter(
            plan=plan, starts_at__gte=clock.at(days[0], 0)
        ).values_list("starts_at", flat=True)
    )
    plan.bookable.unit_ids = _unit_ids(plan.bookable)
    laid_out = []
    for day in days:
        starts_at = clock.at(day, plan.starts)
        if starts_at in there or starts_at <= at:
            continue
        if sessions.is_shut(plan.venue, plan.bookable, day):
            continue
        if session := _lay_out(plan, day, at=at):
            laid_out.append(session)
    return laid_out


def _lay_out(plan: SessionPlan, day: date, *, at: datetime) -> OpenSession | None:
    """One date of a plan; None where something stands in the way."""
    session = OpenSession(
        plan=plan,
        venue=plan.venue,
        bookable=plan.bookable,
        name=plan.name,
        starts_at=clock.at(day, plan.starts),
        ends_at=clock.at(day, plan.ends),
        capacity=plan.capacity,
        price_fen=plan.price_fen,
        concession_fen=plan.concession_fen,
    )
    wanted = _floor_of(session)
    try:
        with constraint_errors(
            venues_occupancy_no_overlap=SlotTaken,
            venues_opensession_once_per_date=SlotTaken,
        ):
            lock_floor(wanted)
            refuse_taken(wanted, at=at)
            _write(session, wanted, by=None, at=at)
    except SlotTaken:
        return None
    return session


def _write(
    session: OpenSession, wanted: Sequence[Wanted], *, by: User | None, at: datetime
) -> None:
    session.save(force_insert=True)
    Occupancy.objects.bulk_create(
        Occupancy(
            unit_id=unit_id,
            during=period(start, end),
            kind=Occupancy.Kind.SESSION,
            session=session,
        )
        for unit_id, start, end in wanted
    )
    detail: dict[str, Any] = {"plan": session.plan_id} if session.plan_id else {}
    record("venues.session.opened", subject=session, by=by, at=at, detail=detail)


def _floor_of(session: OpenSession) -> list[Wanted]:
    """The floor of a session, without a buffer: sessions follow one another."""
    units = getattr(session.bookable, "unit_ids", None)
    if units is None:
        units = session.bookable.unit_ids = _unit_ids(session.bookable)
    return [(unit_id, session.starts_at, session.ends_at) for unit_id in units]


def _unit_ids(bookable: Bookable) -> list[int]:
    return list(bookable.parts.order_by("unit_id").values_list("unit_id", flat=True))


def _refuse_taken_by_name(wanted: Sequence[Wanted], *, at: datetime) -> None:
    try:
        refuse_taken(wanted, at=at)
    except SlotTaken:
        if numbers := sessions.bookings_on(wanted, at=at):
            raise UnitsTaken(numbers=listed(numbers)) from None
        raise
