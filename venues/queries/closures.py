"""Whom a closure hits: before it is set, and while it is worked through."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from bureau.common import clock
from venues.models import (
    Ballot,
    Block,
    Bookable,
    BookingChange,
    BookingLine,
    Club,
    Companion,
    EntryPass,
    Invoice,
    Occupancy,
    OpenSession,
)
from venues.querysets import period

NOTICE_DAYS = 7
"""A closure is announced so many days ahead, save for the weather (2018 notice)."""
_LIVE = ("held", "confirmed")


@dataclass(frozen=True)
class Preview:
    """What a closure would do."""

    bookings: int
    slots: int
    people: int
    """Who booked, who plays along, and the places in sessions."""
    refund_fen: int
    invoice_fen: int
    """What comes off the invoices of clubs, paid or not; no part of `refund_fen`."""
    invoice_paid_fen: int
    """How much of it has been paid, and goes back the way it came."""
    unpaid: int
    """Bookings that wait for their payment and are just dropped."""
    sessions: int
    ballots: tuple[str, ...]
    """Numbers of ballots that have not been handed out yet."""
    clubs: tuple[str, ...]
    notice_days: int
    is_late: bool
    """Announced less than seven days ahead, and not because of the weather."""


@dataclass(frozen=True)
class Progress:
    """How far a closure has been worked through."""

    left: int
    """Slots, sessions and ballots that still stand."""
    inside: int
    """Slots of people who are inside already, and keep them."""

    @property
    def is_done(self) -> bool:
        return not self.left


def touched_lines(
    unit_ids: Collection[int], starts_at: datetime, ends_at: datetime, *, at: datetime
) -> QuerySet[BookingLine]:
    """Slots that stand on this floor and are not over; tickets are not among them."""
    return (
        BookingLine.objects.standing()
        .filter(
            session=None,
            bookable__in=_courts_on(unit_ids),
            booking__state__in=_LIVE,
            starts_at__lt=ends_at,
            ends_at__gt=max(starts_at, at),
        )
        .order_by("starts_at", "pk")
    )


def touched_changes(
    unit_ids: Collection[int], starts_at: datetime, ends_at: datetime
) -> QuerySet[BookingChange]:
    """Changes whose new slots wait on this floor for their payment."""
    arriving = BookingLine.objects.filter(
        state=BookingLine.State.PENDING,
        bookable__in=_courts_on(unit_ids),
        starts_at__lt=ends_at,
        ends_at__gt=starts_at,
    )
    held = BookingChange.objects.filter(state=BookingChange.State.HELD)
    return held.filter(pk__in=arriving.values("arrives_with")).order_by("pk")


def touched_sessions(
    unit_ids: Collection[int], starts_at: datetime, ends_at: datetime, *, at: datetime
) -> QuerySet[OpenSession]:
    return OpenSession.objects.filter(
        bookable__in=_courts_on(unit_ids),
        cancelled_at=None,
        starts_at__lt=ends_at,
        ends_at__gt=max(starts_at, at),
    ).order_by("starts_at", "pk")


def touched_ballots(
    unit_ids: Collection[int], starts_at: datetime, ends_at: datetime
) -> QuerySet[Ballot]:
    """Ballots that hold some of this floor, and have not been handed out."""
    held = Occupancy.objects.filter(
        kind=Occupancy.Kind.BALLOT, during__overlap=period(starts_at, ends_at)
    ).of_units(unit_ids)
    return Ballot.objects.filter(
        pk__in=held.values("ballot_slot__ballot"),
        state__in=["planned", "open", "closed"],
    ).order_by("number")


def preview_closure(
    *,
    unit_ids: Collection[int],
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    is_weather: bool = False,
    announced_at: datetime | None = None,
) -> Preview:
    """What closing these units would do; changes nothing.

    As many questions to the database for one booking as for a thousand.
    """
    asked = (unit_ids, starts_at, ends_at)
    lines = list(touched_lines(*asked, at=at).select_related("booking__invoice"))
    sessions = list(touched_sessions(*asked, at=at))
    tickets = list(
        BookingLine.objects.standing()
        .filter(session__in=sessions, booking__state__in=_LIVE)
        .select_related("booking")
    )
    rows = [*lines, *tickets]
    bookings = {line.booking_id: line.booking for line in rows}
    along = Companion.objects.along().filter(
        booking__in={line.booking_id for line in lines}
    )
    paid = [
        line
        for line in rows
        if line.booking.state == "confirmed" and line.booking.invoice_id is None
    ]
    invoiced = [(line.booking.invoice, line.price_fen) for line in lines]
    days = notice_days(announced_at or at, starts_at)
    return Preview(
        bookings=len(bookings),
        slots=len(lines),
        people=len({line.booking.booked_by_id for line in lines})
        + along.count()
        + sum(line.places for line in tickets),
        refund_fen=sum(line.price_fen for line in paid),
        invoice_fen=sum(fen for invoice, fen in invoiced if invoice),
        invoice_paid_fen=sum(
            fen
            for invoice, fen in invoiced
            if invoice and invoice.state == Invoice.State.PAID
        ),
        unpaid=sum(booking.state == "held" for booking in bookings.values()),
        sessions=len(sessions),
        ballots=tuple(touched_ballots(*asked).values_list("number", flat=True)),
        clubs=_clubs(lines),
        notice_days=days,
        is_late=days < NOTICE_DAYS and not is_weather,
    )


def notice_days(announced_at: datetime, starts_at: datetime) -> int:
    """Whole days between the day of the announcement and the first closed day."""
    gap = clock.local_day(starts_at) - clock.local_day(announced_at)
    return max(0, gap.days)


def progress_of(block: Block, *, at: datetime) -> Progress:
    """Read from what still stands, so that no crash can make it wrong."""
    if block.lifted_at or block.ends_at <= at:
        return Progress(0, 0)
    asked = (block.unit_ids, block.starts_at, block.ends_at)
    lines = touched_lines(*asked, at=at)
    used = EntryPass.objects.filter(state=EntryPass.State.USED)
    inside = lines.filter(booking__in=used.values("booking"), starts_at__lte=at).count()
    left = lines.count() - inside
    left += touched_sessions(*asked, at=at).count() + touched_ballots(*asked).count()
    return Progress(left, inside)


def closed_lines_of(booking_id: int, *, at: datetime) -> list[BookingLine]:
    """The slots of a booking that it has no more, and whose time has not come.

    Of a booking that was called off these are the slots that it still had: what the
    person gave back before that, they do not look for. Of one that stands they are all
    that were given up, by the person or by a closure.
    """
    taken_from_it = Q(booking__state__in=_LIVE, state="given_up")
    gone_with_it = ~Q(booking__state__in=_LIVE) & Q(state="standing")
    return list(
        BookingLine.objects.filter(booking=booking_id, starts_at__gt=at, session=None)
        .filter(taken_from_it | gone_with_it, arrives_with=None)
        .select_related("bookable")
        .order_by("starts_at", "pk")
    )


def standing_closures(*, at: datetime) -> QuerySet[Block]:
    """Closures that are in force or will be."""
    return (
        Block.objects.filter(is_closure=True, lifted_at=None, ends_at__gt=at)
        .select_related("venue", "set_by")
        .order_by("starts_at", "pk")
    )


def _courts_on(unit_ids: Collection[int]) -> QuerySet[Bookable]:
    return Bookable.objects.filter(parts__unit__in=list(unit_ids))


def _clubs(lines: Sequence[BookingLine]) -> tuple[str, ...]:
    invoices = {line.booking.invoice_id for line in lines} - {None}
    if not invoices:
        return ()
    return tuple(
        Club.objects.filter(invoices__in=invoices)
        .distinct()
        .order_by("name")
        .values_list("name", flat=True)
    )
