from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bureau.accounts.models import User
from bureau.notices.actions import Message, notify, notify_each
from venues.models import Booking, Companion

# What those who play along hear of what the booker hears; of money they hear nothing.
_FOR_COMPANIONS = {
    "venues.booking_cancelled": "venues.shared_cancelled",
    "venues.booking_shortened": "venues.shared_changed",
    "venues.booking_changed": "venues.shared_changed",
    "venues.reminder_day": "venues.reminder_day",
    "venues.reminder_soon": "venues.reminder_soon",
}


def tell(booking: Booking, kind: str, *, at: datetime, **more: str) -> None:
    """A notice about a booking to whoever made it; `venue` must be loaded.

    What concerns those who play along is told to them as well.
    """
    tell_each({booking: more}, kind, at=at)


def tell_each(
    bookings: Mapping[Booking, dict[str, str]], kind: str, *, at: datetime
) -> None:
    """`tell` of many bookings at once; of each with more facts of its own."""
    facts = {booking: _facts(booking) for booking in bookings}
    notify_each(
        kind=kind,
        messages=[
            Message(booking.booked_by, {**facts[booking], **more}, booking)
            for booking, more in bookings.items()
        ],
        at=at,
    )
    if kind not in _FOR_COMPANIONS:
        return
    by_id = {booking.pk: booking for booking in bookings}
    along = Companion.objects.along().filter(booking__in=by_id)
    notify_each(
        kind=_FOR_COMPANIONS[kind],
        messages=[
            Message(companion.user, facts[by_id[companion.booking_id]], companion)
            for companion in along.select_related("user").in_order()
        ],
        at=at,
    )


def tell_one(
    recipient: User, booking: Booking, kind: str, *, at: datetime, **more: str
) -> None:
    """A notice about a booking to one person, who need not have made it."""
    facts = {**_facts(booking), **more}
    notify(recipient=recipient, kind=kind, context=facts, subject=booking, at=at)


def _facts(booking: Booking) -> dict[str, str]:
    return {
        "venue": booking.venue.name,
        "number": booking.number,
        "starts_at": booking.starts_at.isoformat(),
        "reason": booking.cancel_reason,
    }
