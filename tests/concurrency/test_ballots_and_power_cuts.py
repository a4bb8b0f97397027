"""Killed between the draw and the handing out of courts, or in the middle of it."""

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
import time_machine
from django.conf import settings
from django.db import connection, transaction

from bureau.draws.models import Draw, DrawEntry
from bureau.notices.models import Notice
from tests.draws import make as make_draws
from tests.promises import broken_promises
from tests.venues.actions.test_ballots import (
    ask,
    at,
    monday_nine,  # noqa: F401 - a fixture, for every test here
    plan,
    ranked,
    two_courts,
)
from venues import actions
from venues.models import Ballot, Booking, Occupancy, WaitingEntry

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60
NIGHT = at(1, 22)  # it has been drawn
START = """
import os, signal, sys
from datetime import datetime
import django
from celery import Task
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[2]
django.setup()
from bureau.draws import actions as draws
from bureau.draws.models import Draw
from venues import actions
from venues.models import Ballot
ballot = Ballot.objects.select_related("draw").get(pk=int(sys.argv[1]))
at = datetime.fromisoformat(sys.argv[3])
"""
DRAWS = f"""{START}
def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

Task.delay = die  # committed, and not yet in the queue
draws.run_draw(draw=ballot.draw, at=ballot.draw.draws_at)
"""
HANDS_OUT = f"""{START}
Task.delay = lambda *_args, **_kwargs: None
actions.hand_out_ballot(ballot=ballot, at=at)
"""


def another_process(program: str, ballot: Ballot, said: Any) -> subprocess.Popen[bytes]:
    name = str(connection.settings_dict["NAME"])
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", program, str(ballot.pk), name, NIGHT.isoformat()],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "bureau.settings_test"},
        cwd=settings.BASE_DIR,
        stdout=said,
        stderr=said,
    )


def until_true(what: Callable[[], Any]) -> None:
    end = monotonic() + PATIENCE
    while not what():
        assert monotonic() < end
        sleep(0.02)


def asked(sql: str, *given: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def waits_for_a_lock() -> int:
    """The process of this database that waits for a lock; 0 when none does."""
    waiting = asked(
        "SELECT pid FROM pg_locks WHERE NOT granted AND pid IN ("
        "SELECT pid FROM pg_locks JOIN pg_database ON oid = database"
        " WHERE datname = current_database())"
    )
    return waiting[0][0] if waiting else 0


def ready_to_draw() -> Ballot:
    """Two courts at two starts; three ask for each."""
    ballot = plan(two_courts(), hours=(19, 20))
    for hour in (19, 20):
        for _n in range(3):
            ask(ballot, hour=hour)
    assert ballot.draw
    make_draws.read(make_draws.freeze(ballot.draw))
    return ballot


def assert_handed_out_once(ballot: Ballot) -> None:
    """Who won has a court at the wanted time, the others are in line; told once."""
    ballot.refresh_from_db()
    assert ballot.state == Ballot.State.DRAWN
    requests = ranked(ballot)
    won = [one for one in requests if one.entry.outcome == DrawEntry.Outcome.WON]
    assert len(won) == 4
    bookings = Booking.objects.filter(channel=Booking.Channel.BALLOT)
    given = bookings.values_list("booked_by_id", "starts_at")
    assert Counter(given) == Counter((one.person_id, one.starts_at) for one in won)
    lost = [one for one in requests if one not in won]
    waiting = WaitingEntry.objects.values_list("person_id", "starts_at", "turn")
    assert Counter(waiting) == Counter(
        (one.person_id, one.starts_at, one.entry.rank) for one in lost
    )
    told = Notice.objects.filter(kind__in=["venues.ballot_won", "venues.ballot_lost"])
    assert Counter(told.values_list("recipient_id", flat=True)) == Counter(
        one.person_id for one in requests
    )
    assert broken_promises() == []


def test_killed_between_the_draw_and_the_courts_the_sweep_hands_them_out() -> None:
    ballot = ready_to_draw()
    with TemporaryFile() as said:
        child = another_process(DRAWS, ballot, said)
        try:
            ended = child.wait(PATIENCE)
        finally:
            child.kill()
            child.wait(PATIENCE)
        said.seek(0)
        assert ended == -signal.SIGKILL, said.read()

    assert Draw.objects.get(court_ballot=ballot).state == Draw.State.DRAWN
    assert not Booking.objects.exists()
    with time_machine.travel(NIGHT, tick=False):
        for _twice in range(2):
            actions.advance_ballots(at=NIGHT)
        assert_handed_out_once(ballot)


def test_killed_while_courts_are_handed_out_it_goes_on_where_it_was() -> None:
    ballot = ready_to_draw()
    assert ballot.draw
    make_draws.run(ballot.draw)
    second = ballot.slots.order_by("-starts_at")[0].starts_at
    with transaction.atomic(), TemporaryFile() as said:
        # It stops at the second start, whose floor it cannot let go of.
        kept = Occupancy.objects.filter(ballot_slot__starts_at=second)
        assert len(kept.select_for_update()) == 2
        child = another_process(HANDS_OUT, ballot, said)
        try:
            until_true(lambda: waits_for_a_lock() or child.poll() is not None)
            backend = waits_for_a_lock()
            said.seek(0)
            assert backend, said.read()
        finally:
            child.kill()
            ended = child.wait(PATIENCE)
    assert ended == -signal.SIGKILL
    gone = "SELECT FROM pg_stat_activity WHERE pid = %s"
    until_true(lambda: not asked(gone, backend))

    assert Booking.objects.count() == 2
    with time_machine.travel(NIGHT, tick=False):
        for _twice in range(2):
            actions.advance_ballots(at=NIGHT)
        assert_handed_out_once(ballot)
