"""A word before the start, so that nobody forgets a court that others would like."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from venues.actions.telling import tell
from venues.models import Booking

DAY_BEFORE = timedelta(hours=24)
"""Most venues give all the money back until then: time to think again."""
SHORTLY_BEFORE = timedelta(hours=2)
"""Time to get there from anywhere in the city, and to take the pass along."""
MOST = 2000
"""Most of an evening begins at the same minute."""


def send_reminders(*, at: datetime) -> int:
    """Tell those who play within a day, and those who play within two hours; how many.

    Each is told once of each (`reminded_at`, `reminded_soon_at` are moved by one
    worker only), and again after the booking moved to another time, which clears both.
    """
    return _send_shortly_before(at) + _send_day_before(at)


def _send_shortly_before(at: datetime) -> int:
    due = Booking.objects.filter(
        state=Booking.State.CONFIRMED,
        reminded_soon_at=None,
        starts_at__gt=at,
        starts_at__lte=at + SHORTLY_BEFORE,
        # Who has just booked for now has not forgotten.
        created_at__lte=F("starts_at") - SHORTLY_BEFORE,
    )
    # It stands for the earlier one too, should that one have been missed.
    marks = {"reminded_soon_at": at, "reminded_at": at}
    return _send(due, "venues.reminder_soon", at=at, marks=marks)


def _send_day_before(at: datetime) -> int:
    due = Booking.objects.filter(
        state=Booking.State.CONFIRMED,
        reminded_at=None,
        reminded_soon_at=None,  # names the small index that finds them
        starts_at__gt=at + SHORTLY_BEFORE,
        starts_at__lte=at + DAY_BEFORE,
        created_at__lte=F("starts_at") - DAY_BEFORE,
    )
    return _send(due, "venues.reminder_day", at=at, marks={"reminded_at": at})


def _send(due: Any, kind: str, *, at: datetime, marks: dict[str, datetime]) -> int:
    told = 0
    first = due.order_by("starts_at", "pk").values_list("pk", flat=True)[:MOST]
    for booking_id in list(first):
        with transaction.atomic():
            # Asked again: it may be cancelled, moved or told by another worker.
            if not due.filter(pk=booking_id).update(**marks):
                continue
            booking = Booking.objects.select_related("venue", "booked_by")
            tell(booking.get(pk=booking_id), kind, at=at)
            told += 1
    return told
