from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from vouchers.models import Settlement


class SettlementQuerySet(models.QuerySet["Settlement"]):
    def standing(self) -> Self:
        return self.exclude(state="rejected")
