from __future__ import annotations

from datetime import timedelta

import pytest

from bureau.common import clock
from bureau.payments import actions
from bureau.payments.invariants import INVARIANTS
from bureau.payments.models import (
    Payment,
    ProviderEvent,
    Refund,
    SandboxTransaction,
)
from bureau.payments.providers import RefundAnswer
from tests.payments import make
from tests.promises import broken_promises

pytestmark = pytest.mark.django_db


def broken() -> list[str]:
    return broken_promises(of="payments.")


def a_refund(payment: Payment) -> Refund:
    return actions.request_refund(
        payment=payment, amount_fen=1000, reason="Rain", by=None, key="rain"
    )


def test_all_hold_after_an_ordinary_day() -> None:
    payment = make.paid()
    a_refund(payment)
    make.settle(payment, provider_ref="TWICE")
    actions.close_payment(payment=make.payment(), by=None)
    make.payment()

    assert broken() == []


def test_names_are_unique_and_meanings_are_said() -> None:
    assert len({promise.name for promise in INVARIANTS}) == len(INVARIANTS)
    assert all(str(promise.meaning) for promise in INVARIANTS)


def test_a_refund_without_its_row_is_found() -> None:
    payment = make.paid()
    Payment.objects.filter(pk=payment.pk).update(refunded_fen=1)

    assert broken() == ["payments.refunds_add_up"]


def test_a_settled_event_without_its_payment_is_found() -> None:
    ProviderEvent.objects.create(
        provider="sandbox",
        event_id="E",
        kind="paid",
        provider_ref="GONE",
        signature_ok=True,
        received_at=clock.now(),
        outcome="settled",
    )

    assert broken() == ["payments.settled_events_have_their_payment"]


def test_a_forged_event_that_was_acted_on_is_found() -> None:
    payment = make.paid()
    ProviderEvent.objects.create(
        provider="sandbox",
        event_id="E",
        kind="paid",
        provider_ref=payment.provider_ref,
        signature_ok=False,
        received_at=clock.now(),
        outcome="settled",
    )

    assert broken() == ["payments.forged_events_change_nothing"]


def test_a_surplus_that_was_kept_is_found() -> None:
    payment = make.paid()
    make.settle(payment, provider_ref="TWICE")
    Refund.objects.all().delete()
    Payment.objects.filter(surplus_of=payment).update(refunded_fen=0)

    assert broken() == ["payments.surplus_money_goes_back"]


def test_a_settlement_behind_the_actions_back_is_found() -> None:
    payment = make.payment()
    Payment.objects.filter(pk=payment.pk).update(
        state="paid", provider="sandbox", provider_ref="X", paid_at=clock.now()
    )

    assert broken() == ["payments.settlements_are_recorded"]


def test_money_that_stays_at_the_cashier_is_found() -> None:
    long_ago = clock.now() - timedelta(minutes=16)
    SandboxTransaction.objects.create(
        number="N", amount_fen=1, state="paid", created_at=long_ago, paid_at=long_ago
    )

    assert broken() == ["payments.sandbox_money_arrives"]


def test_a_finished_refund_that_the_cashier_does_not_know_is_found() -> None:
    actions.note_refund_answer(
        refund=a_refund(make.paid()), answer=RefundAnswer("done")
    )

    assert broken() == ["payments.sandbox_agrees_on_refunds"]


def test_a_payment_that_nobody_closed_is_found() -> None:
    make.expire(make.payment(), ago=timedelta(hours=2))

    assert broken() == ["payments.due_payments_are_closed_in_time"]
