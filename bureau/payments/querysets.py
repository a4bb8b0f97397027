from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from bureau.payments.models import (
        Attempt,
        Discrepancy,
        Payment,
        Refund,
        SandboxTransaction,
    )


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, user: User) -> Self:
        """A payment is nobody's business but its payer's."""
        return self.filter(payer=user)

    def for_owner(self, owner: models.Model) -> Self:
        """Payments of one order (any row of any app), without what was paid twice."""
        return self.filter(
            surplus_of=None,
            owner_app=owner._meta.app_label,
            owner_model=owner._meta.model_name,
            owner_id=owner.pk,
        )

    def for_owners(self, model: type[models.Model], ids: Iterable[int]) -> Self:
        """As `for_owner`, for many orders of one kind."""
        return self.filter(
            surplus_of=None,
            owner_app=model._meta.app_label,
            owner_model=model._meta.model_name,
            owner_id__in=list(ids),
        )

    def due(self) -> Self:
        return self.filter(state="due")

    def paid(self) -> Self:
        return self.filter(state="paid")

    def payable_at(self, moment: datetime) -> Self:
        return self.due().filter(expires_at__gt=moment)

    def expired_at(self, moment: datetime) -> Self:
        """Still due, and the time to pay is over."""
        return self.due().filter(expires_at__lte=moment)

    def unasked_since(self, moment: datetime) -> Self:
        return self.filter(Q(asked_at=None) | Q(asked_at__lte=moment))

    def holding_money(self) -> Self:
        """Paid, and not all of it asked back."""
        return self.paid().filter(refunded_fen__lt=F("amount_fen"))


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def unsettled(self) -> Self:
        """Begun at a provider whose money has not come."""
        return self.filter(payment__state__in=["due", "closed"])

    def begun_since(self, moment: datetime) -> Self:
        return self.filter(created_at__gte=moment)


class RefundQuerySet(models.QuerySet["Refund"]):
    def waiting_at(self, moment: datetime) -> Self:
        """To be sent, or asked about, by now."""
        return self.filter(state__in=["due", "sent"], next_try_at__lte=moment)


class DiscrepancyQuerySet(models.QuerySet["Discrepancy"]):
    def unexplained(self) -> Self:
        return self.filter(resolved_at=None)

    def about_money(self, *, provider: str, provider_ref: str) -> Self:
        """Explained or not: this money was put before the staff."""
        return self.filter(
            kind__in=["wrong_amount", "unknown_payment"],
            provider=provider,
            provider_ref=provider_ref,
        )


class SandboxTransactionQuerySet(models.QuerySet["SandboxTransaction"]):
    def open(self) -> Self:
        return self.filter(state="open")

    def paid(self) -> Self:
        return self.filter(state="paid")

    def of(self, *, number: str) -> Self:
        """By the merchant's number: ours."""
        return self.filter(number=number)
