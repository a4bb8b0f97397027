"""Whatever happens in whatever order, our books agree with a slow, simple oracle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.payments import actions
from bureau.payments.errors import (
    PaymentNotPaid,
    PaymentPaid,
    RefundKeyReused,
    RefundTooMuch,
)
from bureau.payments.invariants import INVARIANTS
from bureau.payments.models import Payment, ProviderEvent, Refund
from bureau.payments.providers import Callback, Money, RefundAnswer
from bureau.payments.signals import payment_settled, refund_done
from tests.payments import make

AMOUNTS = st.sampled_from([1, 50, 99, 100, 101])
REFS = st.sampled_from(["A", "B", "C"])
KEYS = st.sampled_from(["k1", "k2", "k3"])
ANSWERS = st.sampled_from(["sent", "done", "failed", "unknown"])


@dataclass
class Oracle:
    """One payment of 100 fen, told as a list of what happened."""

    history: list[str] = field(default_factory=list)
    closed: bool = False
    paid_by: str = ""
    surplus: set[str] = field(default_factory=set)
    refunds: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    told_settled: int = 0
    told_done: int = 0

    @property
    def state(self) -> str:
        if self.paid_by:
            return "paid"
        return "closed" if self.closed else "due"


class Ledger(RuleBasedStateMachine):
    numbers: ClassVar[int] = 0
    payments = Bundle("payments")

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.oracles: dict[str, Oracle] = {}
        payment_settled.connect(self.on_settled)
        refund_done.connect(self.on_done)

    def teardown(self) -> None:
        payment_settled.disconnect(self.on_settled)
        refund_done.disconnect(self.on_done)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def on_settled(self, payment: Payment, **_: Any) -> None:
        self.oracles[payment.number].told_settled += 1

    def on_done(self, refund: Refund, **_: Any) -> None:
        self.oracles[refund.payment.number].told_done += 1

    def ref(self, number: str, ref: str) -> str:
        return f"{number}{ref}"

    @rule(target=payments)
    def order(self) -> str:
        payment = make.payment(amount_fen=100)
        self.oracles[payment.number] = Oracle()
        return payment.number

    @rule(number=payments)
    def close(self, number: str) -> None:
        oracle = self.oracles[number]
        payment = Payment.objects.get(number=number)
        try:
            actions.close_payment(payment=payment, by=None)
        except PaymentPaid:
            assert oracle.paid_by
        else:
            assert not oracle.paid_by
            oracle.closed = True

    @rule(number=payments, ref=REFS, fen=AMOUNTS, event=st.integers(0, 3))
    def money(self, number: str, ref: str, fen: int, event: int) -> None:
        ref = self.ref(number, ref)
        event_id = f"{ref}-{fen}-{event}"
        is_replay = ProviderEvent.objects.filter(event_id=event_id).exists()
        actions.take_callback(
            provider="sandbox",
            callback=Callback(
                event_id=event_id,
                kind="paid",
                payload={},
                money=Money(number, ref, fen, clock.now()),
            ),
        )
        oracle = self.oracles[number]
        if is_replay or ref == oracle.paid_by or ref in oracle.surplus:
            return
        if oracle.paid_by:
            oracle.surplus.add(ref)
        elif fen == 100:
            oracle.paid_by = ref

    @rule(number=payments, fen=AMOUNTS, key=KEYS)
    def refund(self, number: str, fen: int, key: str) -> None:
        oracle = self.oracles[number]
        payment = Payment.objects.get(number=number)
        expected: type[Exception] | None = None
        if key in oracle.refunds:
            expected = RefundKeyReused if oracle.refunds[key] != fen else None
        elif not oracle.paid_by:
            expected = PaymentNotPaid
        elif sum(oracle.refunds.values()) + fen > 100:
            expected = RefundTooMuch
        try:
            actions.request_refund(
                payment=payment, amount_fen=fen, reason="any", by=None, key=key
            )
        except (RefundKeyReused, PaymentNotPaid, RefundTooMuch) as refusal:
            given: type[Exception] | None = type(refusal)
        else:
            given = None
            oracle.refunds[key] = fen
        assert given is expected

    @rule(number=payments, key=KEYS, answer=ANSWERS)
    def provider_answers(self, number: str, key: str, answer: Any) -> None:
        refund = Refund.objects.filter(payment__number=number, key=key).first()
        if refund is None:
            return
        actions.note_refund_answer(refund=refund, answer=RefundAnswer(answer))
        if answer == "done":
            self.oracles[number].done.add(key)

    @rule(number=payments, key=KEYS)
    def staff_send_again(self, number: str, key: str) -> None:
        failed = Refund.objects.filter(payment__number=number, key=key, state="failed")
        for refund in failed:
            actions.resend_refund(refund=refund, by=None)

    @invariant()
    def books_agree(self) -> None:
        for number, oracle in self.oracles.items():
            payment = Payment.objects.get(number=number)
            assert payment.state == oracle.state
            assert payment.provider_ref == oracle.paid_by
            assert payment.late == bool(oracle.paid_by and oracle.closed)
            assert payment.refunded_fen == sum(oracle.refunds.values())
            assert (
                set(payment.refunds.filter(state="done").values_list("key", flat=True))
                == oracle.done
            )
            assert {s.provider_ref for s in payment.surpluses.all()} == oracle.surplus
            assert all(s.refunded_fen == s.amount_fen for s in payment.surpluses.all())
            assert oracle.told_settled == bool(oracle.paid_by)
            assert oracle.told_done == len(oracle.done)

    @invariant()
    def promises_hold(self) -> None:
        with connection.cursor() as cursor:
            for promise in INVARIANTS:
                # Here the test plays the provider; the sandbox's own book stays empty.
                if promise.name.startswith("payments.sandbox_"):
                    continue
                cursor.execute(promise.sql)
                assert cursor.fetchall() == [], promise.name

    @invariant()
    def every_settlement_is_recorded_once(self) -> None:
        paid = sum(bool(oracle.paid_by) for oracle in self.oracles.values())
        settled = Entry.objects.filter(event="payments.payment.settled").count()
        assert settled == paid


@pytest.mark.django_db
def test_the_books_agree_with_the_oracle() -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
