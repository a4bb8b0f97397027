"""WeChat Pay, API v3. Keys come from the environment (see settings)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests
from django.conf import settings
from django.urls import reverse
from wechatpayv3 import WeChatPay, WeChatPayType  # type: ignore[import-untyped]

from bureau.common import clock, codes
from bureau.payments.models import Attempt, Payment, Refund
from bureau.payments.providers.base import (
    Answer,
    Callback,
    ForgedCallback,
    Money,
    Opening,
    Provider,
    ProviderUnavailable,
    RefundAnswer,
)

CLOCK_SKEW_SECONDS = 300
TIMEOUTS = (3, 10)  # seconds to connect, to answer
_REFUND_STATES = {
    "SUCCESS": "done",
    "PROCESSING": "sent",
    "CLOSED": "failed",
    "ABNORMAL": "failed",
}


def _client() -> Any:
    client = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        appid=settings.WECHAT_APP_ID,
        mchid=settings.WECHAT_MERCHANT_ID,
        cert_serial_no=settings.WECHAT_CERTIFICATE_SERIAL,
        private_key=settings.WECHAT_PRIVATE_KEY,
        apiv3_key=settings.WECHAT_APIV3_KEY,
        public_key=settings.WECHAT_PLATFORM_KEY,
        public_key_id=settings.WECHAT_PLATFORM_KEY_ID,
        notify_url=settings.PAYMENT_NOTIFY_URL
        + reverse("payments:callback", args=["wechat"]),
        timeout=TIMEOUTS,
    )
    # The library has no setting for its gateway; tests and proxies need one.
    client._core._gate_way = settings.WECHAT_GATEWAY  # noqa: SLF001
    return client


def _ask(call: Any, /, *args: Any, **kwargs: Any) -> tuple[int, dict[str, Any]]:
    """One request; a verified answer below 500, or `ProviderUnavailable`."""
    try:
        status, text = call(*args, **kwargs)
        answer = json.loads(text) if text else {}
    except (requests.RequestException, ValueError) as failed:
        raise ProviderUnavailable(str(failed)) from failed
    except (
        Exception
    ) as failed:  # the library raises bare `Exception` for bad signatures
        raise ProviderUnavailable(str(failed)) from failed
    if status >= 500 or status == 429:
        raise ProviderUnavailable(f"{status} {answer.get('code', '')}")
    return status, answer


class WeChatProvider(Provider):
    name = "wechat"

    def open(self, attempt: Attempt) -> Opening:
        """A QR code on a desk, a link on a phone, parameters in the mini-program."""
        client, payment = _client(), attempt.payment
        order: dict[str, Any] = {
            "description": payment.title,
            "out_trade_no": payment.number,
            "amount": {"total": payment.amount_fen, "currency": "CNY"},
            "time_expire": payment.expires_at.astimezone(clock.CHINA).isoformat(
                timespec="seconds"
            ),
        }
        if attempt.channel == "mini":
            answer = self._create(
                client,
                order,
                pay_type=WeChatPayType.MINIPROG,
                payer={"openid": attempt.payer_ref},
            )
            return Opening(params=_request_payment(client, answer["prepay_id"]))
        if attempt.channel == "mobile":
            answer = self._create(
                client,
                order,
                pay_type=WeChatPayType.H5,
                scene_info={
                    "payer_client_ip": attempt.payer_ref or "127.0.0.1",
                    "h5_info": {"type": "Wap"},
                },
            )
            return Opening(url=answer["h5_url"])
        answer = self._create(client, order, pay_type=WeChatPayType.NATIVE)
        return Opening(qr=answer["code_url"])

    def _create(self, client: Any, order: dict[str, Any], **how: Any) -> dict[str, Any]:
        status, answer = _ask(client.pay, **order, **how)
        if status != 200:
            raise ProviderUnavailable(f"{status} {answer.get('code', '')}")
        return answer

    def close(self, payment: Payment) -> None:
        _ask(_client().close, out_trade_no=payment.number)

    def query(self, payment: Payment) -> Money | None:
        status, answer = _ask(_client().query, out_trade_no=payment.number)
        if status != 200 or answer.get("trade_state") not in ("SUCCESS", "REFUND"):
            return None
        return _money(answer)

    def refund(self, refund: Refund) -> RefundAnswer:
        status, answer = _ask(
            _client().refund,
            out_refund_no=refund.number,
            transaction_id=refund.payment.provider_ref,
            reason=refund.reason[:80],
            amount={
                "refund": refund.amount_fen,
                "total": refund.payment.amount_fen,
                "currency": "CNY",
            },
        )
        return _refund_answer(status, answer)

    def query_refund(self, refund: Refund) -> RefundAnswer:
        status, answer = _ask(_client().query_refund, out_refund_no=refund.number)
        if status == 404:
            return RefundAnswer("unknown")
        return _refund_answer(status, answer)

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        message = _verified(headers, body)
        try:
            return _read(message)
        except (KeyError, TypeError, ValueError) as unreadable:
            raise ForgedCallback("not a payment or refund message") from unreadable

    def answer(self, *, ok: bool) -> Answer:
        body = {"code": "SUCCESS" if ok else "FAIL", "message": "" if ok else "refused"}
        return Answer(200 if ok else 400, "application/json", json.dumps(body))


def _verified(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    given = {
        f"Wechatpay-{name}": headers.get(f"Wechatpay-{name}", "")
        for name in ("Signature", "Timestamp", "Nonce", "Serial", "Signature-Type")
    }
    try:
        age = abs(clock.now().timestamp() - int(given["Wechatpay-Timestamp"]))
        message = _client().callback(given, body)
    except Exception as unreadable:
        raise ForgedCallback("cannot be verified") from unreadable
    if not message:
        raise ForgedCallback("wrong signature")
    if age > CLOCK_SKEW_SECONDS:
        raise ForgedCallback("too old")
    if message["resource"].get("mchid") != settings.WECHAT_MERCHANT_ID:
        raise ForgedCallback("for another merchant")
    return dict(message)


def _read(message: dict[str, Any]) -> Callback:
    resource, event_id = message["resource"], str(message["id"])
    if "out_refund_no" in resource:
        return Callback(
            event_id=event_id,
            kind=message["event_type"],
            payload=message,
            refund_number=resource["out_refund_no"],
            refund_fen=int(resource["amount"]["refund"]),
            refund=RefundAnswer(
                _REFUND_STATES[resource["refund_status"]],  # type: ignore[arg-type]
                provider_ref=resource["refund_id"],
                problem=""
                if resource["refund_status"] == "SUCCESS"
                else resource["refund_status"],
            ),
        )
    paid = resource.get("trade_state") == "SUCCESS"
    return Callback(
        event_id=event_id,
        kind=message["event_type"],
        payload=message,
        money=_money(resource) if paid else None,
    )


def _money(transaction: dict[str, Any]) -> Money:
    return Money(
        number=transaction["out_trade_no"],
        provider_ref=transaction["transaction_id"],
        amount_fen=int(transaction["amount"]["total"]),
        at=datetime.fromisoformat(transaction["success_time"]),
    )


def _refund_answer(status: int, answer: dict[str, Any]) -> RefundAnswer:
    if status != 200:
        problem = f"{answer.get('code', status)} {answer.get('message', '')}"
        return RefundAnswer("failed", problem=problem)
    said = answer.get("status", "")
    return RefundAnswer(
        _REFUND_STATES.get(said, "unknown"),  # type: ignore[arg-type]
        provider_ref=answer.get("refund_id", ""),
        problem=said if said in ("CLOSED", "ABNORMAL") else "",
    )


def _request_payment(client: Any, prepay_id: str) -> dict[str, str]:
    """What `wx.requestPayment` takes, signed."""
    timestamp = str(int(clock.now().timestamp()))
    nonce, package = codes.new_code(32), f"prepay_id={prepay_id}"
    return {
        "appId": settings.WECHAT_APP_ID,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": client.sign([settings.WECHAT_APP_ID, timestamp, nonce, package]),
    }
