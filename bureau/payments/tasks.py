from __future__ import annotations

import logging
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from celery import Task, shared_task
from django.db import OperationalError
from requests import RequestException

from bureau.common import clock
from bureau.payments import actions, providers, queries
from bureau.payments.errors import (
    PaymentPaid,
    ProviderNotOffered,
    UnknownPayment,
)
from bureau.payments.models import (
    Attempt,
    Discrepancy,
    Payment,
    ProviderName,
    Refund,
    SandboxRefund,
    SandboxTransaction,
)
from bureau.payments.providers.sandbox import (
    deliver,
    paid_message,
    refunded_message,
)

logger = logging.getLogger(__name__)

# While a provider cannot be reached, a payment past its time waits this long for it.
PATIENCE = timedelta(minutes=15)
BATCH = 500


@shared_task(
    autoretry_for=(providers.ProviderUnavailable,), retry_backoff=1, max_retries=4
)
def open_attempt(*, attempt_id: int) -> None:
    attempt = Attempt.objects.select_related("payment").get(pk=attempt_id)
    opening = providers.named(attempt.provider).open(attempt)
    actions.note_opening(attempt=attempt, opening=opening)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=1, max_retries=4)
def ask_providers(*, payment_id: int) -> None:
    payment = Payment.objects.get(pk=payment_id)
    _ask(payment)


def _ask(payment: Payment) -> bool:
    """Fetch this payment's money from wherever it was begun. False: one was silent."""
    all_answered = True
    names = payment.attempts.order_by("provider").values_list("provider", flat=True)
    for name in names.distinct():
        try:
            money = providers.named(name).query(payment)
        except (providers.ProviderUnavailable, ProviderNotOffered):
            all_answered = False
            continue
        if money is not None:
            _settle(name, money)
    return all_answered


def _settle(name: str, money: providers.Money) -> None:
    try:
        actions.settle_payment(
            number=money.number,
            provider=name,
            provider_ref=money.provider_ref,
            amount_fen=money.amount_fen,
            at=money.at,
        )
    except UnknownPayment:
        actions.note_discrepancy(
            kind=Discrepancy.Kind.UNKNOWN_PAYMENT,
            provider=name,
            provider_ref=money.provider_ref,
            number=money.number,
            amount_fen=money.amount_fen,
        )


@shared_task(
    autoretry_for=(providers.ProviderUnavailable, OperationalError),
    retry_backoff=2,
    max_retries=6,
)
def close_at_providers(*, payment_id: int) -> None:
    payment = Payment.objects.get(pk=payment_id)
    names = payment.attempts.order_by("provider").values_list("provider", flat=True)
    for name in names.distinct():
        try:
            providers.named(name).close(payment)
        except ProviderNotOffered:
            continue
    # Somebody may have paid while we were closing: this answer is final.
    _ask(payment)


@shared_task
def sweep_expired() -> None:
    """Close what was not paid in time, after asking the providers once more."""
    now = clock.now()
    expired = Payment.objects.expired_at(now).unasked_since(now - timedelta(seconds=30))
    for payment in expired.order_by("expires_at", "pk")[:BATCH]:
        if not actions.claim_question(payment=payment, every=timedelta(seconds=30)):
            continue
        answered = _ask(payment)
        if not answered and now < payment.expires_at + PATIENCE:
            continue
        try:
            actions.close_payment(payment=payment, by=None)
        except PaymentPaid:
            continue


@shared_task(autoretry_for=(OperationalError,), retry_backoff=1, max_retries=4)
def send_refund(*, refund_id: int) -> None:
    """Ask the provider for a refund, or how it stands. One worker at a time."""
    refund = actions.claim_refund(refund_id=refund_id)
    if refund is None:
        return
    try:
        provider = providers.named(refund.payment.provider)
        if refund.state == Refund.State.SENT:
            answer = provider.query_refund(refund)
            if answer.state == "unknown":
                answer = provider.refund(refund)
        else:
            answer = provider.refund(refund)
    except (providers.ProviderUnavailable, ProviderNotOffered) as silent:
        logger.warning("refund %s: no answer (%s)", refund.number, silent)
        answer = providers.RefundAnswer("unknown")
    actions.note_refund_answer(refund=refund, answer=answer)
    if refund.payment.provider == ProviderName.SANDBOX and answer.state == "sent":
        call_back_refund.delay(refund_number=refund.number)


