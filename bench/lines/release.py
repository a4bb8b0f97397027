"""Prime time opens: five thousand requests for 140 slots, 150 at a time."""

from __future__ import annotations

import secrets

from bench import city
from bench.portal import Portal
from bench.table import Line
from bench.wrk import drive
from bureau.common import clock
from venues.models import BookingLine

COURTS, REQUESTS, CLIENTS = 10, 5000, 150
HOURS = range(8, 22)
P95_MS, SLOWEST_MS = 1000, 3000


def measure(portal: Portal) -> list[Line]:
    hall = city.venue(courts=COURTS)
    slots = [
        place
        for place in city.places(hall, day=1)
        if place.starts_at.astimezone(clock.CHINA).hour in HOURS
    ]
    people = city.citizens(REQUESTS)
    requests = [city.booking(secrets.choice(slots), one) for one in people]
    city.settle_tables()
    deadlocks = city.deadlocks()
    load = drive(portal.url, requests, seconds=60, connections=CLIENTS, once=True)
    deadlocks = city.deadlocks() - deadlocks
    sold = BookingLine.objects.filter(bookable__venue=hall)
    places = len(set(sold.values_list("bookable", "starts_at")))
    overlaps = city.broken_promises(["venues.occupancy.never_overlaps"])
    failed = load.count("5")
    return [
        Line(
            what=f"release storm, {REQUESTS} requests for {len(slots)} slots, p95",
            figure=f"{load.p95_ms:.0f} ms",
            goal=f"≤ {P95_MS} ms",
            met=load.p95_ms <= P95_MS,
            note=f"{load.answers} answers in {load.seconds:.1f} s, "
            f"{sold.count()} sold, median {load.median_ms:.0f} ms",
        ),
        Line(
            what="… slowest answer",
            figure=f"{load.slowest_ms:.0f} ms",
            goal=f"≤ {SLOWEST_MS} ms",
            met=load.slowest_ms <= SLOWEST_MS,
        ),
        Line(
            what="… slots sold, sold twice, deadlocks, answers ≥ 500",
            figure=f"{places}, {sold.count() - places}, {deadlocks}, {failed}",
            goal=f"{len(slots)}, 0, 0, 0",
            met=places == sold.count() == len(slots)
            and not (overlaps or deadlocks or failed),
        ),
    ]
