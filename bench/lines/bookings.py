"""Bookings of different slots a second, with session, CSRF and audit on."""

from __future__ import annotations

from bench import city
from bench.portal import Portal
from bench.table import Line
from bench.wrk import Request, drive
from venues.models import Booking

CLIENTS = 16
HALLS = 2
SECONDS, WARM = 20, 600
GOAL = 0.25


def measure(portal: Portal) -> list[Line]:
    wanted = [
        place for _ in range(HALLS) for place in city.places(city.venue(courts=30))
    ][: WARM + 3000]
    people = city.citizens(len(wanted))
    requests = [
        city.booking(place, one) for place, one in zip(wanted, people, strict=True)
    ]
    bare = [Request("POST", "/bench/insert")]
    drive(portal.url, bare, seconds=2, connections=CLIENTS)  # warm
    # Both are measured warm: connections, plans and templates are there by then.
    warm = requests[:WARM]
    drive(portal.url, warm, seconds=SECONDS, connections=CLIENTS, once=True)
    city.settle_tables()
    # The limit before and after, since other work on the machine comes and goes.
    before = drive(portal.url, bare, seconds=5, connections=CLIENTS)
    stored = Booking.objects.count()
    load = drive(
        portal.url, requests[WARM:], seconds=SECONDS, connections=CLIENTS, once=True
    )
    stored = Booking.objects.count() - stored
    after = drive(portal.url, bare, seconds=5, connections=CLIENTS)

    limit = (before.per_second + after.per_second) / 2
    rate = stored / load.seconds
    refused = load.answers - load.count("3")
    return [
        Line(
            what="bookings of different slots a second",
            figure=f"{rate:.0f}/s",
            limit=f"{limit:.0f}/s",
            ratio=rate / limit,
            goal=f"≥ {GOAL:.2f} of one bare INSERT",
            met=rate / limit >= GOAL and not refused,
            note=f"{stored} bookings by {CLIENTS} clients in {load.seconds:.1f} s, "
            f"{refused} refused, median {load.median_ms:.0f} ms, "
            f"p99 {load.p99_ms:.0f} ms, slowest {load.slowest_ms:.0f} ms",
        ),
    ]
