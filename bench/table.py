"""One line a goal, and the table that they make."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from bureau.common import clock

RESULTS = Path(__file__).with_name("RESULTS.md")


@dataclass(frozen=True)
class Line:
    """A figure beside what the same machine can do at best, and what we aim at."""

    what: str
    figure: str
    goal: str
    met: bool
    limit: str = ""
    """The bare limit, measured in the same run."""
    ratio: float | None = None
    note: str = ""


HEADINGS = ("what", "figure", "bare limit", "ratio", "goal", "met")


def rows(lines: list[Line]) -> list[tuple[str, ...]]:
    return [
        (
            line.what,
            line.figure,
            line.limit or "–",
            "–" if line.ratio is None else f"{line.ratio:.2f}",
            line.goal,
            "yes" if line.met else "NO",
        )
        for line in lines
    ]


def as_text(lines: list[Line]) -> str:
    table = [HEADINGS, *rows(lines)]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    )


def write_results(lines: list[Line]) -> None:
    table = [HEADINGS, ("---",) * len(HEADINGS), *rows(lines)]
    notes = [f"- {line.what}: {line.note}" for line in lines if line.note]
    RESULTS.write_text(
        "# Measured\n\n"
        f"By `make bench` on {clock.today():%Y-%m-%d}: {_machine()}. The load "
        "generator ran on the same cores as the web server, PostgreSQL and Redis. The "
        "bare limit is measured in the same run on the same server.\n\n"
        + "\n".join(f"| {' | '.join(row)} |" for row in table)
        + ("\n\n" + "\n".join(notes) if notes else "")
        + "\n"
    )


def _machine() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].split()[0]
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, "
        f"PostgreSQL {postgres}, commit {_commit()}"
    )


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=RESULTS.parent,
    )
    return done.stdout.strip() or "unknown"
