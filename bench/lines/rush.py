"""Shanghai's rush of 2020-09-09 once more: 15,200 vouchers, 52,339 people.

All have come to the waiting room before. When their turn comes they tap; one in twenty
has a script that taps three times before that. The figures are of the city; the seconds
over which turns are spread are ours. Where more wait than there are vouchers, places
decide and not taps (docs/vouchers/queue.md): who taps four times is served no more
often than anybody else.
"""

from __future__ import annotations

import asyncio
import heapq
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Max

from bench import city, giving
from bench.portal import HOST, Portal
from bench.rush import answer_of
from bench.table import Line
from bench.wrk import Request
from bureau.common import clock
from vouchers.models import Lot, QueueTicket, Voucher

VOUCHERS, PEOPLE = 15_200, 52_339
SPREAD, AHEAD = 90, 25
"""Seconds over which the turns are spread; and before the opening, to get ready.

The 15,200 who are called have theirs within the first 26 of them."""
SCRIPTS, EARLY_TAPS = 20, 3
CLIENTS = 64
SECONDS, CORRELATION = 30, 0.03
LUCK = 0.15
"""Chance alone puts those who tap often so far over or under: four deviations."""
PATIENCE = 300

Tap = tuple[float, int, Request]
"""When it is sent, whose, what."""


def measure(portal: Portal) -> list[Line]:
    people = giving.claimers(PEOPLE)
    lot = giving.lot(amount=VOUCHERS, opens_in=AHEAD, spread=SPREAD)
    tickets = giving.tickets(lot, people)
    taps, requests = _plan(lot, people, tickets)
    opens = lot.round.opens_at
    late = (clock.now() - opens).total_seconds()
    statuses, ended = asyncio.run(_run(portal.port, taps))
    answered = ended - opens.timestamp()
    told = ", ".join(f"{code} × {n}" for code, n in sorted(statuses.items()))
    failed = sum(n for code, n in statuses.items() if code >= 400)
    served = Voucher.objects.filter(lot=lot).order_by("pk")
    order = list(served.values_list("person", flat=True))
    last = served.aggregate(last=Max("claimed_at"))["last"] or clock.now()
    seconds = (last - opens).total_seconds()
    rho = _spearman([requests[one] for one in order])
    scripts = sum(requests[one] > 1 for one in order)
    often = sum(number > 1 for number in requests.values())
    favour = (scripts / max(len(order), 1)) / (often / len(requests))
    broken = city.broken_promises()
    return [
        Line(
            what=f"rush: {VOUCHERS} vouchers, {PEOPLE} people, all claimed after",
            figure=f"{seconds:.1f} s",
            goal=f"≤ {SECONDS} s, 0 errors",
            met=seconds <= SECONDS and not failed and len(order) == VOUCHERS,
            note=f"{len(order)} granted, answers by status: {told}; {CLIENTS} "
            f"connections, turns spread over {SPREAD} s, the last answer after "
            f"{answered:.1f} s"
            + (f"; the client was ready {late:.1f} s late" if late > 0 else ""),
        ),
        Line(
            what="… correlation of the order of service with the number of requests",
            figure=f"{rho:+.3f}",
            goal=f"within ±{CORRELATION}",
            met=abs(rho) <= CORRELATION,
            note="rho (Spearman) of those served",
        ),
        Line(
            what=f"… who tapped {EARLY_TAPS + 1} times: share of the served ÷ of all",
            figure=f"{favour:.2f}",
            goal=f"1 ± {LUCK}",
            met=abs(favour - 1) <= LUCK,
            note=f"{often} of {len(requests)} tapped {EARLY_TAPS + 1} times, "
            f"{scripts} of the {len(order)} served",
        ),
        Line(
            what="… promises broken afterwards",
            figure=f"{len(broken)}",
            goal="0",
            met=not broken,
            note=", ".join(broken),
        ),
    ]


def _plan(
    lot: Lot, people: Sequence[giving.Claimer], tickets: Sequence[QueueTicket]
) -> tuple[list[Tap], dict[int, int]]:
    """All taps in the order of their time, and how many each person sends."""
    taps: list[Tap] = []
    requests: dict[int, int] = {}
    opens = lot.round.opens_at
    for one, ticket in zip(people, tickets, strict=True):
        turn = ticket.turn_at(opens, SPREAD)
        early = EARLY_TAPS if secrets.randbelow(SCRIPTS) == 0 else 0
        request = one.claims(lot, turn)
        taps.append((turn.timestamp(), one.person_id, request))
        taps += [(_before(turn, opens), one.person_id, request) for _n in range(early)]
        requests[one.person_id] = 1 + early
    heapq.heapify(taps)
    return [heapq.heappop(taps) for _n in range(len(taps))], requests


def _before(turn: datetime, opens: datetime) -> float:
    """Some moment between half a second before the opening and the turn."""
    whole = (turn - opens + timedelta(seconds=0.5)).total_seconds()
    return turn.timestamp() - whole * secrets.randbelow(1000) / 1000


async def _run(port: int, taps: Sequence[Tap]) -> tuple[Counter[int], float]:
    """Send each tap at its time, or as soon as a connection is free."""
    statuses: Counter[int] = Counter()
    coming = iter(taps)

    async def client() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        for at, _person, request in coming:
            if (wait := at - time.time()) > 0:
                await asyncio.sleep(wait)
            writer.write(_as_bytes(port, request))
            head = await reader.readuntil(b"\r\n\r\n")
            # With a body the next answer would be read from the middle of this one.
            empty = b"content-length: 0" in head.lower()
            statuses[answer_of(head).status if empty else 599] += 1
        writer.close()

    clients = [asyncio.create_task(client()) for _n in range(CLIENTS)]
    await asyncio.wait_for(asyncio.gather(*clients), PATIENCE)
    return statuses, time.time()


def _as_bytes(port: int, request: Request) -> bytes:
    """Kept alive; the answers are redirects without a body."""
    body = request.body.encode()
    head = [
        f"{request.method} {request.path} HTTP/1.1",
        f"Host: {HOST}:{port}",
        f"Cookie: {request.cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _spearman(in_order: Sequence[int]) -> float:
    """Of places in the order with values; equal values share their mean rank."""
    n = len(in_order)
    ranks: dict[int, float] = {}
    before = 0
    for value, same in groupby(sorted(in_order)):
        count = len(list(same))
        ranks[value] = before + (count + 1) / 2
        before += count
    mean = (n + 1) / 2
    values = [ranks[one] - mean for one in in_order]
    places = [place - mean for place in range(1, n + 1)]
    both = sum(a * b for a, b in zip(values, places, strict=True))
    spread = sum(a * a for a in values) * sum(b * b for b in places)
    return both / spread**0.5 if spread else 0.0
