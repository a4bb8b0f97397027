"""How many people are inside, and how many came and went by the hour."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, Sum

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.db import prepared, rows_of
from bureau.common.words import listed
from venues.models import BookingLine, Crossing, EntryPass, Gate, Venue

MORNING = 5 * 60
"""The minute of the day at which a new count begins: halls close after midnight."""
NEARLY = 90
"""Percent of the people allowed from which the gate is warned."""


@dataclass(frozen=True)
class Crowd:
    """Who is inside now: those who came since the morning and did not leave."""

    came: int
    left: int
    most: int | None

    @property
    def inside(self) -> int:
        return max(0, self.came - self.left)

    @property
    def is_full(self) -> bool:
        return self.most is not None and self.inside >= self.most

    @property
    def is_nearly_full(self) -> bool:
        return self.most is not None and self.inside * 100 >= self.most * NEARLY


@dataclass(frozen=True)
class Hour:
    starts_at: datetime
    came: int
    left: int


def morning_of(moment: datetime) -> datetime:
    """When the count began that holds at a moment."""
    today = clock.at(clock.local_day(moment), MORNING)
    return today if moment >= today else today - timedelta(days=1)


def inside_at(venue: Venue, moment: datetime) -> Crowd:
    """One question, over an index of the venue's day."""
    found = Crossing.objects.filter(
        venue=venue, crossed_at__gte=morning_of(moment), crossed_at__lte=moment
    ).aggregate(
        came=Sum("persons", filter=Q(direction="in"), default=0),
        left=Sum("persons", filter=Q(direction="out"), default=0),
    )
    return Crowd(found["came"], found["left"], venue.most_inside)


def crowd_of(venue: Venue, hours: Iterable[Hour]) -> Crowd:
    """Who is inside now, from the hours of today (`crossings_by_hour`)."""
    rows = list(hours)
    return Crowd(
        came=sum(row.came for row in rows),
        left=sum(row.left for row in rows),
        most=venue.most_inside,
    )


_BY_HOUR = """
    SELECT date_trunc('hour', crossed_at, 'Asia/Shanghai') AS hour,
           coalesce(sum(persons) FILTER (WHERE direction = 'in'), 0),
           coalesce(sum(persons) FILTER (WHERE direction = 'out'), 0)
      FROM venues_crossing
     WHERE venue_id = $1 AND crossed_at >= $2 AND crossed_at < $3
     GROUP BY hour
     ORDER BY hour
"""


def crossings_by_hour(venue: Venue, on: date) -> list[Hour]:
    """The hours of a day (from the morning to the next one) in which anybody moved."""
    since = clock.at(on, MORNING)
    given: list[Any] = [venue.pk, since, since + timedelta(days=1)]
    with connection.cursor() as cursor:
        cursor.execute(prepared("venues_gate_hours", _BY_HOUR, len(given)), given)
        return [
            Hour(hour.astimezone(clock.CHINA), came, left)
            for hour, came, left in cursor.fetchall()
        ]


# --- What a check asks ----------------------------------------------------------------
# Four gates check at once, and Django would take longer to put the text of each of
# these together than PostgreSQL takes to answer (docs/adr/0010).

_ON_DUTY = """
    SELECT id, code, kind, name, name_en, closed_on, entry_minutes, most_inside
      FROM venues_venue
     WHERE kind = 'public' AND closed_on IS NULL
       AND ($2 OR id IN (SELECT venue_id FROM venues_venuestaff WHERE user_id = $1))
     ORDER BY code <> $3, id
     LIMIT 2
"""


def two_posts_of(person: User, *, first: str) -> list[Venue]:
    """Two venues where this person works, the one with the code `first` before others.

    As `Venue.objects.worked_at_by` has it, with what a gate needs of their rows.
    """
    given = [person.pk, person.is_superuser, first]
    return rows_of(Venue, "venues_on_duty", _ON_DUTY, given)


def doors_of(venue: Venue) -> list[Gate]:
    sql = """
        SELECT id, venue_id, name, equipment_code, is_core_area
          FROM venues_gate WHERE venue_id = $1 ORDER BY name, id
    """
    return rows_of(Gate, "venues_doors", sql, [venue.pk])


def _name_of(person: str, alias: str) -> str:
    """The columns of a user from which `display_name` is made."""
    columns = (
        "id", "username", "first_name", "last_name", "is_staff", "phone", "masked_name",
    )  # fmt: skip
    return ", ".join(f"{alias}.{column} AS {person}__{column}" for column in columns)


