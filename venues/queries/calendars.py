"""What a person's calendar shows: own bookings, those they joined, and offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, Prefetch, Q

from bureau.accounts.models import User
from venues.models import Booking, BookingLine, Companion, EntryPass, Venue

_LINES = Prefetch("lines", BookingLine.objects.select_related("bookable"))


class EntryKind(StrEnum):
    BOOKING = "booking"
    TOGETHER = "together"
    OFFER = "offer"


@dataclass(frozen=True)
class CalendarEntry:
    """Some hours on end of one booking."""

    booking: Booking
    kind: EntryKind
    part: int
    """0 for the first hours of the booking, 1 for those after a break, and so on."""
    starts_at: datetime
    ends_at: datetime
    courts: tuple[str, ...]
    address: str
    """Where the page about it is, as a path."""
    is_cancelled: bool
    is_to_be_paid: bool
    sequence: int
    """Grows with each change, so that a calendar knows the newer one."""

    @property
    def venue(self) -> Venue:
        return self.booking.venue


def entries_of(
    user: User, *, since: datetime, until: datetime | None = None, at: datetime
) -> list[CalendarEntry]:
    """What touches `[since, until)`, by time, in three questions to the database.

    A hold counts while it can be paid. Nothing in it tells who else plays.
    """
    # As a list: PostgreSQL finds the rows of "mine or one of these" by two indexes, but
    # not those of "mine or one of a further question".
    joined = list(Companion.objects.visible_to(user).values_list("booking", flat=True))
    stands = Q(state__in=["confirmed", "no_show"]) | Q(state="held", hold_until__gt=at)
    # Who cancels before paying never had it in the calendar.
    had_a_pass = Exists(EntryPass.objects.filter(booking=OuterRef("pk")))
    found = (
        Booking.objects.filter(Q(booked_by=user) | Q(pk__in=joined))
        .filter(stands | Q(had_a_pass, state="cancelled"), ends_at__gt=since)
        .select_related("venue")
        .prefetch_related(_LINES)
    )
    if until is not None:
        found = found.filter(starts_at__lt=until)
    entries = [entry for booking in found for entry in entries_in(booking, user=user)]
    inside = (
        entry
        for entry in entries
        if entry.ends_at > since and (until is None or entry.starts_at < until)
    )
    return sorted(inside, key=lambda e: (e.starts_at, e.booking.pk, e.part))


def entries_in(booking: Booking, *, user: User) -> list[CalendarEntry]:
    """A booking as the calendar of this person has it."""
    lines = sorted(booking.lines.all(), key=lambda line: (line.starts_at, line.pk))
    given_up = sum(line.state == BookingLine.State.GIVEN_UP for line in lines)
    is_cancelled = booking.state == Booking.State.CANCELLED
    is_held = booking.state == Booking.State.HELD
    address = booking.get_absolute_url()
    kind = EntryKind.BOOKING
    if booking.booked_by_id != user.pk:
        kind = EntryKind.TOGETHER
        address = Companion(booking=booking, user=user).get_absolute_url()
    elif is_held and booking.channel in (
        Booking.Channel.OFFER,
        Booking.Channel.BALLOT,
    ):
        kind = EntryKind.OFFER
    standing = [line for line in lines if line.state == BookingLine.State.STANDING]
    return [
        CalendarEntry(
            booking=booking,
            kind=kind,
            part=part,
            starts_at=run[0].starts_at,
            ends_at=max(line.ends_at for line in run),
            courts=tuple(dict.fromkeys(line.bookable.name for line in run)),
            address=address,
            is_cancelled=is_cancelled,
            is_to_be_paid=is_held,
            sequence=given_up + is_cancelled,
        )
        for part, run in enumerate(_runs(standing))
    ]


def _runs(lines: Iterable[BookingLine]) -> Iterator[list[BookingLine]]:
    """Lines in order of time, cut where there is a break."""
    run: list[BookingLine] = []
    for line in lines:
        if run and line.starts_at > max(before.ends_at for before in run):
            yield run
            run = []
        run.append(line)
    if run:
        yield run
