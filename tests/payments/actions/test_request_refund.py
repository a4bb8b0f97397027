from __future__ import annotations

import pytest

from bureau.payments import actions
from bureau.payments.errors import (
    PaymentNotPaid,
    RefundKeyReused,
    RefundNotFailed,
    RefundTooMuch,
)
from bureau.payments.models import Payment, Refund
from bureau.payments.providers import RefundAnswer
from tests.payments import make
from tests.payments.conftest import Told

pytestmark = pytest.mark.django_db


def refund(payment: Payment, fen: int, key: str = "cancelled") -> Refund:
    return actions.request_refund(
        payment=payment, amount_fen=fen, reason="Cancelled", by=payment.payer, key=key
    )


def test_counts_the_money_as_given_back() -> None:
    payment = make.paid(amount_fen=100)

    refund(payment, 60, "a")
    refund(payment, 40, "b")

    assert (payment.refunded_fen, payment.refundable_fen) == (100, 0)


def test_the_same_key_is_the_same_refund() -> None:
    payment = make.paid(amount_fen=100)

    assert refund(payment, 100) == refund(payment, 100)
    assert payment.refunded_fen == 100


def test_refuses_a_key_with_another_amount() -> None:
    payment = make.paid(amount_fen=100)
    refund(payment, 10)

    with pytest.raises(RefundKeyReused):
        refund(payment, 20)


def test_refuses_more_than_is_left() -> None:
    payment = make.paid(amount_fen=100)
    refund(payment, 60, "a")

    with pytest.raises(RefundTooMuch):
        refund(payment, 41, "b")


def test_refuses_what_was_not_paid() -> None:
    with pytest.raises(PaymentNotPaid):
        refund(make.payment(), 1)


def test_tells_the_order_once_when_it_is_done(told: Told) -> None:
    asked = refund(make.paid(), 7000)

    for state in ("sent", "done", "sent", "failed", "done"):
        actions.note_refund_answer(refund=asked, answer=RefundAnswer(state))

    asked.refresh_from_db()
    assert asked.state == "done"
    assert told.refunded == [asked]


def test_a_failed_one_is_sent_again_under_its_number() -> None:
    asked = refund(make.paid(), 7000)
    with pytest.raises(RefundNotFailed):
        actions.resend_refund(refund=asked, by=None)
    actions.note_refund_answer(refund=asked, answer=RefundAnswer("failed", problem="x"))

    again = actions.resend_refund(refund=asked, by=None)

    assert (again.state, again.number, again.tries) == ("due", asked.number, 0)


def test_is_taken_by_one_worker_at_a_time() -> None:
    asked = refund(make.paid(), 7000)

    assert actions.claim_refund(refund_id=asked.pk) == asked
    assert actions.claim_refund(refund_id=asked.pk) is None
