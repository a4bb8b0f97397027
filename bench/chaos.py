"""`python -m bench.chaos`: kill parts of a portal in use, then see what is left.

A whole portal runs privately: web, worker, beat, PostgreSQL, Redis. Visitors use it
over HTTP while its parts are killed with SIGKILL at random moments and started again.
Then the visitors stop, the portal gets time to finish or undo what was under way, and
two questions are asked: do all promises hold (`manage.py prove`), and is everything
stored that a visitor was told? The seed that is printed repeats the order and the
pauses of the kills; threads and the network make the rest of each run its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

from bench.ledger import Ledger
from bench.portal import ROOT, CannotStart, Portal, new_portal

TRAFFIC = ("venues", "vouchers")
VISITORS = 8
TARGETS = ("web", "worker", "beat", "redis", "postgres", "backend")
SETTLE_SECONDS = 240
"""How long the sweeps may take to finish or undo everything."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos")
    parser.add_argument("--seconds", type=int, default=60, help="of traffic and kills")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = parser.parse_args()
    say(f"seed {given.seed}, {given.seconds} s")
    try:
        with whole_portal() as portal:
            return run(portal, seconds=given.seconds, seed=given.seed)
    except CannotStart as reason:
        sys.exit(f"chaos: {reason}")


@contextmanager
def whole_portal() -> Iterator[Portal]:
    """A private portal; its logs are kept where it did not end well."""
    portal = new_portal("chaos")
    try:
        yield portal
    finally:
        portal.stop()
        portal.services("stop")
    portal.services("reset")
    shutil.rmtree(portal.scratch, ignore_errors=True)


def run(portal: Portal, *, seconds: int, seed: int) -> int:
    portal.configure("bureau.settings")
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    domains = [import_module(f"bench.traffic.{name}") for name in TRAFFIC]
    for domain in domains:
        domain.fill()
    _forget_connection()
    for name in ("web", "worker", "beat"):
        portal.start(name)
    portal.wait_until_ready()

    ledger = Ledger()
    kills = _under_fire(portal, domains, ledger, seconds=seconds, seed=seed)
    say("killed: " + ", ".join(f"{name} × {n}" for name, n in sorted(kills.items())))
    say(f"promised: {ledger.summary()}")
    say("settling …")
    settled = _settle(domains)
    wrong = [line for domain in domains for line in domain.compare(ledger)]
    # A part that is away is a 503; a 500 is a bug that only an outage brings to light.
    bugs = ledger.tries("status 500")
    proof = _prove()
    for line in wrong:
        say(f"  LOST  {line}")
    if not settled:
        say(f"  OPEN  not all settled within {SETTLE_SECONDS} s")
    if bugs:
        say(f"  BUG   {bugs} answers were a 500")
    say(f"prove: {'holds' if proof == 0 else 'BROKEN'}")
    if wrong or bugs or not settled or proof:
        say(f"seed {seed}; logs are in {portal.scratch}")
        raise SystemExit(1)
    say("nothing lost, nothing doubled")
    return 0


def _under_fire(
    portal: Portal,
    domains: list[ModuleType],
    ledger: Ledger,
    *,
    seconds: int,
    seed: int,
) -> Counter[str]:
    stop = threading.Event()
    visitors = [
        threading.Thread(
            target=_visit_until,
            args=(stop, domain.Visitor(portal.url, ledger, n)),
            daemon=True,
        )
        for domain in domains
        for n in range(VISITORS)
    ]
    for thread in visitors:
        thread.start()
    try:
        return _kill_for(portal, seconds=seconds, seed=seed)
    finally:
        stop.set()
        for thread in visitors:
            thread.join(timeout=120)


class Visits(Protocol):
    """What a domain's `Visitor` can do."""

    def visit(self) -> None:
        """One round of one person."""


def _visit_until(stop: threading.Event, visitor: Visits) -> None:
    while not stop.is_set():
        visitor.visit()


def _kill_for(portal: Portal, *, seconds: int, seed: int) -> Counter[str]:
    # Not a draw among people: a seed makes a run repeatable.
    dice = random.Random(seed)  # noqa: S311
    until = time.monotonic() + seconds
    kills: Counter[str] = Counter()
    turn: list[str] = []
    while time.monotonic() < until:
        # Every part in turn, in an order that the dice shuffle anew each time.
        turn = turn or dice.sample(TARGETS, k=len(TARGETS))
        target = turn.pop()
        time.sleep(dice.uniform(0.5, 3.0))
        pause = dice.uniform(0.0, 2.0)
        kill(portal, target)
        kills[target] += 1
        time.sleep(pause)
        restart(portal, target)
    portal.wait_until_ready(patience=60)
    return kills


def kill(portal: Portal, target: str) -> None:
    if target in portal.processes:
        portal.kill(target)
        return
    pids = portal.server_pids()
    pid = pids["redis"] if target == "redis" else pids["postgres"]
    if target == "backend":
        # One process of the many: PostgreSQL then ends all sessions and recovers.
        children = _sessions_of(pid)
        pid = secrets.choice(children) if children else pid
    os.kill(pid, signal.SIGKILL)


def _sessions_of(postmaster: int) -> list[int]:
    """Those of its processes that serve a client; the process title tells."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
    sessions = []
    for child in children.split():
        with contextlib.suppress(FileNotFoundError):
            title = Path(f"/proc/{child}/cmdline").read_bytes()
            if title.startswith(b"postgres: bureau "):
                sessions.append(int(child))
    return sessions


def restart(portal: Portal, target: str) -> None:
    if target in {"web", "worker", "beat"}:
        portal.start(target)
    else:
        portal.services("start")


def _settle(domains: list[ModuleType]) -> bool:
    """Wait until the worker and the sweeps have nothing left to do."""
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        if all(domain.is_settled() for domain in domains):
            return True
        time.sleep(1)
    return False


def _forget_connection() -> None:
    """Our own connection would be cut by the first kill."""
    from django.db import connections  # noqa: PLC0415

    connections.close_all()


def _prove() -> int:
    done = subprocess.run(
        [sys.executable, "manage.py", "prove"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        say(done.stdout + done.stderr)
    return done.returncode


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
