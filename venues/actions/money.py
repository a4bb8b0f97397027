"""The money of a booking: all its payments, and how some of it goes back."""

from __future__ import annotations

from collections.abc import Sequence

from bureau.accounts.models import User
from bureau.payments import actions as payments
from bureau.payments.models import Payment
from venues.models import Booking


def lock_payments(booking: Booking) -> list[Payment]:
    """Every payment of a booking and of its changes; the first lock of all."""
    return list(Payment.objects.for_owner(booking).order_by("pk").select_for_update())


def pay_back(
    paid: Sequence[Payment], *, fen: int, reason: str, by: User | None, key: str
) -> None:
    """Give so much of a booking's money back, from the latest payment on.

    `key` names the occasion; it is unique within the booking.
    """
    for payment in reversed(paid):
        part = min(fen, _left(payment))
        if part:
            payments.request_refund(
                payment=payment, amount_fen=part, reason=reason, by=by, key=key
            )
            fen -= part
    if fen:
        raise ValueError("more goes back than was kept")


def close_due(paid: Sequence[Payment], *, by: User | None) -> None:
    """Ask for nothing more."""
    for payment in paid:
        if payment.state == Payment.State.DUE:
            payments.close_payment(payment=payment, by=by)


def _left(payment: Payment) -> int:
    if payment.state != Payment.State.PAID:
        return 0
    return payment.amount_fen - payment.refunded_fen
