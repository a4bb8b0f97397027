"""The cashier calls back over real HTTP, and misbehaves on demand."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from bureau.common import clock
from bureau.payments import actions, tasks
from bureau.payments.errors import CashierClosed
from bureau.payments.models import (
    Discrepancy,
    Payment,
    ProviderEvent,
    Refund,
    SandboxRefund,
    SandboxTransaction,
)
from bureau.payments.providers.sandbox import (
    deliver,
    headers_for,
    paid_message,
    signature_of,
)
from tests.payments import make
from tests.payments.conftest import Told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def portal(live_server: LiveServer, settings: Settings) -> LiveServer:
    """The portal on a real port, and a cashier that knows it."""
    settings.PAYMENT_NOTIFY_URL = live_server.url
    return live_server


def begun() -> Payment:
    payment = make.payment()
    actions.start_payment(payment=payment, provider="sandbox", by=payment.payer)
    return payment


def pay(payment: Payment, behaviour: str = "prompt") -> SandboxTransaction:
    paid = actions.pay_sandbox(number=payment.number, behaviour=behaviour)
    payment.refresh_from_db()
    return paid


def test_a_prompt_callback_settles(portal: LiveServer, told: Told) -> None:
    payment = begun()

    paid = pay(payment)

    assert (payment.state, payment.provider_ref) == ("paid", paid.ref)
    assert told.settled == [payment]
    assert ProviderEvent.objects.get().outcome == "settled"


def test_a_callback_sent_twice_settles_once(portal: LiveServer, told: Told) -> None:
    payment = begun()

    pay(payment, "twice")

    assert told.settled == [payment]
    assert ProviderEvent.objects.count() == 1
    assert Refund.objects.count() == 0


def test_a_forged_callback_is_kept_and_changes_nothing(
    portal: LiveServer, told: Told
) -> None:
    payment = begun()

    pay(payment, "forged")

    event = ProviderEvent.objects.get()
    assert (event.signature_ok, event.event_id[:7]) == (False, "forged-")
    assert payment.state == "due"
    assert told.settled == []


def test_a_forger_cannot_use_up_a_real_events_id(portal: LiveServer) -> None:
    payment = begun()
    paid = pay(payment, "forged")

    deliver(paid_message(paid))

    payment.refresh_from_db()
    assert payment.state == "paid"


def test_a_lost_callback_is_found_by_asking(portal: LiveServer, told: Told) -> None:
    payment = begun()
    pay(payment, "lost")
    assert payment.state == "due"

    actions.ask_again(payment=payment, by=payment.payer)

    payment.refresh_from_db()
    assert payment.state == "paid"
    assert told.settled == [payment]


def test_a_lost_callback_is_found_by_the_sweep_before_it_closes(
    portal: LiveServer, told: Told
) -> None:
    payment = begun()
    pay(payment, "lost")
    make.expire(payment)

    tasks.sweep_expired()

    payment.refresh_from_db()
    assert payment.state == "paid"
    assert told.closed == []


def test_a_lost_callback_is_found_by_reconciliation(
    portal: LiveServer, told: Told
) -> None:
    payment = begun()
    pay(payment, "lost")

    tasks.reconcile(hours=1)

    payment.refresh_from_db()
    assert payment.state == "paid"


def test_a_callback_after_closing_is_late_money(portal: LiveServer, told: Told) -> None:
    payment = begun()
    paid = pay(payment, "lost")
    Payment.objects.filter(pk=payment.pk).update(state="closed", closed_at=clock.now())

    deliver(paid_message(paid))

    payment.refresh_from_db()
    assert (payment.state, payment.late) == ("paid", True)


def test_a_refunds_callback_before_the_payments(portal: LiveServer, told: Told) -> None:
    payment = begun()
    pay(payment, "out_of_order")
    actions.ask_again(payment=payment, by=payment.payer)
    payment.refresh_from_db()

    refund = actions.request_refund(
        payment=payment, amount_fen=7000, reason="Cancelled", by=None, key="cancelled"
    )

    refund.refresh_from_db()
    assert refund.state == "done"
    assert told.refunded == [refund]
    kinds = list(ProviderEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["refunded", "paid"]
    payment.refresh_from_db()
    assert (payment.state, payment.refunded_fen) == ("paid", 7000)


def test_a_refund_that_nobody_asked_for_is_put_before_the_staff(
    portal: LiveServer,
) -> None:
    payment = begun()
    paid = pay(payment)
    refund = SandboxRefund.objects.create(
        transaction=paid, number="CONSOLE", amount_fen=1, created_at=clock.now()
    )

    tasks.call_back_refund(refund_number=refund.number)

    found = Discrepancy.objects.unexplained().get()
    assert (found.kind, found.amount_fen) == ("unknown_refund", 1)


def test_money_in_another_amount_stays_unexplained(
    portal: LiveServer, told: Told
) -> None:
    payment = begun()
    SandboxTransaction.objects.filter(number=payment.number).update(amount_fen=1)

    pay(payment)

    assert payment.state == "due"
    assert Discrepancy.objects.get().kind == "wrong_amount"


def test_money_for_a_number_that_is_not_ours(portal: LiveServer) -> None:
    SandboxTransaction.objects.create(
        number="STRANGER", amount_fen=5, created_at=clock.now()
    )

    actions.pay_sandbox(number="STRANGER")
    tasks.reconcile(hours=1)

    found = Discrepancy.objects.get()
    assert (found.kind, found.number) == ("unknown_payment", "STRANGER")


def test_a_refund_goes_through_the_cashier_and_back(
    portal: LiveServer, told: Told
) -> None:
    payment = begun()
    pay(payment)

    refund = actions.request_refund(
        payment=payment, amount_fen=3000, reason="Half", by=None, key="half"
    )

    refund.refresh_from_db()
    assert refund.state == "done"
    assert SandboxTransaction.objects.get().refunded_fen == 3000
    assert told.refunded == [refund]


def test_a_refund_whose_callback_is_lost_is_found_by_the_sweep(
    live_server: LiveServer, settings: Settings, told: Told
) -> None:
    settings.PAYMENT_NOTIFY_URL = "http://127.0.0.1:9"  # nobody listens here
    payment = begun()
    pay(payment)
    tasks.reconcile(hours=1)
    payment.refresh_from_db()
    refund = actions.request_refund(
        payment=payment, amount_fen=7000, reason="Cancelled", by=None, key="cancelled"
    )
    refund.refresh_from_db()
    assert refund.state == "sent"

    tasks.sweep_refunds()
    refund.refresh_from_db()
    assert refund.state == "sent"  # not yet: it has just been sent

    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        tasks.sweep_refunds()

    refund.refresh_from_db()
    assert refund.state == "done"
    assert told.refunded == [refund]


def test_closing_closes_at_the_cashier(portal: LiveServer) -> None:
    payment = begun()

    actions.close_payment(payment=payment, by=payment.payer)

    with pytest.raises(CashierClosed):
        actions.pay_sandbox(number=payment.number)


def test_paying_while_we_close_is_not_lost(portal: LiveServer, told: Told) -> None:
    payment = begun()
    pay(payment, "lost")

    actions.close_payment(payment=payment, by=payment.payer)

    payment.refresh_from_db()
    assert (payment.state, payment.late) == ("paid", True)
    assert told.closed == [payment]
    assert told.settled == [payment]


def post(portal: LiveServer, body: bytes, headers: dict[str, str]) -> int:
    address = portal.url + reverse("payments:callback", args=["sandbox"])
    return requests.post(address, data=body, headers=headers, timeout=5).status_code


def test_an_old_signature_is_refused(portal: LiveServer) -> None:
    paid = pay_without_callback()
    body = json.dumps(paid_message(paid)).encode()
    with time_machine.travel(clock.now() - timedelta(minutes=6)):
        headers = headers_for(body)

    assert post(portal, body, headers) == 400


def test_a_changed_body_is_refused(portal: LiveServer) -> None:
    paid = pay_without_callback()
    body = json.dumps(paid_message(paid)).encode()

    assert post(portal, body.replace(b"7000", b"1"), headers_for(body)) == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"nonsense", b'{"type": "paid"}', b"\x00\xff"]
)
def test_a_signed_body_of_the_wrong_shape_is_refused(
    portal: LiveServer, body: bytes
) -> None:
    assert post(portal, body, headers_for(body)) == 400


def test_a_huge_body_is_refused(portal: LiveServer) -> None:
    body = b" " * 70_000

    assert post(portal, body, headers_for(body)) == 413


def test_forgeries_do_not_fill_the_table(client: Client) -> None:
    address = reverse("payments:callback", args=["sandbox"])
    # A minute of its own: the counter is shared with whatever else is running.
    minute = clock.now() + timedelta(minutes=1 + secrets.randbelow(1_000_000))
    with time_machine.travel(minute, tick=False):
        for _ in range(70):
            client.post(address, data=b"{}", content_type="application/json")

    assert ProviderEvent.objects.count() == 60


def test_without_redis_a_true_callback_settles_and_a_forged_one_is_refused(
    client: Client, settings: Settings
) -> None:
    paid = pay_without_callback()
    body = json.dumps(paid_message(paid)).encode()
    address = reverse("payments:callback", args=["sandbox"])
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    def told(*, forged: bool) -> int:
        headers = headers_for(body, forged=forged)
        kind = headers.pop("Content-Type")
        return client.post(
            address, data=body, content_type=kind, headers=headers
        ).status_code

    assert told(forged=True) == 400
    assert Payment.objects.get().state == "due"
    assert told(forged=False) == 200
    assert Payment.objects.get().state == "paid"
    assert not ProviderEvent.objects.filter(signature_ok=False).exists()


def test_callbacks_are_posted(client: Client) -> None:
    assert client.get(reverse("payments:callback", args=["sandbox"])).status_code == 405


def test_callbacks_of_providers_that_are_not_offered_are_unknown(
    client: Client,
) -> None:
    assert client.post(reverse("payments:callback", args=["wechat"])).status_code == 404


def pay_without_callback() -> SandboxTransaction:
    return pay(begun(), "lost")


def paid_body(**odd: Any) -> str:
    message = {
        "type": "paid",
        "id": "1",
        "number": "1",
        "ref": "1",
        "amount_fen": 1,
        "at": "2026-11-22T18:00:00+08:00",
    }
    return json.dumps(message | odd)


@pytest.mark.parametrize(
    "body",
    [
        "[" * 50_000,
        "null",
        '{"type": "paid"}',
        paid_body(id="\0"),
        paid_body(number="\ud800"),
        paid_body(amount_fen=float("inf")),
        paid_body(at="2026-11-22T18:00:00"),
    ],
)
def test_a_signed_message_that_makes_no_sense_is_refused(
    client: Client, body: str
) -> None:
    client.raise_request_exception = False
    answer = client.post(
        reverse("payments:callback", args=["sandbox"]),
        body,
        content_type="application/json",
        headers=headers_for(body.encode()),
    )

    assert answer.status_code == 400
    assert not ProviderEvent.objects.get().signature_ok


@pytest.mark.parametrize("timestamp", ["", "abc", "9" * 5000, "1e9", "-1"])
def test_a_signed_message_without_a_time_is_refused(
    client: Client, timestamp: str
) -> None:
    client.raise_request_exception = False
    signature = signature_of(timestamp=timestamp, nonce="", body=b"{}")
    headers = {"Sandbox-Timestamp": timestamp, "Sandbox-Signature": signature}

    answer = client.post(
        reverse("payments:callback", args=["sandbox"]),
        "{}",
        content_type="application/json",
        headers=headers,
    )

    assert answer.status_code == 400
