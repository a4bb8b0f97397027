"""A whole city's courts: what is free in a viewport, at one's own price, over HTTP."""

from __future__ import annotations

import random
import time
from datetime import date, timedelta
from os import getloadavg
from statistics import median

from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import city
from bench.portal import HOST, Portal
from bench.table import Line
from bench.wrk import Request, drive
from bureau.accounts.models import Eligibility
from bureau.common import clock
from bureau.common.sports import Sport
from venues.models import (
    Block,
    Bookable,
    BookableUnit,
    PriceRule,
    Unit,
    Venue,
    WeeklyHours,
)
from venues.models.rules import PriceGroup

VENUES, COURTS, OCCUPANCIES = 2000, 8500, 1_000_000
VIEWPORT_COURTS = 300
VIEWPORT_MS, CITY_MS = 250, 500
SECONDS = 8
WEST, SOUTH, WIDE, HIGH = 116.0, 35.0, 1.0, 1.0
DAYS_BACK, DAYS = 6, 14  # days of occupancies, today among them
OPENS, CLOSES = 6, 22
WEEK = range(1, 8)
SPORTS = (Sport.BADMINTON, Sport.TENNIS, Sport.BASKETBALL, Sport.TABLE_TENNIS)
# What is measured against: the same courts, asked only whether somebody is there.
BARE = """
    SELECT unit_id, taken FROM unnest(%s::bigint[]) AS wanted (unit_id)
     CROSS JOIN LATERAL (
         SELECT count(*) AS taken FROM venues_occupancy AS occupancy
          WHERE occupancy.unit_id = wanted.unit_id AND during && tstzrange(%s, %s)
     ) AS there
"""


def measure(portal: Portal) -> list[Line]:
    began = time.perf_counter()
    build_city()
    built = time.perf_counter() - began
    box = viewport()
    evening = clock.today() + timedelta(days=1)
    asked = f"on={evening}&since=19:00"
    someone = _entitled()
    bare_ms = _bare(box, evening)
    lines = []
    for what, where, zoom, limit in (
        (f"viewport of {VIEWPORT_COURTS} courts", box, 11, VIEWPORT_MS),
        ("the whole city", (116.0, 35.0, 117.0, 36.0), 8, CITY_MS),
    ):
        corners = ",".join(f"{edge:.5f}" for edge in where)
        path = f"/venues/points.geojson?{asked}&bbox={corners}&zoom={zoom}"
        pins = Request("GET", path, cookie=someone.cookie)
        drive(portal.url, [pins], seconds=2, connections=1)  # warm
        seen = drive(portal.url, [pins], seconds=SECONDS, connections=1)
        lines.append(
            Line(
                what=f"search: {what} free at 19:00, own prices, p95",
                figure=f"{seen.p95_ms:.0f} ms",
                limit=f"{bare_ms:.1f} ms" if where == box else "",
                ratio=seen.p95_ms / bare_ms if where == box else None,
                goal=f"≤ {limit} ms",
                met=seen.p95_ms <= limit and seen.count("2") == seen.answers,
                note=f"median {seen.median_ms:.0f} ms, {seen.answers} answers, load "
                f"{getloadavg()[0]:.1f}; "
                + (
                    f"{VENUES} venues, {COURTS} courts, {OCCUPANCIES} rows, laid "
                    f"in {built:.0f} s; the bare limit is the GiST question alone"
                    if where == box
                    else "every court of the city in one question"
                ),
            )
        )
    few, many = _questions(box, evening)
    lines.append(
        Line(
            what=f"… queries, 1 court and {VIEWPORT_COURTS}",
            figure=f"{few} and {many}",
            goal="the same",
            met=few == many,
        )
    )
    return lines


def build_city() -> None:
    """2,000 venues, 8,500 courts, a million occupancies in two weeks."""
    chance = random.Random(1)  # noqa: S311 - the same city each time
    place = city.district()
    venues = Venue.objects.bulk_create(
        Venue(
            name=f"城市场馆 {n}",
            name_en=f"City venue {n}",
            district=place,
            address=f"环城路 {n} 号",
            location=Point(
                WEST + WIDE * chance.random(), SOUTH + HIGH * chance.random(), srid=4326
            ),
            sports=[SPORTS[n % len(SPORTS)]],
            facilities=["indoor"] if n % 2 else ["parking", "accessible"],
        )
        for n in range(VENUES)
    )
    homes = [venues[n % VENUES] for n in range(COURTS)]
    units = Unit.objects.bulk_create(
        Unit(venue=home, name=f"{n} 号场") for n, home in enumerate(homes)
    )
    courts = Bookable.objects.bulk_create(
        Bookable(venue=home, name=unit.name, sport=home.sports[0], position=n)
        for n, (home, unit) in enumerate(zip(homes, units, strict=True))
    )
    BookableUnit.objects.bulk_create(
        BookableUnit(bookable=court, unit=unit)
        for court, unit in zip(courts, units, strict=True)
    )
    WeeklyHours.objects.bulk_create(
        WeeklyHours(venue=home, weekday=day, opens=OPENS * 60, closes=CLOSES * 60)
        for home in venues
        for day in WEEK
    )
    PriceRule.objects.bulk_create(
        PriceRule(
            venue=home,
            weekday=day,
            group=group,
            starts=starts,
            ends=ends,
            price_fen=fen // 2 if group else fen,
            valid_from=date(2020, 1, 1),
        )
        for home in venues
        for day in WEEK
        for group in ("", PriceGroup.DISABLED)
        for starts, ends, fen in ((0, 18 * 60, 3000), (18 * 60, 1440, 5000))
    )
    _occupy(venues)


