"""A year of events and trainings, the core areas, and hours in the outbox."""

from __future__ import annotations

from datetime import date, timedelta

from bureau.accounts.models import User
from bureau.common.demo import DemoCity
from venues import actions
from venues.models import ExportRecord, Programme, Venue

CORE_PERCENT = 70
# (kind, title, days before today, days it lasted, person-times)
_HELD = (
    ("event", "社区羽毛球友谊赛", 20, 2, 186),
    ("training", "青少年游泳公益培训", 45, 5, 240),
    ("training", "老年人太极拳公益课", 70, 10, 320),
    ("event", "全民健身运动会乒乓球赛", 130, 3, 415),
    ("training", "社会体育指导员技能培训", 200, 2, 96),
    ("event", "迎新春健步走", 290, 1, 530),
)


def fill(city: DemoCity) -> None:
    clerk = User.objects.get(username="city")
    new_year = date(city.today.year, 1, 1)
    for index, venue in enumerate(Venue.objects.public().order_by("code")):
        if venue.open_area_m2:
            core = venue.open_area_m2 * CORE_PERCENT // 100
            Venue.objects.filter(pk=venue.pk).update(core_area_m2=core)
        for number, (kind, title, back, lasted, persons) in enumerate(_HELD):
            last = city.today - timedelta(days=back + index)
            # Not every venue held everything; each a few people more or less.
            if (index + number) % 3 == 0 or last < new_year:
                continue
            actions.record_programme(
                venue=venue,
                kind=kind,
                title=title,
                first_on=last - timedelta(days=lasted - 1),
                last_on=last,
                persons=persons + 7 * index - 3 * number,
                by=clerk,
            )
    actions.count_hours(at=city.now)
    city.say(
        f"{Programme.objects.count()} events and trainings, "
        f"{ExportRecord.objects.count()} hours to export"
    )
