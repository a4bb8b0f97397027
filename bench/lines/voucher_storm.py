"""Claims and redemptions without end, while the web, PostgreSQL and Redis are killed.

Sixty-four browsers claim again and again, for people who have had theirs long since and
for lots that are gone; each voucher that somebody got is shown at two counters at the
same moment. Meanwhile parts of the portal are killed with SIGKILL and started again.
Afterwards what browsers were told is held against what is stored: nothing may be given
away twice, nothing that was told may be missing, and all promises hold.

The control is the same without the constraints that hold a claim: there it must
oversell. `VOUCHER_STORM_ATTEMPTS=1000000` asks for a million; the default fits into
five minutes. However many attempts there are, what is given away is bounded, and so are
memory and time: when all are gone most answers are short refusals.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from django.db import connection, connections
from django.db.models import Count

from bench import city, counters, giving
from bench.chaos import kill, restart
from bench.counters import Clerk
from bench.giving import Claimer
from bench.portal import HOST, Portal
from bench.table import Line
from bench.wrk import Request
from vouchers.models import Lot, Redemption, Voucher

ATTEMPTS = int(os.environ.get("VOUCHER_STORM_ATTEMPTS", "60000"))
CLIENTS, PATIENCE, PAUSE = 64, 30, 0.3
REDEEMED = 3
"""One in so many attempts is one at a counter, where there is something to redeem."""
STOCK, LOTS = min(ATTEMPTS // 5, 40_000), 8
PEOPLE = min(max(ATTEMPTS // 20, 100), 10_000)
"""Each may have one of each lot."""
MOST_SHOWN = 20_000
"""So many vouchers are taken to the counters: a redemption costs three claims."""
COUNTERS = 32
TOLD_EVERY = 30.0
"""Seconds between two lines that say how far it is."""
KILLS = ("web", "postgres", "redis", "web", "backend")
"""In this order, spread over the attempts."""
CONTROL_LOTS, CONTROL_STOCK, CONTROL_PEOPLE = 40, 8, 24
GUARDS = (
    ("vouchers_stockshard", "vouchers_stockshard_not_oversold", "CHECK"),
    ("vouchers_voucher", "vouchers_voucher_one_at_a_time", "UNIQUE"),
    ("vouchers_voucher", "vouchers_voucher_within_the_tier", "INDEX"),
)
"""What keeps claims apart: table, name, kind."""


@dataclass
class Outcome:
    """What browsers were told."""

    attempts: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    claimed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Codes, and whose they are: the lot and the person."""
    redeemed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By code, the numbers of the redemptions that counters were told."""
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """A part that is away is a 503; a 500 would be a bug."""
        return self.statuses["500"]


def measure(portal: Portal) -> list[Line]:
    lots = _lots(LOTS, amount=STOCK // LOTS)
    people = giving.claimers(PEOPLE)
    clerks = counters.clerks(COUNTERS, taking=[lot.tier.campaign for lot in lots])
    connections.close_all()  # PostgreSQL is about to be killed
    storm = _Storm(portal, lots, people, clerks)
    outcome = asyncio.run(storm.run(ATTEMPTS, kills=KILLS))
    portal.wait_until_ready()
    connections.close_all()
    oversold, doubled, lost = _oversold(lots), _doubled(outcome), _lost(outcome)
    broken = city.broken_promises()
    told = ", ".join(f"{said} × {n}" for said, n in sorted(outcome.statuses.items()))
    control = _control(portal)
    return [
        Line(
            what=f"{outcome.attempts:,} claims and redemptions, "
            f"{len(KILLS)} kills: oversold, doubled, lost",
            figure=f"{oversold}, {doubled}, {lost}",
            goal="0, 0, 0",
            met=not (oversold or doubled or lost) and len(outcome.claimed) > 0,
            note=f"in {outcome.seconds:.0f} s; {len(outcome.claimed):,} vouchers were"
            f" claimed, {len(outcome.redeemed):,} used; killed: {', '.join(KILLS)};"
            f" answers: {told}",
        ),
        Line(
            what="… promises broken, answers that were a 500",
            figure=f"{len(broken)}, {outcome.failed}",
            goal="0, 0",
            met=not broken and not outcome.failed,
            note=", ".join(broken),
        ),
        Line(
            what="… control without the constraints: oversold, doubled",
            figure=f"{control[0]}, {control[1]}",
            goal="not 0, 0",
            met=any(control),
        ),
    ]


def _lots(number: int, *, amount: int) -> list[Lot]:
    """With all that browsers need of them: there is no asking during the storm."""
    made = [giving.lot(amount=amount).pk for _ in range(number)]
    rows = Lot.objects.select_related("round", "tier__campaign").filter(pk__in=made)
    return list(rows.order_by("pk"))


def _oversold(lots: list[Lot]) -> int:
    """How many vouchers are out that there are not."""
    given = dict(
        Voucher.objects.filter(lot__in=lots)
        .values_list("lot")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return sum(max(given.get(lot.pk, 0) - lot.amount, 0) for lot in lots)


def _doubled(outcome: Outcome) -> int:
    """People with more than one voucher of a tier, vouchers that were used twice."""
    people = Voucher.objects.values("tier", "person").annotate(n=Count("pk"))
    used = Redemption.objects.done().values("voucher").annotate(n=Count("pk"))
    told = sum(len(numbers) > 1 for numbers in outcome.redeemed.values())
    told += len(outcome.claimed) - len(set(outcome.claimed.values()))
    return people.filter(n__gt=1).count() + used.filter(n__gt=1).count() + told


def _lost(outcome: Outcome) -> int:
    """What somebody was told, and what is not stored as it was told."""
    stored = {
        code: (lot, person)
        for code, lot, person in Voucher.objects.values_list("code", "lot", "person")
    }
    missing = [code for code, of in outcome.claimed.items() if stored.get(code) != of]
    done = set(Redemption.objects.done().values_list("number", flat=True))
    told = {number for numbers in outcome.redeemed.values() for number in numbers}
    return len(missing) + len(told - done)


# --- The browsers ---------------------------------------------------------------------


class _Storm:
    def __init__(
        self,
        portal: Portal,
        lots: list[Lot],
        people: list[Claimer],
        clerks: list[Clerk],
    ) -> None:
        self.portal, self.lots, self.people, self.clerks = portal, lots, people, clerks
        self.outcome = Outcome()
        self.fresh: list[str] = []
        """Vouchers that nobody has shown at a counter yet."""
        self.shown = 0
        # Made once: the same browser sends the same form again.
        self.forms: dict[tuple[int, int], Request] = {}

    async def run(self, attempts: int, *, kills: tuple[str, ...] = ()) -> Outcome:
        began = time.perf_counter()
        killer = asyncio.create_task(self._kill(attempts, kills))
        teller = asyncio.create_task(self._tell(attempts))
        clients = [asyncio.create_task(self._client(attempts)) for _ in range(CLIENTS)]
        await asyncio.gather(*clients)
        await killer
        teller.cancel()
        self.outcome.seconds = time.perf_counter() - began
        return self.outcome

    async def _tell(self, attempts: int) -> None:
        """For who waits a quarter of an hour."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(TOLD_EVERY)
            sys.stderr.write(
                f"storm: {self.outcome.attempts:,} of {attempts:,} after"
                f" {time.monotonic() - began:.0f} s, {len(self.outcome.claimed):,}"
                f" claimed, {len(self.outcome.redeemed):,} used\n"
            )
            sys.stderr.flush()

    async def _kill(self, attempts: int, kills: tuple[str, ...]) -> None:
        for n, target in enumerate(kills, start=1):
            while self.outcome.attempts < attempts * n / (len(kills) + 1):
                await asyncio.sleep(0.05)
            await asyncio.to_thread(kill, self.portal, target)
            await asyncio.sleep(PAUSE)
            await asyncio.to_thread(restart, self.portal, target)

    async def _client(self, attempts: int) -> None:
        line = Wire(self.portal.port)
        while self.outcome.attempts < attempts:
            if self.fresh and secrets.randbelow(REDEEMED) == 0:
                self.shown += 1
                await self._redeem(line, self.fresh.pop())
            else:
                lot, who = secrets.choice(self.lots), secrets.choice(self.people)
                await self._claim(line, lot, who)
        line.close()

    async def _claim(self, line: Wire, lot: Lot, who: Claimer) -> None:
        """A browser that gets no answer asks again, as a person does."""
        pair = lot.pk, who.person_id
        if pair not in self.forms:
            self.forms[pair] = who.claims(lot, lot.round.opens_at)
        said = await self._ask(line, lambda: self.forms[pair])
        if said.status == 201:
            code = json.loads(said.body)["voucher"]
            is_shown = self.shown + len(self.fresh) < MOST_SHOWN
            if code not in self.outcome.claimed and is_shown:
                self.fresh.append(code)
            self.outcome.claimed[code] = pair

    async def _redeem(self, line: Wire, code: str) -> None:
        """Shown at two counters at once: one of them takes it."""
        other = Wire(self.portal.port)
        pair = random.SystemRandom().sample(self.clerks, k=2)
        await asyncio.gather(
            self._use(line, pair[0], code), self._use(other, pair[1], code)
        )
        other.close()

    async def _use(self, line: Wire, clerk: Clerk, code: str) -> None:
        key = str(uuid4())
        said = await self._ask(
            line,
            lambda: clerk.redeems(code, bill_fen=giving.FACE_FEN, request_key=key),
        )
        if said.status == 302:
            self.outcome.redeemed[code].add(said.location.partition("?done=")[2])

    async def _ask(self, line: Wire, request: Callable[[], Request]) -> Said:
        """Ask until there is an answer that is not "the portal is away"."""
        until = time.monotonic() + 4 * PATIENCE
        while True:
            said = await line.send(request())
            self.outcome.statuses[str(said.status or "no answer")] += 1
            is_answered = 0 < said.status < 500
            # Knocking at a portal that is away is no attempt.
            self.outcome.attempts += is_answered
            if is_answered or time.monotonic() > until:
                return said
            await asyncio.sleep(PAUSE)