def _occupy(venues: list[Venue]) -> None:
    """Every other hour or so of every court is taken, as blocks: a row each."""
    staff = city.citizens(1)[0].user
    now = clock.now()
    since = clock.at(clock.today() - timedelta(days=DAYS_BACK), 0)
    Block.objects.bulk_create(
        Block(
            venue=home,
            reason="bench",
            starts_at=since,
            ends_at=since + timedelta(days=DAYS),
            set_by=staff,
            created_at=now,
        )
        for home in venues
    )
    slots = DAYS * (CLOSES - OPENS)
    with connection.cursor() as cursor:
        # The slots that a hash of court and hour picks: as good as chance, and the same
        # each time.
        cursor.execute(
            """
            INSERT INTO venues_occupancy (unit_id, during, kind, block_id)
            SELECT unit.id, tstzrange(begin, begin + interval '1 hour'), 'block',
                   block.id
              FROM venues_unit AS unit
              JOIN venues_block AS block
                ON block.venue_id = unit.venue_id AND block.reason = 'bench',
                   generate_series(0, %(days)s - 1) AS day,
                   generate_series(%(opens)s, %(closes)s - 1) AS hour,
                   LATERAL (SELECT %(since)s::timestamptz + day * interval '1 day'
                                   + hour * interval '1 hour' AS begin) AS moment
             WHERE (hashint8(unit.id * 1000 + day * 24 + hour) & 65535)
                   < 65536 * %(share)s
             ORDER BY unit.id, begin
             LIMIT %(most)s
            """,
            {
                "days": DAYS,
                "opens": OPENS,
                "closes": CLOSES,
                "since": since,
                "share": 1.01 * OCCUPANCIES / (COURTS * slots),
                "most": OCCUPANCIES,
            },
        )
        cursor.execute("ANALYZE")


def viewport() -> tuple[float, float, float, float]:
    """A box around the middle of the city that shows about 300 courts."""
    side = (VIEWPORT_COURTS / COURTS * WIDE * HIGH) ** 0.5 / 2
    x, y = WEST + WIDE / 2, SOUTH + HIGH / 2
    return x - side, y - side, x + side, y + side


def _entitled() -> city.Citizen:
    """Somebody who pays the reduced price."""
    someone = city.citizens(1)[0]
    Eligibility.objects.create(
        user=someone.user,
        kind=PriceGroup.DISABLED,
        state=Eligibility.State.APPROVED,
        expires_on=clock.today() + timedelta(days=365),
        asked_at=clock.now(),
        decided_at=clock.now(),
        decided_by=city.citizens(1)[0].user,
    )
    return someone


def _bare(box: tuple[float, float, float, float], on: date) -> float:
    """The median time of the range question alone, in milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT unit.id FROM venues_unit AS unit JOIN venues_venue AS venue"
            " ON venue.id = venue_id WHERE location::geometry &&"
            " ST_MakeEnvelope(%s, %s, %s, %s, 4326)",
            box,
        )
        units = [row[0] for row in cursor.fetchall()]
        begins = clock.at(on, 19 * 60)
        times = []
        for _ in range(50):
            began = time.perf_counter()
            cursor.execute(BARE, [units, begins, begins + timedelta(hours=1)])
            cursor.fetchall()
            times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _questions(box: tuple[float, float, float, float], on: date) -> tuple[int, int]:
    """How often the database is asked for a tiny viewport and for the whole one."""
    x, y = Venue.objects.order_by("-pk")[0].location.coords
    asked = []
    for where in ((x - 1e-4, y - 1e-4, x + 1e-4, y + 1e-4), box):
        corners = ",".join(f"{edge:.5f}" for edge in where)
        path = f"/venues/points.geojson?on={on}&since=19:00&bbox={corners}&zoom=11"
        client = Client(SERVER_NAME=HOST)
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            client.get(path)
        asked.append(len(seen))
    return asked[0], asked[1]
