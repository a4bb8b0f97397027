"""Drive a server with wrk, and read its figures."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LUA = Path(__file__).with_name("lua")


@dataclass(frozen=True)
class Request:
    """A request of one person; no line breaks inside."""

    method: str
    path: str
    body: str = ""
    cookie: str = ""


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    seconds: float
    answers: int
    statuses: dict[str, int]
    median_ms: float
    p95_ms: float
    p99_ms: float
    slowest_ms: float

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds

    def count(self, first_digit: str) -> int:
        return sum(
            n for status, n in self.statuses.items() if status.startswith(first_digit)
        )


def drive(
    url: str,
    requests: Sequence[Request],
    *,
    seconds: int,
    connections: int,
    once: bool = False,
    pause_ms: int = 0,
) -> Load:
    """Send the requests in turn; `once` sends none twice.

    With `pause_ms` each connection waits so long, on average, before each request, as
    people do; without it, it sends the next one at once.

    The seconds are those to the last answer: wrk goes on to the end of its time.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as listed:
        for request in requests:
            listed.write(
                f"{request.method}\t{request.path}\t{request.cookie}\t{request.body}\n"
            )
        listed.flush()
        done = subprocess.run(
            [
                *("wrk", "--threads", "1", "--connections", str(connections)),
                *("--duration", f"{seconds}s", "--timeout", "30s"),
                *("--script", str(LUA / "requests.lua"), url),
                *("--", listed.name, "once" if once else "again", str(pause_ms)),
            ],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
    figures = json.loads(done.stdout.splitlines()[-1])
    return Load(
        seconds=figures["seconds"],
        answers=sum(figures["statuses"].values()),
        statuses=figures["statuses"],
        median_ms=figures["median_ms"],
        p95_ms=figures["p95_ms"],
        p99_ms=figures["p99_ms"],
        slowest_ms=figures["slowest_ms"],
    )
