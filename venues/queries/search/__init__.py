"""What is free near me on Saturday at seven, at my price: one question for all of it.

The rules of a place (`Timetable`) are asked here as sets, for thousands of courts at
once: hours → slots → what is taken → the window → the price. Both must say the same of
every slot; tests/venues/test_search_against_the_timetable.py compares them over random
rules. Nothing is kept from one question to the next, so nothing can be stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection
from django.utils.translation import get_language

from bureau.common import clock
from bureau.common.fields import LATEST
from venues.queries.days import DayTypes, is_fitness_day
from venues.queries.search.sets import (
    COURTS,
    DAYS,
    KEPT,
    OPENINGS,
    PRICES,
    SLOTS,
    VENUES,
    WISHED,
)

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees (WGS-84)."""
HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)
FURTHEST_DAYS = 60
"""No venue opens more days ahead (`venues_venue_window_is_sane`)."""


@dataclass(frozen=True)
class Wish:
    """What somebody looks for. Empty fields ask for nothing.

    With a day, a time, a length, a price or `now` only what can be booked then counts;
    a wish without a day but with one of the others is for today.
    """

    sport: str = ""
    district: str = ""
    words: str = ""
    facilities: tuple[str, ...] = ()
    is_low_fee: bool = False
    """Only venues that take part in free and low-fee opening."""
    on: date | None = None
    since: int | None = None
    """Play begins at this minute of the day or later…"""
    until: int | None = None
    """… and before this one; within the hour when only `since` is given."""
    minutes: int = 0
    """Slots in a row on one court, so long together."""
    most_fen: int | None = None
    """The price of an hour at most; 0 is free of charge."""
    now: bool = False
    """Play begins within the hour."""
    open_now: bool = False
    """The venue is open at this moment, whether or not a court is free."""
    near: Point | None = None
    within_m: int | None = None
    box: Box | None = None

    @property
    def is_timed(self) -> bool:
        return bool(
            self.on
            or self.since is not None
            or self.until is not None
            or self.minutes
            or self.most_fen is not None
            or self.now
        )

    def on_day(self, today: date) -> Wish:
        """With the day that is meant."""
        return replace(self, on=self.on or today) if self.is_timed else self


@dataclass(frozen=True)
class Found:
    """A venue and what of it can be booked as wished."""

    venue_id: int
    free_courts: int
    from_fen: int | None
    """The cheapest hour among it, at the person's own price."""
    first_at: datetime | None
    """The first start among it."""
    first_on: date | None = None
    """The business day of that start."""

    @property
    def first_day(self) -> date | None:
        """The date of that start on the wall."""
        return clock.local_day(self.first_at) if self.first_at else None


@dataclass(frozen=True)
class FreeCourt:
    """A start on a court that can be booked as wished."""

    bookable_id: int
    starts_at: datetime
    ends_at: datetime
    fen: int


@dataclass(frozen=True)
class MapPoint:
    """One venue, or a cluster of `count` venues around its centre (WGS-84 degrees)."""

    longitude: float
    latitude: float
    count: int
    code: str
    name: str
    free_courts: int | None = None
    """Courts to be had as wished; None where no time was asked for."""
    from_fen: int | None = None


# --- The questions --------------------------------------------------------------------


def find_venues(
    wish: Wish, *, groups: frozenset[str] = frozenset(), at: datetime
) -> list[Found]:
    """The venues that fit, the nearest first with `near`, else by district.

    With a time: those that can be booked then. Without: all that fit, and what of
    them is free is for `next_free` to say. One question to the database.
    """
    wish = wish.on_day(clock.local_day(at))
    given = _place_given(wish) | _open_ids(wish, at)
    order = (
        "ST_Distance(location, ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)::geography)"
        if wish.near
        else "district.position, venue.name"
    )
    if wish.is_timed:
        given |= _given(wish, groups=groups, at=at)
        sets = ", ".join(_sets(wish))
        sql = f"""
            WITH {sets}, found AS (
                SELECT venue_id, count(DISTINCT court_id) AS free_courts,
                       min(hour_fen) AS fen, min(starts_at) AS first_at,
                       min("on") AS first_on
                  FROM wished GROUP BY venue_id
            )
            SELECT venue.id, free_courts, fen, first_at, first_on
              FROM found
              JOIN venue ON venue.id = venue_id
              JOIN regions_district AS district ON district.id = district_id
             ORDER BY {order}, venue.id
        """  # noqa: S608 - our own words
    else:
        sql = f"""
            WITH {VENUES.format(where=_where(wish))}
            SELECT venue.id, 0, NULL, NULL, NULL
              FROM venue
              JOIN regions_district AS district ON district.id = district_id
             ORDER BY {order}, venue.id
        """  # noqa: S608 - our own words
    return [Found(*row) for row in _rows(sql, given)]


