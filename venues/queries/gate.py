"""How many people are inside, and how many came and went by the hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import TruncHour

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.words import listed
from venues.models import Crossing, EntryPass, Venue

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


def crossings_by_hour(venue: Venue, on: date) -> list[Hour]:
    """The hours of a day (from the morning to the next one) in which anybody moved."""
    since = clock.at(on, MORNING)
    rows = (
        Crossing.objects.filter(
            venue=venue, crossed_at__gte=since, crossed_at__lt=since + timedelta(days=1)
        )
        .annotate(hour=TruncHour("crossed_at", tzinfo=clock.CHINA))
        .values("hour")
        .annotate(
            came=Sum("persons", filter=Q(direction="in"), default=0),
            left=Sum("persons", filter=Q(direction="out"), default=0),
        )
        .order_by("hour")
    )
    return [Hour(row["hour"], row["came"], row["left"]) for row in rows]


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
