"""How many people may share a booking, and how many do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from venues.models import Booking, BookingChange, BookingLine, Companion


@dataclass(frozen=True)
class Party:
    """Those who play along, beside who booked."""

    most: int
    along: int

    @property
    def left(self) -> int:
        return max(0, self.most - self.along)


def party_of(booking: Booking) -> Party:
    """As the courts of a booking allow; under a change, as both old and new ones do."""
    lines = list(
        BookingLine.objects.filter(booking=booking)
        .exclude(state=BookingLine.State.GIVEN_UP)
        .select_related("bookable", "leaves_with")
    )
    standing = [line for line in lines if line.state == BookingLine.State.STANDING]
    changed = [line for line in lines if not _leaves(line)]
    most = min(most_companions(standing), most_companions(changed))
    along = Companion.objects.along().filter(booking=booking).count()
    return Party(most=most, along=along)


def most_companions(lines: Iterable[BookingLine]) -> int:
    """How many may come along beside the one who booked these slots.

    Each court that is played on counts once, however many hours it is booked for; of
    tickets, the largest number counts, since one pass lets the same people in to all.
    """
    courts: dict[int, int] = {}
    tickets = 0
    for line in lines:
        if line.session_id:
            tickets = max(tickets, line.places)
        else:
            courts[line.bookable_id] = line.bookable.party_size
    return max(0, sum(courts.values()) + tickets - 1)


def companions_until(booking: Booking) -> datetime:
    """Until when people can join or be removed; `booking.venue` must be loaded."""
    return booking.starts_at - timedelta(minutes=booking.venue.companion_minutes)


def _leaves(line: BookingLine) -> bool:
    """Whether a change that waits for its payment would take the slot away.

    What arrives with such a change is a pending line, and those of no other change are.
    """
    change = line.leaves_with
    return change is not None and change.state == BookingChange.State.HELD
