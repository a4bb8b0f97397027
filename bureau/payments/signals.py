"""What the payments app tells the apps above it.

All are sent inside the transaction that changed the row, with `sender=Payment` or
`sender=Refund`. The payment's row is locked by then, so whoever locks both an order and
its payment takes the payment first.
"""

from __future__ import annotations

from django.dispatch import Signal

# payment=Payment, state paid. `payment.late` is true when it had been closed before the
# money came: the receiver finds the goods again, or asks for a refund.
payment_settled = Signal()

# payment=Payment, state closed: nobody paid in time, or the order was called off.
payment_closed = Signal()

# payment=Payment, the second one for one order; its refund has been asked for.
surplus_returned = Signal()

# refund=Refund, state done: the provider has confirmed that the money went back.
refund_done = Signal()

# payment=Payment, state paid. A receiver answers with the order that the money is for
# (any text), or None when the payment is not its own or nothing stands for it any more.
explanation_asked = Signal()
