"""Facts that one app below tells and another one passes on to a person."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bureau.common import clock
from bureau.common.money import yuan
from bureau.notices.actions import notify
from bureau.payments.models import Payment
from bureau.payments.signals import surplus_returned


@receiver(surplus_returned)
def tell_who_paid_twice(payment: Payment, **_: Any) -> None:
    if payment.payer:
        notify(
            recipient=payment.payer,
            kind="payments.paid_twice",
            context={
                "title": payment.title,
                "amount": yuan(payment.amount_fen),
                "number": payment.number,
                "url": payment.return_path,
            },
            subject=payment,
            at=clock.now(),
        )
