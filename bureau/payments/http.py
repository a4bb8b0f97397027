from __future__ import annotations

from django.urls import reverse

from bureau.payments import providers
from bureau.payments.models import Payment


def way_to_pay(payment: Payment) -> str:
    """The path where a payment is paid.

    Where there is nothing to choose it leads straight to the only cashier.
    """
    offered = providers.offered()
    if len(offered) == 1:
        return reverse("payments:go", args=[payment.number, offered[0]])
    return reverse("payments:choose", args=[payment.number])
