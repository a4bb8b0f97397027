"""Short answers about venues and bookings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.accounts.queries import SESSION_COLUMNS, SESSION_ROWS
from bureau.common import clock
from bureau.common.db import row_of_each, rows_of
from bureau.common.sports import Sport
from venues.models import (
    Bookable,
    Booking,
    Occupancy,
    Venue,
)


def offered_sports() -> list[tuple[str, str]]:
    """(code, words) of what some public venue has a court for."""
    courts = Bookable.objects.offered().filter(venue__in=Venue.objects.public())
    return [(code, str(Sport(code).label)) for code in courts.sports()]


# Constant text: putting it together anew takes Django longer than asking it.
_OF_VENUE = (
    *("id", "code", "kind", "name", "days_ahead", "hold_minutes", "max_slots"),
    *("closed_on", "rules_version", "releases_at", "lead_minutes", "walk_in_percent"),
    *("walk_in_until_minutes", "is_low_fee"),
)
_BOOKABLE = "venue.code = $1 AND venue.kind = 'public' AND venue.closed_on IS NULL"

_FOR_BOOKING = f"""
    SELECT {", ".join(_OF_VENUE)} FROM venues_venue AS venue WHERE {_BOOKABLE}
"""  # noqa: S608 - our own text

_IN_SESSION = f"""
    SELECT {", ".join(f"venue.{column} AS venue__{column}" for column in _OF_VENUE)},
           {SESSION_COLUMNS}
      FROM venues_venue AS venue, {SESSION_ROWS}
     WHERE {_BOOKABLE} AND session.session_key = $2 AND session.expire_date > $3
"""  # noqa: S608 - our own text


def venue_for_booking(code: str) -> Venue | None:
    """A public venue with as much of its row as `hold_slots` needs."""
    found = rows_of(Venue, "venues_for_booking", _FOR_BOOKING, [code])
    return found[0] if found else None


def venue_in_session(
    code: str, *, session_key: str, at: datetime
) -> tuple[Venue, str, User | None] | None:
    """`venue_for_booking`, and with it a session that has not run out.

    Of that what is stored (a text), and whose it is as far as the list of devices says
    (`accounts.queries.person_in_session` knows whether that is so).
    """
    given = [code, session_key, at]
    found = row_of_each(
        "venues_in_session", _IN_SESSION, given, venue=Venue, person=User
    )
    return (found["venue"], found["session_data"], found["person"]) if found else None


_OWN_AT = """
    SELECT booking.id, booking.number
      FROM venues_booking AS booking
      JOIN venues_bookingline AS line ON line.booking_id = booking.id
     WHERE booking.booked_by_id = $1 AND booking.ends_at > $4
       AND (booking.state = 'confirmed'
            OR (booking.state = 'held' AND booking.hold_until > $4))
       AND line.bookable_id = $2 AND line.starts_at <= $3 AND line.ends_at > $3
     ORDER BY booking.id
     LIMIT 1
"""


def own_booking_at(
    person: User, bookable_id: int, starts_at: datetime, *, at: datetime
) -> Booking | None:
    """What the person has on a court then already, held or booked; its number only."""
    given = [person.pk, bookable_id, starts_at, at]
    found = rows_of(Booking, "venues_own_booking_at", _OWN_AT, given)
    return found[0] if found else None


def personal_data_of(user: User) -> list[dict[str, Any]]:
    """What we hold of a person: their bookings, as JSON types."""
    bookings = Booking.objects.visible_to(user).with_lines().order_by("pk")
    return [
        {
            "number": booking.number,
            "venue": booking.venue.name,
            "for": booking.dependant_id,
            "state": booking.state,
            "total_fen": booking.total_fen,
            "created_at": booking.created_at.isoformat(),
            "slots": [
                {
                    "court": line.bookable.name,
                    "starts_at": line.starts_at.isoformat(),
                    "ends_at": line.ends_at.isoformat(),
                    "price_fen": line.price_fen,
                }
                for line in booking.lines.all()
            ],
        }
        for booking in bookings
    ]


def reasons_to_stay(user: User) -> list[str]:
    """What must end before an account can be deleted, in the person's language."""
    return [
        _("Your booking %(number)s is still ahead. Cancel it first.")
        % {"number": number}
        for number in Booking.objects.visible_to(user)
        .upcoming_at(clock.now())
        .order_by("starts_at", "pk")
        .values_list("number", flat=True)
    ]


def is_taken(wanted: Sequence[tuple[int, datetime, datetime]], *, at: datetime) -> bool:
    """Whether some of this floor is taken now. Only `hold_slots` can promise it."""
    return Occupancy.objects.during_any_of(wanted).standing_at(at).exists()


def gate_opens_at(booking: Booking) -> datetime:
    """From when the gate lets in; `booking.venue` must be loaded."""
    return booking.starts_at - timedelta(minutes=booking.venue.entry_minutes)
