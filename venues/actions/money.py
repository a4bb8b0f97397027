"""The money of a booking: all its payments, and how some of it goes back."""

from __future__ import annotations

from collections.abc import Sequence

from bureau.accounts.models import User
from bureau.common.db import advisory_locks
from bureau.payments import actions as payments
from bureau.payments.models import Payment
from venues.models import Booking, Invoice

_INVOICE = 1  # beside the locks of people, (-id, 0)


def lock_payments(booking: Booking) -> list[Payment]:
    """Every payment of a booking and of its changes; the first lock of all.

    The money of a club's booking is on its invoice: that is locked before.
    """
    if booking.invoice_id:
        lock_invoice_money(booking.invoice_id)
    return list(Payment.objects.for_owner(booking).order_by("pk").select_for_update())


def lock_invoice_money(invoice_id: int) -> list[Payment]:
    """Every payment of an invoice; no new one can be made meanwhile."""
    advisory_locks([(-invoice_id, _INVOICE)])
    of_invoice = Payment.objects.for_owner(Invoice(pk=invoice_id))
    return list(of_invoice.order_by("pk").select_for_update())


def pay_back(
    paid: Sequence[Payment], *, fen: int, reason: str, by: User | None, key: str
) -> None:
    """Give so much of a booking's money back, from the latest payment on.

    `key` names the occasion; it is unique within the booking.
    """
    for payment, part in shares_of(paid, fen=fen).items():
        payments.request_refund(
            payment=payment, amount_fen=part, reason=reason, by=by, key=key
        )


def shares_of(paid: Sequence[Payment], *, fen: int) -> dict[Payment, int]:
    """What each payment gives back so that it comes to `fen`, the latest first."""
    shares = {}
    for payment in reversed(paid):
        part = min(fen, _left(payment))
        if part:
            shares[payment] = part
            fen -= part
    if fen:
        raise ValueError("more goes back than was kept")
    return shares


def close_due(paid: Sequence[Payment], *, by: User | None) -> None:
    """Ask for nothing more."""
    for payment in paid:
        if payment.state == Payment.State.DUE:
            payments.close_payment(payment=payment, by=by)


def _left(payment: Payment) -> int:
    if payment.state != Payment.State.PAID:
        return 0
    return payment.amount_fen - payment.refunded_fen
