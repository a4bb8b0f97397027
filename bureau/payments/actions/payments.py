from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import models, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import insert, new
from bureau.common.tasks import after_commit
from bureau.payments import providers, tasks
from bureau.payments.actions.discrepancies import note_discrepancy
from bureau.payments.actions.refunds import request_refund
from bureau.payments.errors import (
    PaymentAlreadyOpen,
    PaymentClosed,
    PaymentPaid,
    ProviderNotOffered,
    UnknownPayment,
)
from bureau.payments.models import Attempt, Discrepancy, Payment
from bureau.payments.signals import (
    payment_closed,
    payment_settled,
    surplus_returned,
)

# The constraint `payments_payment_one_open_per_owner`, as ON CONFLICT names it.
ONE_OPEN_PER_OWNER = "(owner_app, owner_model, owner_id) WHERE state = 'due'"


# Part of the caller's transaction: a savepoint of its own would guard nothing.
@transaction.atomic(savepoint=False)
def request_payment(
    *,
    owner: models.Model,
    payer: User | None,
    amount_fen: int,
    title: str,
    expires_at: datetime,
    return_path: str,
    by: User | None,
    is_first: bool = False,
) -> Payment:
    """Ask a person for money for an order (`owner`, any saved row).

    Asked again while that order's payment is open and of the same amount, it hands back
    the same payment. `return_path` is the path on this site where the person goes
    afterwards. `is_first` says that the order is made in this very transaction, so that
    nobody can have asked before; the rows may then go in one trip with the order's.

    Raises `PaymentAlreadyOpen` when the open payment has another amount: close it
    first.
    """
    now = clock.now()
    payment = new(
        Payment,
        owner_app=owner._meta.app_label,
        owner_model=owner._meta.model_name or "",
        owner_id=owner.pk,
        payer=payer,
        amount_fen=amount_fen,
        title=title,
        expires_at=expires_at,
        return_path=return_path,
        created_at=now,
    )
    if not insert(payment, unless="" if is_first else ONE_OPEN_PER_OWNER):
        # Asked before, perhaps by a twin of this request: that payment is as good.
        found = Payment.objects.for_owner(owner).due().get()
        if found.amount_fen != amount_fen:
            raise PaymentAlreadyOpen
        return found
    record(
        "payments.payment.requested",
        subject=payment,
        by=by,
        at=now,
        detail={"amount_fen": amount_fen, "owner": payment.owner_label},
    )
    return payment


def start_payment(
    *,
    payment: Payment,
    provider: str,
    by: User | None,
    channel: str = "",
    payer_ref: str = "",
) -> Attempt:
    """Begin to pay at a provider; its `opening` says how to reach the cashier.

    `channel` is how the person came (`web`, `mobile`, `mini`); `payer_ref` is the
    mini-program's openid. A provider that must be asked over the network is asked by a
    task, and `opening` is empty until then.

    Raises `ProviderNotOffered`, `PaymentPaid` or `PaymentClosed`.
    """
    cashier = providers.named(provider)
    if cashier.at_desk:
        raise ProviderNotOffered
    attempt = _begin_attempt(
        payment=payment,
        provider=provider,
        by=by,
        channel=channel,
        payer_ref=payer_ref,
        at_once=cashier.opens_locally,
    )
    if cashier.opens_locally:
        note_opening(attempt=attempt, opening=cashier.open(attempt))
    return attempt


def lock_with_its_order(number: str) -> Payment:
    """A payment, locked together with all others of its order, the oldest first.

    Whoever hears that it is settled may move the money of the others (a booking that
    was changed has several), and must not lock an older one then: somebody who began
    with the order would wait in a circle. Raises `Payment.DoesNotExist`.
    """
    asked = Payment.objects.get(number=number)
    of_its_order = Payment.objects.filter(
        owner_app=asked.owner_app,
        owner_model=asked.owner_model,
        owner_id=asked.owner_id,
    )
    locked = of_its_order.order_by("pk").select_for_update()
    return next(payment for payment in locked if payment.pk == asked.pk)


@transaction.atomic
def _begin_attempt(
    *,
    payment: Payment,
    provider: str,
    by: User | None,
    channel: str,
    payer_ref: str,
    at_once: bool,
) -> Attempt:
    now = clock.now()
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    if payment.state == Payment.State.PAID:
        raise PaymentPaid
    if not payment.is_payable_at(now):
        raise PaymentClosed
    attempt, is_new = Attempt.objects.update_or_create(
        payment=payment,
        provider=provider,
        channel=channel,
        defaults={"payer_ref": payer_ref, "opening": {}},
        create_defaults={"payer_ref": payer_ref, "created_at": now},
    )
    if is_new:
        record(
            "payments.payment.started",
            subject=payment,
            by=by,
            at=now,
            detail={"provider": provider, "channel": channel},
        )
    if not at_once:
        after_commit(tasks.open_attempt, attempt_id=attempt.pk)
    return attempt


