"""A draw of a million: how long ranks and files take, and how much memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta

from django.db import connection

from bench.portal import ROOT, Portal
from bench.table import Line
from bureau.common import clock
from bureau.draws import actions
from bureau.draws.actions import BeaconName, PoolPlan
from bureau.draws.models import Draw, PublishedPart

ENTRIES = int(os.environ.get("BENCH_DRAW_ENTRIES", "1000000"))
SECONDS, MEGABYTES = 30, 500
HOUR = timedelta(hours=1)
# As `enter` writes them: an id of 17 characters, a sealed salt, a commitment; every
# tenth has a weight of three.
_FILL = """
    INSERT INTO draws_entry (draw_id, pool_id, subject, entry_id, salt_sealed, "commit",
        weight, group_size, entered_at, score, outcome)
    SELECT %s, (%s::bigint[])[n %% 2 + 1], encode(sha256(('s' || n)::bytea), 'hex'),
        (ARRAY['A', 'B'])[n %% 2 + 1] || upper(substr(md5('id' || n), 1, 16)),
        decode(repeat('00', 140), 'hex'), encode(sha256(('c' || n)::bytea), 'hex'),
        CASE WHEN n %% 10 = 0 THEN 3 ELSE 1 END, 1, %s, '', ''
    FROM generate_series(1, %s) AS n
"""
_BARE = """
    SELECT count(*) FROM (
        SELECT entry_id, weight, "commit" FROM draws_entry WHERE draw_id = %s
        ORDER BY "commit" COLLATE "C", entry_id COLLATE "C" OFFSET 0
    ) AS sorted
"""


def measure(portal: Portal) -> list[Line]:  # noqa: ARG001 - no request is made
    draw = _filled()
    # The limit before and after, since other work on the machine comes and goes.
    before = _bare(draw)
    freeze = _step("freeze", draw)
    draw.beacons.update(value="ab" * 32, known_at=draw.draws_at)
    run = _step("run", draw)
    limit = (before + _bare(draw)) / 2
    draw.refresh_from_db()
    parts = PublishedPart.objects.of_file(draw, "results.csv").count()
    won = draw.entries.winners().count()
    done = draw.state == Draw.State.DRAWN and won == ENTRIES // 10 // 2 * 2
    memory = max(freeze["megabytes"], run["megabytes"])
    return [
        Line(
            what=f"draw of {ENTRIES:,} entries: rank and publish",
            figure=f"{run['seconds']:.1f} s",
            limit=f"{limit:.2f} s",
            ratio=run["seconds"] / limit,
            goal=f"≤ {SECONDS} s",
            met=run["seconds"] <= SECONDS and done,
            note=f"every rank and score stored, results.csv in {parts} pieces, {won} "
            f"winners; {run['cpu']:.1f} s of it are Python's, the others "
            f"PostgreSQL's; load {os.getloadavg()[0]:.1f}; the list, its root and its "
            f"hash before that took {freeze['seconds']:.1f} s; the bare limit is ORDER "
            "BY of the same rows",
        ),
        Line(
            what="… memory of the process",
            figure=f"{memory:.0f} MB",
            goal=f"≤ {MEGABYTES} MB",
            met=memory <= MEGABYTES,
            note="the highest of both steps, each in a process of its own",
        ),
    ]


def _filled() -> Draw:
    """An open draw with its entries, whose time to be frozen has come."""
    at = clock.now() - 10 * HOUR
    places = ENTRIES // 20
    draw = actions.announce_draw(
        draw_id=f"BENCH-{time.time_ns() % 10**9:09}",
        title="Bench",
        pools=[PoolPlan("A", "Morning", places), PoolPlan("B", "Evening", places)],
        entries_close_at=at + HOUR,
        freezes_at=at + 2 * HOUR,
        draws_at=at + 4 * HOUR,
        beacons=[BeaconName("drand-quicknet")],
        by=None,
        at=at,
    )
    pools = list(draw.pools.order_by("prefix").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [draw.pk, pools, at, ENTRIES])
        cursor.execute("VACUUM ANALYZE draws_entry")
    return draw


def _bare(draw: Draw) -> float:
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_BARE, [draw.pk])
    return time.perf_counter() - begun


def _step(name: str, draw: Draw) -> dict[str, float]:
    """Take a step in a process of its own, whose highest memory is then known."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.draw_step", name, str(draw.pk)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told