_HOLDER = f"""
    companion.id AS companion__id, companion.user_id AS companion__user_id,
    {_name_of("companion__user", "friend")},
    booking.id AS booking__id, booking.number AS booking__number,
    booking.state AS booking__state, booking.venue_id AS booking__venue_id,
    booking.starts_at AS booking__starts_at, booking.ends_at AS booking__ends_at,
    booking.booked_by_id AS booking__booked_by_id,
    booking.dependant_id AS booking__dependant_id,
    {_name_of("booking__booked_by", "booker")},
    dependant.id AS booking__dependant__id,
    dependant.masked_name AS booking__dependant__masked_name,
    dependant.birth_on AS booking__dependant__birth_on
"""
_WITH_HOLDER = """
    JOIN venues_booking AS booking ON booking.id = pass.booking_id
    JOIN accounts_user AS booker ON booker.id = booking.booked_by_id
    LEFT JOIN accounts_dependant AS dependant ON dependant.id = booking.dependant_id
    LEFT JOIN venues_companion AS companion ON companion.id = pass.companion_id
    LEFT JOIN accounts_user AS friend ON friend.id = companion.user_id
"""
_PASS = f"""
    SELECT pass.id, pass.code, pass.key_sealed, pass.booking_id, pass.companion_id,
           pass.persons, pass.printed_at, pass.state, pass.issued_at,
           venue.id AS booking__venue__id, venue.name AS booking__venue__name,
           venue.name_en AS booking__venue__name_en, {_HOLDER}
      FROM venues_entrypass AS pass {_WITH_HOLDER}
      JOIN venues_venue AS venue ON venue.id = booking.venue_id
     WHERE pass.code = $1
"""  # noqa: S608 - our own words


def pass_of_code(code: str) -> EntryPass | None:
    """A pass with its booking, venue and holder, as `with_holder` has them."""
    found = rows_of(EntryPass, "venues_pass_of_code", _PASS, [code])
    return found[0] if found else None


_LINES = """
    SELECT line.id, line.booking_id, line.bookable_id, line.session_id, line.starts_at,
           line.ends_at, line.price_fen, line.state, line.places,
           line.quote::text AS quote_text, court.id AS bookable__id,
           court.name AS bookable__name, session.id AS session__id,
           session.name AS session__name
      FROM venues_bookingline AS line
      JOIN venues_bookable AS court ON court.id = line.bookable_id
      LEFT JOIN venues_opensession AS session ON session.id = line.session_id
     WHERE line.booking_id = $1 AND line.state = 'standing'
     ORDER BY line.starts_at, line.id
"""


def standing_lines_of(entry_pass: EntryPass) -> list[BookingLine]:
    """What stands of the booking of a pass, with its courts, in order."""
    given = [entry_pass.booking_id]
    lines = rows_of(BookingLine, "venues_standing_lines", _LINES, given)
    for line in lines:
        line.quote = json.loads(line.quote_text)  # type: ignore[attr-defined]  # asked
    return lines


@dataclass(frozen=True)
class LetIn:
    """Somebody who was let in, as the list at the gate shows them."""

    at: datetime
    name: str
    starts_at: datetime
    ends_at: datetime
    courts: str


_LET_IN = f"""
    SELECT pass.id, pass.booking_id, pass.companion_id, admission.admitted_at,
           ARRAY(SELECT court.name
                   FROM venues_bookingline AS line
                   JOIN venues_bookable AS court ON court.id = line.bookable_id
                  WHERE line.booking_id = booking.id AND line.state = 'standing'
                  GROUP BY court.id
                  ORDER BY min(line.id)) AS courts,
           {_HOLDER}
      FROM venues_admission AS admission
      JOIN venues_entrypass AS pass ON pass.id = admission.entry_pass_id {_WITH_HOLDER}
     WHERE admission.venue_id = $1 AND admission.admitted_at >= $2
     ORDER BY admission.admitted_at DESC, admission.id DESC
     LIMIT $3
"""  # noqa: S608 - our own words


def latest_let_in(venue: Venue, *, since: datetime, most: int) -> list[LetIn]:
    """Who was let in last, the newest first."""
    passes: list[Any] = rows_of(
        EntryPass, "venues_let_in", _LET_IN, [venue.pk, since, most]
    )
    return [
        LetIn(
            at=row.admitted_at,
            name=holder_of(row),
            starts_at=row.booking.starts_at,
            ends_at=row.booking.ends_at,
            courts=listed(row.courts),
        )
        for row in passes
    ]


def holder_of(entry_pass: EntryPass) -> str:
    """The masked name of who comes in with a pass; needs `with_holder`."""
    if entry_pass.companion:
        return entry_pass.companion.user.display_name
    booking = entry_pass.booking
    if booking.dependant:
        return booking.dependant.masked_name
    return booking.booked_by.display_name


def courts_of(entry_pass: EntryPass) -> str:
    """The names of the courts of a pass, once each; its lines should be at hand."""
    lines: Iterable[str] = (
        line.bookable.name
        for line in entry_pass.booking.lines.all()
        if line.state == "standing"
    )
    return listed(dict.fromkeys(lines))


def gate_data_of(user: User) -> list[dict[str, Any]]:
    """When a person came in and went out, with a pass of theirs, as JSON types."""
    mine = Q(companion__user=user) | Q(companion=None, booking__booked_by=user)
    crossings = (
        Crossing.objects.filter(
            admission__entry_pass__in=EntryPass.objects.filter(mine).values("pk")
        )
        .select_related("venue")
        .order_by("pk")
    )
    return [
        {
            "venue": crossing.venue.name,
            "way": crossing.direction,
            "people": crossing.persons,
            "group": crossing.group,
            "at": crossing.crossed_at.isoformat(),
        }
        for crossing in crossings
    ]