def next_free(
    venue_ids: Sequence[int],
    wish: Wish,
    *,
    groups: frozenset[str] = frozenset(),
    at: datetime,
) -> dict[int, Found]:
    """What can be booked first at each of these venues, by its id; missing: nothing.

    Of the wish only the sport counts. `free_courts` are those free on the business day
    of that start: one court may open while the night before goes on at another.
    """
    if not venue_ids:
        return {}
    ahead = Wish(sport=wish.sport)
    sql = f"""
        WITH {", ".join(_sets(ahead, "AND venue.id = ANY(%(ids)s)"))}, first AS (
            SELECT wished.*,
                   first_value("on") OVER (PARTITION BY venue_id
                                           ORDER BY starts_at, "on") AS first_on
              FROM wished
        )
        SELECT venue_id, count(DISTINCT court_id), min(hour_fen),
               min(starts_at), first_on
          FROM first WHERE "on" = first_on
         GROUP BY venue_id, first_on
    """  # noqa: S608 - our own words
    given = _given(ahead, groups=groups, at=at) | {"ids": list(venue_ids)}
    return {row[0]: Found(*row) for row in _rows(sql, given)}


def free_courts(
    venue_id: int,
    wish: Wish,
    *,
    groups: frozenset[str] = frozenset(),
    at: datetime,
) -> list[FreeCourt]:
    """Every start at one venue that can be booked as wished, in order of time.

    A wish without a time is for all days that can be booked now.
    """
    sql = f"""
        WITH {", ".join(_sets(wish, "AND venue.id = ANY(%(ids)s)"))}
        SELECT court_id, starts_at, ends_at, hour_fen * slot_minutes / 60 FROM wished
         ORDER BY starts_at, court_id
    """  # noqa: S608 - our own words
    given = _given(wish, groups=groups, at=at) | {"ids": [venue_id]}
    return [FreeCourt(*row) for row in _rows(sql, given)]


# Cells of a grid in degrees: about 64 pixels wide at each zoom, never below a street.
_CELL_AT_ZOOM_0 = 360 * 64 / 256
CLOSEST_ZOOM = 14


def map_points(
    wish: Wish,
    *,
    zoom: int,
    groups: frozenset[str] = frozenset(),
    at: datetime,
) -> list[MapPoint]:
    """Venues in the wish's box, near ones merged for the zoom, with what is free.

    One question to the database; from zoom 14 on nothing is merged.
    """
    wish = wish.on_day(clock.local_day(at))
    cell = _CELL_AT_ZOOM_0 / 2**zoom if zoom < CLOSEST_ZOOM else 0.00001
    given = _place_given(wish) | _open_ids(wish, at) | {"cell": cell}
    if wish.is_timed:
        given |= _given(wish, groups=groups, at=at)
        sets = ", ".join(_sets(wish))
        found = f"""
            {sets}, found AS (
                SELECT venue_id, count(DISTINCT court_id) AS free_courts,
                       min(hour_fen) AS fen
                  FROM wished GROUP BY venue_id
            )
        """  # noqa: S608 - our own words
    else:
        found = f"""
            {VENUES.format(where=_where(wish))}, found AS (
                SELECT id AS venue_id, NULL::bigint AS free_courts, NULL::int AS fen
                  FROM venue
            )
        """  # noqa: S608 - our own words
    sql = f"""
        WITH {found}
        SELECT avg(ST_X(place)), avg(ST_Y(place)), count(*), min(code), min(name),
               min(name_en), sum(free_courts), min(fen)
          FROM found
          JOIN (SELECT *, location::geometry AS place FROM venue) AS venue
            ON venue.id = venue_id
         GROUP BY ST_SnapToGrid(place, %(cell)s)
         ORDER BY count(*) DESC, min(code)
         LIMIT 500
    """  # noqa: S608 - our own words
    english = (get_language() or "").startswith("en")
    points = []
    for x, y, count, code, name, name_en, courts, fen in _rows(sql, given):
        shown = (english and name_en) or name
        single = count == 1
        free = None if courts is None else int(courts)
        points.append(
            MapPoint(
                x, y, count, code if single else "", shown if single else "", free, fen
            )
        )
    return points


def _open_ids(wish: Wish, at: datetime) -> dict[str, list[int]]:
    """Which venues are open at this moment, where the wish cares."""
    if not wish.open_now:
        return {}
    now = Wish(sport=wish.sport, on=clock.local_day(at), since=0, until=1440)
    sql = f"""
        WITH {VENUES.format(where="")}, {DAYS}, {COURTS}, {OPENINGS}
        SELECT DISTINCT venue_id
          FROM open_hours
          JOIN day USING ("on")
          JOIN court ON court.id = court_id
         WHERE opens <= since AND since < closes
    """  # noqa: S608 - our own words
    return {"open_ids": [row[0] for row in _rows(sql, _given(now, at=at))]}


def _sets(wish: Wish, where: str = "") -> Iterator[str]:
    yield VENUES.format(where=where or _where(wish))
    yield from (DAYS, COURTS, OPENINGS, SLOTS, PRICES, KEPT, WISHED)


