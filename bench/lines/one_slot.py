"""One slot, two hundred people at the same moment: one wins, nobody sees an error."""

from __future__ import annotations

from collections import Counter

from bench import city
from bench.portal import HOST, Portal
from bench.rush import rush
from bench.table import Line
from venues.models import BookingLine

CLIENTS, ROUNDS = 200, 20
SLOWEST_SECONDS = 3.0


def measure(portal: Portal) -> list[Line]:
    people = city.citizens(CLIENTS)
    slots = city.places(city.venue(courts=30))[:ROUNDS]
    deadlocks = city.deadlocks()
    seen: Counter[int] = Counter()
    winners: Counter[int] = Counter()
    slowest = 0.0
    for place in slots:
        answers = rush(HOST, portal.port, [city.booking(place, one) for one in people])
        seen.update(answer.status for answer in answers)
        slowest = max(slowest, *(answer.seconds for answer in answers))
        stored = BookingLine.objects.filter(
            bookable=place.bookable, starts_at=place.starts_at
        )
        winners[stored.count()] += 1
    overlaps = city.broken_promises(["venues.occupancy.never_overlaps"])
    deadlocks = city.deadlocks() - deadlocks
    failed = sum(count for status, count in seen.items() if status >= 500)
    return [
        Line(
            what=f"one slot, {CLIENTS} clients at once, {ROUNDS} rounds",
            figure=", ".join(
                f"{rounds} rounds with {n} winner(s)"
                for n, rounds in sorted(winners.items())
            ),
            goal="1 winner in each",
            met=winners == {1: ROUNDS},
            note="answers by status: "
            + ", ".join(f"{status} × {n}" for status, n in sorted(seen.items())),
        ),
        Line(
            what="… overlaps, deadlocks, answers ≥ 500",
            figure=f"{len(overlaps)}, {deadlocks}, {failed}",
            goal="0, 0, 0",
            met=not (overlaps or deadlocks or failed),
        ),
        Line(
            what="… slowest answer",
            figure=f"{slowest:.2f} s",
            goal=f"≤ {SLOWEST_SECONDS:.0f} s",
            met=slowest <= SLOWEST_SECONDS,
        ),
    ]
