"""Points and bans: who is due for which, and how a person stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from bureau.accounts.models import User
from bureau.common import clock
from venues.models import Appeal, Ban, ConductPoint, ConductRule, Venue

LOOK_BACK = timedelta(hours=6)
"""Older no-shows are let go: after a long breakdown, and when a venue begins to release
unused bookings, nobody is given points for what lies behind."""
LONGEST = timedelta(hours=24)
"""Bookings whose times lie further apart are left alone, so that the sweep reads a day
of bookings and not all of them."""


def rule_on(on: date) -> ConductRule | None:
    """The rule in force on a day; None before the first one."""
    rules = ConductRule.objects.filter(valid_from__lte=on)
    return rules.order_by("-valid_from").first()


def banned_until(person: User, *, at: datetime) -> datetime | None:
    """When the person can book on line again; None for who can now."""
    bans = Ban.objects.filter(
        person=person, lifted_at=None, starts_at__lte=at, ends_at__gt=at
    )
    last = bans.order_by("-ends_at").first()
    return last.ends_at if last else None


def appeal_until(point: ConductPoint) -> datetime:
    """Until when the person may appeal: the end of that day."""
    given_on = clock.local_day(point.given_at)
    rule = rule_on(given_on)
    return clock.at(given_on + timedelta(days=rule.appeal_days if rule else 0), 1440)


# A booking is due some minutes after the start of its last run of slots: who misses the
# first of two separate times may still come for the second. Runs are cut where more
# than the court's buffer lies between two slots. A closure of the venue excuses.
_DUE = """
    SELECT booking.id
      FROM venues_booking AS booking
      JOIN venues_venue AS venue ON venue.id = booking.venue_id
     CROSS JOIN LATERAL (
           SELECT max(line.starts_at) AS starts_at
             FROM venues_bookingline AS line
            WHERE line.booking_id = booking.id AND line.state = 'standing'
              AND NOT EXISTS (
                  SELECT 1 FROM venues_bookingline AS before
                    JOIN venues_bookable AS court ON court.id = before.bookable_id
                   WHERE before.booking_id = booking.id AND before.state = 'standing'
                     AND before.starts_at < line.starts_at
                     AND before.ends_at + court.buffer_minutes * interval '1 minute'
                         >= line.starts_at)) AS last_run
     CROSS JOIN LATERAL (
           SELECT last_run.starts_at + venue.no_show_minutes * interval '1 minute' AS at
           ) AS due
     WHERE booking.state = 'confirmed' AND booking.channel <> 'series'
       AND venue.no_show_minutes IS NOT NULL
       AND booking.starts_at <= %(at)s AND booking.starts_at > %(earliest)s
       AND due.at <= %(at)s AND due.at > %(since)s
       -- Bought at the window when the session had begun: the same minutes from then.
       AND booking.created_at + venue.no_show_minutes * interval '1 minute' <= %(at)s
       AND NOT EXISTS (SELECT 1 FROM venues_entrypass AS pass
                        WHERE pass.booking_id = booking.id AND pass.state = 'used')
       AND NOT EXISTS (
           SELECT 1 FROM venues_bookingline AS line
             JOIN venues_opensession AS session ON session.id = line.session_id
            WHERE line.booking_id = booking.id AND line.state = 'standing'
              AND session.cancelled_at IS NOT NULL)
       AND NOT EXISTS (
           SELECT 1 FROM venues_block AS block
            WHERE block.venue_id = booking.venue_id AND block.lifted_at IS NULL
              AND (block.is_closure OR block.is_weather)
              AND block.starts_at < booking.ends_at
              AND block.ends_at > booking.starts_at)
     ORDER BY due.at, booking.id
     LIMIT %(most)s
"""


def due_no_shows(*, at: datetime, most: int) -> list[int]:
    """Bookings to which nobody came in time, the longest due first."""
    return _due(_DUE, at=at, most=most)


def is_due(booking_id: int, *, at: datetime) -> bool:
    """Whether it is due still; behind the booking's lock."""
    sql = _DUE.replace("WHERE booking", "WHERE booking.id = %(id)s AND booking", 1)
    return bool(_due(sql, at=at, most=1, id=booking_id))


