"""The day of a hall with thirty courts: how long it takes, how often it asks."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import city
from bench.portal import HOST, Portal
from bench.table import Line
from bench.wrk import Request, drive
from bureau.common import clock
from venues import actions
from venues.actions import Pick
from venues.models import Venue

LIMIT_MS = 25
SECONDS = 5


def measure(portal: Portal) -> list[Line]:
    large, small = city.venue(courts=30), city.venue(courts=1)
    _fill_half(large)
    page = Request("GET", _page(large))
    # One client: what it waits for is the server's time, and nothing else runs.
    drive(portal.url, [page], seconds=2, connections=1)  # warm
    grid = drive(portal.url, [page], seconds=SECONDS, connections=1)
    bare = drive(
        portal.url, [Request("POST", "/bench/insert")], seconds=3, connections=1
    )
    asked = {hall: _questions(hall) for hall in (small, large)}
    return [
        Line(
            what="day grid, 30 courts, half of it taken, median",
            figure=f"{grid.median_ms:.1f} ms",
            limit=f"{bare.median_ms:.1f} ms",
            ratio=grid.median_ms / bare.median_ms,
            goal=f"≤ {LIMIT_MS} ms",
            met=grid.median_ms <= LIMIT_MS and grid.count("2") == grid.answers,
            note=f"p99 {grid.p99_ms:.1f} ms; the bare limit is one INSERT",
        ),
        Line(
            what="queries of the day grid, 1 court and 30",
            figure=f"{asked[small]} and {asked[large]}",
            goal="the same",
            met=asked[small] == asked[large],
        ),
    ]


def _page(hall: Venue) -> str:
    return f"{hall.get_absolute_url()}?on={clock.today() + timedelta(days=1):%Y-%m-%d}"


def _fill_half(hall: Venue) -> None:
    people = city.citizens(240)
    taken = city.places(hall, day=1)[::2]
    for person, place in zip(people, taken, strict=False):
        actions.hold_slots(
            venue=hall,
            picks=[Pick(place.bookable.pk, place.starts_at)],
            quoted_fen=city.PRICE_FEN,
            request_key=uuid4(),
            by=person.user,
        )


def _questions(hall: Venue) -> int:
    client = Client(SERVER_NAME=HOST)
    client.get(_page(hall))  # what is asked once for all is not counted
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get(_page(hall))
    return len(asked)
