from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.contrib.gis.geos import Point
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.geo import Datum
from bureau.regions.models import District
from venues.actions.announced import keeping_what_was_announced
from venues.errors.rules import (
    BandsTurnedRound,
    HoursBackwards,
    HoursInThePast,
    HoursOverlap,
    MarketPriceThere,
    NotForYouToGrant,
    PriceBreaksRule,
    PriceEndsTooEarly,
    PriceInThePast,
)
from venues.models import (
    Bookable,
    CancelBand,
    DayTypeHours,
    HoursException,
    MarketPrice,
    PriceException,
    PriceRule,
    Venue,
    WeeklyHours,
)
from venues.models.rules import BEGINNING
from venues.queries.lowfee import Breach, breach_of
from venues.querysets import HoursQuerySet

OpenMinutes = tuple[int, int]
"""(opens, closes) in minutes since midnight; up to 36:00, noon of the next day"""


@constraint_errors(
    venues_weeklyhours_no_overlap=HoursOverlap,
    venues_weeklyhours_opens_before_it_closes=HoursBackwards,
)
def set_weekly_hours(
    *,
    venue: Venue,
    bookable: Bookable | None,
    hours: Mapping[int, Sequence[OpenMinutes]],
    from_on: date | None = None,
    by: User,
) -> None:
    """Replace the weekly hours of a court, or (`bookable=None`) of the whole venue.

    `hours` maps ISO weekdays (Monday is 1) to open periods; a weekday left out is shut.
    An empty mapping for a court means that it follows its venue again. They hold from
    `from_on` (today when left out) and take the place of what was planned for later;
    what was in force before stays on record. The first hours that a venue is given have
    always held. Bookings made under the old hours stay.

    Raises `HoursInThePast`, `HoursOverlap` or `HoursBackwards`.
    """
    begins_on = _begin_on(from_on)
    venue = Venue.objects.select_for_update().get(pk=venue.pk)
    of_place = WeeklyHours.objects.of_place(venue, bookable)
    if bookable is None and begins_on == clock.today() and not of_place.exists():
        begins_on = BEGINNING
    with keeping_what_was_announced(venue, first=begins_on):
        _end_hours(of_place, begins_on)
        WeeklyHours.objects.bulk_create(
            WeeklyHours(
                venue=venue,
                bookable=bookable,
                weekday=weekday,
                opens=opens,
                closes=closes,
                valid_from=begins_on,
            )
            for weekday, periods in hours.items()
            for opens, closes in periods
        )
    record(
        "venues.hours.set",
        subject=bookable or venue,
        by=by,
        at=clock.now(),
        detail={
            "hours": {str(day): list(hours[day]) for day in sorted(hours)},
            "from": begins_on.isoformat(),
        },
    )


@constraint_errors(
    venues_daytypehours_opens_before_it_closes=HoursBackwards,
)
def set_day_type_hours(
    *,
    venue: Venue,
    bookable: Bookable | None,
    hours: Mapping[str, OpenMinutes | None],
    from_on: date | None = None,
    by: User,
) -> None:
    """Replace the hours of the types of day of a court, or of the whole venue.

    `hours` maps a `DayType` to its open period, or to None for shut; a type left out
    has no hours of its own. They hold from `from_on` (today when left out); what was in
    force before stays on record. Raises `HoursInThePast` or `HoursBackwards`.
    """
    begins_on = _begin_on(from_on)
    venue = Venue.objects.select_for_update().get(pk=venue.pk)
    with keeping_what_was_announced(venue, first=begins_on):
        _end_hours(DayTypeHours.objects.of_place(venue, bookable), begins_on)
        DayTypeHours.objects.bulk_create(
            DayTypeHours(
                venue=venue,
                bookable=bookable,
                day_type=day_type,
                opens=period[0] if period else None,
                closes=period[1] if period else None,
                valid_from=begins_on,
            )
            for day_type, period in hours.items()
        )
    record(
        "venues.day_type_hours.set",
        subject=bookable or venue,
        by=by,
        at=clock.now(),
        detail={
            "hours": {name: list(hours[name] or ()) for name in sorted(hours)},
            "from": begins_on.isoformat(),
        },
    )


def _begin_on(asked: date | None) -> date:
    today = clock.today()
    if asked and asked < today:
        raise HoursInThePast
    return asked or today


def _end_hours(of_place: HoursQuerySet, on: date) -> None:
    """What is in force ends on that day, and what would begin later never does."""
    of_place.filter(valid_from__gte=on).delete()
    of_place.in_force_on(on).update(valid_until=on)