def _where(wish: Wish) -> str:
    """The conditions on a venue that the wish makes."""
    edges = "%(west)s, %(south)s, %(east)s, %(north)s"
    place = "ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)::geography"
    conditions = (
        (wish.sport, "%(sport)s = ANY (sports)"),
        (
            wish.district,
            "district_id = (SELECT id FROM regions_district WHERE code = %(district)s)",
        ),
        (
            wish.words,
            "concat_ws(chr(10), name, name_en, address) ILIKE %(words)s",
        ),
        (wish.facilities, "facilities @> %(facilities)s::varchar[]"),
        (wish.is_low_fee, "is_low_fee"),
        (
            wish.near and wish.within_m,
            f"ST_DWithin(location, {place}, %(within_m)s)",
        ),
        (
            wish.box,
            f"location::geometry && ST_MakeEnvelope({edges}, 4326)",
        ),
        (wish.open_now, "id = ANY(%(open_ids)s)"),
    )
    return "".join(f" AND {sql}" for is_wished, sql in conditions if is_wished)


def _given(
    wish: Wish, *, at: datetime, groups: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """What the sets of a question about free slots are made from."""
    today = clock.local_day(at)
    begins, ends = _moments(wish, at)
    days = _days(wish, today, begins, ends)
    kinds = DayTypes(since=days[0])
    types = [(day, *kind) for day in days for kind in enumerate(kinds.of(day))]
    local = at.astimezone(clock.CHINA)
    # Of slots in a row only the first has to begin in time.
    beyond = None if wish.minutes else ends
    return _place_given(wish) | {
        "at": at,
        "today": today,
        "minute": local.hour * 60 + local.minute,
        "days": days,
        "last_day": days[-1],
        "weekdays": [day.isoweekday() for day in days],
        "fitness": [is_fitness_day(day) for day in days],
        "sinces": [_minute_of(max(at, begins or at), day) for day in days],
        "beyonds": [_minute_after(beyond, day) if beyond else LATEST for day in days],
        "typed_days": [day for day, _rank, _name in types],
        "ranks": [rank for _day, rank, _name in types],
        "day_types": [name for _day, _rank, name in types],
        "until": ends,
        "from": begins,
        "minutes": wish.minutes,
        "most_fen": wish.most_fen,
        "groups": ["", *sorted(groups)],
    }


def _place_given(wish: Wish) -> dict[str, Any]:
    """What the conditions on a venue are made from."""
    west, south, east, north = wish.box or (0.0, 0.0, 0.0, 0.0)
    return {
        "sport": wish.sport,
        "district": wish.district,
        "words": f"%{_literally(wish.words)}%",
        "facilities": list(wish.facilities),
        "x": wish.near.x if wish.near else 0.0,
        "y": wish.near.y if wish.near else 0.0,
        "within_m": wish.within_m or 0,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
    }


def _moments(wish: Wish, at: datetime) -> tuple[datetime | None, datetime | None]:
    """Play begins in [from, until); None is no limit on that side."""
    if wish.now:
        return at, at + HOUR
    if wish.on is None or (wish.since is None and wish.until is None):
        return None, None
    since = wish.since or 0
    until = wish.until if wish.until is not None else since + 60
    return clock.at(wish.on, since), clock.at(wish.on, until)


def _days(
    wish: Wish, today: date, begins: datetime | None, ends: datetime | None
) -> list[date]:
    """The business days whose slots can be meant, and the day after them.

    A slot after midnight may belong to the day before.
    """
    if begins is not None and ends is not None:
        first = clock.local_day(begins)
        if _minute_of(begins, first - ONE_DAY) < LATEST:
            first -= ONE_DAY
        last = clock.local_day(ends - timedelta(microseconds=1))
    elif wish.on is not None:
        first = last = wish.on
    else:
        first = today - ONE_DAY
        last = today + timedelta(days=FURTHEST_DAYS)
    return [first + timedelta(days=n) for n in range((last - first).days + 2)]


def _minute_of(moment: datetime, day: date) -> int:
    """The minute of a day that a moment lies in, also before and after that day."""
    return int((moment - clock.at(day, 0)).total_seconds() // 60)


def _minute_after(moment: datetime, day: date) -> int:
    """The first whole minute of a day at or after a moment."""
    return _minute_of(moment - timedelta(microseconds=1), day) + 1


def _literally(words: str) -> str:
    """With what LIKE reads as a wildcard taken for itself."""
    for sign in ("\\", "%", "_"):
        words = words.replace(sign, f"\\{sign}")
    return words


def _rows(sql: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        # The planner takes each of our sets for a row or two, and would go through
        # them again for every row of the others. To compile takes longer than to ask.
        cursor.execute(
            f"SET LOCAL enable_nestloop = off; SET LOCAL jit = off; {sql}", given
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
