"""Halves, whole halls, changes and staff all at once, every tenth connection cut.

Nobody may get what somebody has, nobody may be refused what nobody has, and no answer
may be an error. The same storm without the lock is the control: it must fail.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

from django.urls import reverse

from bench import city
from bench.portal import HOST, Portal, free_port
from bench.rush import as_bytes, status_of
from bench.table import Line
from bench.wrk import Request
from bureau.common import clock
from bureau.common.sports import Sport
from bureau.payments.actions import settle_payment
from bureau.payments.models import Payment
from venues import actions
from venues.actions import Pick
from venues.models import (
    Bookable,
    BookableUnit,
    BookingLine,
    Occupancy,
    Unit,
    Venue,
)

HALLS, CLIENTS, REQUESTS = 8, 100, 1500
CUT_ONE_IN, PATIENCE = 10, 20
MIX = ("half",) * 11 + ("whole",) * 4 + ("change",) * 3 + ("block",) * 2
"""How often each is asked for, in twentieths."""


@dataclass(frozen=True)
class Wish:
    kind: str
    request: Request
    units: tuple[int, ...]
    starts_at: datetime


@dataclass
class Outcome:
    statuses: Counter[int]
    refused: set[tuple[int, datetime]]
    """What somebody wanted and did not get."""


def measure(portal: Portal) -> list[Line]:
    hall = _hall()
    deadlocks = city.deadlocks()
    outcome = asyncio.run(_storm(portal.port, _wishes(hall)))
    deadlocks = city.deadlocks() - deadlocks
    overlaps = city.broken_promises()
    failed = sum(n for status, n in outcome.statuses.items() if status >= 500)
    lost = _refused_for_nothing(outcome.refused)
    control = _control(portal)
    answers = sorted(outcome.statuses.items())
    return [
        Line(
            what=f"storm of {REQUESTS}: halves, wholes, changes, staff, cut lines",
            figure=f"{len(overlaps)}, {deadlocks}, {failed}, {len(lost)}",
            goal="0, 0, 0, 0",
            met=not (overlaps or deadlocks or failed or lost),
            note="broken promises, deadlocks, answers ≥ 500, slots refused that nobody "
            "has; answers by status: "
            + ", ".join(f"{code} × {n}" for code, n in answers),
        ),
        Line(
            what="… control: the same without the lock",
            figure=control,
            goal="deadlocks or errors",
            met=not control.startswith("0 deadlocks, 0 "),
        ),
    ]


def _control(portal: Portal) -> str:
    """Deadlocks and errors of the same storm, served without the lock."""
    with _unlocked(portal) as port:
        before = city.deadlocks()
        outcome = asyncio.run(_storm(port, _wishes(_hall())))
        errors = sum(n for status, n in outcome.statuses.items() if status >= 500)
        return f"{city.deadlocks() - before} deadlocks, {errors} answers ≥ 500"


@contextmanager
def _unlocked(portal: Portal) -> Iterator[int]:
    """A second web server beside the first one, whose locks lock nothing."""
    usual = os.environ["DJANGO_SETTINGS_MODULE"]
    web, port = portal.processes.pop("web"), portal.port
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.unlocked"
    portal.port = free_port()
    try:
        portal.start("web")
        portal.wait_until_ready()
        yield portal.port
    finally:
        portal.kill("web")
        os.environ["DJANGO_SETTINGS_MODULE"] = usual
        portal.processes["web"], portal.port = web, port


def _hall() -> Venue:
    """Halls that can be taken as two halves or as a whole."""
    hall = city.venue(courts=0)
    for n in range(HALLS):
        halves = [Unit.objects.create(venue=hall, name=f"{n}{side}") for side in "LR"]
        for units in ([halves[0]], [halves[1]], halves):
            court = Bookable.objects.create(
                venue=hall,
                name="+".join(unit.name for unit in units),
                sport=Sport.BADMINTON,
                position=n,
            )
            BookableUnit.objects.bulk_create(
                BookableUnit(bookable=court, unit=unit) for unit in units
            )
    hall.refresh_from_db()
    return hall


def _wishes(hall: Venue) -> list[Wish]:
    courts = list(hall.bookables.with_units())
    halves = [court for court in courts if len(court.unit_ids) == 1]
    wholes = [court for court in courts if len(court.unit_ids) > 1]
    kinds = [secrets.choice(MIX) for _ in range(REQUESTS)]
    people = iter(city.citizens(REQUESTS))
    staff = city.superuser()
    booked = _booked_tomorrow(hall, halves, kinds.count("change"))
    wishes = []
    for kind in kinds:
        starts_at = _some_hour(day=1)
        court = secrets.choice(wholes if kind == "whole" else halves)
        if kind == "block":
            request = _block(hall, court, starts_at, staff)
        elif kind == "change":
            request = _change(court, starts_at, *booked.pop())
        else:
            request = city.booking(city.Place(court, starts_at), next(people))
        wishes.append(Wish(kind, request, tuple(court.unit_ids), starts_at))
    return wishes


def _some_hour(*, day: int) -> datetime:
    hour = city.OPENS + secrets.randbelow(city.CLOSES - city.OPENS)
    return clock.at(clock.today() + timedelta(days=day), hour * 60)


def _booked_tomorrow(
    hall: Venue, halves: list[Bookable], count: int
) -> list[tuple[BookingLine, city.Citizen]]:
    """Paid bookings of the days after, each to be changed to tomorrow."""
    free = [
        Pick(court.pk, clock.at(clock.today() + timedelta(days=day), hour * 60))
        for day in range(2, hall.days_ahead + 1)
        for hour in range(city.OPENS, city.CLOSES)
        for court in halves
    ]
    lines = []
    for citizen, pick in zip(city.citizens(count), free, strict=False):
        booking = actions.hold_slots(
            venue=hall,
            picks=[pick],
            quoted_fen=city.PRICE_FEN,
            request_key=uuid4(),
            by=citizen.user,
        )
        payment = Payment.objects.for_owner(booking).get()
        settle_payment(
            number=payment.number,
            provider="sandbox",
            provider_ref=str(uuid4()),
            amount_fen=payment.amount_fen,
            at=clock.now(),
        )
        lines.append((booking.lines.get(), citizen))
    return lines


def _change(
    court: Bookable, starts_at: datetime, line: BookingLine, citizen: city.Citizen
) -> Request:
    path = reverse("venues:change-confirm", args=[line.booking.number])
    place = city.Place(court, starts_at)
    fields = {
        "csrfmiddlewaretoken": city.CSRF,
        "quoted_fen": city.PRICE_FEN,
        "expected_fen": city.PRICE_FEN,
        "request_key": str(uuid4()),
    }
    query = urlencode({"line": line.pk, "slot": place.key})
    return Request("POST", f"{path}?{query}", urlencode(fields), citizen.cookie)


def _block(
    hall: Venue, court: Bookable, starts_at: datetime, staff: city.Citizen
) -> Request:
    start = starts_at.astimezone(clock.CHINA)
    end = start + timedelta(hours=1)
    fields = {
        "csrfmiddlewaretoken": city.CSRF,
        "units": court.unit_ids[0],
        "starts_at_0": f"{start:%Y-%m-%d}",
        "starts_at_1": f"{start:%H:%M}",
        "ends_at_0": f"{end:%Y-%m-%d}",
        "ends_at_1": f"{end:%H:%M}",
        "reason": "Repair",
    }
    path = f"{reverse('admin:venues_block_add')}?venue={hall.pk}"
    return Request("POST", path, urlencode(fields), staff.cookie)


async def _storm(port: int, wishes: list[Wish]) -> Outcome:
    outcome = Outcome(Counter(), set())
    gate = asyncio.Semaphore(CLIENTS)

    async def ask(wish: Wish) -> None:
        async with gate:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(as_bytes(HOST, port, wish.request))
            await writer.drain()
            if secrets.randbelow(CUT_ONE_IN) == 0:
                await asyncio.sleep(secrets.randbelow(40) / 1000)
                writer.transport.abort()
                return
            try:
                status = status_of(await asyncio.wait_for(reader.read(), PATIENCE))
            except TimeoutError:
                status = 599
            writer.close()
        outcome.statuses[status] += 1
        if status == 409 and wish.kind in ("half", "whole"):
            outcome.refused.update((unit, wish.starts_at) for unit in wish.units)

    await asyncio.gather(*(ask(wish) for wish in wishes))
    return outcome


def _refused_for_nothing(
    refused: set[tuple[int, datetime]],
) -> list[tuple[int, datetime]]:
    """Refused slots of which no unit is taken: a race that nobody won."""
    by_start: dict[datetime, set[int]] = {}
    for unit, starts_at in refused:
        by_start.setdefault(starts_at, set()).add(unit)
    lost = []
    for starts_at, units in by_start.items():
        taken = Occupancy.objects.filter(during__contains=starts_at)
        free = units - set(taken.values_list("unit", flat=True))
        # A whole hall is refused for one half of it: only a free pair is suspicious.
        halls = Bookable.objects.with_units().filter(parts__unit__in=free).distinct()
        lost += [
            (court.unit_ids[0], starts_at)
            for court in halls
            if len(court.unit_ids) > 1 and set(court.unit_ids) <= free
        ]
    return lost