def _due(sql: str, *, at: datetime, **more: int) -> list[int]:
    given: dict[str, Any] = {
        "at": at,
        "since": at - LOOK_BACK,
        "earliest": at - LONGEST,
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return [booking_id for (booking_id,) in cursor.fetchall()]


# Points that led to a ban are used up by it, whatever became of the ban.
_UNSPENT = """
    SELECT point.person_id, sum(point.points)
      FROM venues_conductpoint AS point
     WHERE point.excused_at IS NULL AND point.counts_until > %(at)s
       AND point.given_at > coalesce(
           (SELECT max(ban.starts_at) FROM venues_ban AS ban
             WHERE ban.person_id = point.person_id), '-infinity')
       AND (%(person)s::bigint IS NULL OR point.person_id = %(person)s)
     GROUP BY point.person_id
    HAVING sum(point.points) >= %(least)s
"""


def unspent_points(
    *, at: datetime, least: int = 1, person: User | None = None
) -> dict[int, int]:
    """Person id → points that count and have not led to a ban yet, from `least` on."""
    given: dict[str, Any] = {
        "at": at,
        "least": least,
        "person": person.pk if person else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNSPENT, given)
        return dict(cursor.fetchall())


def points_behind(ban: Ban) -> int:
    """The points of a ban that still stand, without those that are excused."""
    points = ConductPoint.objects.filter(
        person=ban.person_id,
        excused_at=None,
        given_at__lte=ban.starts_at,
        counts_until__gt=ban.starts_at,
    )
    before = Ban.objects.filter(person=ban.person_id, starts_at__lt=ban.starts_at)
    if earlier := before.order_by("-starts_at").first():
        points = points.filter(given_at__gt=earlier.starts_at)
    return sum(points.values_list("points", flat=True))


# --- How a person stands ------------------------------------------------------------


@dataclass(frozen=True)
class PointRow:
    """Points for one booking, and what the person can do about them."""

    point: ConductPoint
    appeal: Appeal | None
    appeal_until: datetime
    counts: bool
    is_spent: bool
    """Whether a ban has used it up."""
    can_appeal: bool


@dataclass(frozen=True)
class Standing:
    rule: ConductRule | None
    points: int
    """What counts towards the next ban."""
    banned_until: datetime | None
    rows: tuple[PointRow, ...]
    bans: tuple[Ban, ...]

    @property
    def left(self) -> int:
        """Points until a ban."""
        return max(0, (self.rule.ban_from_points if self.rule else 0) - self.points)


def standing_of(person: User, *, at: datetime) -> Standing:
    """Everything about a person's conduct, the latest first."""
    bans = tuple(Ban.objects.filter(person=person).order_by("-starts_at", "-pk"))
    last_ban = bans[0].starts_at if bans else None
    points = (
        ConductPoint.objects.filter(person=person)
        .select_related("booking__venue", "appeal")
        .order_by("-given_at", "-pk")
    )
    rows = tuple(_row(point, last_ban=last_ban, at=at) for point in points)
    return Standing(
        rule=rule_on(clock.local_day(at)),
        points=sum(row.point.points for row in rows if row.counts and not row.is_spent),
        banned_until=banned_until(person, at=at),
        rows=rows,
        bans=bans,
    )


def _row(point: ConductPoint, *, last_ban: datetime | None, at: datetime) -> PointRow:
    appeal = getattr(point, "appeal", None)
    until = appeal_until(point)
    return PointRow(
        point=point,
        appeal=appeal,
        appeal_until=until,
        counts=point.excused_at is None and at < point.counts_until,
        is_spent=last_ban is not None and point.given_at <= last_ban,
        can_appeal=appeal is None and point.excused_at is None and at < until,
    )


def no_shows_of(
    venue: Venue, starts_at: datetime, ends_at: datetime
) -> QuerySet[ConductPoint]:
    """The no-show points of a venue that touch a period and are not excused yet."""
    return (
        ConductPoint.objects.filter(
            reason=ConductPoint.Reason.NO_SHOW,
            excused_at=None,
            booking__venue=venue,
            booking__starts_at__lt=ends_at,
            booking__ends_at__gt=starts_at,
        )
        .select_related("booking__venue", "person")
        .order_by("booking__starts_at", "pk")
    )


def open_appeals(districts: set[int] | None) -> int:
    """How many appeals wait for an answer in these districts; None means all."""
    waiting = Appeal.objects.filter(state=Appeal.State.OPEN)
    if districts is not None:
        waiting = waiting.filter(point__booking__venue__district__in=districts)
    return waiting.count()


def conduct_data_of(user: User) -> list[dict[str, Any]]:
    """What we hold of a person's conduct, as JSON types."""
    points = ConductPoint.objects.filter(person=user).select_related(
        "booking", "appeal"
    )
    rows: list[dict[str, Any]] = []
    for point in points.order_by("pk"):
        appeal = getattr(point, "appeal", None)
        rows.append(
            {
                "booking": point.booking.number,
                "reason": point.reason,
                "points": point.points,
                "given_at": point.given_at.isoformat(),
                "counts_until": point.counts_until.isoformat(),
                "excuse": point.excuse,
                "appeal": appeal
                and {
                    "words": appeal.words,
                    "asked_at": appeal.asked_at.isoformat(),
                    "state": appeal.state,
                    "answer": appeal.answer,
                },
            }
        )
    rows += [
        {
            "banned_from": ban.starts_at.isoformat(),
            "banned_until": ban.ends_at.isoformat(),
            "lifted_at": ban.lifted_at and ban.lifted_at.isoformat(),
        }
        for ban in Ban.objects.filter(person=user).order_by("pk")
    ]
    return rows
