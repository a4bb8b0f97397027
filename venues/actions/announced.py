"""What the public could count on, kept when hours change at short notice.

"Closing or changed hours are announced 7 days ahead" can only be told afterwards by who
knows what had been announced. So each change of hours looks at the days of the next
week before and after it, and keeps what stood there before the first change of a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from bureau.common import clock
from venues.models import AnnouncedHours, Venue
from venues.models.rules import BEGINNING
from venues.queries.closures import NOTICE_DAYS
from venues.queries.rules import OpenMinutes, Timetable

_Hours = dict[tuple[int, date], list[OpenMinutes]]
"""By court and business day."""


@contextmanager
def keeping_what_was_announced(
    venue: Venue, *, first: date, last: date | None = None
) -> Iterator[None]:
    """Around a change of the hours from `first` to `last`, or for good.

    Call it behind the lock of the venue's row, so that changes come one by one.
    """
    soon = clock.today() + timedelta(days=NOTICE_DAYS - 1)
    last = min(last or soon, soon)
    if first == BEGINNING or first > last:
        yield  # the first hours of all, or announced in time
        return
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    before = _hours_of(venue, days)
    yield
    after = _hours_of(venue, days)
    now = clock.now()
    AnnouncedHours.objects.bulk_create(
        (
            AnnouncedHours(
                bookable_id=court_id, on=on, periods=before[court_id, on], kept_at=now
            )
            for court_id, on in sorted(before)
            if before[court_id, on] != after[court_id, on]
        ),
        ignore_conflicts=True,  # what the first change found is what was announced
    )


def _hours_of(venue: Venue, days: list[date]) -> _Hours:
    courts = list(venue.bookables.order_by("pk"))
    table = Timetable(venue, courts, since=days[0])
    return {
        (court.pk, day): table.hours_of_day(court, day)
        for court in courts
        for day in days
    }
