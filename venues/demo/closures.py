"""A closure that is announced in time, and one that came too late: a red light."""

from __future__ import annotations

from datetime import timedelta

from bureau.accounts.demo import CITY_STAFF
from bureau.common import clock
from bureau.common.demo import DemoCity
from venues import actions
from venues.models import Venue

ANNOUNCED_AHEAD = 10


def fill(city: DemoCity) -> None:
    staff = CITY_STAFF.user()
    *_others, late, in_time = Venue.objects.public().order_by("code")
    first = city.today + timedelta(days=ANNOUNCED_AHEAD)
    actions.close_units(
        venue=in_time,
        units=list(in_time.units.order_by("pk")),
        starts_at=clock.at(first, 0),
        ends_at=clock.at(first + timedelta(days=2), 0),
        reason="木地板翻新",
        by=staff,
    )
    block = actions.close_units(
        venue=late,
        units=list(late.units.order_by("pk")),
        starts_at=city.now,
        ends_at=clock.at(city.today + timedelta(days=2), 0),
        reason="水管抢修",
        by=staff,
    )
    done = actions.work_through_closure(block=block)
    city.say(f"two closures, for one of which {done} bookings are called off")
