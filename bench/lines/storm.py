"""Halves, wholes, rows, changes, clubs and staff at once, every tenth connection cut.

All who want the same hour of the same hall come together. Nobody may get what somebody
has, nobody may be refused what nobody has, and no answer may be an error. The control
is the same storm without the lock: there the constraint has to stop what the lock would
have made wait in line.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

from django.urls import reverse

from bench import city
from bench.portal import HOST, Portal, free_port
from bench.rush import Answer, answer_of, as_bytes
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
    Club,
    Occupancy,
    Season,
    SeasonRequest,
    Unit,
    Venue,
)

HALLS, CLIENTS, REQUESTS = 8, 100, 1000
CONTROL_REQUESTS = 400
CUT_ONE_IN, PATIENCE, LONGEST = 10, 30, 120
"""Of how many one is cut; seconds for one answer, and for all of them."""
MIX = (
    *("half",) * 10,
    *("whole",) * 4,
    *("row",) * 2,
    *("change",) * 2,
    "series",
    "block",
)
"""How often each is asked for, in twentieths."""
HOURS = range(city.OPENS, city.CLOSES - 1)
"""When a row of two hours can begin."""
Piece = tuple[int, datetime]
"""(unit id, start)"""


@dataclass(frozen=True)
class Wish:
    kind: str
    request: Request
    pieces: tuple[Piece, ...]

    @property
    def is_booking(self) -> bool:
        return self.kind in ("half", "whole", "row")


@dataclass
class Outcome:
    statuses: Counter[int] = field(default_factory=Counter)
    won: Counter[Piece] = field(default_factory=Counter)
    """What people were told is theirs, and how many of them."""
    refused: list[Wish] = field(default_factory=list)

    @property
    def failed(self) -> int:
        return sum(n for status, n in self.statuses.items() if status >= 500)

    def note(self, wish: Wish, answer: Answer) -> None:
        self.statuses[answer.status] += 1
        if not wish.is_booking:
            return
        if answer.status == 302:
            self.won.update(wish.pieces)
        elif answer.status == 409:
            self.refused.append(wish)


def measure(portal: Portal) -> list[Line]:
    wishes = _wishes(_hall(), REQUESTS)
    deadlocks, collisions = city.deadlocks(), city.collisions()
    outcome = asyncio.run(_storm(portal.port, wishes))
    deadlocks = city.deadlocks() - deadlocks
    collisions = city.collisions() - collisions
    broken = city.broken_promises()
    twice = sum(people > 1 for people in outcome.won.values())
    lost = _refused_for_nothing(outcome.refused)
    control = _control(portal)
    answers = ", ".join(f"{code} × {n}" for code, n in sorted(outcome.statuses.items()))
    return [
        Line(
            what=f"storm of {REQUESTS}: halves, wholes, rows, changes, clubs, staff: "
            "promises broken, slots won twice, refused though free",
            figure=f"{len(broken)}, {twice}, {lost}",
            goal="0, 0, 0",
            met=not (broken or twice or lost) and len(outcome.won) > 0,
            note=f"every {CUT_ONE_IN}th connection is cut; {len(outcome.won)} slots "
            f"won, answers by status: {answers}",
        ),
        Line(
            what="… deadlocks, answers ≥ 500, collisions stopped by the constraint",
            figure=f"{deadlocks}, {outcome.failed}, {collisions}",
            goal="0, 0, 0",
            met=not (deadlocks or outcome.failed or collisions),
        ),
        Line(
            what="… control: the same without the lock",
            figure=", ".join(map(str, control)),
            goal="not 0, 0, 0",
            met=any(control),
        ),
    ]


def _control(portal: Portal) -> tuple[int, int, int]:
    """Deadlocks, errors and collisions of the same storm, served without the lock."""
    wishes = _wishes(_hall(), CONTROL_REQUESTS)
    with _unlocked(portal) as port:
        deadlocks, collisions = city.deadlocks(), city.collisions()
        outcome = asyncio.run(_storm(port, wishes))
        return (
            city.deadlocks() - deadlocks,
            outcome.failed,
            city.collisions() - collisions,
        )


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


def _wishes(hall: Venue, number: int) -> list[Wish]:
    """Those for one hour of one hall stand together, in an order of chance."""
    kinds = [secrets.choice(MIX) for _ in range(number)]
    courts = list(hall.bookables.with_units().select_related("venue"))
    halves = [court for court in courts if len(court.unit_ids) == 1]
    maker = _Maker(
        hall=hall,
        people=city.citizens(number),
        staff=city.superuser(),
        booked=_booked_later(hall, halves, kinds.count("change")),
        season=_season(hall),
    )
    moments = [(n, hour) for n in range(HALLS) for hour in HOURS]
    by_moment: dict[tuple[int, int], list[Wish]] = {}
    for kind in kinds:
        n, hour = secrets.choice(moments)
        here = [
            court
            for court in courts
            if court.position == n and (len(court.unit_ids) > 1) is (kind == "whole")
        ]
        starts_at = clock.at(clock.today() + timedelta(days=1), hour * 60)
        wish = maker.wish(kind, secrets.choice(here), starts_at)
        by_moment.setdefault((n, hour), []).append(wish)
    secrets.SystemRandom().shuffle(moments)
    return [wish for moment in moments for wish in by_moment.get(moment, ())]


@dataclass
class _Maker:
    """Who there is to wish for something."""

    hall: Venue
    people: list[city.Citizen]
    staff: city.Citizen
    booked: list[tuple[BookingLine, city.Citizen]]
    season: Season

    def wish(self, kind: str, court: Bookable, starts_at: datetime) -> Wish:
        place = city.Place(court, starts_at)
        hours = [starts_at]
        if kind == "change":
            request = _change(place, *self.booked.pop())
        elif kind == "series":
            request = self._series(place)
        elif kind == "block":
            request = _block(self.hall, place, self.staff)
        elif kind == "row":
            hours.append(starts_at + timedelta(hours=1))
            after = city.Place(court, hours[1])
            request = city.booking(place, self.people.pop(), after)
        else:
            request = city.booking(place, self.people.pop())
        pieces = tuple((unit, hour) for unit in court.unit_ids for hour in hours)
        return Wish(kind, request, pieces)

    def _series(self, place: city.Place) -> Request:
        """Staff approve what was proposed to a club: this hour tomorrow, each week."""
        serial = uuid4().hex[:12]
        club = Club.objects.create(
            name=f"Club {serial}", contact=self.people.pop().user, is_approved=True
        )
        start = place.starts_at.astimezone(clock.CHINA)
        asked = SeasonRequest.objects.create(
            season=self.season,
            club=club,
            bookable=place.bookable,
            weekday=start.isoweekday(),
            starts=start.hour * 60,
            ends=start.hour * 60 + 60,
            first_on=self.season.first_on,
            last_on=self.season.last_on,
            state=SeasonRequest.State.PROPOSED,
            asked_at=clock.now(),
        )
        path = reverse("admin:venues_seasonrequest_approve", args=[asked.pk])
        fields = {"csrfmiddlewaretoken": city.CSRF}
        return Request("POST", path, urlencode(fields), self.staff.cookie)


def _season(hall: Venue) -> Season:
    """From tomorrow for three weeks, and proposed already."""
    tomorrow = clock.today() + timedelta(days=1)
    return Season.objects.create(
        venue=hall,
        name="Season",
        first_on=tomorrow,
        last_on=tomorrow + timedelta(days=20),
        applies_until=clock.now(),
        state=Season.State.PROPOSED,
    )


def _booked_later(
    hall: Venue, halves: list[Bookable], count: int
) -> list[tuple[BookingLine, city.Citizen]]:
    """Paid bookings of the days after, each to be changed to tomorrow."""
    # The same day of the next week is left to the clubs.
    free = [
        Pick(court.pk, clock.at(clock.today() + timedelta(days=day), hour * 60))
        for day in range(2, min(hall.days_ahead, 7) + 1)
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


def _change(place: city.Place, line: BookingLine, citizen: city.Citizen) -> Request:
    path = reverse("venues:change-confirm", args=[line.booking.number])
    fields = {
        "csrfmiddlewaretoken": city.CSRF,
        "quoted_fen": city.PRICE_FEN,
        "expected_fen": city.PRICE_FEN,
        "request_key": str(uuid4()),
    }
    query = urlencode({"line": line.pk, "slot": place.key})
    return Request("POST", f"{path}?{query}", urlencode(fields), citizen.cookie)


def _block(hall: Venue, place: city.Place, staff: city.Citizen) -> Request:
    start = place.starts_at.astimezone(clock.CHINA)
    end = start + timedelta(hours=1)
    fields = {
        "csrfmiddlewaretoken": city.CSRF,
        "units": place.bookable.unit_ids[0],
        "starts_at_0": f"{start:%Y-%m-%d}",
        "starts_at_1": f"{start:%H:%M}",
        "ends_at_0": f"{end:%Y-%m-%d}",
        "ends_at_1": f"{end:%H:%M}",
        "reason": "Repair",
    }
    path = f"{reverse('admin:venues_block_add')}?venue={hall.pk}"
    return Request("POST", path, urlencode(fields), staff.cookie)


async def _storm(port: int, wishes: list[Wish]) -> Outcome:
    """Ask for everything, at most two minutes; what is unanswered then is a 599."""
    outcome = Outcome()
    gate = asyncio.Semaphore(CLIENTS)

    async def client(wish: Wish) -> None:
        async with gate:
            try:
                answer = await asyncio.wait_for(_ask(port, wish.request), PATIENCE)
            except (TimeoutError, OSError):
                answer = Answer(599, "", PATIENCE)
        if answer is not None:
            outcome.note(wish, answer)

    clients = [asyncio.create_task(client(wish)) for wish in wishes]
    _done, late = await asyncio.wait(clients, timeout=LONGEST)
    for task in late:
        task.cancel()
    if late:
        outcome.statuses[599] += len(late)
    return outcome


async def _ask(port: int, request: Request) -> Answer | None:
    """The answer, or None where the line was cut before it could come."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(as_bytes(HOST, port, request))
        await writer.drain()
        if secrets.randbelow(CUT_ONE_IN) == 0:
            await asyncio.sleep(secrets.randbelow(40) / 1000)
            writer.transport.abort()
            return None
        return answer_of(await reader.read())
    finally:
        writer.close()


def _refused_for_nothing(refused: list[Wish]) -> int:
    """How many were refused though nobody has any of it: a race that nobody won."""
    starts = {start for wish in refused for _unit, start in wish.pieces}
    taken = {
        (unit, start)
        for start in starts
        for unit in Occupancy.objects.filter(during__contains=start).values_list(
            "unit", flat=True
        )
    }
    return sum(taken.isdisjoint(wish.pieces) for wish in refused)
