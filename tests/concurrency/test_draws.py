"""Entering, freezing and drawing at the same moment, and a power cut in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from bureau.common import clock
from bureau.draws import actions, tasks
from bureau.draws.actions import entering
from bureau.draws.models import Draw, DrawEntry, LogLine, PublishedPart
from tests import make
from tests.at_once import at_once, outcomes
from tests.draws import make as made
from tests.promises import broken_promises

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 6


def listed(draw: Draw) -> int:
    parts = PublishedPart.objects.of_file(draw, "entries.csv")
    return sum(bytes(part.body).count(b"\n") for part in parts)


def test_one_person_at_many_doors_is_in_once() -> None:
    draw = made.draw()
    number = "370611199001011239"
    answers = at_once(*[lambda: made.entry(draw, id_number=number)] * THREADS)

    assert outcomes(answers) == {"done": 1, "draw_already_entered": THREADS - 1}
    assert draw.entries.count() == 1


def late_entries(draw: Draw) -> list[Any]:
    """The list is frozen while people, whose clocks say it is early, still enter."""
    freeze: list[Callable[[], Any]] = [lambda: made.freeze(draw)]
    return at_once(*freeze + [lambda: made.entry(draw)] * THREADS)


def test_who_enters_while_the_list_is_frozen_is_in_it_or_is_told_no() -> None:
    for _round in range(5):
        draw = made.draw()
        answers = late_entries(draw)

        entered = outcomes(answers)["done"] - 1  # the freeze
        assert draw.entries.count() == entered == listed(draw)


def test_control_without_the_shared_lock_somebody_is_in_and_not_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unguarded(draw: Draw) -> Draw:
        return Draw.objects.get(pk=draw.pk)

    monkeypatch.setattr(entering, "_held_open", unguarded)
    missed = 0
    for _round in range(20):
        draw = made.draw()
        late_entries(draw)
        missed += draw.entries.count() - listed(draw)
        if missed:
            break
    assert missed


def test_many_freeze_and_draw_and_it_happens_once() -> None:
    draw = made.draw()
    for _n in range(40):
        made.entry(draw)
    at_once(*[lambda: made.freeze(draw)] * THREADS)
    made.read(draw)
    results = at_once(*[lambda: made.run(draw)] * THREADS)

    assert len({result.drawn_at for result in results}) == 1
    steps = list(LogLine.objects.filter(draw=draw).in_order())
    assert [line.step for line in steps] == [
        "announced",
        "frozen",
        "beacon",
        "beacon",
        "drawn",
    ]
    assert draw.entries.winners().count() == 2
    assert broken_promises(of="draws.") == []


def test_two_people_who_type_at_the_same_moment_settle_it() -> None:
    draw = made.frozen()
    beacon = draw.beacons.get(source="fc-3d")
    readers = [make.user() for _n in range(THREADS)]
    at_once(
        *[
            lambda reader=reader: actions.read_beacon(
                beacon=beacon, value=made.D3, by=reader, at=draw.draws_at
            )
            for reader in readers
        ]
    )

    beacon.refresh_from_db()
    assert beacon.value == "3,8,0"
    assert LogLine.objects.filter(draw=draw, step="beacon").count() == 1


def test_eight_workers_take_each_step_once() -> None:
    now = clock.now()
    draw = made.draw(at=now - made.DAY - 1.5 * made.HOUR)
    made.entry(draw)
    at_once(*[tasks.advance_draws] * 8)

    draw.refresh_from_db()
    # An hour before the draw, after the announced freeze: whoever came first did it.
    assert draw.state == Draw.State.FROZEN
    assert LogLine.objects.filter(draw=draw, step="frozen").count() == 1


# Another process begins the draw and is killed when all is written but not committed.
DYING = """
import os, signal, sys
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[2]
django.setup()
from bureau.draws import actions
from bureau.draws.models import Draw
from bureau.draws.signals import draw_done

def die(**_told):
    os.kill(os.getpid(), signal.SIGKILL)

draw_done.connect(die)
draw = Draw.objects.get(pk=int(sys.argv[1]))
actions.run_draw(draw=draw, at=draw.draws_at)
"""


def test_killed_in_the_middle_nothing_has_happened_and_it_is_drawn_again() -> None:
    draw = made.frozen(entries=30, places=7)
    made.read(draw)
    name = connection.settings_dict["NAME"]
    died = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", DYING, str(draw.pk), str(name)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "bureau.settings_test"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    draw.refresh_from_db()
    assert draw.state == Draw.State.FROZEN
    assert not DrawEntry.objects.filter(draw=draw).exclude(rank=None).exists()
    assert not PublishedPart.objects.of_file(draw, "results.csv").exists()

    drawn = made.run(draw)
    assert drawn.entries.winners().count() == 7
    assert LogLine.objects.filter(draw=draw, step="drawn").count() == 1
    assert broken_promises(of="draws.") == []
