"""The sandbox cashier, a provider of our own that can misbehave on demand.

This module is the provider's side: it reads and writes only the `Sandbox…` tables, as a
real provider would its own, and reaches the portal through a signed HTTP callback.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import requests
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse

from bureau.common import clock, codes
from bureau.payments.models import (
    Attempt,
    Payment,
    Refund,
    SandboxRefund,
    SandboxTransaction,
)
from bureau.payments.providers.base import (
    Answer,
    Callback,
    ForgedCallback,
    Money,
    Opening,
    Provider,
    RefundAnswer,
)

CLOCK_SKEW_SECONDS = 300
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
TIMEOUT_SECONDS = 5


def signature_of(*, timestamp: str, nonce: str, body: bytes) -> str:
    message = f"{timestamp}\n{nonce}\n".encode() + body
    return hmac.new(settings.SANDBOX_KEY.encode(), message, sha256).hexdigest()


def headers_for(body: bytes, *, forged: bool = False) -> dict[str, str]:
    """The signed headers of a callback; a forged one has the wrong signature."""
    timestamp = str(int(clock.now().timestamp()))
    nonce = codes.new_code()
    signature = signature_of(timestamp=timestamp, nonce=nonce, body=body)
    return {
        "Content-Type": "application/json",
        "Sandbox-Timestamp": timestamp,
        "Sandbox-Nonce": nonce,
        "Sandbox-Signature": "0" * 64 if forged else signature,
    }


def paid_message(paid: SandboxTransaction) -> dict[str, Any]:
    return {
        "id": f"paid-{paid.ref}",
        "type": "paid",
        "number": paid.number,
        "ref": paid.ref,
        "amount_fen": paid.amount_fen,
        "at": paid.paid_at.isoformat() if paid.paid_at else "",
    }


def refunded_message(refund: SandboxRefund) -> dict[str, Any]:
    return {
        "id": f"refunded-{refund.ref}",
        "type": "refunded",
        "number": refund.transaction.number,
        "refund_number": refund.number,
        "refund_ref": refund.ref,
        "amount_fen": refund.amount_fen,
    }


@dataclass(frozen=True)
class Delivery:
    status: int
    text: str


def deliver(message: dict[str, Any], *, forged: bool = False) -> Delivery:
    """Call the portal back over HTTP, as a provider outside would."""
    body = json.dumps(message).encode()
    response = requests.post(
        settings.PAYMENT_NOTIFY_URL + reverse("payments:callback", args=["sandbox"]),
        data=body,
        headers=headers_for(body, forged=forged),
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )
    return Delivery(response.status_code, response.text[:200])


class SandboxProvider(Provider):
    name = "sandbox"
    opens_locally = True

    def open(self, attempt: Attempt) -> Opening:
        payment = attempt.payment
        known = SandboxTransaction.objects.of(number=payment.number)
        if not known.filter(state__in=["open", "paid"]).exists():
            try:
                with transaction.atomic():
                    SandboxTransaction.objects.create(
                        number=payment.number,
                        amount_fen=payment.amount_fen,
                        created_at=clock.now(),
                    )
            except IntegrityError:
                pass  # a twin of this request has just opened it
        return Opening(url=reverse("payments:sandbox", args=[payment.number]))

    def close(self, payment: Payment) -> None:
        SandboxTransaction.objects.of(number=payment.number).open().update(
            state=SandboxTransaction.State.CLOSED
        )

    def query(self, payment: Payment) -> Money | None:
        paid = SandboxTransaction.objects.of(number=payment.number).paid()
        found = paid.order_by("pk").first()
        return _money(found) if found else None

    def refund(self, refund: Refund) -> RefundAnswer:
        payment = refund.payment
        found = SandboxRefund.objects.filter(number=refund.number).first()
        if found is None:
            with transaction.atomic():
                paid = SandboxTransaction.objects.paid().filter(
                    ref=payment.provider_ref
                )
                source = paid.select_for_update().first()
                if source is None:
                    return RefundAnswer("failed", problem="no such transaction")
                # Asked twice at once: the second one waited for the lock.
                found = SandboxRefund.objects.filter(number=refund.number).first()
                if found is None:
                    if source.refunded_fen + refund.amount_fen > source.amount_fen:
                        return RefundAnswer("failed", problem="more than was paid")
                    SandboxTransaction.objects.filter(pk=source.pk).update(
                        refunded_fen=F("refunded_fen") + refund.amount_fen
                    )
                    found = SandboxRefund.objects.create(
                        transaction=source,
                        number=refund.number,
                        amount_fen=refund.amount_fen,
                        created_at=clock.now(),
                    )
        return RefundAnswer("sent", provider_ref=found.ref)

    def query_refund(self, refund: Refund) -> RefundAnswer:
        found = SandboxRefund.objects.filter(number=refund.number).first()
        if found is None:
            return RefundAnswer("unknown")
        return RefundAnswer("done", provider_ref=found.ref)

    def paid_since(self, moment: datetime) -> list[Money] | None:
        paid = SandboxTransaction.objects.paid().filter(paid_at__gte=moment)
        return [_money(row) for row in paid.order_by("pk")]

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        _verify(headers, body)
        try:
            message = _message(body)
            if message["type"] == "paid":
                return Callback(
                    event_id=str(message["id"]),
                    kind="paid",
                    payload=message,
                    money=Money(
                        number=str(message["number"]),
                        provider_ref=str(message["ref"]),
                        amount_fen=int(message["amount_fen"]),
                        at=_moment(message["at"]),
                    ),
                )
            return Callback(
                event_id=str(message["id"]),
                kind="refunded",
                payload=message,
                refund_number=str(message["refund_number"]),
                refund_fen=int(message["amount_fen"]),
                refund=RefundAnswer("done", provider_ref=str(message["refund_ref"])),
            )
        except (
            ValueError,
            KeyError,
            TypeError,
            OverflowError,
            RecursionError,
        ) as unreadable:
            raise ForgedCallback("not a message of the cashier") from unreadable

    def answer(self, *, ok: bool) -> Answer:
        body = '{"ok": true}' if ok else '{"ok": false}'
        return Answer(200 if ok else 400, "application/json", body)


def _verify(headers: Mapping[str, str], body: bytes) -> None:
    timestamp = headers.get("Sandbox-Timestamp", "")
    expected = signature_of(
        timestamp=timestamp, nonce=headers.get("Sandbox-Nonce", ""), body=body
    )
    given = headers.get("Sandbox-Signature", "")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise ForgedCallback("wrong signature")
    if not _SECONDS.fullmatch(timestamp):
        raise ForgedCallback("no timestamp")
    if abs(clock.now().timestamp() - int(timestamp)) > CLOCK_SKEW_SECONDS:
        raise ForgedCallback("too old")


def _message(body: bytes) -> Any:
    """What the cashier says, if it can be stored as it stands: no NUL, no surrogate."""
    message = json.loads(body)
    text = json.dumps(message, ensure_ascii=False)
    text.encode()
    if "\\u0000" in text:
        raise ValueError("a NUL in the text")
    return message


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its offset")
    return moment


def _money(paid: SandboxTransaction) -> Money:
    return Money(
        number=paid.number,
        provider_ref=paid.ref,
        amount_fen=paid.amount_fen,
        at=paid.paid_at or paid.created_at,
    )
