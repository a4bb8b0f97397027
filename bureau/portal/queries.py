from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import redis
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.db import prepared
from bureau.payments.models import Payment
from venues.models import Bookable, Booking, BookingLine, Venue


@dataclass(frozen=True)
class City:
    """What the city offers today."""

    venues: int
    courts: int
    slots_today: int  # booked slots that start today


@dataclass(frozen=True)
class StaffDay:
    """What staff see first: how today goes."""

    bookings: int
    slots: int
    held: int
    paid_fen: int
    refunded_fen: int
    new_people: int


def city_at(moment: datetime) -> City:
    start, end = _day_of(moment)
    return City(
        venues=Venue.objects.public().count(),
        courts=Bookable.objects.offered()
        .filter(venue__in=Venue.objects.public())
        .count(),
        slots_today=_slots_between(start, end).count(),
    )


def _slots_between(
    start: datetime, end: datetime, districts: set[int] | None = None
) -> QuerySet[BookingLine]:
    """Booked slots that start in `[start, end)`."""
    rows = BookingLine.objects.filter(
        booking__state=Booking.State.CONFIRMED, starts_at__gte=start, starts_at__lt=end
    )
    if districts is None:
        return rows
    return rows.filter(booking__venue__district__in=districts)


def staff_day_at(moment: datetime, *, districts: set[int] | None = None) -> StaffDay:
    """Today in some districts (their ids), or in the whole city.

    Money and people belong to no district: those figures are always the city's.
    """
    start, end = _day_of(moment)
    bookings = Booking.objects.all()
    if districts is not None:
        bookings = bookings.filter(venue__district__in=districts)
    paid = Payment.objects.filter(paid_at__gte=start, paid_at__lt=end)
    money = paid.aggregate(paid=Sum("amount_fen"), refunded=Sum("refunded_fen"))
    made = bookings.filter(created_at__gte=start, created_at__lt=end)
    return StaffDay(
        bookings=made.filter(state=Booking.State.CONFIRMED).count(),
        slots=_slots_between(start, end, districts).count(),
        held=bookings.held_at(moment).count(),
        paid_fen=money["paid"] or 0,
        refunded_fen=money["refunded"] or 0,
        new_people=User.objects.filter(
            date_joined__gte=start, date_joined__lt=end
        ).count(),
    )


def slots_by_day(
    today: date, *, districts: set[int] | None = None
) -> list[tuple[date, int]]:
    """Booked slots of each day from a week before `today` to a week after it."""
    days = [today + timedelta(days=offset) for offset in range(-7, 8)]
    rows = (
        _slots_between(clock.at(days[0], 0), clock.at(days[-1], 24 * 60), districts)
        .annotate(day=TruncDate("starts_at", tzinfo=clock.CHINA))
        .values_list("day")
        .annotate(count=Count("pk"))
        .order_by("day")
    )
    counts = dict(rows)
    return [(day, counts.get(day, 0)) for day in days]


# Every page asks it: putting it together takes Django longer than asking.
_UNREAD = """
    SELECT count(*) FROM notices_notice WHERE recipient_id = $1 AND read_at IS NULL
"""


def unread_notices(user: User | AnonymousUser | None) -> int:
    """How many messages wait for a person; 0 for a visitor."""
    if not isinstance(user, User):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(prepared("portal_unread", _UNREAD, 1), [user.pk])
        return int(cursor.fetchone()[0])


def failing_parts() -> list[str]:
    """Which of "database", "migrations" and "redis" would fail a person now."""
    failed = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        failed.append("database")
    else:
        if _migrations_are_waiting():
            failed.append("migrations")
    try:
        cache.get("readyz")
    except (redis.RedisError, OSError):
        failed.append("redis")
    return failed


def _migrations_are_waiting() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _day_of(moment: datetime) -> tuple[datetime, datetime]:
    """The day in China that a moment falls in, as `[start, end)`."""
    start = clock.at(clock.local_day(moment), 0)
    return start, start + timedelta(days=1)
