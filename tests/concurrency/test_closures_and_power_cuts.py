"""Whoever works a closure through is killed with `kill -9`; somebody else goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from tempfile import TemporaryFile
from time import monotonic, sleep
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.db import advisory_locks
from bureau.notices.models import Delivery, Notice
from bureau.payments.models import Refund
from tests import make
from tests.promises import broken_promises
from venues import actions, queries
from venues.models import Block, Booking, Occupancy

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = range(7, 21)
CHUNK = 4
PATIENCE = 60
# Another process calls off, four bookings in a transaction; its queue is away.
DYING = """
import sys
import django
from celery import Task
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[2]
django.setup()
from venues import actions
from venues.actions import closures
from venues.models import Block
Task.delay = lambda *_args, **_kwargs: None
closures.CHUNK = int(sys.argv[3])
closures._prepare = lambda *_args, **_kwargs: 0  # it has been done
actions.work_through_closure(block=Block.objects.get(pk=int(sys.argv[1])))
"""


def waits_for_a_lock() -> int:
    """The process of the database that waits for an advisory lock; 0 when none does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        )
        found = cursor.fetchone()
    return found[0] if found else 0


def until_true(what: Callable[[], Any]) -> None:
    end = monotonic() + PATIENCE
    while not what():
        assert monotonic() < end
        sleep(0.02)


def is_gone(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [backend])
        return cursor.fetchone() is None


def is_closed_throughout(block: Block) -> bool:
    seconds = sum(
        (row.during.upper - row.during.lower).total_seconds()
        for row in Occupancy.objects.filter(block=block)
    )
    whole = (block.ends_at - block.starts_at).total_seconds() * len(block.unit_ids)
    return bool(seconds == whole)


def test_killed_in_the_middle_it_goes_on_and_everything_happens_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = make.bookable()
    last = make.bookable(venue=first.venue)
    for hour in HOURS:
        make.confirmed(court=first, starts_at=make.tomorrow_at(hour))
    # This one goes in the last transaction; there we stop the process.
    make.confirmed(court=last, starts_at=make.tomorrow_at(21))
    monkeypatch.setattr("venues.actions.closures.after_commit", lambda *_a, **_k: None)
    block = actions.close_units(
        venue=first.venue,
        units=list(first.venue.units.all()),
        starts_at=make.tomorrow_at(6),
        ends_at=make.tomorrow_at(22),
        reason="Storm",
        by=make.user(),
    )
    (unit,) = last.parts.values_list("unit_id", flat=True)
    key = (unit, clock.local_day(make.tomorrow_at(21)).toordinal())
    with transaction.atomic(), TemporaryFile() as said:
        advisory_locks([key])
        child = subprocess.Popen(  # noqa: S603 - our own words
            [
                sys.executable,
                "-c",
                DYING,
                str(block.pk),
                str(connection.settings_dict["NAME"]),
                str(CHUNK),
            ],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "bureau.settings_test"},
            cwd=settings.BASE_DIR,
            stdout=said,
            stderr=said,
        )
        try:
            until_true(lambda: waits_for_a_lock() or child.poll() is not None)
            backend = waits_for_a_lock()
            said.seek(0)
            assert backend, said.read()
        finally:
            child.send_signal(signal.SIGKILL)
            ended = child.wait(PATIENCE)
    assert ended == -signal.SIGKILL
    until_true(lambda: is_gone(backend))

    # Three transactions are through, the fourth has left no trace.
    called_off = Booking.objects.filter(state=Booking.State.CANCELLED)
    assert called_off.count() == 3 * CHUNK
    left = len(HOURS) + 1 - 3 * CHUNK
    assert queries.progress_of(block, at=clock.now()).left == left
    assert Refund.objects.count() == 3 * CHUNK

    assert actions.finish_closures(at=clock.now()) == left
    assert actions.finish_closures(at=clock.now()) == 0

    assert called_off.count() == len(HOURS) + 1
    assert queries.progress_of(block, at=clock.now()).is_done
    assert is_closed_throughout(block)
    once = dict.fromkeys(called_off.values_list("pk", flat=True), 1)
    refunds = Refund.objects.values_list("payment__owner_id", flat=True)
    assert Counter(refunds) == once
    told = Notice.objects.filter(kind="venues.booking_cancelled")
    assert Counter(told.values_list("subject_id", flat=True)) == once
    sent = Delivery.objects.filter(notice__in=told)
    assert Counter(sent.values_list("notice__subject_id", flat=True)) == once
    trail = Entry.objects.filter(event="venues.booking.called_off")
    assert Counter(trail.values_list("subject_id", flat=True)) == once
    assert broken_promises() == []
