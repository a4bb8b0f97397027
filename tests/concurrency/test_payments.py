"""Two workers, one payment. Real transactions, real threads, real locks.

Each promise has a control: the same race without the guard, which must go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Lock
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments import actions
from bureau.payments.errors import PaymentPaid, RefundTooMuch
from bureau.payments.models import Payment, ProviderEvent, Refund
from bureau.payments.providers import Callback, Money
from bureau.payments.signals import payment_settled
from tests.at_once import at_once
from tests.payments import make

pytestmark = pytest.mark.django_db(transaction=True)


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.lock = Lock()

    def __call__(self, **_: Any) -> None:
        with self.lock:
            self.count += 1


@pytest.fixture
def settled() -> Any:
    counter = Counter()
    payment_settled.connect(counter)
    yield counter
    payment_settled.disconnect(counter)


def test_two_settlements_settle_once(settled: Counter) -> None:
    for round_ in range(10):
        payment = make.payment()

        def settle(payment: Payment = payment, ref: str = f"R{round_}") -> Payment:
            return actions.settle_payment(
                number=payment.number,
                provider="sandbox",
                provider_ref=ref,
                amount_fen=payment.amount_fen,
                at=clock.now(),
            )

        at_once(*[settle] * 4)
        assert settled.count == round_ + 1
        assert not Refund.objects.exists()


def test_control_settling_without_the_lock_tells_the_order_twice(
    settled: Counter,
) -> None:
    payment = make.payment()
    read = Barrier(2, timeout=10)

    def settle_unguarded() -> None:
        with transaction.atomic():
            row = Payment.objects.get(pk=payment.pk)
            read.wait()
            if row.state == "due":
                row.state, row.paid_at = "paid", clock.now()
                row.provider, row.provider_ref = "sandbox", "R"
                row.save()
                payment_settled.send(sender=Payment, payment=row)

    at_once(settle_unguarded, settle_unguarded)

    assert settled.count == 2


def test_two_providers_at_once_are_one_payment_and_one_surplus(
    settled: Counter,
) -> None:
    payment = make.payment()

    def settle(ref: str) -> Callable[[], Payment]:
        return lambda: actions.settle_payment(
            number=payment.number,
            provider="sandbox",
            provider_ref=ref,
            amount_fen=payment.amount_fen,
            at=clock.now(),
        )

    at_once(settle("A"), settle("B"))

    assert settled.count == 1
    assert Refund.objects.get().payment.surplus_of == payment


def test_the_same_callback_at_once_is_one_event(settled: Counter) -> None:
    payment = make.payment()
    callback = Callback(
        event_id="E1",
        kind="paid",
        payload={},
        money=Money(payment.number, "R1", payment.amount_fen, clock.now()),
    )

    events = at_once(
        *[lambda: actions.take_callback(provider="sandbox", callback=callback)] * 4
    )

    assert len({event.pk for event in events}) == 1
    assert ProviderEvent.objects.get().outcome == "settled"
    assert settled.count == 1


def test_closing_and_settling_at_once_never_loses_the_money(settled: Counter) -> None:
    for round_ in range(10):
        payment = make.payment()

        def close(payment: Payment = payment) -> None:
            with suppress(PaymentPaid):
                actions.close_payment(
                    payment=Payment.objects.get(pk=payment.pk), by=None
                )

        def settle(payment: Payment = payment, ref: str = f"R{round_}") -> None:
            actions.settle_payment(
                number=payment.number,
                provider="sandbox",
                provider_ref=ref,
                amount_fen=payment.amount_fen,
                at=clock.now(),
            )

        at_once(close, settle)
        payment.refresh_from_db()
        assert payment.state == "paid"
        assert payment.late == (payment.closed_at is not None)


def refund_all(payment: Payment, key: str) -> Callable[[], Any]:
    return lambda: actions.request_refund(
        payment=Payment.objects.get(pk=payment.pk),
        amount_fen=payment.amount_fen,
        reason="Race",
        by=None,
        key=key,
    )


def test_the_whole_amount_is_refunded_once() -> None:
    for _ in range(10):
        payment = make.paid()

        answers = at_once(*[refund_all(payment, f"key-{n}") for n in range(4)])

        refused = [a for a in answers if isinstance(a, RefundTooMuch)]
        assert len(refused) == 3
        payment.refresh_from_db()
        assert payment.refunded_fen == payment.amount_fen
        assert payment.refunds.count() == 1


def test_the_same_key_at_once_is_one_refund() -> None:
    payment = make.paid()

    answers = at_once(*[refund_all(payment, "cancelled")] * 4)

    assert len({answer.pk for answer in answers}) == 1


def test_control_refunding_without_the_guard_pays_back_twice() -> None:
    payment = make.paid()
    read = Barrier(2, timeout=10)

    def refund_unguarded(key: str) -> Callable[[], None]:
        def work() -> None:
            with transaction.atomic():
                row = Payment.objects.get(pk=payment.pk)
                read.wait()
                if row.refundable_fen >= 7000:
                    row.refunded_fen += 7000
                    row.save(update_fields=["refunded_fen"])
                    Refund.objects.create(
                        payment=row,
                        key=key,
                        amount_fen=7000,
                        reason="Race",
                        next_try_at=clock.now() + timedelta(days=1),
                        created_at=clock.now(),
                    )

        return work

    at_once(refund_unguarded("a"), refund_unguarded("b"))

    paid_back = payment.refunds.aggregate(fen=Sum("amount_fen"))["fen"]
    assert paid_back == 2 * payment.amount_fen


def test_asking_for_the_same_order_at_once_is_one_payment() -> None:
    order, payer = make.person(), make.person()

    payments = at_once(*[lambda: make.payment(owner=order, payer=payer)] * 4)

    assert len({payment.pk for payment in payments}) == 1
    assert User.objects.filter(payments__isnull=False).count() == 1


def test_many_pages_ask_the_provider_once() -> None:
    payment = make.payment()

    turns = at_once(*[lambda: actions.claim_question(payment=payment)] * 6)

    assert turns.count(True) == 1


def test_eight_workers_send_a_refund_once() -> None:
    payment = make.paid()
    with transaction.atomic():
        refund = Refund.objects.create(
            payment=payment,
            key="k",
            amount_fen=1,
            reason="x",
            next_try_at=clock.now(),
            created_at=clock.now(),
        )

    claims = at_once(*[lambda: actions.claim_refund(refund_id=refund.pk)] * 8)

    assert len([claim for claim in claims if claim]) == 1
