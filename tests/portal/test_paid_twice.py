from __future__ import annotations

import pytest
from django.utils import translation

from bureau.notices.models import Notice
from bureau.payments.models import Payment, Refund
from tests.payments import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def notice() -> Notice:
    payment = make.payment(title="Badminton, court 3", amount_fen=7000)
    make.settle(payment, provider_ref="first")
    make.settle(payment, provider_ref="second")
    return Notice.objects.get(kind="payments.paid_twice")


def test_who_paid_twice_is_told_that_the_second_payment_goes_back(
    notice: Notice,
) -> None:
    surplus = Payment.objects.get(provider_ref="second")
    assert notice.recipient == surplus.payer
    assert Refund.objects.get().payment == surplus
    assert "70 yuan" in notice.text("subject")
    assert "Badminton, court 3" in notice.text("body")
    assert surplus.number in notice.text("sms")


def test_the_notice_leads_to_what_was_paid(notice: Notice) -> None:
    assert notice.context["url"] == Payment.objects.get(surplus_of=None).return_path


def test_one_payment_is_no_reason_to_write(db: None) -> None:
    make.settle(make.payment(), provider_ref="only")

    assert not Notice.objects.filter(kind="payments.paid_twice").exists()


def test_a_repeated_second_payment_is_told_once(notice: Notice) -> None:
    make.settle(Payment.objects.get(surplus_of=None), provider_ref="second")

    assert Notice.objects.filter(kind="payments.paid_twice").count() == 1


def test_it_is_told_in_chinese_too(notice: Notice) -> None:
    with translation.override("zh-hans"):
        assert "重复支付" in notice.text("subject")