@constraint_errors(
    venues_hoursexception_opens_before_it_closes=HoursBackwards,
)
def set_hours_exception(
    *,
    venue: Venue,
    bookable: Bookable | None,
    on: date,
    hours: OpenMinutes | None,
    reason: str,
    is_weather: bool = False,
    by: User,
) -> HoursException:
    """Other hours on one date (None: shut); the last word on a date stands.

    Bookings made before stay: closing a hall with refunds is `close_units`. Of a day
    that is over it can be noted that it was shut, but not that it was open. What the
    weather asks for needs no notice of seven days. Raises `HoursInThePast` or
    `HoursBackwards`.
    """
    if hours and on < clock.today():
        raise HoursInThePast
    opens, closes = hours or (None, None)
    said = {"opens": opens, "closes": closes, "reason": reason}
    venue = Venue.objects.select_for_update().get(pk=venue.pk)
    with keeping_what_was_announced(venue, first=on, last=on):
        row, _created = HoursException.objects.update_or_create(
            venue=venue,
            bookable=bookable,
            on=on,
            defaults={**said, "is_weather": is_weather},
        )
    record(
        "venues.exception.set",
        subject=row,
        by=by,
        at=clock.now(),
        detail={"on": on.isoformat(), "hours": list(hours or ()), "reason": reason},
    )
    return row


@transaction.atomic
def drop_hours_exception(*, exception: HoursException, by: User) -> None:
    """The date has its ordinary hours again. Raises `HoursInThePast`."""
    if exception.on < clock.today():
        raise HoursInThePast
    record(
        "venues.exception.dropped",
        subject=exception,
        by=by,
        at=clock.now(),
        detail={"on": exception.on.isoformat(), "reason": exception.reason},
    )
    venue = Venue.objects.select_for_update().get(pk=exception.venue_id)
    with keeping_what_was_announced(venue, first=exception.on, last=exception.on):
        exception.delete()


@transaction.atomic
def set_cancel_bands(
    *, venue: Venue, bands: Sequence[tuple[int, int]], by: User
) -> None:
    """Who cancels so many minutes before the start gets so many percent back.

    Bookings made before keep the terms that they were promised. Raises
    `BandsTurnedRound` when a shorter notice would bring back as much or more.
    """
    in_order = sorted(bands, reverse=True)
    for (longer, more), (shorter, less) in pairwise(in_order):
        if longer == shorter or less >= more:
            raise BandsTurnedRound
    CancelBand.objects.filter(venue=venue).delete()
    CancelBand.objects.bulk_create(
        CancelBand(venue=venue, minutes_before=minutes, percent=percent)
        for minutes, percent in in_order
    )
    record(
        "venues.cancel_bands.set",
        subject=venue,
        by=by,
        at=clock.now(),
        detail={"bands": [list(band) for band in in_order]},
    )


@constraint_errors(venues_marketprice_one_from_a_day=MarketPriceThere)
def set_market_price(
    *,
    sport: str,
    district: District | None,
    fen_per_hour: int,
    source: str,
    valid_from: date,
    by: User,
) -> MarketPrice:
    """Note what an hour of a sport costs in a district, or in the whole city.

    Prices that stand already are not touched: the page on low-fee opening shows those
    that break the rule now. Raises `MarketPriceThere`.
    """
    row = MarketPrice.objects.create(
        sport=sport,
        district=district,
        fen_per_hour=fen_per_hour,
        source=source,
        valid_from=valid_from,
    )
    record(
        "venues.market_price.set",
        subject=row,
        by=by,
        at=clock.now(),
        detail={"sport": sport, "fen_per_hour": fen_per_hour, "source": source},
    )
    return row


@transaction.atomic
def drop_market_price(*, price: MarketPrice, by: User) -> None:
    """Take a market price back that should not have been noted."""
    record(
        "venues.market_price.dropped",
        subject=price,
        by=by,
        at=clock.now(),
        detail={"sport": price.sport, "fen_per_hour": price.fen_per_hour},
    )
    price.delete()


@dataclass(frozen=True)
class Band:
    """Whom and what a price is for, and when (minutes since midnight).

    For days of the types in `day_types` if there are some, else for the weekdays.
    """

    bookable: Bookable | None = None
    sport: str = ""
    group: str = ""
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    starts: int = 0
    ends: int = 1440
    day_types: tuple[str, ...] = ()

    @property
    def days(self) -> list[tuple[int | None, str]]:
        """(weekday, type of day) of each rule that it takes; one of them is empty."""
        if self.day_types:
            return [(None, day_type) for day_type in dict.fromkeys(self.day_types)]
        return [(weekday, "") for weekday in sorted(set(self.weekdays))]


