"""Alipay against a gateway of our own, with keys made for the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from bureau.common import clock
from bureau.payments import actions, providers, tasks
from bureau.payments.models import Attempt, Payment, ProviderEvent, Refund
from bureau.payments.providers.alipay import AlipayProvider
from tests.payments import make
from tests.payments.fake_gateway import Gateway, Keys, Seen, gateway, new_keys

pytestmark = pytest.mark.django_db

APP, PLATFORM = new_keys(), new_keys()
ALIPAY = AlipayProvider()


@pytest.fixture(autouse=True)
def alipay(settings: Settings) -> Iterator[Gateway]:
    settings.PAYMENT_PROVIDERS = ["alipay"]
    settings.ALIPAY_APP_ID = "2021000000000000"
    settings.ALIPAY_PRIVATE_KEY = APP.private_pem
    settings.ALIPAY_PUBLIC_KEY = PLATFORM.public_pem
    with gateway() as running:
        settings.ALIPAY_GATEWAY = f"{running.url}/gateway.do"
        yield running


def asked_for(seen: Seen) -> dict[str, Any]:
    form = {
        name: value[0] for name, value in parse_qs(urlsplit(seen.path).query).items()
    }
    return {**form, **json.loads(form["biz_content"])}


def says(alipay: Gateway, answer: dict[str, Any], keys: Keys = PLATFORM) -> None:
    def reply(seen: Seen) -> tuple[int, str, dict[str, str]]:
        name = asked_for(seen)["method"].replace(".", "_") + "_response"
        text = json.dumps(answer, separators=(",", ":"))
        whole = f'{{"{name}":{text},"sign":"{keys.sign(text)}"}}'
        return 200, whole, {"Content-Type": "application/json"}

    alipay.reply = reply


def attempt(payment: Payment, channel: str = "web") -> Attempt:
    return Attempt.objects.create(
        payment=payment, provider="alipay", channel=channel, created_at=clock.now()
    )


def notification(
    payment: Payment, keys: Keys = PLATFORM, **given: str
) -> dict[str, str]:
    form = {
        "notify_id": "N1",
        "app_id": "2021000000000000",
        "out_trade_no": payment.number,
        "trade_no": "2026041822001",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": f"{payment.amount_fen / 100:.2f}",
        "gmt_payment": "2026-04-18 18:00:00",
        **given,
    }
    text = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
    return {**form, "sign": keys.sign(text), "sign_type": "RSA2"}


def call_back(form: dict[str, str]) -> Any:
    return Client().post(
        reverse("payments:callback", args=["alipay"]),
        data=urlencode(form),
        content_type="application/x-www-form-urlencoded",
    )


@pytest.mark.parametrize(
    ("channel", "method"),
    [("web", "alipay.trade.page.pay"), ("mobile", "alipay.trade.wap.pay")],
)
def test_opens_a_signed_address(alipay: Gateway, channel: str, method: str) -> None:
    payment = make.payment(amount_fen=7050, title="Badminton & tea, 3 号场")

    opening = ALIPAY.open(attempt(payment, channel))

    assert opening.url.startswith(f"{alipay.url}/gateway.do?")
    given = {k: v[0] for k, v in parse_qs(urlsplit(opening.url).query).items()}
    signature = given.pop("sign")
    text = "&".join(f"{name}={value}" for name, value in sorted(given.items()))
    assert signature == APP.sign(text)
    assert given["method"] == method
    assert given["notify_url"].endswith("/pay/callbacks/alipay/")
    order = json.loads(given["biz_content"])
    assert (order["out_trade_no"], order["total_amount"]) == (payment.number, "70.50")


def test_opens_parameters_for_the_mini_program() -> None:
    params = ALIPAY.open(attempt(make.payment(), "mini")).params

    assert "sign=" in params["orderStr"]


def test_a_callback_is_verified_and_settles_once() -> None:
    payment = make.payment()

    for _ in range(2):
        answer = call_back(notification(payment))
        assert (answer.status_code, answer.content) == (200, b"success")

    payment.refresh_from_db()
    assert (payment.state, payment.provider_ref) == ("paid", "2026041822001")
    assert payment.paid_at is not None
    assert payment.paid_at.isoformat() == "2026-04-18T10:00:00+00:00"
    assert ProviderEvent.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", ["key", "body", "app", "type", "none", "amount", "garbage"]
)
def test_a_forged_callback_is_refused(wrong: str) -> None:
    payment = make.payment()
    form = notification(payment, new_keys() if wrong == "key" else PLATFORM)
    if wrong == "body":
        form["total_amount"] = "0.01"
    if wrong == "app":
        form = notification(payment, app_id="666")
    if wrong == "type":
        form["sign_type"] = "RSA"
    if wrong == "none":
        del form["sign"]
    if wrong == "amount":
        form = notification(payment, total_amount="70.001")
    if wrong == "garbage":
        form["sign"] = "not base64!"

    answer = call_back(form)

    assert (answer.status_code, answer.content) == (400, b"failure")
    payment.refresh_from_db()
    assert payment.state == "due"


def test_a_callback_about_an_unpaid_trade_changes_nothing() -> None:
    payment = make.payment()

    assert (
        call_back(notification(payment, trade_status="WAIT_BUYER_PAY")).status_code
        == 200
    )

    assert ProviderEvent.objects.get().outcome == "ignored"


def trade(payment: Payment, **given: str) -> dict[str, str]:
    return {
        "code": "10000",
        "out_trade_no": payment.number,
        "trade_no": "2026041822001",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "70.00",
        "send_pay_date": "2026-04-18 18:00:00",
        **given,
    }


def test_finds_the_money_of_a_number(alipay: Gateway) -> None:
    payment = make.payment()
    attempt(payment)
    says(alipay, trade(payment))

    tasks.ask_providers(payment_id=payment.pk)

    payment.refresh_from_db()
    assert payment.state == "paid"


def test_finds_no_money_where_there_is_none(alipay: Gateway) -> None:
    payment = make.payment()
    says(alipay, {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"})
    assert ALIPAY.query(payment) is None

    says(alipay, trade(payment, trade_status="WAIT_BUYER_PAY"))
    assert ALIPAY.query(payment) is None


def test_a_forged_answer_is_no_answer(alipay: Gateway) -> None:
    payment = make.payment()
    says(alipay, trade(payment), keys=new_keys())

    with pytest.raises(providers.ProviderUnavailable):
        ALIPAY.query(payment)


def test_trouble_at_the_gateway_is_asked_again(
    alipay: Gateway, settings: Settings
) -> None:
    says(alipay, {"code": "20000", "sub_code": "isp.unknow-error"})
    with pytest.raises(providers.ProviderUnavailable):
        ALIPAY.query(make.payment())

    settings.ALIPAY_GATEWAY = "http://127.0.0.1:9/gateway.do"
    with pytest.raises(providers.ProviderUnavailable):
        ALIPAY.query(make.payment())


def refund_of(payment: Payment) -> Refund:
    make.settle(payment, provider="alipay", provider_ref="2026041822001")
    return actions.request_refund(
        payment=payment, amount_fen=3050, reason="Rain", by=None, key="rain"
    )


def test_asks_for_a_refund_under_our_number(alipay: Gateway) -> None:
    refund = refund_of(make.payment())
    says(alipay, {"code": "10000", "trade_no": "2026041822001", "fund_change": "Y"})

    tasks.send_refund(refund_id=refund.pk)

    refund.refresh_from_db()
    assert refund.state == "done"
    asked = asked_for(alipay.seen[0])
    assert asked["method"] == "alipay.trade.refund"
    assert asked["out_request_no"] == refund.number
    assert (asked["trade_no"], asked["refund_amount"]) == ("2026041822001", "30.50")


def test_a_refused_refund_waits_for_staff(alipay: Gateway) -> None:
    refund = refund_of(make.payment())
    says(alipay, {"code": "40004", "sub_code": "ACQ.SELLER_BALANCE_NOT_ENOUGH"})

    tasks.send_refund(refund_id=refund.pk)

    refund.refresh_from_db()
    assert (refund.state, refund.problem) == ("failed", "ACQ.SELLER_BALANCE_NOT_ENOUGH")


def test_a_refund_is_asked_about(alipay: Gateway) -> None:
    refund = refund_of(make.payment())
    says(alipay, {"code": "10000", "refund_status": "REFUND_SUCCESS"})
    assert ALIPAY.query_refund(refund).state == "done"

    says(alipay, {"code": "10000"})
    assert ALIPAY.query_refund(refund).state == "unknown"


def test_a_refunds_callback_ends_it() -> None:
    payment = make.payment()
    refund = refund_of(payment)

    call_back(
        notification(
            payment,
            notify_id="N2",
            refund_fee="30.50",
            out_biz_no=refund.number,
            gmt_refund="2026-04-18 19:00:00",
        )
    )

    refund.refresh_from_db()
    assert refund.state == "done"


def test_closes_a_number(alipay: Gateway) -> None:
    says(alipay, {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"})
    payment = make.payment()

    ALIPAY.close(payment)

    assert asked_for(alipay.seen[0])["out_trade_no"] == payment.number
