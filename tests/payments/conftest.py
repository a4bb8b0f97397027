from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bureau.payments.models import Payment, Refund
from bureau.payments.signals import payment_closed, payment_settled, refund_done


class Told:
    """What the app told upward, in its order."""

    def __init__(self) -> None:
        self.settled: list[Payment] = []
        self.closed: list[Payment] = []
        self.refunded: list[Refund] = []

    def on_settled(self, payment: Payment, **_: Any) -> None:
        self.settled.append(payment)

    def on_closed(self, payment: Payment, **_: Any) -> None:
        self.closed.append(payment)

    def on_refunded(self, refund: Refund, **_: Any) -> None:
        self.refunded.append(refund)


@pytest.fixture
def told() -> Iterator[Told]:
    """The receivers of the apps above, for one test."""
    listener = Told()
    payment_settled.connect(listener.on_settled)
    payment_closed.connect(listener.on_closed)
    refund_done.connect(listener.on_refunded)
    yield listener
    payment_settled.disconnect(listener.on_settled)
    payment_closed.disconnect(listener.on_closed)
    refund_done.disconnect(listener.on_refunded)
