"""The hours that the gates counted, as the exports tell them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import TruncHour

from bureau.common import clock
from venues.models import Crossing, ExportRecord, Venue

ONE_HOUR = timedelta(hours=1)


@dataclass
class CountedHour:
    """Who came to a venue and left it in one hour; by door for check-ins."""

    came: int = 0
    left: int = 0
    doors: dict[tuple[str, bool], list[int]] = field(default_factory=dict)

    def add(self, direction: str, persons: int) -> None:
        if direction == Crossing.Direction.IN:
            self.came += persons
        else:
            self.left += persons

    def add_at_door(self, door: tuple[str, bool], direction: str, persons: int) -> None:
        self.add(direction, persons)
        ways = self.doors.setdefault(door, [0, 0])
        ways[0 if direction == Crossing.Direction.IN else 1] += persons

    @property
    def as_doors(self) -> list[dict[str, Any]]:
        return [
            {"device": device, "is_core": is_core, "came": came, "left": left}
            for (device, is_core), (came, left) in sorted(self.doors.items())
        ]


HourKey = tuple[int, str, datetime]
"""(venue, kind, end of the hour)"""


def full_hour(moment: datetime) -> datetime:
    """The last full hour that has passed; China's hours are those of UTC."""
    return moment.replace(minute=0, second=0, microsecond=0)


def counted_hours(since: datetime, until: datetime) -> dict[HourKey, CountedHour]:
    """Hours of public venues in which anybody moved, in `[since, until)`.

    A flow summary counts everybody. Check-ins are those with a pass, by door: its
    counting device's code, else its name; whether it leads to the core area. A pass
    that was checked at no door in particular stands under "" and, in a venue of free
    and low-fee opening, in the core area. One question.
    """
    rows = (
        Crossing.objects.filter(
            venue__kind=Venue.Kind.PUBLIC,
            crossed_at__gte=since,
            crossed_at__lt=until,
        )
        .annotate(hour=TruncHour("crossed_at", tzinfo=clock.CHINA))
        .values(
            "venue",
            "venue__is_low_fee",
            "hour",
            "direction",
            "gate__equipment_code",
            "gate__name",
            "gate__is_core_area",
        )
        .annotate(
            all_persons=Sum("persons"),
            by_pass=Sum("persons", filter=Q(admission__isnull=False)),
        )
        .order_by()
    )
    found: dict[HourKey, CountedHour] = {}
    for row in rows:
        ends_at = row["hour"] + ONE_HOUR
        venue, direction = row["venue"], row["direction"]
        flow = found.setdefault(
            (venue, ExportRecord.Kind.FLOW.value, ends_at), CountedHour()
        )
        flow.add(direction, row["all_persons"])
        if row["by_pass"]:
            checked_in = found.setdefault(
                (venue, ExportRecord.Kind.CHECK_IN.value, ends_at), CountedHour()
            )
            checked_in.add_at_door(_door(row), direction, row["by_pass"])
    return found


def _door(row: Mapping[str, Any]) -> tuple[str, bool]:
    device = row["gate__equipment_code"] or row["gate__name"] or ""
    is_core = row["gate__is_core_area"]
    return device, row["venue__is_low_fee"] if is_core is None else is_core


def known_hours(since: datetime, until: datetime) -> dict[HourKey, ExportRecord]:
    """What is in the outbox for hours that end in `(since, until]`."""
    records: Iterable[ExportRecord] = ExportRecord.objects.filter(
        ends_at__gt=since, ends_at__lte=until
    )
    return {(one.venue_id, one.kind, one.ends_at): one for one in records}
