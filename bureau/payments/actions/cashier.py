"""What the payer does at the sandbox cashier: the provider's side, its own tables."""

from __future__ import annotations

from django.db import transaction

from bureau.common import clock
from bureau.common.tasks import after_commit
from bureau.payments import tasks
from bureau.payments.errors import CashierClosed
from bureau.payments.models import SandboxTransaction


@transaction.atomic
def pay_sandbox(
    *, number: str, behaviour: str = "prompt", delay_seconds: int = 0
) -> SandboxTransaction:
    """Pay at the cashier; `behaviour` says what becomes of the callback.

    Raises `CashierClosed` when nothing is open under this number.
    """
    now = clock.now()
    found = _open_transaction(number)
    paid = (
        SandboxTransaction.objects.filter(pk=found.pk)
        .open()
        .update(
            state=SandboxTransaction.State.PAID,
            paid_at=now,
            behaviour=behaviour,
            delay_seconds=delay_seconds,
        )
    )
    if paid != 1:
        raise CashierClosed
    found.refresh_from_db()
    after_commit(tasks.schedule_callbacks, transaction_id=found.pk)
    return found


@transaction.atomic
def decline_sandbox(*, number: str) -> SandboxTransaction:
    """The bank says no: the person may try again. Raises `CashierClosed`."""
    found = _open_transaction(number)
    failed = (
        SandboxTransaction.objects.filter(pk=found.pk)
        .open()
        .update(state=SandboxTransaction.State.FAILED)
    )
    if failed != 1:
        raise CashierClosed
    found.refresh_from_db()
    return found


def _open_transaction(number: str) -> SandboxTransaction:
    found = SandboxTransaction.objects.of(number=number).open().first()
    if found is None:
        raise CashierClosed
    return found
