"""WeChat Pay v3 against a gateway of our own, with keys made for the test."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from bureau.common import clock
from bureau.payments import actions, providers, tasks
from bureau.payments.models import Attempt, Payment, ProviderEvent, Refund
from bureau.payments.providers.wechat import WeChatProvider
from tests.payments import make
from tests.payments.fake_gateway import Gateway, Keys, Seen, gateway, new_keys

pytestmark = pytest.mark.django_db

MERCHANT, PLATFORM = new_keys(), new_keys()
APIV3_KEY = "0123456789abcdef0123456789abcdef"
WECHAT = WeChatProvider()


def signed(text: str, keys: Keys = PLATFORM, *, age: int = 0) -> dict[str, str]:
    timestamp, nonce = str(int(clock.now().timestamp()) - age), "nonce"
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": "PUB_KEY_ID_1",
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        "Wechatpay-Signature": keys.sign(f"{timestamp}\n{nonce}\n{text}\n"),
        "Content-Type": "application/json",
    }


@pytest.fixture(autouse=True)
def wechat(settings: Settings) -> Iterator[Gateway]:
    settings.PAYMENT_PROVIDERS = ["wechat"]
    settings.WECHAT_APP_ID, settings.WECHAT_MERCHANT_ID = "wx1", "1900000109"
    settings.WECHAT_CERTIFICATE_SERIAL = "ABC"
    settings.WECHAT_PRIVATE_KEY = MERCHANT.private_pem
    settings.WECHAT_APIV3_KEY = APIV3_KEY
    settings.WECHAT_PLATFORM_KEY = PLATFORM.public_pem
    settings.WECHAT_PLATFORM_KEY_ID = "PUB_KEY_ID_1"
    with gateway() as running:
        settings.WECHAT_GATEWAY = running.url
        yield running


def says(
    wechat: Gateway, answer: dict[str, Any], status: int = 200, keys: Keys = PLATFORM
) -> None:
    def reply(_: Seen) -> tuple[int, str, dict[str, str]]:
        text = json.dumps(answer)
        return status, text, signed(text, keys)

    wechat.reply = reply


def attempt(payment: Payment, channel: str = "web", payer_ref: str = "") -> Attempt:
    return Attempt.objects.create(
        payment=payment,
        provider="wechat",
        channel=channel,
        payer_ref=payer_ref,
        created_at=clock.now(),
    )


def transaction(payment: Payment, **given: Any) -> dict[str, Any]:
    return {
        "mchid": "1900000109",
        "out_trade_no": payment.number,
        "transaction_id": "4200000001",
        "trade_state": "SUCCESS",
        "success_time": "2026-04-18T18:00:00+08:00",
        "amount": {"total": payment.amount_fen, "currency": "CNY"},
        **given,
    }


def notification(resource: dict[str, Any], kind: str = "TRANSACTION.SUCCESS") -> str:
    box = AESGCM(APIV3_KEY.encode()).encrypt(
        b"123456789012", json.dumps(resource).encode(), b"transaction"
    )
    return json.dumps(
        {
            "id": "EV-1",
            "event_type": kind,
            "resource_type": "encrypt-resource",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": "123456789012",
                "associated_data": "transaction",
                "ciphertext": b64encode(box).decode(),
            },
        }
    )


def call_back(text: str, headers: dict[str, str]) -> int:
    response = Client().post(
        reverse("payments:callback", args=["wechat"]),
        data=text,
        content_type="application/json",
        headers=headers,
    )
    return response.status_code


def test_opens_a_code_to_scan_on_a_desk(wechat: Gateway) -> None:
    says(wechat, {"code_url": "weixin://wxpay/bizpayurl?pr=1"})
    payment = make.payment()

    opening = WECHAT.open(attempt(payment))

    assert opening.qr == "weixin://wxpay/bizpayurl?pr=1"
    asked = wechat.seen[0]
    assert asked.path == "/v3/pay/transactions/native"
    assert asked.json["amount"] == {"total": 7000, "currency": "CNY"}
    assert asked.json["out_trade_no"] == payment.number
    assert asked.json["notify_url"].endswith("/pay/callbacks/wechat/")
    assert asked.json["time_expire"].endswith("+08:00")


def test_signs_its_requests_with_the_merchants_key(wechat: Gateway) -> None:
    says(wechat, {"code_url": "weixin://"})
    WECHAT.open(attempt(make.payment()))

    asked = wechat.seen[0]
    given = dict(re.findall(r'(\w+)="([^"]*)"', asked.headers["Authorization"]))
    text = f"POST\n{asked.path}\n{given['timestamp']}\n{given['nonce_str']}\n"
    assert given["signature"] == MERCHANT.sign(f"{text}{asked.body}\n")


def test_opens_a_link_on_a_phone(wechat: Gateway) -> None:
    says(wechat, {"h5_url": "https://wx.tenpay.com/x"})

    opening = WECHAT.open(attempt(make.payment(), "mobile", "203.0.113.9"))

    assert opening.url == "https://wx.tenpay.com/x"
    assert wechat.seen[0].json["scene_info"]["payer_client_ip"] == "203.0.113.9"


def test_signs_what_the_mini_program_takes(wechat: Gateway) -> None:
    says(wechat, {"prepay_id": "wx2017"})

    params = WECHAT.open(attempt(make.payment(), "mini", "openid-1")).params

    assert wechat.seen[0].json["payer"] == {"openid": "openid-1"}
    text = f"wx1\n{params['timeStamp']}\n{params['nonceStr']}\nprepay_id=wx2017\n"
    assert params["paySign"] == MERCHANT.sign(text)


def test_a_forged_answer_is_no_answer(wechat: Gateway) -> None:
    says(wechat, {"code_url": "weixin://evil"}, keys=new_keys())

    with pytest.raises(providers.ProviderUnavailable):
        WECHAT.open(attempt(make.payment()))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_at_the_gateway_is_asked_again(wechat: Gateway, status: int) -> None:
    says(wechat, {"code": "SYSTEM_ERROR"}, status=status)

    with pytest.raises(providers.ProviderUnavailable):
        WECHAT.query(make.payment())


def test_a_gateway_that_is_away_is_asked_again(settings: Settings) -> None:
    settings.WECHAT_GATEWAY = "http://127.0.0.1:9"

    with pytest.raises(providers.ProviderUnavailable):
        WECHAT.query(make.payment())


def test_finds_the_money_of_a_number(wechat: Gateway) -> None:
    payment = make.payment()
    attempt(payment)
    says(wechat, transaction(payment))

    tasks.ask_providers(payment_id=payment.pk)

    payment.refresh_from_db()
    assert (payment.state, payment.provider_ref) == ("paid", "4200000001")


def test_finds_no_money_where_there_is_none(wechat: Gateway) -> None:
    payment = make.payment()
    says(wechat, transaction(payment, trade_state="NOTPAY"))
    assert WECHAT.query(payment) is None

    says(wechat, {"code": "ORDER_NOT_EXIST"}, status=404)
    assert WECHAT.query(payment) is None


def test_closes_a_number(wechat: Gateway) -> None:
    wechat.reply = lambda _: (204, "", signed(""))
    payment = make.payment()

    WECHAT.close(payment)

    path = f"/v3/pay/transactions/out-trade-no/{payment.number}/close"
    assert wechat.seen[0].path == path


def test_a_callback_is_verified_decrypted_and_settles_once() -> None:
    payment = make.payment()
    text = notification(transaction(payment))

    assert call_back(text, signed(text)) == 200
    assert call_back(text, signed(text)) == 200

    payment.refresh_from_db()
    assert (payment.state, payment.provider_ref) == ("paid", "4200000001")
    assert payment.paid_at is not None
    assert payment.paid_at.isoformat() == "2026-04-18T10:00:00+00:00"
    assert ProviderEvent.objects.get().outcome == "settled"


@pytest.mark.parametrize("wrong", ["key", "body", "age", "none", "merchant"])
def test_a_forged_callback_is_refused(wrong: str) -> None:
    payment = make.payment()
    resource = transaction(payment)
    if wrong == "merchant":
        resource["mchid"] = "666"
    text = notification(resource)
    headers = signed(
        text,
        new_keys() if wrong == "key" else PLATFORM,
        age=600 if wrong == "age" else 0,
    )
    if wrong == "none":
        headers = {}
    if wrong == "body":
        text = text.replace("EV-1", "EV-2")

    assert call_back(text, headers) == 400

    payment.refresh_from_db()
    assert payment.state == "due"
    assert ProviderEvent.objects.get().signature_ok is False


def refund_of(payment: Payment) -> Refund:
    make.settle(payment, provider="wechat", provider_ref="4200000001")
    return actions.request_refund(
        payment=payment, amount_fen=3000, reason="Rain", by=None, key="rain"
    )


def test_asks_for_a_refund_under_our_number(wechat: Gateway) -> None:
    refund = refund_of(make.payment())
    says(wechat, {"refund_id": "50000", "status": "PROCESSING"})

    tasks.send_refund(refund_id=refund.pk)

    refund.refresh_from_db()
    assert (refund.state, refund.provider_ref) == ("sent", "50000")
    asked = wechat.seen[0]
    assert asked.path == "/v3/refund/domestic/refunds"
    assert asked.json["out_refund_no"] == refund.number
    assert asked.json["transaction_id"] == "4200000001"
    assert asked.json["amount"] == {"refund": 3000, "total": 7000, "currency": "CNY"}


def test_a_refused_refund_waits_for_staff(wechat: Gateway) -> None:
    refund = refund_of(make.payment())
    says(wechat, {"code": "NOT_ENOUGH", "message": "balance"}, status=403)

    tasks.send_refund(refund_id=refund.pk)

    refund.refresh_from_db()
    assert (refund.state, refund.problem) == ("failed", "NOT_ENOUGH balance")


def test_a_silent_gateway_leaves_the_refund_to_be_sent_later(wechat: Gateway) -> None:
    refund = refund_of(make.payment())
    says(wechat, {"code": "SYSTEM_ERROR"}, status=500)

    tasks.send_refund(refund_id=refund.pk)

    refund.refresh_from_db()
    assert (refund.state, refund.tries) == ("due", 1)
    assert refund.next_try_at > clock.now()


@pytest.mark.parametrize(
    ("said", "state"), [("SUCCESS", "done"), ("ABNORMAL", "failed")]
)
def test_a_refunds_callback_ends_it(said: str, state: str) -> None:
    payment = make.payment()
    refund = refund_of(payment)
    resource = {
        "mchid": "1900000109",
        "out_trade_no": payment.number,
        "out_refund_no": refund.number,
        "refund_id": "50000",
        "refund_status": said,
        "amount": {"total": 7000, "refund": 3000},
    }
    text = notification(resource, f"REFUND.{said}")

    assert call_back(text, signed(text)) == 200

    refund.refresh_from_db()
    assert refund.state == state


def test_a_refund_is_asked_about(wechat: Gateway) -> None:
    refund = refund_of(make.payment())
    says(wechat, {"refund_id": "50000", "status": "SUCCESS"})
    assert WECHAT.query_refund(refund).state == "done"

    says(wechat, {"code": "RESOURCE_NOT_EXISTS"}, status=404)
    assert WECHAT.query_refund(refund).state == "unknown"


def test_reconciliation_asks_about_each_payment_that_was_begun(
    wechat: Gateway,
) -> None:
    payment = make.payment()
    attempt(payment)
    says(wechat, transaction(payment))

    tasks.reconcile(hours=1)

    payment.refresh_from_db()
    assert payment.state == "paid"
