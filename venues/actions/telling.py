from __future__ import annotations

from datetime import datetime

from bureau.notices.actions import notify
from venues.models import Booking


def tell(booking: Booking, kind: str, *, at: datetime, **more: str) -> None:
    """A notice about a booking to whoever made it; `venue` must be loaded."""
    notify(
        recipient=booking.booked_by,
        kind=kind,
        context={
            "venue": booking.venue.name,
            "number": booking.number,
            "starts_at": booking.starts_at.isoformat(),
            "reason": booking.cancel_reason,
            **more,
        },
        subject=booking,
        at=at,
    )
