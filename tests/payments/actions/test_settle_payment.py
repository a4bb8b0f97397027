from __future__ import annotations

import pytest

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.payments import actions
from bureau.payments.errors import UnknownPayment
from bureau.payments.models import Discrepancy, Payment, Refund
from bureau.payments.providers import RefundAnswer
from bureau.payments.signals import payment_settled
from tests.payments import make
from tests.payments.conftest import Told

pytestmark = pytest.mark.django_db


def test_money_makes_it_paid_and_is_told_once(told: Told) -> None:
    payment = make.payment()

    make.settle(payment, provider_ref="A1")
    make.settle(payment, provider_ref="A1")

    assert (payment.state, payment.provider_ref, payment.late) == ("paid", "A1", False)
    assert told.settled == [payment]
    assert Entry.objects.filter(event="payments.payment.settled").count() == 1


def test_money_for_a_closed_payment_is_late(told: Told) -> None:
    payment = make.payment()
    actions.close_payment(payment=payment, by=None)

    make.settle(payment)

    assert (payment.state, payment.late) == ("paid", True)
    assert told.settled == [payment]


def test_money_after_the_time_is_late_even_before_the_sweep() -> None:
    payment = make.payment()
    make.expire(payment)

    make.settle(payment)

    assert payment.late


@pytest.mark.parametrize("fen", [6999, 7001, 1])
def test_another_amount_is_never_paid(told: Told, fen: int) -> None:
    payment = make.payment(amount_fen=7000)

    make.settle(payment, amount_fen=fen, provider_ref="A1")
    make.settle(payment, amount_fen=fen, provider_ref="A1")

    assert payment.state == "due"
    assert told.settled == []
    assert Discrepancy.objects.unexplained().get().kind == "wrong_amount"


def test_paid_twice_goes_straight_back(told: Told) -> None:
    payment = make.payment()
    make.settle(payment, provider="wechat", provider_ref="A1")

    make.settle(payment, provider="alipay", provider_ref="B1")
    make.settle(payment, provider="alipay", provider_ref="B1")

    refund = Refund.objects.get()
    assert refund.payment.surplus_of == payment
    assert (refund.payment.provider, refund.payment.provider_ref) == ("alipay", "B1")
    assert refund.amount_fen == payment.amount_fen
    assert payment.refunded_fen == 0
    assert told.settled == [payment]
    assert Payment.objects.filter(surplus_of=None).get() == payment


def test_money_that_is_before_the_staff_is_not_paid_back_a_second_time() -> None:
    payment = make.payment(amount_fen=7000)
    make.settle(payment, amount_fen=6999, provider_ref="A1")
    actions.resolve_discrepancy(
        discrepancy=Discrepancy.objects.get(), note="Paid back in cash", by=None
    )
    make.settle(payment, provider_ref="A2")

    make.settle(payment, amount_fen=6999, provider_ref="A1")  # reconciliation

    assert payment.provider_ref == "A2"
    assert not Refund.objects.exists()


def test_a_surplus_refund_is_not_told_to_the_order(told: Told) -> None:
    payment = make.paid()
    make.settle(payment, provider_ref="B1")

    actions.note_refund_answer(refund=Refund.objects.get(), answer=RefundAnswer("done"))

    assert Refund.objects.get().state == "done"
    assert told.refunded == []


def test_refuses_a_number_it_does_not_know() -> None:
    with pytest.raises(UnknownPayment):
        actions.settle_payment(
            number="NOPE",
            provider="sandbox",
            provider_ref="A1",
            amount_fen=1,
            at=clock.now(),
        )


def test_a_receiver_that_fails_leaves_everything_as_it_was() -> None:
    def fail(sender: object, **kwargs: object) -> None:
        raise RuntimeError("no court left")

    payment = make.payment()
    payment_settled.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            make.settle(payment)
    finally:
        payment_settled.disconnect(fail)

    payment.refresh_from_db()
    assert payment.state == "due"
    make.settle(payment)
    assert payment.state == "paid"
