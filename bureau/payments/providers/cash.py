"""Cash over a counter. Staff are the network here: they say what was paid and when."""

from __future__ import annotations

from bureau.payments.models import Attempt, CashMovement, Payment, Refund
from bureau.payments.providers.base import (
    Money,
    Opening,
    Provider,
    ProviderUnavailable,
    RefundAnswer,
)


class CashProvider(Provider):
    """A refund waits until somebody at a desk has paid it out."""

    name = "cash"
    at_desk = True

    def open(self, attempt: Attempt) -> Opening:  # noqa: ARG002
        raise ProviderUnavailable("cash is taken at a desk")

    def close(self, payment: Payment) -> None:  # noqa: ARG002
        return

    def query(self, payment: Payment) -> Money | None:
        taken = CashMovement.objects.filter(payment=payment, refund=None).first()
        if taken is None:
            return None
        return Money(payment.number, taken.number, taken.fen, taken.moved_at)

    def refund(self, refund: Refund) -> RefundAnswer:
        return self.query_refund(refund)

    def query_refund(self, refund: Refund) -> RefundAnswer:
        paid_out = CashMovement.objects.filter(refund=refund).first()
        if paid_out is None:
            return RefundAnswer("sent")
        return RefundAnswer("done", provider_ref=paid_out.number)
