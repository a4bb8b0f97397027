from __future__ import annotations

from datetime import datetime

from bureau.notices.actions import notify
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
    facts = {
        "venue": booking.venue.name,
        "number": booking.number,
        "starts_at": booking.starts_at.isoformat(),
        "reason": booking.cancel_reason,
    }
    notify(
        recipient=booking.booked_by,
        kind=kind,
        context={**facts, **more},
        subject=booking,
        at=at,
    )
    if kind not in _FOR_COMPANIONS:
        return
    along = Companion.objects.along().filter(booking=booking)
    for companion in along.select_related("user").in_order():
        notify(
            recipient=companion.user,
            kind=_FOR_COMPANIONS[kind],
            context=facts,
            subject=companion,
            at=at,
        )
