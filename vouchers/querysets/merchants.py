from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from vouchers.models import Member, Merchant, Shop


class MerchantQuerySet(models.QuerySet["Merchant"]):
    def approved(self) -> Self:
        return self.filter(state="approved")


class ShopQuerySet(models.QuerySet["Shop"]):
    def taking_vouchers(self) -> Self:
        return self.filter(is_open=True, merchant__state="approved")


class MemberQuerySet(models.QuerySet["Member"]):
    def at_work(self) -> Self:
        """Who has joined and has not left."""
        return self.filter(left_at=None, person__isnull=False)

    def of(self, user: User) -> Self:
        return self.at_work().filter(person=user)

    def managers(self) -> Self:
        return self.filter(role="manager")
