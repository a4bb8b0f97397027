from __future__ import annotations

import pytest

from bureau.payments import actions
from bureau.payments.errors import PaymentPaid
from tests.payments import make
from tests.payments.conftest import Told

pytestmark = pytest.mark.django_db


def test_closes_once(told: Told) -> None:
    payment = make.payment()

    actions.close_payment(payment=payment, by=payment.payer)
    actions.close_payment(payment=payment, by=payment.payer)

    assert payment.state == "closed"
    assert told.closed == [payment]


def test_refuses_a_paid_one() -> None:
    payment = make.paid()

    with pytest.raises(PaymentPaid):
        actions.close_payment(payment=payment, by=None)
