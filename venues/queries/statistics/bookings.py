"""Who books through which door, who cancels, who stays away, who waits, who comes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, ExtractHour, TruncDate

from bureau.common import clock
from venues.models import Booking, BookingLine, Crossing, EntryPass, WaitingEntry
from venues.queries.statistics.scope import Scope

_STOOD = (Booking.State.CONFIRMED, Booking.State.NO_SHOW)


@dataclass(frozen=True)
class Share:
    """Some of many."""

    some: int
    of: int

    @property
    def percent(self) -> float:
        return round(100 * self.some / self.of, 1) if self.of else 0.0


@dataclass(frozen=True)
class Bookings:
    """Bookings by the day on which they are played, and the visits of the same days."""

    channels: dict[str, int]
    groups: dict[str, int]
    """Price group -> slots and tickets; "" is the price for everybody."""
    booked: int
    """Bookings that came about, those that were cancelled later among them."""
    cancelled: Share
    """Of those that came about."""
    no_shows: Share
    """Of those that are over, in venues that count no-shows."""
    filled: Share
    """Of the places in waiting lists whose time has come, those that got a court."""
    offered: int
    """Places in waiting lists that were offered a court at all."""
    visits: dict[date, int]
    visits_by_hour: dict[int, int]
    visits_by_group: dict[str, int]

    @property
    def visits_total(self) -> int:
        return sum(self.visits.values())


def bookings_in(scope: Scope, *, at: datetime) -> Bookings:
    """Five questions. Doors know no sport: visits are those of all."""
    played = _played(scope)
    came_about = played.annotate(
        was_booked=Exists(EntryPass.objects.filter(booking=OuterRef("pk")))
    ).filter(Q(state__in=_STOOD) | Q(state=Booking.State.CANCELLED, was_booked=True))
    over = Q(ends_at__lte=at, state__in=_STOOD) & (
        Q(venue__no_show_minutes__isnull=False) | Q(state=Booking.State.NO_SHOW)
    )
    channels: Counter[str] = Counter()
    booked = cancelled = no_shows = ended = 0
    for channel, stood, gone, away, done in (
        came_about.values("channel")
        .annotate(
            stood=Count("pk", filter=Q(state__in=_STOOD)),
            gone=Count("pk", filter=Q(state=Booking.State.CANCELLED)),
            away=Count("pk", filter=Q(state=Booking.State.NO_SHOW)),
            done=Count("pk", filter=over),
        )
        .order_by("channel")
        .values_list("channel", "stood", "gone", "away", "done")
    ):
        channels[channel] += stood
        booked += stood + gone
        cancelled += gone
        no_shows += away
        ended += done
    waited, offered, filled = _waiting(scope, at=at)
    visits, by_hour, by_group = _visits(scope)
    return Bookings(
        channels=dict(channels),
        groups=_groups(scope),
        booked=booked,
        cancelled=Share(cancelled, booked),
        no_shows=Share(no_shows, ended),
        filled=Share(filled, waited),
        offered=offered,
        visits=visits,
        visits_by_hour=by_hour,
        visits_by_group=by_group,
    )


def _played(scope: Scope) -> QuerySet[Booking]:
    rows = Booking.objects.filter(
        venue__in=scope.venue_ids,
        starts_at__gte=scope.since,
        starts_at__lt=scope.until,
    )
    if scope.sport:
        lines = BookingLine.objects.filter(
            booking=OuterRef("pk"), bookable__sport=scope.sport
        )
        rows = rows.filter(Exists(lines))
    return rows


def _groups(scope: Scope) -> dict[str, int]:
    lines = BookingLine.objects.filter(
        booking__venue__in=scope.venue_ids,
        booking__state__in=_STOOD,
        booking__starts_at__gte=scope.since,
        booking__starts_at__lt=scope.until,
        state=BookingLine.State.STANDING,
    )
    if scope.sport:
        lines = lines.filter(bookable__sport=scope.sport)
    rows = (
        lines.annotate(of_group=KT("quote__group"))
        .values_list("of_group")
        .annotate(count=Sum("places"))
        .order_by("of_group")
    )
    counted: Counter[str] = Counter()
    for group, count in rows:
        counted[group or ""] += count
    return dict(counted)


def _waiting(scope: Scope, *, at: datetime) -> tuple[int, int, int]:
    entries = WaitingEntry.objects.filter(
        venue__in=scope.venue_ids,
        starts_at__gte=scope.since,
        starts_at__lt=min(scope.until, at),
    )
    if scope.sport:
        entries = entries.filter(sport=scope.sport)
    found = entries.aggregate(
        waited=Count("pk"),
        offered=Count("pk", filter=Q(offered_at__isnull=False)),
        filled=Count("pk", filter=Q(state=WaitingEntry.State.TAKEN)),
    )
    return found["waited"], found["offered"], found["filled"]


def _visits(scope: Scope) -> tuple[dict[date, int], dict[int, int], dict[str, int]]:
    rows = (
        Crossing.objects.filter(
            venue__in=scope.venue_ids,
            direction=Crossing.Direction.IN,
            crossed_at__gte=scope.since,
            crossed_at__lt=scope.until,
        )
        .annotate(
            day=TruncDate("crossed_at", tzinfo=clock.CHINA),
            hour=ExtractHour("crossed_at", tzinfo=clock.CHINA),
        )
        .values_list("day", "hour", "group")
        .annotate(count=Coalesce(Sum("persons"), 0))
        .order_by("day", "hour", "group")
    )
    days: Counter[date] = Counter()
    hours: Counter[int] = Counter()
    groups: Counter[str] = Counter()
    for day, hour, group, count in rows:
        days[day] += count
        hours[hour] += count
        groups[group] += count
    return dict(days), dict(hours), dict(groups)
