from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from vouchers.models import QueueTicket, Voucher


class QueueTicketQuerySet(models.QuerySet["QueueTicket"]):
    def of(self, person: User) -> Self:
        return self.filter(person=person)


class VoucherQuerySet(models.QuerySet["Voucher"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(person=user)

    def usable_at(self, moment: datetime) -> Self:
        return self.filter(state="live", usable_from__lte=moment, expires_at__gt=moment)

    def run_out_at(self, moment: datetime) -> Self:
        """Past their last moment, and not taken back yet."""
        return self.filter(state="live", expires_at__lte=moment)
