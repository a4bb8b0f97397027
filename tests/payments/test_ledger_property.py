"""Whatever happens in whatever order, our books agree with a slow, simple oracle.

The sandbox cashier plays the provider, with its own book and its signed messages; only
the wire between the two is the test's, which delivers late, twice, or never.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.payments import actions, providers, tasks
from bureau.payments.errors import (
    CashierClosed,
    PaymentClosed,
    PaymentNotPaid,
    PaymentPaid,
    RefundKeyReused,
    RefundTooMuch,
)
from bureau.payments.models import (
    Discrepancy,
    Payment,
    Refund,
    SandboxRefund,
    SandboxTransaction,
)
from bureau.payments.providers import RefundAnswer
from bureau.payments.providers.sandbox import (
    headers_for,
    paid_message,
    refunded_message,
)
from bureau.payments.signals import explanation_asked, payment_settled, refund_done
from tests.payments import make
from tests.promises import broken_promises

MOST_PAYMENTS = 2
AMOUNTS = st.sampled_from([1, 99, 100, 101])
NTH = st.integers(0, 2)
KEYS = st.sampled_from(["k1", "k2"])
# Answers that change nobody's book: a refusal, and what was said before and came late.
STALE = st.sampled_from(["sent", "failed", "unknown"])
HOUR = timedelta(hours=1)


@dataclass
class Oracle:
    """One payment of 100 fen, told as a list of what happened."""

    closed: bool = False
    expired: bool = False
    late: bool = False
    paid_by: str = ""
    is_open: bool = True
    # The cashier's book, in its order: the provider's number, and fen.
    book: list[tuple[str, int]] = field(default_factory=list)
    surplus: set[str] = field(default_factory=set)
    unexplained: set[str] = field(default_factory=set)
    refunds: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    told_settled: int = 0
    told_done: int = 0

    @property
    def state(self) -> str:
        if self.paid_by:
            return "paid"
        return "closed" if self.closed else "due"

    def money_comes(self, ref: str, fen: int) -> None:
        if ref == self.paid_by or ref in self.surplus | self.unexplained:
            return
        if self.paid_by:
            self.surplus.add(ref)
        elif fen != 100:
            self.unexplained.add(ref)
        else:
            self.paid_by = ref
            self.late = self.closed or self.expired

    def portal_asks(self) -> None:
        """A provider that is asked about a number tells of its first money."""
        if self.book:
            self.money_comes(*self.book[0])


class Ledger(RuleBasedStateMachine):
    payments = Bundle("payments")

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.oracles: dict[str, Oracle] = {}
        payment_settled.connect(self.on_settled)
        refund_done.connect(self.on_done)
        explanation_asked.connect(self.on_asked)

    def teardown(self) -> None:
        payment_settled.disconnect(self.on_settled)
        refund_done.disconnect(self.on_done)
        explanation_asked.disconnect(self.on_asked)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def on_settled(self, payment: Payment, **_: Any) -> None:
        self.oracles[payment.number].told_settled += 1

    def on_done(self, refund: Refund, **_: Any) -> None:
        self.oracles[refund.payment.number].told_done += 1

    def on_asked(self, payment: Payment, **_: Any) -> str:
        return payment.title

    def deliver(self, message: dict[str, Any]) -> None:
        """The cashier's message through its signature and our reading of it."""
        body = json.dumps(message).encode()
        read = providers.named("sandbox").parse_callback(headers_for(body), body)
        actions.take_callback(provider="sandbox", callback=read)

    def refund_of(self, number: str, key: str) -> Refund | None:
        return Refund.objects.filter(payment__number=number, key=key).first()

    # --- The payer ----------------------------------------------------------------

    @initialize(target=payments)
    def first_order(self) -> str:
        return self.order()

    # Few payments, so that much happens to each.
    @precondition(lambda self: len(self.oracles) < MOST_PAYMENTS)
    @rule(target=payments)
    def another_order(self) -> str:
        return self.order()

    def order(self) -> str:
        payment = make.payment(amount_fen=100)
        actions.start_payment(payment=payment, provider="sandbox", by=payment.payer)
        self.oracles[payment.number] = Oracle()
        return payment.number

    @rule(number=payments)
    def start_again(self, number: str) -> None:
        oracle = self.oracles[number]
        expected: type[Exception] | None = None
        if oracle.paid_by:
            expected = PaymentPaid
        elif oracle.closed or oracle.expired:
            expected = PaymentClosed
        given: type[Exception] | None = None
        try:
            actions.start_payment(
                payment=Payment.objects.get(number=number), provider="sandbox", by=None
            )
        except (PaymentPaid, PaymentClosed) as refusal:
            given = type(refusal)
        else:
            oracle.is_open = oracle.is_open or not oracle.book
        assert given is expected

    @rule(number=payments)
    def pay(self, number: str) -> None:
        oracle = self.oracles[number]
        try:
            paid = actions.pay_sandbox(number=number)
        except CashierClosed:
            assert not oracle.is_open
        else:
            assert oracle.is_open
            oracle.is_open = False
            oracle.book.append((paid.ref, 100))
            # Opened again after other money came: it stands where it was opened.
            oracle.book.sort(
                key=lambda row: SandboxTransaction.objects.get(ref=row[0]).pk
            )

    @rule(number=payments)
    def be_declined(self, number: str) -> None:
        oracle = self.oracles[number]
        try:
            actions.decline_sandbox(number=number)
        except CashierClosed:
            assert not oracle.is_open
        else:
            assert oracle.is_open
            oracle.is_open = False

    @rule(number=payments, fen=AMOUNTS)
    def pay_on_another_device(self, number: str, fen: int) -> None:
        """A cashier that lets one number be paid twice, or in another amount."""
        now = clock.now()
        paid = SandboxTransaction.objects.create(
            number=number, amount_fen=fen, state="paid", created_at=now, paid_at=now
        )
        self.oracles[number].book.append((paid.ref, fen))

    # --- The wire -----------------------------------------------------------------

    @rule(number=payments, nth=NTH, twin=st.integers(0, 1))
    def money_is_told(self, number: str, nth: int, twin: int) -> None:
        """`twin`: the same money told under another event's id."""
        oracle = self.oracles[number]
        if nth >= len(oracle.book):
            return
        ref, fen = oracle.book[nth]
        message = paid_message(SandboxTransaction.objects.get(ref=ref))
        self.deliver(message | {"id": f"{message['id']}-{twin}"})
        oracle.money_comes(ref, fen)

    @rule(number=payments)
    def portal_asks(self, number: str) -> None:
        tasks.ask_providers(payment_id=Payment.objects.get(number=number).pk)
        self.oracles[number].portal_asks()

    @rule(number=payments, key=KEYS, answer=st.sampled_from(["heard", "lost"]))
    def refund_is_sent(self, number: str, key: str, answer: str) -> None:
        refund = self.refund_of(number, key)
        if refund is None:
            return
        said = providers.named("sandbox").refund(refund)
        assert said.state == "sent", "the money is there"
        if answer == "heard":
            actions.note_refund_answer(refund=refund, answer=said)

    @rule(number=payments, key=KEYS)
    def refund_is_told(self, number: str, key: str) -> None:
        refund = self.refund_of(number, key)
        booked = refund and SandboxRefund.objects.filter(number=refund.number).first()
        if booked:
            self.deliver(refunded_message(booked))
            self.oracles[number].done.add(key)

    @rule(number=payments, key=KEYS)
    def portal_asks_about_a_refund(self, number: str, key: str) -> None:
        refund = self.refund_of(number, key)
        if refund is None:
            return
        answer = providers.named("sandbox").query_refund(refund)
        actions.note_refund_answer(refund=refund, answer=answer)
        if answer.state == "done":
            self.oracles[number].done.add(key)

    @rule(number=payments, key=KEYS, answer=STALE)
    def a_stale_answer_comes(self, number: str, key: str, answer: Any) -> None:
        refund = self.refund_of(number, key)
        if refund is not None:
            actions.note_refund_answer(refund=refund, answer=RefundAnswer(answer))

    # --- The portal ---------------------------------------------------------------

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

    @rule(number=payments)
    def close_at_the_cashier(self, number: str) -> None:
        oracle = self.oracles[number]
        if oracle.closed:
            tasks.close_at_providers(payment_id=Payment.objects.get(number=number).pk)
            oracle.is_open = False
            oracle.portal_asks()

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

    @rule(number=payments, key=KEYS)
    def staff_send_again(self, number: str, key: str) -> None:
        failed = Refund.objects.filter(payment__number=number, key=key, state="failed")
        for refund in failed:
            actions.resend_refund(refund=refund, by=None)

    @rule()
    def staff_explain(self) -> None:
        for found in Discrepancy.objects.unexplained():
            actions.resolve_discrepancy(discrepancy=found, note="Paid back", by=None)

    @rule()
    def an_hour_passes(self) -> None:
        """All rows become an hour older; then the schedule does its work."""
        Payment.objects.update(
            expires_at=F("expires_at") - HOUR, asked_at=F("asked_at") - HOUR
        )
        SandboxTransaction.objects.update(paid_at=F("paid_at") - HOUR)
        Refund.objects.update(next_try_at=F("next_try_at") - HOUR)

        tasks.sweep_expired()
        for oracle in self.oracles.values():
            oracle.expired = True
            if oracle.state == "due":
                oracle.portal_asks()
                oracle.closed = oracle.closed or not oracle.paid_by
        tasks.reconcile(hours=72)
        for oracle in self.oracles.values():
            for ref, fen in oracle.book:
                oracle.money_comes(ref, fen)

    @rule(number=payments)
    def refunds_of_surplus_finish(self, number: str) -> None:
        cashier = providers.named("sandbox")
        for refund in Refund.objects.filter(payment__surplus_of__number=number):
            assert cashier.refund(refund).state == "sent", "the money is there"
            actions.note_refund_answer(
                refund=refund, answer=cashier.query_refund(refund)
            )

    # --- What must hold after each step -------------------------------------------

    @invariant()
    def books_agree(self) -> None:
        for number, oracle in self.oracles.items():
            payment = Payment.objects.get(number=number)
            assert payment.state == oracle.state
            assert payment.provider_ref == oracle.paid_by
            assert payment.late == oracle.late
            assert payment.refunded_fen == sum(oracle.refunds.values())
            assert (
                set(payment.refunds.filter(state="done").values_list("key", flat=True))
                == oracle.done
            )
            assert {s.provider_ref for s in payment.surpluses.all()} == oracle.surplus
            assert all(s.refunded_fen == s.amount_fen for s in payment.surpluses.all())
            noted = Discrepancy.objects.filter(number=number)
            assert {row.provider_ref for row in noted} == oracle.unexplained
            assert oracle.told_settled == bool(oracle.paid_by)
            assert oracle.told_done == len(oracle.done)

    @invariant()
    def nobody_gets_back_more_than_was_paid(self) -> None:
        """By the cashier's book alone, and no fen of what the staff look after."""
        for number, oracle in self.oracles.items():
            for row in SandboxTransaction.objects.of(number=number):
                given = sum(refund.amount_fen for refund in row.refunds.all())
                assert row.refunded_fen == given <= row.amount_fen
                assert not given or row.ref not in oracle.unexplained

    @invariant()
    def promises_hold(self) -> None:
        assert broken_promises(of="payments.") == []

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
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
