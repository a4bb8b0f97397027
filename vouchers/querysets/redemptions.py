from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from vouchers.models import Redemption


class RedemptionQuerySet(models.QuerySet["Redemption"]):
    def done(self) -> Self:
        return self.filter(state="done")
