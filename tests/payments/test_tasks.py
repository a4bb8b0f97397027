from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries, Settings

from bureau.common import clock
from bureau.payments import actions, queries, tasks
from bureau.payments.models import Attempt, Discrepancy, Payment, Refund
from bureau.payments.signals import explanation_asked
from bureau.schedule import SCHEDULE
from tests.payments import make
from tests.payments.conftest import Told

pytestmark = pytest.mark.django_db


def test_the_sweep_closes_what_is_past_its_time(told: Told) -> None:
    late, in_time = make.payment(), make.payment()
    make.expire(late)

    tasks.sweep_expired()
    tasks.sweep_expired()

    late.refresh_from_db()
    in_time.refresh_from_db()
    assert (late.state, in_time.state) == ("closed", "due")
    assert told.closed == [late]


def test_the_sweep_waits_a_while_for_a_silent_provider(settings: Settings) -> None:
    settings.PAYMENT_PROVIDERS = []  # the provider of the attempt cannot be asked
    payment = make.payment()
    Attempt.objects.create(payment=payment, provider="wechat", created_at=clock.now())
    make.expire(payment)

    tasks.sweep_expired()
    payment.refresh_from_db()
    assert payment.state == "due"

    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=False):
        tasks.sweep_expired()
    payment.refresh_from_db()
    assert payment.state == "closed"


def test_an_idle_sweep_asks_one_question(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        tasks.sweep_expired()
    with django_assert_num_queries(1):
        tasks.sweep_refunds()


def test_a_refund_is_tried_less_and_less_often(settings: Settings) -> None:
    refund = actions.request_refund(
        payment=make.paid(), amount_fen=1, reason="Rain", by=None, key="rain"
    )
    settings.PAYMENT_PROVIDERS = []  # nobody answers
    waits = []
    for _ in range(4):
        with time_machine.travel(refund.next_try_at, tick=False):
            tasks.send_refund(refund_id=refund.pk)
            refund.refresh_from_db()
            waits.append(refund.next_try_at - clock.now())

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(minutes=1), timedelta(hours=2))
    assert refund.state == "due"


@pytest.fixture
def orders() -> Iterator[dict[str, str]]:
    """The orders that stand, by payment number, as an app above would answer."""
    standing: dict[str, str] = {}

    def explain(payment: Payment, **_: Any) -> str | None:
        return standing.get(payment.number)

    explanation_asked.connect(explain)
    yield standing
    explanation_asked.disconnect(explain)


def test_a_payment_that_no_order_explains_is_put_before_the_staff_once(
    orders: dict[str, str],
) -> None:
    explained, unexplained, given_back = make.paid(), make.paid(), make.paid()
    orders[explained.number] = "booking 1"
    actions.request_refund(
        payment=given_back, amount_fen=7000, reason="Rain", by=None, key="k"
    )

    tasks.reconcile(hours=1)
    tasks.reconcile(hours=1)

    found = Discrepancy.objects.unexplained().get()
    assert (found.kind, found.payment) == ("no_order", unexplained)
    assert found.amount_fen == 7000


def test_an_order_of_an_app_that_is_gone_explains_nothing() -> None:
    payment = make.paid()
    Payment.objects.filter(pk=payment.pk).update(owner_app="gone")
    payment.refresh_from_db()

    assert not queries.is_explained(payment)


def test_a_refund_for_money_that_the_cashier_never_had_fails() -> None:
    refund = actions.request_refund(
        payment=make.paid(), amount_fen=1, reason="Rain", by=None, key="rain"
    )

    tasks.send_refund(refund_id=refund.pk)

    refund.refresh_from_db()
    assert (refund.state, refund.problem) == ("failed", "no such transaction")
    assert not Refund.objects.waiting_at(clock.now() + timedelta(days=9)).exists()


def test_everything_in_the_schedule_exists() -> None:
    names = {
        entry["task"]
        for name, entry in SCHEDULE.items()
        if name.startswith("payments-")
    }

    assert names == {
        tasks.sweep_expired.name,
        tasks.sweep_refunds.name,
        tasks.reconcile.name,
    }
