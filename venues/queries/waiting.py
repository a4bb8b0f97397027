"""Lines for taken times and full sessions: who is where, and what is free for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from bureau.accounts.models import User
from venues.models import OpenSession, WaitingEntry

# Free is what has nothing at all on it: a lapsed hold is cleared away first, and its
# sweep offers the time by itself.
_SERVABLE = """
    SELECT entry.id
      FROM venues_waitingentry AS entry
     WHERE entry.state = 'waiting' AND entry.session_id IS NULL
       AND entry.starts_at > %s
       AND EXISTS (
           SELECT 1 FROM venues_bookable AS court
            WHERE court.venue_id = entry.venue_id AND court.sport = entry.sport
              AND court.is_open AND court.id = coalesce(entry.bookable_id, court.id)
              AND NOT EXISTS (
                  SELECT 1 FROM venues_bookableunit AS part
                    JOIN venues_occupancy AS taken ON taken.unit_id = part.unit_id
                     AND taken.during && tstzrange(
                         entry.starts_at,
                         entry.ends_at + make_interval(mins => court.buffer_minutes))
                   WHERE part.bookable_id = court.id))
     ORDER BY entry.turn, entry.joined_at, entry.id
     LIMIT %s
"""


def servable_entries(*, at: datetime, most: int) -> list[int]:
    """Who waits for a time that is free now, by id, first come first."""
    with connection.cursor() as cursor:
        cursor.execute(_SERVABLE, [at, most])
        return [entry_id for (entry_id,) in cursor.fetchall()]


def servable_sessions(*, at: datetime, most: int) -> list[int]:
    """Sessions with as many places left as somebody in line wants, the next first."""
    line = WaitingEntry.objects.filter(
        session=OuterRef("pk"),
        state=WaitingEntry.State.WAITING,
        places__lte=OuterRef("capacity") - OuterRef("taken"),
    )
    sessions = OpenSession.objects.filter(Exists(line), cancelled_at=None)
    ahead = sessions.filter(starts_at__gt=at).order_by("starts_at", "pk")
    return list(ahead.values_list("pk", flat=True)[:most])


# Two places in line are rivals when one court would do for both.
_AHEAD = """
    SELECT mine.id, count(other.id)
      FROM venues_waitingentry AS mine
      LEFT JOIN venues_waitingentry AS other
        ON other.venue_id = mine.venue_id
       AND other.state IN ('waiting', 'offered')
       AND other.starts_at < mine.ends_at AND other.ends_at > mine.starts_at
       AND (other.turn, other.joined_at, other.id)
           < (mine.turn, mine.joined_at, mine.id)
       AND other.session_id IS NOT DISTINCT FROM mine.session_id
       AND CASE WHEN mine.session_id IS NOT NULL THEN true
                WHEN mine.bookable_id IS NULL OR other.bookable_id IS NULL
                THEN mine.sport = other.sport
                ELSE EXISTS (
                    SELECT 1 FROM venues_bookableunit AS a
                      JOIN venues_bookableunit AS b ON b.unit_id = a.unit_id
                     WHERE a.bookable_id = mine.bookable_id
                       AND b.bookable_id = other.bookable_id) END
     WHERE mine.id = ANY(%s)
     GROUP BY mine.id
"""


def people_ahead(entries: Iterable[WaitingEntry]) -> dict[int, int]:
    """How many stand before each of these, by id; one question for all of them.

    Somebody who holds an offer still stands there: the time may come back from them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [[entry.pk for entry in entries]])
        return dict(cursor.fetchall())


def waiting_data_of(user: User) -> list[dict[str, Any]]:
    """What we hold of a person: the lines in which they stood, as JSON types."""
    entries = WaitingEntry.objects.visible_to(user).select_related(
        "venue", "bookable", "session"
    )
    return [
        {
            "venue": entry.venue.name,
            "sport": entry.sport,
            "court": entry.bookable.name if entry.bookable else None,
            "session": entry.session.name if entry.session else None,
            "places": entry.places,
            "for": entry.dependant_id,
            "starts_at": entry.starts_at.isoformat(),
            "ends_at": entry.ends_at.isoformat(),
            "state": entry.state,
            "joined_at": entry.joined_at.isoformat(),
            "offered_at": entry.offered_at.isoformat() if entry.offered_at else None,
        }
        for entry in entries.order_by("pk")
    ]
