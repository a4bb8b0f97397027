from __future__ import annotations

from typing import Any

from django.db import transaction

from bureau.common import clock, codes
from bureau.payments import providers
from bureau.payments.actions.discrepancies import note_discrepancy
from bureau.payments.actions.payments import settle_payment
from bureau.payments.actions.refunds import note_refund_answer
from bureau.payments.errors import UnknownPayment
from bureau.payments.models import Discrepancy, Payment, ProviderEvent, Refund


@transaction.atomic
def take_callback(*, provider: str, callback: providers.Callback) -> ProviderEvent:
    """Act on a verified callback, once per event id.

    A twin that arrives meanwhile waits for the first one's commit and changes nothing.
    If acting fails, the event is not kept either, and the provider's repeat is welcome.
    """
    event, is_new = ProviderEvent.objects.get_or_create(
        provider=provider,
        event_id=callback.event_id[:128],
        defaults={
            "kind": callback.kind,
            "number": _number_of(callback),
            "provider_ref": callback.money.provider_ref if callback.money else "",
            "payload": callback.payload,
            "signature_ok": True,
            "received_at": clock.now(),
        },
    )
    if is_new:
        event.outcome = _act_on(provider, callback)
        event.save(update_fields=["outcome"])
    return event


def _number_of(callback: providers.Callback) -> str:
    return (callback.money.number if callback.money else callback.refund_number)[:64]


def _act_on(provider: str, callback: providers.Callback) -> str:
    if callback.money:
        return _take_money(provider, callback.money)
    if callback.refund:
        return _take_refund(provider, callback, callback.refund)
    return "ignored"


def _take_money(provider: str, money: providers.Money) -> str:
    try:
        payment = settle_payment(
            number=money.number,
            provider=provider,
            provider_ref=money.provider_ref,
            amount_fen=money.amount_fen,
            at=money.at,
        )
    except UnknownPayment:
        note_discrepancy(
            kind=Discrepancy.Kind.UNKNOWN_PAYMENT,
            provider=provider,
            provider_ref=money.provider_ref,
            number=money.number,
            amount_fen=money.amount_fen,
        )
        return "unexplained"
    if (payment.provider, payment.provider_ref) == (provider, money.provider_ref):
        return "settled"
    returned = Payment.objects.filter(
        provider=provider, provider_ref=money.provider_ref, surplus_of=payment
    )
    return "surplus" if returned.exists() else "unexplained"


def _take_refund(
    provider: str, callback: providers.Callback, answer: providers.RefundAnswer
) -> str:
    refund = Refund.objects.filter(number=callback.refund_number).first()
    if refund is None:
        # We write a refund down before we ask for it, so this one was not ours.
        note_discrepancy(
            kind=Discrepancy.Kind.UNKNOWN_REFUND,
            provider=provider,
            provider_ref=answer.provider_ref or callback.refund_number,
            number=callback.refund_number,
            amount_fen=callback.refund_fen,
        )
        return "unexplained"
    return note_refund_answer(refund=refund, answer=answer).state


@transaction.atomic
def note_forgery(*, provider: str, reason: str, detail: dict[str, Any]) -> None:
    """Keep a callback whose signature is wrong; it changes nothing else.

    It is filed under an id of ours, so that a forger cannot use up a real event's id.
    """
    ProviderEvent.objects.create(
        provider=provider,
        event_id=f"forged-{codes.new_code(16)}",
        kind="forged",
        payload=detail,
        signature_ok=False,
        received_at=clock.now(),
        outcome=reason[:40],
    )
