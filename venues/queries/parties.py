"""How many people may share a booking, and how many do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock
from venues.models import (
    Booking,
    BookingChange,
    BookingLine,
    CalendarFeed,
    Companion,
    Favourite,
)


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


def together_data_of(user: User) -> dict[str, Any]:
    """What we hold of a person beside their own bookings, as JSON types."""
    joined = Companion.objects.filter(user=user).select_related("booking__venue")
    feed = CalendarFeed.objects.filter(user=user).first()
    kept = Favourite.objects.filter(user=user).order_by("pk")
    return {
        "joined_bookings": [
            {
                "number": companion.booking.number,
                "venue": companion.booking.venue.name,
                "starts_at": companion.booking.starts_at.isoformat(),
                "joined_at": companion.joined_at.isoformat(),
                "left_at": companion.left_at and companion.left_at.isoformat(),
            }
            for companion in joined.in_order()
        ],
        "favourite_venues": list(kept.values_list("venue__name", flat=True)),
        "calendar_address_made_at": feed and feed.made_at.isoformat(),
    }


def reasons_to_stay_along(user: User) -> list[str]:
    """What must end before an account can be deleted, in the person's language."""
    return [
        _("You play along in booking %(number)s. Leave it first.") % {"number": number}
        for number in Companion.objects.visible_to(user)
        .upcoming_at(clock.now())
        .in_order()
        .values_list("booking__number", flat=True)
    ]