@shared_task
def sweep_refunds() -> None:
    """Send what a crash or a silent provider left, and ask about what was sent."""
    waiting = Refund.objects.waiting_at(clock.now()).order_by("next_try_at", "pk")
    for refund_id in waiting.values_list("pk", flat=True)[:BATCH]:
        send_refund.delay(refund_id=refund_id)


@shared_task
def reconcile(*, hours: int) -> None:
    """Compare the last hours of the providers' books with ours, both ways."""
    now = clock.now()
    since = now - timedelta(hours=hours)
    for name in providers.offered():
        try:
            _reconcile_provider(name, since)
        except providers.ProviderUnavailable as silent:
            logger.warning("reconciliation: %s did not answer (%s)", name, silent)
    for payment in queries.payments_without_order(since=since, until=now):
        actions.note_discrepancy(
            kind=Discrepancy.Kind.NO_ORDER,
            provider=payment.provider,
            provider_ref=payment.provider_ref,
            number=payment.number,
            amount_fen=payment.refundable_fen,
            payment=payment,
        )


def _reconcile_provider(name: str, since: datetime) -> None:
    provider = providers.named(name)
    money = provider.paid_since(since)
    if money is None:
        # It has no list, so each payment that was begun there is asked about.
        begun = Attempt.objects.filter(provider=name).begun_since(since).unsettled()
        asked = Payment.objects.filter(attempts__in=begun).distinct().order_by("pk")
        money = [found for payment in asked if (found := provider.query(payment))]
    for transaction in money:
        _settle(name, transaction)


# --- The sandbox cashier calls us back ---------------------------------------------


@shared_task
def schedule_callbacks(*, transaction_id: int) -> None:
    """Turn the behaviour that was chosen at the cashier into callbacks."""
    behaviour = SandboxTransaction.Behaviour
    paid = SandboxTransaction.objects.get(pk=transaction_id)
    if paid.behaviour in (behaviour.LOST, behaviour.OUT_OF_ORDER):
        return
    for _ in range(2 if paid.behaviour == behaviour.TWICE else 1):
        call_back_paid.apply_async(
            kwargs={"transaction_id": transaction_id}, countdown=paid.delay_seconds
        )


@shared_task(bind=True, max_retries=5)
def call_back_paid(self: Task[Any, None], *, transaction_id: int) -> None:
    paid = SandboxTransaction.objects.get(pk=transaction_id)
    forged = paid.behaviour == SandboxTransaction.Behaviour.FORGED
    _deliver(self, paid_message(paid), forged=forged)


@shared_task(bind=True, max_retries=5)
def call_back_refund(self: Task[Any, None], *, refund_number: str) -> None:
    refund = SandboxRefund.objects.select_related("transaction").get(
        number=refund_number
    )
    _deliver(self, refunded_message(refund))
    out_of_order = SandboxTransaction.Behaviour.OUT_OF_ORDER
    if refund.transaction.behaviour == out_of_order:
        _deliver(self, paid_message(refund.transaction))


def _deliver(
    task: Task[Any, None], message: dict[str, Any], *, forged: bool = False
) -> None:
    """Call back; like a real provider, again when the portal is away or in trouble."""
    try:
        status = deliver(message, forged=forged).status
    except RequestException:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    logger.info("sandbox callback %s: %s", message["id"], status)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR or task.request.is_eager:
        return
    # Nothing to worry about yet: a worker is often up before the portal that it calls.
    if task.request.retries < (task.max_retries or 0):
        raise task.retry(countdown=5 * 2**task.request.retries)
    logger.warning("sandbox callback %s was never taken: %s", message["id"], status)
