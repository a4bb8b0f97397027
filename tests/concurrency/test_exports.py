"""Many workers, one hour; and a worker that dies between sending and noting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from bureau.common import clock
from tests import make
from tests.at_once import at_once
from tests.loopback import Receiver, receiver
from venues import actions
from venues.actions import exports
from venues.models import Crossing, ExportRecord
from venues.queries.exports import full_hour

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
HOURS = 12
WORKERS = 4
# A process of its own, on the data base of this test.
WORKER = """
import sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from venues import actions
actions.send_exports()
"""


@pytest.fixture
def http(settings: Settings) -> Iterator[Receiver]:
    with receiver() as mine:
        settings.EXPORT_ADAPTER = "http"
        settings.EXPORT_FLOW_URL = settings.EXPORT_CHECK_IN_URL = mine.address
        yield mine


@pytest.fixture
def crossings() -> int:
    """Somebody came in each of some hours that have passed."""
    venue = make.venue()
    last = full_hour(clock.now())
    Crossing.objects.bulk_create(
        Crossing(
            venue=venue,
            direction="in",
            persons=2,
            crossed_at=last - timedelta(minutes=60 * hour - 5),
        )
        for hour in range(1, HOURS + 1)
    )
    return HOURS


def ids(taken: list[Any]) -> Counter[str]:
    return Counter(one["recordId"] for one in taken)


def count() -> int:
    return actions.count_hours(at=clock.now())


def test_workers_that_count_at_once_write_each_hour_once(crossings: int) -> None:
    at_once(*[count] * WORKERS)

    assert ExportRecord.objects.count() == crossings
    assert set(ExportRecord.objects.values_list("revision", flat=True)) == {1}


def test_workers_that_correct_at_once_make_one_revision(crossings: int) -> None:
    count()
    row = ExportRecord.objects.order_by("ends_at")[0]
    Crossing.objects.create(
        venue=row.venue, direction="in", persons=3, crossed_at=row.starts_at
    )

    at_once(*[count] * WORKERS)

    row.refresh_from_db()
    assert (row.revision, row.came) == (2, 5)


def test_workers_that_send_at_once_hand_each_hour_over_once(
    crossings: int, http: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "BATCH", 3)
    count()

    at_once(*[actions.send_exports] * WORKERS)

    assert set(ids(http.taken).values()) == {1}
    assert len(http.taken) == crossings
    assert ExportRecord.objects.filter(state="sent").count() == crossings


def test_control_without_the_claim_hours_go_out_several_times(
    crossings: int, http: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*, at: Any) -> list[ExportRecord]:
        due = ExportRecord.objects.due_at(at).select_related("venue__district")
        return list(due.oldest_first()[:3])

    def answer_slowly(_body: list[Any]) -> int:
        time.sleep(0.2)
        return 200

    monkeypatch.setattr(exports, "_claim", look)
    http.answers = [answer_slowly]
    count()

    at_once(*[actions.send_exports] * WORKERS)

    assert max(ids(http.taken).values()) > 1


def test_a_worker_killed_after_sending_sends_again_what_the_receiver_can_drop(
    crossings: int, http: Receiver
) -> None:
    """A real process, killed while the receiver holds the records in its hands."""
    count()
    arrived, killed = Event(), Event()

    def take_and_kill(_body: list[Any]) -> int:
        arrived.set()
        killed.wait(30)
        return 200

    http.answers = [take_and_kill, 200]
    worker = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", WORKER, str(connection.settings_dict["NAME"])],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "bureau.settings_test",
            "BUREAU_EXPORT_ADAPTER": "http",
            "BUREAU_EXPORT_FLOW_URL": http.address,
            "BUREAU_EXPORT_CHECK_IN_URL": http.address,
        },
    )
    try:
        assert arrived.wait(30)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        killed.set()
    assert set(ExportRecord.objects.values_list("state", flat=True)) == {"waiting"}
    assert actions.send_exports() == 0  # its lease still runs

    ExportRecord.objects.update(next_try_at=clock.now())
    assert actions.send_exports() == crossings

    first, second = http.asked
    assert first == second  # the same ids and revisions: doubles can be dropped
    assert len({(one["recordId"], one["revision"]) for one in first}) == crossings
    assert ExportRecord.objects.filter(state="sent").count() == crossings
