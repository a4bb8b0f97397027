from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from vouchers.models import Redemption


class RedemptionQuerySet(models.QuerySet["Redemption"]):
    def done(self) -> Self:
        return self.filter(state="done")

    def seen_by(self, user: User) -> Self:
        """What was redeemed at merchants where this person works."""
        return self.filter(
            merchant__members__person=user, merchant__members__left_at=None
        )

    def with_names(self) -> Self:
        """With what a list shows of each."""
        return self.select_related(
            "voucher__terms", "voucher__tier", "voucher__campaign", "shop", "clerk"
        )
