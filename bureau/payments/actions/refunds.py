from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F

from bureau.accounts.models import User
from bureau.audit.models import record, record_each
from bureau.common import clock
from bureau.common.db import insert
from bureau.common.tasks import after_commit
from bureau.payments import providers, tasks
from bureau.payments.errors import (
    PaymentNotPaid,
    RefundKeyReused,
    RefundNotFailed,
    RefundTooMuch,
)
from bureau.payments.models import Payment, Refund
from bureau.payments.signals import refund_done

# A send may die without an answer: nobody else takes the refund before this is over.
_CLAIM = timedelta(minutes=2)
_WAITS = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
]


@transaction.atomic
def request_refund(
    *, payment: Payment, amount_fen: int, reason: str, by: User | None, key: str
) -> Refund:
    """Pay money back, all or a part. The provider is asked after the commit.

    `key` names the occasion within the payment (`cancelled`, `surplus` …): the same key
    again hands back the same refund.

    Raises `PaymentNotPaid`, `RefundTooMuch`, or `RefundKeyReused` for a key that was
    used with another amount.
    """
    if amount_fen <= 0:
        raise ValueError("a refund is more than nothing")
    now = clock.now()
    locked = Payment.objects.select_for_update().get(pk=payment.pk)
    found = Refund.objects.filter(payment=locked, key=key).first()
    if found is not None:
        if found.amount_fen != amount_fen:
            raise RefundKeyReused
        return found
    if locked.state != Payment.State.PAID:
        raise PaymentNotPaid
    if not _reserve(locked, amount_fen):
        raise RefundTooMuch
    payment.refresh_from_db()

    refund = Refund.objects.create(
        payment=payment,
        key=key,
        amount_fen=amount_fen,
        reason=str(reason),
        next_try_at=now,
        requested_by=by,
        created_at=now,
    )
    record(
        "payments.refund.requested",
        subject=refund,
        by=by,
        at=now,
        detail={
            "payment": payment.number,
            "amount_fen": amount_fen,
            "reason": str(reason),
        },
    )
    after_commit(tasks.send_refund, refund_id=refund.pk)
    return refund


@transaction.atomic
def request_refunds(
    *, parts: Mapping[Payment, int], reason: str, by: User | None, key: str
) -> list[Refund]:
    """`request_refund` for many payments at once: how much (fen) of each goes back.

    As many statements as for one. All or none: raises `RefundTooMuch` where one of them
    cannot give so much back, or has a refund under this key already.
    """
    if any(fen <= 0 for fen in parts.values()):
        raise ValueError("a refund is more than nothing")
    if not parts:
        return []
    now = clock.now()
    locked = Payment.objects.filter(pk__in=[payment.pk for payment in parts])
    list(locked.order_by("pk").select_for_update().values_list("pk"))
    if Refund.objects.filter(payment__in=parts, key=key).exists():
        raise RefundTooMuch
    with connection.cursor() as cursor:
        cursor.execute(
            _RESERVE, [[payment.pk for payment in parts], list(parts.values())]
        )
        if cursor.rowcount != len(parts):
            raise RefundTooMuch
    refunds = [
        Refund(
            payment=payment,
            key=key,
            amount_fen=fen,
            reason=str(reason),
            next_try_at=now,
            requested_by=by,
            created_at=now,
        )
        for payment, fen in parts.items()
    ]
    insert(*refunds)
    for payment, fen in parts.items():
        payment.refunded_fen += fen
    record_each(
        "payments.refund.requested",
        {
            refund: {
                "payment": refund.payment.number,
                "amount_fen": refund.amount_fen,
                "reason": refund.reason,
            }
            for refund in refunds
        },
        by=by,
        at=now,
    )
    for refund in refunds:
        after_commit(tasks.send_refund, refund_id=refund.pk)
    return refunds


_RESERVE = """
    UPDATE payments_payment AS payment
       SET refunded_fen = payment.refunded_fen + part.fen
      FROM unnest(%s::bigint[], %s::bigint[]) AS part (id, fen)
     WHERE payment.id = part.id AND payment.state = 'paid'
       AND payment.refunded_fen <= payment.amount_fen - part.fen
"""


def _reserve(payment: Payment, amount_fen: int) -> bool:
    """Count the money as given back; False when there is not so much left.

    One statement, so that it holds even where nobody took the lock.
    """
    left = Payment.objects.filter(
        pk=payment.pk,
        state=Payment.State.PAID,
        refunded_fen__lte=F("amount_fen") - amount_fen,
    )
    return left.update(refunded_fen=F("refunded_fen") + amount_fen) == 1


def claim_refund(*, refund_id: int) -> Refund | None:
    """Take a waiting refund for one worker; None when another has it or it is over."""
    now = clock.now()
    claimed = (
        Refund.objects.filter(pk=refund_id)
        .waiting_at(now)
        .update(tries=F("tries") + 1, next_try_at=now + _CLAIM)
    )
    if claimed != 1:
        return None
    return Refund.objects.select_related("payment").get(pk=refund_id)


@transaction.atomic
def note_refund_answer(*, refund: Refund, answer: providers.RefundAnswer) -> Refund:
    """Write down what a provider said about a refund. Safe to repeat and to reorder.

    A refund that is done stays done, whatever comes later.
    """
    now = clock.now()
    refund = (
        Refund.objects.select_for_update(of=["self"])
        .select_related("payment")
        .get(pk=refund.pk)
    )
    reference = answer.provider_ref or refund.provider_ref
    wait = _WAITS[min(max(refund.tries, 1), len(_WAITS)) - 1]
    if answer.state not in Refund.TRANSITIONS[refund.state]:
        if answer.state in (refund.state, "unknown"):
            Refund.objects.filter(pk=refund.pk).update(next_try_at=now + wait)
        return refund

    changed = Refund.objects.filter(pk=refund.pk, state=refund.state).update(
        state=answer.state,
        provider_ref=reference,
        problem=answer.problem[:200],
        next_try_at=now + wait,
        done_at=now if answer.state == "done" else None,
    )
    if changed != 1:  # pragma: no cover - the row is locked
        raise RuntimeError(f"refund {refund.number} changed under its lock")
    refund.refresh_from_db()
    record(
        f"payments.refund.{refund.state}",
        subject=refund,
        by=None,
        at=now,
        detail={"provider_ref": reference, "problem": refund.problem},
    )
    # What was paid twice is no order's business.
    if refund.state == Refund.State.DONE and refund.payment.surplus_of_id is None:
        refund_done.send(sender=Refund, refund=refund)
    return refund


@transaction.atomic
def resend_refund(*, refund: Refund, by: User | None) -> Refund:
    """Send a failed refund again, under its old number. Raises `RefundNotFailed`."""
    now = clock.now()
    changed = Refund.objects.filter(pk=refund.pk, state=Refund.State.FAILED).update(
        state=Refund.State.DUE, tries=0, next_try_at=now, problem=""
    )
    if changed != 1:
        raise RefundNotFailed
    refund.refresh_from_db()
    record("payments.refund.resent", subject=refund, by=by, at=now)
    after_commit(tasks.send_refund, refund_id=refund.pk)
    return refund
