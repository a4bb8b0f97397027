"""Settlements and refunds at once, twice, and through kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Timer
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from bureau.common.errors import DomainError
from tests.at_once import at_once, outcomes
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.settling import Week, first_day, last_day, week
from vouchers import actions
from vouchers.actions import ledger, settlement_runs
from vouchers.models import (
    Redemption,
    Settlement,
    SettlementLine,
    SettlementRun,
    Transfer,
)
from vouchers.queries.settlements import facts_of_merchants

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
SECONDS = 60


@pytest.fixture
def w(db: None) -> Week:
    return week()


@contextmanager
def without(*constraints: tuple[str, str]) -> Iterator[None]:
    """The guard is off: (table, index) pairs are dropped for a while."""
    with connection.cursor() as cursor:
        wanted = [name for _table, name in constraints]
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY(%s)",
            [wanted],
        )
        made = cursor.fetchall()
        for name, _sql in made:
            cursor.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE vouchers_settlementline, vouchers_settlement CASCADE"
            )
            for _name, sql in made:
                cursor.execute(sql)


def begun(w: Week) -> SettlementRun:
    """Asked for, and nobody has begun to work on it."""
    return SettlementRun.objects.create(
        campaign=w.campaign,
        from_on=first_day(),
        until_on=last_day(),
        asked_by=w.maker,
        asked_at=w.campaign.created_at,
        merchants=w.campaign.participations.count(),
    )


def test_two_who_prepare_at_once_settle_once(w: Week) -> None:
    for _n in range(5):
        w.redeem()
    answers = at_once(*[w.prepare] * 4)
    assert set(outcomes(answers)) <= {"done", "voucher_settlements_under_way"}
    assert outcomes(answers)["done"] >= 1
    assert Settlement.objects.get().count == 5
    assert broken_promises(of="vouchers") == []


def test_eight_workers_of_one_run_do_the_work_of_one(w: Week) -> None:
    others = [make.merchant(takes_part_in=w.campaign) for _n in range(4)]
    for merchant in (w.merchant, *others):
        w.redeem(merchant=merchant)
    run = begun(w)

    def work() -> None:
        actions.work_through_run(run=SettlementRun.objects.get(pk=run.pk))

    at_once(*[work] * 8)
    assert Settlement.objects.count() == 5
    assert SettlementLine.objects.count() == 5
    run.refresh_from_db()
    assert run.done == 5
    assert broken_promises(of="vouchers") == []


def test_without_the_locks_a_redemption_is_settled_twice(
    w: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: neither the row of the merchant nor the index is there."""
    w.redeem()
    both_wrote = Barrier(2, timeout=SECONDS)
    facts_of = facts_of_merchants

    def meet(*given: Any, **named: Any) -> Any:
        both_wrote.wait()
        return facts_of(*given, **named)

    monkeypatch.setattr(ledger, "hold_payable", lambda *_of: None)
    monkeypatch.setattr(settlement_runs, "facts_of_merchants", meet)
    runs = [
        SettlementRun(campaign=w.campaign, from_on=day, until_on=last_day())
        for day in (first_day(), last_day())
    ]

    def settle(run: SettlementRun) -> None:
        run.asked_by = w.maker
        with transaction.atomic():
            settlement_runs._prepare(run, [w.merchant.pk])

    with without(("vouchers_settlementline", "vouchers_settlementline_once")):
        at_once(lambda: settle(runs[0]), lambda: settle(runs[1]))
        assert SettlementLine.objects.filter(counts=True).count() == 2


def test_it_is_approved_and_paid_once(w: Week) -> None:
    w.redeem()
    row = w.settlement()
    approved = at_once(
        *[lambda: actions.approve_settlement(settlement=row, by=w.checker)] * 4
    )
    assert outcomes(approved)["done"] == 1
    made = at_once(*[lambda: actions.make_payment_file(by=w.maker)] * 4)
    assert outcomes(made)["done"] == 1
    paid = at_once(*[lambda: actions.note_paid(settlement=row, by=w.maker)] * 4)
    assert outcomes(paid)["done"] == 1
    assert Transfer.objects.filter(kind="settle").count() == 1
    assert broken_promises(of="vouchers") == []


