from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.gis.geos import Point
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.geo import Datum
from venues.errors import HoursBackwards, HoursOverlap, PriceInThePast
from venues.models import Bookable, PriceRule, Venue, WeeklyHours

OpenMinutes = tuple[int, int]
"""(opens, closes) in minutes since midnight, 0..1440"""


@constraint_errors(
    venues_weeklyhours_no_overlap=HoursOverlap,
    venues_weeklyhours_opens_before_it_closes=HoursBackwards,
)
def set_weekly_hours(
    *,
    venue: Venue,
    bookable: Bookable | None,
    hours: Mapping[int, Sequence[OpenMinutes]],
    by: User,
) -> None:
    """Replace the weekly hours of a court, or (`bookable=None`) of the whole venue.

    `hours` maps ISO weekdays (Monday is 1) to open periods; a weekday left out is shut.
    An empty mapping for a court means that it follows its venue again. Bookings made
    under the old hours stay. Raises `HoursOverlap` or `HoursBackwards`.
    """
    WeeklyHours.objects.filter(venue=venue, bookable=bookable).delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(
            venue=venue,
            bookable=bookable,
            weekday=weekday,
            opens=opens,
            closes=closes,
        )
        for weekday, periods in hours.items()
        for opens, closes in periods
    )
    record(
        "venues.hours.set",
        subject=bookable or venue,
        by=by,
        at=clock.now(),
        detail={"hours": {str(day): list(hours[day]) for day in sorted(hours)}},
    )


@dataclass(frozen=True)
class Band:
    """Whom and what a price is for, and when in the week (minutes since midnight)."""

    bookable: Bookable | None = None
    sport: str = ""
    group: str = ""
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    starts: int = 0
    ends: int = 1440


@transaction.atomic
def set_prices(
    *,
    venue: Venue,
    band: Band,
    price_fen: int,
    is_peak: bool = False,
    from_on: date,
    by: User,
) -> list[PriceRule]:
    """Set the price of an hour (fen) in a band of the week, from a date on.

    What stood there before ends on that date; parts of it outside the band go on
    unchanged. Bookings keep the price that they were quoted. Raises `PriceInThePast`
    when `from_on` is before today: what was asked for yesterday stays on record.
    """
    if from_on < clock.today():
        raise PriceInThePast
    # Two people at the price table at once: the second waits for the first.
    Venue.objects.select_for_update().get(pk=venue.pk)
    rules = []
    for weekday in sorted(set(band.weekdays)):
        fresh = PriceRule(
            venue=venue,
            bookable=band.bookable,
            sport=band.sport,
            group=band.group,
            weekday=weekday,
            starts=band.starts,
            ends=band.ends,
            price_fen=price_fen,
            is_peak=is_peak,
            valid_from=from_on,
            set_by=by,
        )
        _make_room(fresh)
        fresh.full_clean(exclude=["set_by"])
        fresh.save(force_insert=True)
        rules.append(fresh)
    record(
        "venues.prices.set",
        subject=band.bookable or venue,
        by=by,
        at=clock.now(),
        detail={
            "sport": band.sport,
            "group": band.group,
            "weekdays": list(band.weekdays),
            "minutes": [band.starts, band.ends],
            "price_fen": price_fen,
            "from": from_on.isoformat(),
        },
    )
    return rules


def _make_room(fresh: PriceRule) -> None:
    for old in list(_overlapped_by(fresh)):
        first_day = max(old.valid_from, fresh.valid_from)
        last_day = old.valid_until
        if old.valid_from >= fresh.valid_from:
            old.delete()  # it would have begun later: nobody was ever quoted it
        else:
            old.valid_until = fresh.valid_from
            old.save(update_fields=["valid_until"])
        for starts, ends in ((old.starts, fresh.starts), (fresh.ends, old.ends)):
            if starts < ends:
                PriceRule.objects.create(
                    venue=fresh.venue,
                    bookable=fresh.bookable,
                    sport=fresh.sport,
                    group=fresh.group,
                    weekday=fresh.weekday,
                    starts=starts,
                    ends=ends,
                    price_fen=old.price_fen,
                    is_peak=old.is_peak,
                    valid_from=first_day,
                    valid_until=last_day,
                    set_by=old.set_by,
                )


def _overlapped_by(fresh: PriceRule) -> Iterable[PriceRule]:
    return (
        PriceRule.objects.filter(
            venue=fresh.venue,
            bookable=fresh.bookable,
            sport=fresh.sport,
            group=fresh.group,
            weekday=fresh.weekday,
            starts__lt=fresh.ends,
            ends__gt=fresh.starts,
        )
        .in_force_between(fresh.valid_from, date.max)
        .order_by("pk")
    )


@transaction.atomic
def move_pin(
    *, venue: Venue, location: Point, by: User, datum: str = Datum.WGS84
) -> Venue:
    """Put a venue's pin somewhere else on the map. `location` is WGS-84."""
    before = venue.location
    venue.location = location
    venue.datum = datum
    venue.save(update_fields=["location", "datum"])
    record(
        "venues.venue.moved",
        subject=venue,
        by=by,
        at=clock.now(),
        detail={"from": list(before.coords), "to": list(location.coords)},
    )
    return venue
