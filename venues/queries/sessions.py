"""Open sessions as people and staff look at them: dates, places, own price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bureau.common import clock
from venues.models import (
    Bookable,
    Booking,
    BookingLine,
    EntryPass,
    Occupancy,
    OpenSession,
    SessionPlan,
    Venue,
)
from venues.queries.rules import Price, house_rules

MOST_NAMED = 10


@dataclass(frozen=True)
class TicketPrice(Price):
    """What some places cost: at most one at the reduced price, the others in full."""

    reduced: int = 0
    full: int = 0
    reduced_fen: int = 0
    full_fen: int = 0

    def as_quote(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "tickets": [
                {"places": places, "fen": fen, "reduced": is_reduced}
                for places, fen, is_reduced in (
                    (self.reduced, self.reduced_fen, True),
                    (self.full, self.full_fen, False),
                )
                if places
            ],
        }


def ticket_price(
    session: OpenSession, places: int, *, groups: frozenset[str]
) -> TicketPrice:
    """The price of some places for a person of these groups, with its breakdown."""
    is_reduced = bool(groups) and session.concession_fen < session.price_fen
    reduced = 1 if is_reduced else 0
    full = places - reduced
    return TicketPrice(
        fen=reduced * session.concession_fen + full * session.price_fen,
        is_peak=False,
        group=min(groups) if is_reduced else "",
        rule_id=0,
        fen_per_hour=0,
        reduced=reduced,
        full=full,
        reduced_fen=session.concession_fen,
        full_fen=session.price_fen,
    )


def sale_opens_at(session: OpenSession) -> datetime:
    """When tickets can be had first: with the courts of that day."""
    opens_on = clock.local_day(session.starts_at) - timedelta(
        days=session.venue.days_ahead
    )
    return clock.at(opens_on, session.venue.releases_at)


@dataclass(frozen=True)
class SessionCard:
    """A session as a list shows it, at the price of whoever reads it."""

    session: OpenSession
    own: TicketPrice
    opens_at: datetime | None
    """When its sale begins; None when tickets can be had now."""
    is_begun: bool

    @property
    def left(self) -> int:
        return self.session.left

    @property
    def can_buy(self) -> bool:
        return self.left > 0 and self.opens_at is None and not self.is_begun


def sessions_of_day(
    venue: Venue, on: date, *, at: datetime, groups: frozenset[str] = frozenset()
) -> list[SessionCard]:
    """The sessions of a day that are not over, in order; one question."""
    rows = (
        OpenSession.objects.filter(
            venue=venue,
            starts_at__gte=clock.at(on, 0),
            starts_at__lt=clock.at(on, 1440),
            ends_at__gt=at,
            cancelled_at=None,
        )
        .select_related("bookable")
        .order_by("starts_at", "pk")
    )
    return [card_of(row, venue=venue, at=at, groups=groups) for row in rows]


def card_of(
    session: OpenSession, *, venue: Venue, at: datetime, groups: frozenset[str]
) -> SessionCard:
    session.venue = venue
    opens_at = sale_opens_at(session)
    return SessionCard(
        session,
        own=ticket_price(session, 1, groups=groups),
        opens_at=opens_at if at < opens_at else None,
        is_begun=session.starts_at <= at,
    )


def live_tickets(session: OpenSession) -> list[BookingLine]:
    """The tickets that stand and that nobody has come in with."""
    used = EntryPass.objects.filter(state=EntryPass.State.USED)
    return list(
        BookingLine.objects.standing()
        .filter(session=session, booking__state__in=["held", "confirmed"])
        .exclude(booking__in=used.values("booking"))
        .select_related("booking__venue", "booking__booked_by")
        .order_by("pk")
    )


def is_shut(venue: Venue, bookable: Bookable, on: date) -> bool:
    """Whether the floor is shut all that day, by its hours or by an exception."""
    rules = house_rules(venue, today=clock.today())
    return not rules.timetable.opening_text(bookable, on)


def bookings_on(
    wanted: Sequence[tuple[int, datetime, datetime]], *, at: datetime
) -> list[str]:
    """The numbers of the first bookings that stand on this floor."""
    taken = Occupancy.objects.during_any_of(wanted).standing_at(at)
    numbers = Booking.objects.filter(
        pk__in=taken.exclude(line=None).values("line__booking")
    ).order_by("starts_at", "pk")
    return list(numbers.values_list("number", flat=True)[:MOST_NAMED])


@dataclass(frozen=True)
class PlanDate:
    """A date of a plan: its session, or what keeps it from being laid out."""

    on: date
    session: OpenSession | None
    is_shut: bool = False
    in_the_way: tuple[str, ...] = ()


def dates_of(
    plan: SessionPlan, days: Sequence[date], *, at: datetime
) -> list[PlanDate]:
    """What became of these dates of a plan."""
    found = {
        clock.local_day(session.starts_at): session
        for session in OpenSession.objects.filter(
            plan=plan,
            starts_at__gte=clock.at(days[0], 0),
            starts_at__lt=clock.at(days[-1], 1440),
        )
    }
    units = list(plan.bookable.parts.values_list("unit_id", flat=True))
    dates = []
    for day in days:
        if session := found.get(day):
            dates.append(PlanDate(day, session))
        elif is_shut(plan.venue, plan.bookable, day):
            dates.append(PlanDate(day, None, is_shut=True))
        else:
            span = clock.at(day, plan.starts), clock.at(day, plan.ends)
            wanted = [(unit, *span) for unit in units]
            numbers = tuple(bookings_on(wanted, at=at))
            dates.append(PlanDate(day, None, in_the_way=numbers))
    return dates
