from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.apps import apps

from bureau.payments.models import Payment
from bureau.payments.signals import explanation_asked


def payments_without_order(*, since: datetime, until: datetime) -> list[Payment]:
    """Payments between two moments that hold money and that no order stands for."""
    paid = Payment.objects.holding_money().filter(
        surplus_of=None, paid_at__gte=since, paid_at__lt=until
    )
    return list(_unexplained(paid.order_by("pk").iterator()))


def _unexplained(payments: Iterator[Payment]) -> Iterator[Payment]:
    for payment in payments:
        if not is_explained(payment):
            yield payment


def is_explained(payment: Payment) -> bool:
    """Whether some app says which order this payment is for."""
    if explanation_asked.has_listeners(Payment):
        answers = explanation_asked.send(sender=Payment, payment=payment)
        return any(answer for _receiver, answer in answers)
    # Nobody answers such questions here: the order's row itself has to do.
    try:
        model = apps.get_model(payment.owner_app, payment.owner_model)
    except LookupError:
        return False
    orders = model._meta.default_manager
    return bool(orders and orders.filter(pk=payment.owner_id).exists())