def note_opening(*, attempt: Attempt, opening: providers.Opening) -> None:
    """Keep what the provider said about how to reach its cashier."""
    attempt.opening = asdict(opening)
    attempt.save(update_fields=["opening"])


@transaction.atomic
def settle_payment(
    *, number: str, provider: str, provider_ref: str, amount_fen: int, at: datetime
) -> Payment:
    """Money has come. Safe to repeat with the same `provider_ref`.

    A closed payment, or one past its time, becomes paid and `late`. Another amount than
    was asked is noted as unexplained money and the payment stays as it was. Money for a
    payment that is paid already goes straight back, unless it was noted as unexplained
    before: then it is the staff's, who may have paid it back by hand. `at` is the
    provider's moment.

    Raises `UnknownPayment`.
    """
    now = clock.now()
    try:
        payment = lock_with_its_order(number)
    except Payment.DoesNotExist:
        raise UnknownPayment from None
    if Payment.objects.filter(provider=provider, provider_ref=provider_ref).exists():
        return payment
    if payment.state == Payment.State.PAID:
        seen = Discrepancy.objects.about_money(
            provider=provider, provider_ref=provider_ref
        )
        if not seen.exists():
            _return_surplus(
                payment,
                provider=provider,
                provider_ref=provider_ref,
                fen=amount_fen,
                at=at,
            )
        return payment
    if amount_fen != payment.amount_fen:
        note_discrepancy(
            kind=Discrepancy.Kind.WRONG_AMOUNT,
            provider=provider,
            provider_ref=provider_ref,
            number=number,
            amount_fen=amount_fen,
            payment=payment,
        )
        return payment

    late = payment.state == Payment.State.CLOSED or now >= payment.expires_at
    settled = Payment.objects.filter(pk=payment.pk, state=payment.state).update(
        state=Payment.State.PAID,
        provider=provider,
        provider_ref=provider_ref,
        paid_at=at,
        late=late,
    )
    if settled != 1:  # pragma: no cover - the row is locked
        raise RuntimeError(f"payment {number} changed under its lock")
    payment.refresh_from_db()
    record(
        "payments.payment.settled",
        subject=payment,
        by=None,
        at=now,
        detail={"provider": provider, "provider_ref": provider_ref, "late": late},
    )
    payment_settled.send(sender=Payment, payment=payment)
    return payment


def _return_surplus(
    payment: Payment, *, provider: str, provider_ref: str, fen: int, at: datetime
) -> None:
    """Paid twice (two devices, two providers): book the second one, send it back."""
    now = clock.now()
    surplus = Payment.objects.create(
        owner_app=payment.owner_app,
        owner_model=payment.owner_model,
        owner_id=payment.owner_id,
        payer=payment.payer,
        amount_fen=fen,
        title=payment.title,
        state=Payment.State.PAID,
        provider=provider,
        provider_ref=provider_ref,
        surplus_of=payment,
        return_path=payment.return_path,
        expires_at=payment.expires_at,
        created_at=now,
        paid_at=at,
    )
    record(
        "payments.payment.paid_twice",
        subject=payment,
        by=None,
        at=now,
        detail={"surplus": surplus.number, "provider_ref": provider_ref},
    )
    request_refund(
        payment=surplus, amount_fen=fen, reason="Paid twice", by=None, key="surplus"
    )
    surplus_returned.send(sender=Payment, payment=surplus)


@transaction.atomic
def close_payment(*, payment: Payment, by: User | None) -> Payment:
    """Ask for this money no more. Closing a closed payment changes nothing.

    Money that comes all the same settles it as `late`. Raises `PaymentPaid`.
    """
    now = clock.now()
    closed = Payment.objects.filter(pk=payment.pk, state=Payment.State.DUE).update(
        state=Payment.State.CLOSED, closed_at=now
    )
    payment.refresh_from_db()
    if closed != 1:
        if payment.state == Payment.State.PAID:
            raise PaymentPaid
        return payment
    record("payments.payment.closed", subject=payment, by=by, at=now)
    payment_closed.send(sender=Payment, payment=payment)
    after_commit(tasks.close_at_providers, payment_id=payment.pk)
    return payment
