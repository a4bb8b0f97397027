"""Alipay, key mode (RSA2). Keys come from the environment (see settings)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from alipay import AliPay  # type: ignore[import-untyped]
from alipay.exceptions import (  # type: ignore[import-untyped]
    AliPayException,
    AliPayValidationError,
)
from alipay.utils import AliPayConfig  # type: ignore[import-untyped]
from django.conf import settings
from django.urls import reverse

from bureau.common import clock
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

TIMEOUT_SECONDS = 10
_PAID = ("TRADE_SUCCESS", "TRADE_FINISHED")
_OK = "10000"


def _client() -> Any:
    client = AliPay(
        appid=settings.ALIPAY_APP_ID,
        app_notify_url=settings.PAYMENT_NOTIFY_URL
        + reverse("payments:callback", args=["alipay"]),
        app_private_key_string=settings.ALIPAY_PRIVATE_KEY,
        alipay_public_key_string=settings.ALIPAY_PUBLIC_KEY,
        config=AliPayConfig(timeout=TIMEOUT_SECONDS),
    )
    # The library has no setting for its gateway; tests and proxies need one.
    client._gateway = settings.ALIPAY_GATEWAY  # noqa: SLF001
    return client


def _ask(call: Any, /, **given: Any) -> dict[str, Any]:
    """One request; a verified answer that is not "ask again"."""
    try:
        answer = call(**given)
    except (
        OSError,
        ValueError,
        KeyError,
        AliPayException,
        AliPayValidationError,
    ) as failed:
        raise ProviderUnavailable(str(failed)) from failed
    if answer.get("code") == "20000" or answer.get("sub_code") in (
        "ACQ.SYSTEM_ERROR",
        "aop.ACQ.SYSTEM_ERROR",
    ):
        raise ProviderUnavailable(str(answer.get("sub_code") or answer.get("msg")))
    return dict(answer)


class AlipayProvider(Provider):
    name = "alipay"
    opens_locally = True  # an address is signed here; nobody is asked

    def open(self, attempt: Attempt) -> Opening:
        client, payment = _client(), attempt.payment
        expires = payment.expires_at.astimezone(clock.CHINA)
        order = {
            "subject": payment.title,
            "out_trade_no": payment.number,
            "total_amount": yuan_text(payment.amount_fen),
            "time_expire": expires.strftime("%Y-%m-%d %H:%M:%S"),
        }
        if attempt.channel == "mini":
            return Opening(
                params={"orderStr": client.api_alipay_trade_app_pay(**order)}
            )
        back = settings.PUBLIC_URL + reverse("payments:result", args=[payment.number])
        pay = (
            client.api_alipay_trade_wap_pay
            if attempt.channel == "mobile"
            else client.api_alipay_trade_page_pay
        )
        query = pay(return_url=back, **order)
        return Opening(url=f"{settings.ALIPAY_GATEWAY}?{query}")

    def close(self, payment: Payment) -> None:
        _ask(_client().api_alipay_trade_close, out_trade_no=payment.number)

    def query(self, payment: Payment) -> Money | None:
        answer = _ask(_client().api_alipay_trade_query, out_trade_no=payment.number)
        if answer.get("code") != _OK or answer.get("trade_status") not in _PAID:
            return None
        return _money(answer, paid_at=answer.get("send_pay_date"))

    def refund(self, refund: Refund) -> RefundAnswer:
        answer = _ask(
            _client().api_alipay_trade_refund,
            refund_amount=yuan_text(refund.amount_fen),
            trade_no=refund.payment.provider_ref,
            out_request_no=refund.number,
            refund_reason=refund.reason,
        )
        if answer.get("code") == _OK:
            return RefundAnswer("done", provider_ref=answer.get("trade_no", ""))
        problem = answer.get("sub_code") or answer.get("msg") or "refused"
        return RefundAnswer("failed", problem=str(problem))

    def query_refund(self, refund: Refund) -> RefundAnswer:
        answer = _ask(
            _client().api_alipay_trade_fastpay_refund_query,
            out_request_no=refund.number,
            trade_no=refund.payment.provider_ref,
        )
        if answer.get("code") == _OK and (
            answer.get("refund_status") == "REFUND_SUCCESS"
        ):
            return RefundAnswer("done", provider_ref=answer.get("trade_no", ""))
        return RefundAnswer("unknown")

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        del headers  # Alipay signs the form itself
        message = _verified(body)
        try:
            return _read(message)
        except (KeyError, ValueError, InvalidOperation) as unreadable:
            raise ForgedCallback("not a trade message") from unreadable

    def answer(self, *, ok: bool) -> Answer:
        return Answer(200 if ok else 400, "text/plain", "success" if ok else "failure")


def yuan_text(fen: int) -> str:
    """Fen in Alipay's spelling: 4500 -> "45.00"."""
    return f"{Decimal(fen) / 100:.2f}"


def _fen(yuan: str) -> int:
    fen = Decimal(yuan) * 100
    if fen != fen.to_integral_value():
        raise ValueError(f"{yuan} is no sum of money")
    return int(fen)


def _verified(body: bytes) -> dict[str, str]:
    try:
        message = dict(parse_qsl(body.decode(), keep_blank_values=True))
        given = dict(message)
        signature = given.pop("sign")
        is_right = _client().verify(given, signature)
    except (UnicodeDecodeError, KeyError, ValueError, AliPayException) as unreadable:
        raise ForgedCallback("cannot be verified") from unreadable
    if not is_right:
        raise ForgedCallback("wrong signature")
    if message.get("app_id") != settings.ALIPAY_APP_ID:
        raise ForgedCallback("for another app")
    return message


def _read(message: dict[str, str]) -> Callback:
    if "refund_fee" in message:
        return Callback(
            event_id=message["notify_id"],
            kind="refunded",
            payload=message,
            refund_number=message.get("out_biz_no", ""),
            refund_fen=_fen(message["refund_fee"]),
            refund=RefundAnswer("done", provider_ref=message["trade_no"]),
        )
    paid = message["trade_status"] in _PAID
    return Callback(
        event_id=message["notify_id"],
        kind=message["trade_status"],
        payload=message,
        money=_money(message, paid_at=message.get("gmt_payment")) if paid else None,
    )


def _money(trade: dict[str, Any], *, paid_at: str | None) -> Money:
    at = (
        datetime.fromisoformat(paid_at).replace(tzinfo=clock.CHINA)
        if paid_at
        else clock.now()
    )
    return Money(
        number=trade["out_trade_no"],
        provider_ref=trade["trade_no"],
        amount_fen=_fen(trade["total_amount"]),
        at=at,
    )
