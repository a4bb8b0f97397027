"""A rule of conduct, somebody with a point and an appeal, somebody with a ban.

What lies in the past cannot be missed any more, so these few free bookings are written
as the rows that the actions would have left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from bureau.accounts.demo import CITY_STAFF, STUDENT, crowd
from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.demo import DemoCity
from venues import actions
from venues.models import (
    Bookable,
    Booking,
    BookingLine,
    ConductPoint,
    ConductRule,
    EntryPass,
    Venue,
)

RELEASES_AFTER = 15
"""Minutes, at the five venues that do so."""


def fill(city: DemoCity) -> None:
    ConductRule.objects.create(
        valid_from=city.today - timedelta(days=400),
        no_show_points=1,
        ban_from_points=3,
        count_days=90,
        ban_days=30,
    )
    venues = list(Venue.objects.public().order_by("code"))
    Venue.objects.filter(pk__in=[venue.pk for venue in venues[:5]]).update(
        no_show_minutes=RELEASES_AFTER
    )
    courts = _quiet_mornings(city, venues[0])
    point = _miss(STUDENT.user(), *next(courts))
    actions.appeal_against(
        point=point,
        words="当天早上大门的闸机坏了，我在门口等了二十分钟，值班人员可以证明。",
        by=STUDENT.user(),
    )
    people = crowd()
    for _time in range(3):
        _miss(people[0], *next(courts))
    _miss(people[1], *next(courts))
    excused = _miss(people[2], *next(courts))
    actions.excuse_point(
        point=excused, excuse="当日临时停电，场馆未能开放", by=CITY_STAFF.user()
    )
    actions.impose_bans(at=city.now)
    city.say(f"{ConductPoint.objects.count()} bookings that nobody came to")


def _quiet_mornings(city: DemoCity, venue: Venue) -> Iterator[tuple[Bookable, date]]:
    """Courts and days of the last week on which 06:00 to 08:00 is free of charge."""
    courts = list(venue.bookables.filter(sport="badminton").order_by("position", "pk"))
    days = [city.today - timedelta(days=back) for back in range(2, 9)]
    for day in [day for day in days if day.isoweekday() <= 5]:
        for court in courts[:2]:
            yield court, day


def _miss(person: User, court: Bookable, on: date) -> ConductPoint:
    starts_at, ends_at = clock.at(on, 6 * 60), clock.at(on, 7 * 60)
    booked_at = starts_at - timedelta(days=1, hours=3)
    booking = Booking.objects.create(
        venue=court.venue,
        booked_by=person,
        state=Booking.State.NO_SHOW,
        starts_at=starts_at,
        ends_at=ends_at,
        total_fen=0,
        created_at=booked_at,
    )
    BookingLine.objects.create(
        booking=booking,
        bookable=court,
        starts_at=starts_at,
        ends_at=ends_at,
        price_fen=0,
        quote={"fen_per_hour": 0, "group": ""},
    )
    EntryPass.objects.create(
        booking=booking, state=EntryPass.State.REVOKED, issued_at=booked_at
    )
    given_at = starts_at + timedelta(minutes=RELEASES_AFTER)
    point = ConductPoint.objects.create(
        person=person,
        booking=booking,
        reason=ConductPoint.Reason.NO_SHOW,
        points=1,
        given_at=given_at,
        counts_until=given_at + timedelta(days=90),
    )
    record("venues.booking.confirmed", subject=booking, by=person, at=booked_at)
    record("venues.booking.no_show", subject=booking, by=None, at=given_at)
    return point
