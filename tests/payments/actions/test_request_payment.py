from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from bureau.audit.models import Entry
from bureau.payments import actions
from bureau.payments.errors import PaymentAlreadyOpen
from bureau.payments.models import Payment
from tests.payments import make

pytestmark = pytest.mark.django_db


def test_asks_for_the_money_of_an_order() -> None:
    order = make.person()

    payment = make.payment(owner=order)

    assert payment.state == "due"
    assert payment.owner_label == "accounts.user"
    assert list(Payment.objects.for_owner(order)) == [payment]
    assert len(payment.number) == 16
    assert Entry.objects.filter(event="payments.payment.requested").count() == 1


def test_asking_again_gives_the_same_payment() -> None:
    order = make.person()
    first = make.payment(owner=order)

    again = make.payment(owner=order)

    assert again == first


def test_refuses_another_amount_while_one_is_open() -> None:
    order = make.person()
    make.payment(owner=order, amount_fen=100)

    with pytest.raises(PaymentAlreadyOpen):
        make.payment(owner=order, amount_fen=200)


def test_a_closed_payment_makes_room_for_a_new_one() -> None:
    order = make.person()
    first = make.payment(owner=order)
    actions.close_payment(payment=first, by=None)

    assert make.payment(owner=order, amount_fen=1) != first


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example", "https://evil.example/", ""]
)
def test_never_leads_off_the_site(path: str) -> None:
    with (
        pytest.raises(IntegrityError, match="return_path_is_local"),
        transaction.atomic(),
    ):
        make.payment(return_path=path)


@pytest.mark.parametrize("fen", [0, -1])
def test_an_amount_is_positive(fen: int) -> None:
    with (
        pytest.raises(IntegrityError, match="amount_is_positive"),
        transaction.atomic(),
    ):
        make.payment(amount_fen=fen)
