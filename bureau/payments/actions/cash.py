"""Cash at a desk: taken, and paid out. Each movement is a row that never changes."""

from __future__ import annotations

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.payments.actions.payments import lock_with_its_order, settle_payment
from bureau.payments.actions.refunds import note_refund_answer
from bureau.payments.errors import (
    NotCash,
    PaymentClosed,
    PaymentPaid,
    RefundPaidOut,
)
from bureau.payments.models import CashMovement, Payment, ProviderName, Refund
from bureau.payments.providers import RefundAnswer


@transaction.atomic
def take_cash(*, payment: Payment, till: str, by: User) -> CashMovement:
    """Somebody paid all of it in cash; the payment is settled at once.

    `till` says which desk's drawer the money is in. Raises `PaymentPaid` or
    `PaymentClosed`.
    """
    now = clock.now()
    payment = lock_with_its_order(payment.number)
    if payment.state == Payment.State.PAID:
        raise PaymentPaid
    if not payment.is_payable_at(now):
        raise PaymentClosed
    movement = CashMovement.objects.create(
        payment=payment, fen=payment.amount_fen, till=till, moved_by=by, moved_at=now
    )
    record(
        "payments.cash.taken",
        subject=payment,
        by=by,
        at=now,
        detail={"fen": movement.fen, "till": till, "receipt": movement.number},
    )
    settle_payment(
        number=payment.number,
        provider=ProviderName.CASH,
        provider_ref=movement.number,
        amount_fen=payment.amount_fen,
        at=now,
    )
    return movement


@transaction.atomic
def pay_out_cash(*, refund: Refund, till: str, by: User) -> CashMovement:
    """The money of a refund was put into the person's hand.

    Raises `NotCash` for a refund that goes another way, `RefundPaidOut` the second
    time.
    """
    now = clock.now()
    refund = (
        Refund.objects.select_for_update(of=["self"])
        .select_related("payment")
        .get(pk=refund.pk)
    )
    if refund.payment.provider != ProviderName.CASH:
        raise NotCash
    with constraint_errors(payments_cashmovement_refund_once=RefundPaidOut):
        movement = CashMovement.objects.create(
            payment=refund.payment,
            refund=refund,
            fen=-refund.amount_fen,
            till=till,
            moved_by=by,
            moved_at=now,
        )
    record(
        "payments.cash.paid_out",
        subject=refund,
        by=by,
        at=now,
        detail={"fen": refund.amount_fen, "till": till, "receipt": movement.number},
    )
    note_refund_answer(
        refund=refund, answer=RefundAnswer("done", provider_ref=movement.number)
    )
    return movement
