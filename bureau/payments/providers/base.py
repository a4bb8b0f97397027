"""What every provider can do and tell. Nothing here is called in a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from bureau.payments.models import Attempt, Payment, Refund


class ProviderUnavailable(Exception):
    """The provider did not answer, or not in a way that tells anything: ask again."""


class ForgedCallback(Exception):
    """The callback is not signed by the provider, or cannot be read."""


@dataclass(frozen=True)
class Opening:
    """What the person's device needs to reach the cashier.

    `url` is opened, `qr` is shown as a QR code, `params` go to the mini-program's
    `requestPayment`. Exactly one is filled.
    """

    url: str = ""
    qr: str = ""
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Money:
    """One transaction that the provider holds as paid."""

    number: str
    provider_ref: str
    amount_fen: int
    at: datetime


@dataclass(frozen=True)
class RefundAnswer:
    """`unknown`: the provider has never heard of this refund."""

    state: Literal["done", "sent", "failed", "unknown"]
    provider_ref: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Callback:
    """A verified message from a provider; `money` or `refund` is filled, or neither."""

    event_id: str
    kind: str
    payload: dict[str, Any]
    money: Money | None = None
    refund_number: str = ""
    refund_fen: int = 0
    refund: RefundAnswer | None = None


@dataclass(frozen=True)
class Answer:
    """What a provider expects to read after its callback."""

    status: int
    content_type: str
    body: str


class Provider:
    name: ClassVar[str]
    # True when opening asks nobody, so that the page need not wait for a worker.
    opens_locally: ClassVar[bool] = False
    # True for money that staff take by hand; nobody starts such a payment on line.
    at_desk: ClassVar[bool] = False

    def open(self, attempt: Attempt) -> Opening:
        """Prepare the cashier; the same payment may be opened again."""
        raise NotImplementedError

    def close(self, payment: Payment) -> None:
        """Take no more money for this number. No error when it knows no such number."""
        raise NotImplementedError

    def query(self, payment: Payment) -> Money | None:
        """The money for this number, or None when it has none."""
        raise NotImplementedError

    def refund(self, refund: Refund) -> RefundAnswer:
        """Ask for a refund; the same number twice is one refund."""
        raise NotImplementedError

    def query_refund(self, refund: Refund) -> RefundAnswer:
        raise NotImplementedError

    def paid_since(self, moment: datetime) -> list[Money] | None:
        """All money since a moment; None when this provider cannot list it."""
        del moment
        return None

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """Verify and read a callback. Raises `ForgedCallback`."""
        raise NotImplementedError

    def answer(self, *, ok: bool) -> Answer:
        raise NotImplementedError
