from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from vouchers.models import Flag


class FlagQuerySet(models.QuerySet["Flag"]):
    def open(self) -> Self:
        return self.filter(state="open")

    def holding(self) -> Self:
        """Their redemptions are not settled: undecided, or found to be wrong."""
        return self.exclude(state="cleared")
