"""Rows of the payments app; every argument is optional and the result is valid."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments import actions
from bureau.payments.models import Payment

_serial = count(1)


def person(**given: Any) -> User:
    given.setdefault("username", f"payer-{next(_serial)}")
    return User.objects.create_user(**given)


def payment(**given: Any) -> Payment:
    """Asked for through the action; the order is a person's row (any row will do)."""
    payer = given.setdefault("payer", None) or person()
    given["payer"] = payer
    given.setdefault("owner", person())
    given.setdefault("amount_fen", 7000)
    given.setdefault("title", "Badminton, court 3")
    given.setdefault("expires_at", clock.now() + timedelta(minutes=10))
    given.setdefault("return_path", "/bookings/1/")
    given.setdefault("by", payer)
    return actions.request_payment(**given)


def settle(payment: Payment, **given: Any) -> Payment:
    given.setdefault("provider", "sandbox")
    given.setdefault("provider_ref", f"REF{next(_serial):09}")
    given.setdefault("amount_fen", payment.amount_fen)
    given.setdefault("at", clock.now())
    settled = actions.settle_payment(number=payment.number, **given)
    payment.refresh_from_db()
    return settled


def paid(**given: Any) -> Payment:
    made = payment(**given)
    settle(made)
    return made


def expire(payment: Payment, *, ago: timedelta = timedelta(seconds=1)) -> datetime:
    """Move a payment's time into the past."""
    payment.expires_at = clock.now() - ago
    payment.save(update_fields=["expires_at"])
    return payment.expires_at
