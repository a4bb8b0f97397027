from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from vouchers.models import Settlement, SettlementRun


class SettlementRunQuerySet(models.QuerySet["SettlementRun"]):
    def under_way(self) -> Self:
        return self.filter(finished_at=None)


class SettlementQuerySet(models.QuerySet["Settlement"]):
    def standing(self) -> Self:
        return self.exclude(state="rejected")

    def visible_to(self, user: User) -> Self:
        """Those of the merchants that a person manages; a draft is no statement yet."""
        return self.filter(
            merchant__members__person=user,
            merchant__members__role="manager",
            merchant__members__left_at=None,
            state__in=["approved", "paid"],
        )

    def to_pay(self) -> Self:
        """Approved, and not in a file for the bank yet."""
        return self.filter(state="approved", payment_file=None)

    def newest_first(self) -> Self:
        return self.order_by("-until_on", "-pk")
