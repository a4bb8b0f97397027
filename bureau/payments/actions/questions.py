from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.tasks import after_commit
from bureau.payments import tasks
from bureau.payments.errors import AskedTooOften
from bureau.payments.models import Payment

ASK_EVERY = timedelta(seconds=5)


def claim_question(*, payment: Payment, every: timedelta = ASK_EVERY) -> bool:
    """Whether it is our turn to ask the providers: once per `every` for all callers."""
    now = clock.now()
    mine = Payment.objects.filter(pk=payment.pk).unasked_since(now - every)
    return mine.update(asked_at=now) == 1


@transaction.atomic
def ask_again(*, payment: Payment, by: User | None) -> None:
    """Ask the providers, in a task, whether the money has come.

    Raises `AskedTooOften` when that was done a moment ago.
    """
    if not claim_question(payment=payment):
        raise AskedTooOften
    if by is not None and by != payment.payer:
        record("payments.payment.asked_again", subject=payment, by=by, at=clock.now())
    after_commit(tasks.ask_providers, payment_id=payment.pk)