def test_a_refund_while_preparing_is_never_lost(w: Week) -> None:
    used = [w.redeem() for _n in range(6)]
    at_once(w.prepare, *[lambda one=one: w.refund(one) for one in used[:3]])
    row = Settlement.objects.get()
    stale = row.lines.exclude(redemption__state="done").count()
    (approved,) = at_once(
        lambda: actions.approve_settlement(settlement=row, by=w.checker)
    )
    expected = "voucher_settlement_outdated" if stale else "done"
    assert outcomes([approved]) == {expected: 1}
    assert broken_promises(of="vouchers") == []


def test_an_approval_and_a_refund_at_once_pay_or_refuse_or_take_back(w: Week) -> None:
    used = w.redeem()
    row = w.settlement()
    approved, _refunded = at_once(
        lambda: actions.approve_settlement(settlement=row, by=w.checker),
        lambda: w.refund(used),
    )
    if not isinstance(approved, DomainError):
        actions.make_payment_file(by=w.maker)
        actions.note_paid(settlement=row, by=w.maker)
        w.redeem(days_ago=1)
        w.redeem(days_ago=1)
        run = w.prepare(from_on=last_day())
        following = Settlement.objects.get(number=run.results[str(w.merchant.pk)])
        assert following.amount_fen == make.FACE_FEN
    assert Redemption.objects.get(pk=used.pk).state == Redemption.State.REFUNDED
    assert broken_promises(of="vouchers") == []


def test_two_preparations_and_a_repayment_take_back_once(w: Week) -> None:
    used = w.redeem(days_ago=5)
    w.paid()
    w.refund(used)
    for _n in range(3):
        w.redeem(days_ago=3)
    answers = at_once(
        lambda: w.prepare(from_on=last_day()),
        lambda: actions.note_repayment(
            campaign=w.campaign,
            merchant=w.merchant,
            amount_fen=make.FACE_FEN,
            document="1",
            by=w.maker,
        ),
    )
    taken = SettlementLine.objects.filter(kind="claw_back", counts=True).count()
    repaid = Transfer.objects.filter(kind="repay").count()
    assert taken + repaid == 1, answers
    assert broken_promises(of="vouchers") == []


_WORKER = """
import django, sys, time
from django.db import connections
django.setup()
connections["default"].settings_dict["NAME"] = sys.argv[1]
from vouchers import actions
from vouchers.actions import settlement_runs
from vouchers.models import SettlementRun
write = settlement_runs._write
seen = 0
def slowly(*given):
    global seen
    found = write(*given)
    seen += 1
    if seen == 2:
        print("in the middle", flush=True)
        time.sleep(600)
    return found
settlement_runs._write = slowly
settlement_runs.MERCHANTS_AT_ONCE = 1
actions.work_through_run(run=SettlementRun.objects.get(pk=int(sys.argv[2])))
"""


def test_a_worker_that_is_killed_leaves_whole_settlements(w: Week) -> None:
    others = [make.merchant(takes_part_in=w.campaign) for _n in range(3)]
    for merchant in (w.merchant, *others):
        w.redeem(merchant=merchant)
    run = begun(w)
    worker = subprocess.Popen(  # noqa: S603 - ourselves
        [
            sys.executable,
            "-c",
            _WORKER,
            str(connection.settings_dict["NAME"]),
            str(run.pk),
        ],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": django_settings.SETTINGS_MODULE},
        stdout=subprocess.PIPE,
        text=True,
    )
    patience = Timer(SECONDS, worker.kill)
    patience.start()
    assert worker.stdout
    try:
        assert worker.stdout.readline().strip() == "in the middle"
        worker.send_signal(signal.SIGKILL)
        worker.wait(SECONDS)
    finally:
        patience.cancel()
        worker.kill()
        worker.wait(SECONDS)
        worker.stdout.close()
    run.refresh_from_db()
    assert run.done == 1
    assert run.finished_at is None
    assert Settlement.objects.count() == 1
    assert broken_promises(of="vouchers") == []
    assert actions.finish_settlement_runs() == 1
    run.refresh_from_db()
    assert run.done == 4
    assert Settlement.objects.count() == SettlementLine.objects.count() == 4
    assert broken_promises(of="vouchers") == []
