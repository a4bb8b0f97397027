"""Killed while drawn vouchers are handed out, or while expired ones are taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from time import monotonic, sleep
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction

from bureau.common import clock
from bureau.draws.models import DrawEntry
from bureau.notices.models import Notice
from tests.draws import make as make_draws
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.actions.test_drawn import DAY, NOW, drawn_round, enter, won
from vouchers import actions
from vouchers.models import DrawnVoucher, Tier, Voucher

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60
START = """
import sys
from datetime import datetime
import django
from celery import Task
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
Task.delay = lambda *_args, **_kwargs: None
from vouchers import actions
from vouchers.actions import drawn, expiry
drawn.BATCH = expiry.BATCH = 2
at = datetime.fromisoformat(sys.argv[2])
"""
DRAWS = f"""{START}
from bureau.draws import actions as draws
from bureau.draws.models import Draw
draws.run_draw(draw=Draw.objects.get(), at=at)
"""
HANDS_OUT = f"{START}\nactions.hand_out_drawn(at=at)\n"
EXPIRES = f"{START}\nactions.expire_vouchers(at=at)\n"


def another_process(program: str, at: datetime, said: Any) -> subprocess.Popen[bytes]:
    name = str(connection.settings_dict["NAME"])
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", program, name, at.isoformat()],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "bureau.settings_test"},
        cwd=settings.BASE_DIR,
        stdout=said,
        stderr=said,
    )


def drawn_and_not_handed_out(at: datetime) -> None:
    """The worker died between the draw and its task."""
    with TemporaryFile() as said:
        child = another_process(DRAWS, at, said)
        try:
            ended = child.wait(PATIENCE)
        finally:
            child.kill()
        said.seek(0)
        assert ended == 0, said.read()


def killed_while_it_waits(program: str, at: datetime) -> None:
    """Run it in another process until it waits for a row of ours, and kill it there."""
    with TemporaryFile() as said:
        child = another_process(program, at, said)
        try:
            until_true(lambda: waiting() or child.poll() is not None)
            backend = waiting()
            said.seek(0)
            assert backend, said.read()
        finally:
            child.kill()
            ended = child.wait(PATIENCE)
    assert ended == -signal.SIGKILL
    gone = "SELECT FROM pg_locks WHERE pid = %s"
    asked("SELECT pg_terminate_backend(%s)", backend)
    until_true(lambda: not asked(gone, backend))


def until_true(what: Callable[[], Any]) -> None:
    end = monotonic() + PATIENCE
    while not what():
        assert monotonic() < end
        sleep(0.02)


def asked(sql: str, *given: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def waiting() -> int:
    """The process of this database that waits for a lock; 0 when none does."""
    # Not of pg_stat_activity: within a transaction it stays as it was first seen.
    found = asked(
        "SELECT pid FROM pg_locks WHERE NOT granted AND pid IN ("
        "SELECT pid FROM pg_locks JOIN pg_database ON oid = database"
        " WHERE datname = current_database())"
    )
    return found[0][0] if found else 0


def test_killed_while_vouchers_are_handed_out_it_goes_on_where_it_was() -> None:
    with time_machine.travel(NOW, tick=False):
        round_ = drawn_round(amounts=(6,))
        for _n in range(9):
            enter(round_)
        assert round_.draw
        make_draws.read(make_draws.freeze(round_.draw))
        drawn_and_not_handed_out(round_.draw.draws_at)
        assert not DrawnVoucher.objects.exists()
        fourth = DrawEntry.objects.get(rank=4).person
        assert fourth is not None
    at = NOW + 2 * DAY
    with transaction.atomic():
        # The second batch waits: its number of this person is taken, for now.
        lot = round_.lots.get()
        rival = make.voucher(
            make.lot(make.tier(round_.campaign), amount=1), person=fourth
        )
        killed_while_it_waits(HANDS_OUT, at)
        transaction.set_rollback(True)
    assert rival.pk
    assert DrawnVoucher.objects.count() == 2
    assert broken_promises(of="vouchers") == []
    with time_machine.travel(at, tick=False):
        for _twice in range(2):
            actions.hand_out_drawn(at=clock.now())
    round_.refresh_from_db()
    assert round_.handed_out_at == at
    given = Voucher.objects.filter(lot=lot)
    assert given.count() == 6
    assert set(given.values_list("person", flat=True)) == won(round_)
    told = Notice.objects.filter(kind__in=["vouchers.drawn", "vouchers.not_drawn"])
    assert told.count() == told.values("recipient").distinct().count() == 9
    assert broken_promises(of="vouchers") == []


def test_killed_while_vouchers_expire_each_expires_once() -> None:
    lot = make.lot(make.tier(per_person=9))
    vouchers = [make.voucher(lot) for _n in range(7)]
    other = make.lot(make.tier(per_person=9))
    at = vouchers[-1].expires_at + timedelta(seconds=1)
    late = [make.voucher(other, expires_at=at) for _n in range(3)]
    with transaction.atomic():
        # The batches of the second tier wait for its row.
        list(Tier.objects.select_for_update().filter(pk=other.tier_id))
        killed_while_it_waits(EXPIRES, at)
    assert Voucher.objects.filter(state="expired").count() == 6
    assert broken_promises(of="vouchers") == []
    assert actions.expire_vouchers(at=at) == len(vouchers) + len(late) - 6
    assert actions.expire_vouchers(at=at) == 0
    assert broken_promises(of="vouchers") == []