@dataclass(frozen=True)
class Said:
    """An answer; its status is 0 where none came."""

    status: int = 0
    location: str = ""
    body: bytes = b""


class Wire:
    """One connection, kept open as a browser keeps it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pipe: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: Request) -> Said:
        try:
            async with asyncio.timeout(PATIENCE):  # wait_for makes a task for each
                return await self._send(request)
        except (OSError, EOFError, ValueError, TimeoutError):
            self.close()
            return Said()

    async def _send(self, request: Request) -> Said:
        if self.pipe is None:
            self.pipe = await asyncio.open_connection(HOST, self.port)
        reader, writer = self.pipe
        body = request.body.encode()
        head = [
            f"{request.method} {request.path} HTTP/1.1",
            f"Host: {HOST}:{self.port}",
            f"Cookie: {request.cookie}",
            "Accept: application/json",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = answer.split("\r\n")
        fields = {
            name.lower(): value
            for name, _colon, value in (line.partition(": ") for line in lines[1:])
        }
        if fields.get("transfer-encoding", "").lower() == "chunked":
            told = await _chunks(reader)
        else:
            told = await reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection", "").lower() == "close":
            self.close()
        return Said(int(lines[0].split()[1]), fields.get("location", ""), told)

    def close(self) -> None:
        if self.pipe is not None:
            self.pipe[1].close()
            self.pipe = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """A body that comes in pieces, each behind its length."""
    told = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        told += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return told


# --- The control ----------------------------------------------------------------------


def _control(portal: Portal) -> tuple[int, int]:
    """(oversold, doubled) where nothing holds claims that come at one moment."""
    lots = _lots(CONTROL_LOTS, amount=CONTROL_STOCK)
    people = giving.claimers(CONTROL_PEOPLE)
    with _unguarded(lots):
        asyncio.run(_all_at_once(portal.port, lots, people))
        of_these = Voucher.objects.filter(lot__in=lots)
        twice = of_these.values("tier", "person").annotate(n=Count("pk"))
        return _oversold(lots), twice.filter(n__gt=1).count()


async def _all_at_once(port: int, lots: list[Lot], people: list[Claimer]) -> None:
    """Everybody claims from the same lot at the same moment, from two telephones."""
    wires = [(Wire(port), who) for who in people for _ in range(2)]
    for lot in lots:
        opened = lot.round.opens_at
        requests = [who.claims(lot, opened) for _wire, who in wires]
        await asyncio.gather(
            *(
                wire.send(request)
                for (wire, _who), request in zip(wires, requests, strict=True)
            )
        )
    for wire, _who in wires:
        wire.close()


@contextmanager
def _unguarded(lots: list[Lot]) -> Iterator[None]:
    """Without the constraints; what came of it is thrown away, and they are back."""
    definitions = _definitions()
    try:
        for table, name, kind in GUARDS:
            _execute(
                f"DROP INDEX {name}"
                if kind == "INDEX"
                else f"ALTER TABLE {table} DROP CONSTRAINT {name}"
            )
        yield
    finally:
        _forget(lots)
        for definition in definitions:
            _execute(definition)


def _definitions() -> list[str]:
    """How each guard is made again."""
    made = []
    with connection.cursor() as cursor:
        for table, name, kind in GUARDS:
            if kind == "INDEX":
                cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [name])
                made.append(cursor.fetchone()[0])
            else:
                cursor.execute(
                    "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
                    " WHERE conname = %s",
                    [name],
                )
                rule = cursor.fetchone()[0]
                made.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {rule}")
    return made


def _forget(lots: list[Lot]) -> None:
    """Unmake the control's vouchers, past the triggers that keep the book."""
    ids = [lot.pk for lot in lots]
    vouchers = "(SELECT id FROM vouchers_voucher WHERE lot_id = ANY(%s))"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"DELETE FROM vouchers_transfer WHERE voucher_id IN {vouchers}",  # noqa: S608
            [ids],
        )
        cursor.execute("DELETE FROM vouchers_voucher WHERE lot_id = ANY(%s)", [ids])
        cursor.execute(
            "UPDATE vouchers_stockshard AS stock SET remaining ="
            " lot.laid_out / 16 + CASE WHEN stock.shard < lot.laid_out %% 16"
            " THEN 1 ELSE 0 END FROM vouchers_lot AS lot"
            " WHERE lot.id = stock.lot_id AND lot.id = ANY(%s)",
            [ids],
        )
        cursor.execute("SET session_replication_role = DEFAULT")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