@transaction.atomic
def set_prices(
    *,
    venue: Venue,
    band: Band,
    price_fen: int,
    is_peak: bool = False,
    from_on: date,
    until_on: date | None = None,
    exception_reason: str = "",
    by: User,
) -> list[PriceRule]:
    """Set the price of an hour (fen) in a band of the week, from a date on.

    What stood there before ends on that date, and comes back on `until_on` (a season);
    parts of it outside the band go on unchanged. Bookings keep the price that they were
    quoted.

    Raises `PriceInThePast` when `from_on` is before today, since what was asked for
    yesterday stays on record; `PriceEndsTooEarly`; `PriceBreaksRule` when a venue of
    low-fee opening would ask for too much, unless there is an `exception_reason` and
    `by` may grant it (else `NotForYouToGrant`).
    """
    now = clock.now()
    if from_on < clock.local_day(now):
        raise PriceInThePast
    if until_on and until_on <= from_on:
        raise PriceEndsTooEarly
    # Two people at the price table at once: the second waits for the first.
    venue = Venue.objects.select_for_update().get(pk=venue.pk)
    rules = []
    for weekday, day_type in band.days:
        fresh = PriceRule(
            venue=venue,
            bookable=band.bookable,
            sport=band.sport,
            group=band.group,
            weekday=weekday,
            day_type=day_type,
            starts=band.starts,
            ends=band.ends,
            price_fen=price_fen,
            is_peak=is_peak,
            valid_from=from_on,
            valid_until=until_on,
            set_by=by,
        )
        breach = _refuse_breach(fresh, reason=exception_reason, by=by)
        _make_room(fresh)
        fresh.full_clean(exclude=["set_by"])
        fresh.save(force_insert=True)
        if breach:
            _grant(fresh, breach, reason=exception_reason, by=by, at=now)
        rules.append(fresh)
    record(
        "venues.prices.set",
        subject=band.bookable or venue,
        by=by,
        at=now,
        detail={
            "sport": band.sport,
            "group": band.group,
            "weekdays": [] if band.day_types else list(band.weekdays),
            "day_types": list(band.day_types),
            "minutes": [band.starts, band.ends],
            "price_fen": price_fen,
            "from": from_on.isoformat(),
            "until": until_on.isoformat() if until_on else None,
        },
    )
    return rules


def _refuse_breach(fresh: PriceRule, *, reason: str, by: User) -> Breach | None:
    """How the price breaks the low-fee rule, when that is granted."""
    breach = breach_of(fresh)
    if breach is None:
        return None
    if not reason.strip():
        raise PriceBreaksRule(breach=str(breach))
    if not by.has_perm("venues.grant_price_exception"):
        raise NotForYouToGrant
    return breach


def _grant(
    rule: PriceRule, breach: Breach, *, reason: str, by: User, at: datetime
) -> None:
    row = PriceException.objects.create(
        rule=rule,
        breach=str(breach)[:200],
        reason=reason.strip(),
        granted_by=by,
        granted_at=at,
    )
    record(
        "venues.price_exception.granted",
        subject=row,
        by=by,
        at=at,
        detail={"rule": rule.pk, "breach": row.breach, "reason": row.reason},
    )


def _make_room(fresh: PriceRule) -> None:
    """Cut `fresh` out of what stands in its place: out of its times and its dates."""
    for old in list(_overlapped_by(fresh)):
        exception = PriceException.objects.filter(rule=old).first()
        rests = _rests(old, fresh)
        if old.valid_from < fresh.valid_from:
            old.valid_until = fresh.valid_from
            old.save(update_fields=["valid_until"])
        else:
            old.delete()  # it would have begun later: nobody was ever quoted it
        for rest in rests:
            rest.save(force_insert=True)
            if exception:
                _keep_exception(exception, rest)


def _rests(old: PriceRule, fresh: PriceRule) -> list[PriceRule]:
    """What is left of an old rule beside and after a fresh one."""
    first_day = max(old.valid_from, fresh.valid_from)
    rests = [
        _copy(
            old,
            starts=starts,
            ends=ends,
            valid_from=first_day,
            valid_until=_earlier(old.valid_until, fresh.valid_until),
        )
        for starts, ends in ((old.starts, fresh.starts), (fresh.ends, old.ends))
        if starts < ends
    ]
    last_day = fresh.valid_until
    if last_day and (old.valid_until is None or last_day < old.valid_until):
        rests.append(_copy(old, valid_from=last_day))
    return rests


def _copy(rule: PriceRule, **given: Any) -> PriceRule:
    fields = {
        field.attname: getattr(rule, field.attname)
        for field in PriceRule._meta.concrete_fields
        if not field.primary_key
    }
    return PriceRule(**fields | given)


def _earlier(one: date | None, other: date | None) -> date | None:
    """The earlier of two ends; None is no end."""
    return min(one or date.max, other or date.max) if one or other else None


def _keep_exception(exception: PriceException, rest: PriceRule) -> None:
    PriceException.objects.create(
        rule=rest,
        breach=exception.breach,
        reason=exception.reason,
        granted_by=exception.granted_by,
        granted_at=exception.granted_at,
    )


def _overlapped_by(fresh: PriceRule) -> Iterable[PriceRule]:
    last = fresh.valid_until - timedelta(days=1) if fresh.valid_until else date.max
    return (
        PriceRule.objects.filter(
            venue=fresh.venue,
            bookable=fresh.bookable,
            sport=fresh.sport,
            group=fresh.group,
            weekday=fresh.weekday,
            day_type=fresh.day_type,
            starts__lt=fresh.ends,
            ends__gt=fresh.starts,
        )
        .in_force_between(fresh.valid_from, last)
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
