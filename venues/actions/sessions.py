"""Open sessions (散客): laying them out, changing their size, calling them off.

A session takes its floor as any booking does; its places are sold in tickets.py, and
who waits for one is served in session_lines.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.errors import DomainError, ReasonMissing
from bureau.common.words import listed
from venues.actions.cancellations import call_off_booking
from venues.actions.session_lines import end_session_line, offer_places
from venues.actions.slots import Wanted, lock_floor, refuse_taken
from venues.actions.waiting import offer_freed
from venues.errors.bookings import NotCancellable
from venues.errors.closures import UnitsTaken
from venues.errors.gate import AlreadyAdmitted
from venues.errors.sessions import (
    CapacityTooSmall,
    ConcessionTooDear,
    SessionBackwards,
    SessionCancelled,
    SessionOver,
)
from venues.errors.slots import SlotTaken
from venues.models import (
    Bookable,
    Booking,
    Occupancy,
    OpenSession,
    SessionPlan,
    Venue,
)
from venues.queries import sessions
from venues.querysets import period

LAID_OUT_BEYOND = 3
"""Days beyond the bookable ones that plans are laid out for: their floor has to be
taken before the day opens and the rush for courts begins."""
LONGEST = timedelta(hours=24)


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

    New places go to who is in line for them first.
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
    now = clock.now()
    record(
        "venues.session.resized",
        subject=session,
        by=by,
        at=now,
        detail={"from": before, "to": capacity},
    )
    offer_places(session.pk, at=now)
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
    end_session_line(session, at=now)
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
