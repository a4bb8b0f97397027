from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q, Value

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from vouchers.models import QueueTicket, Voucher

REMINDED_BEFORE = timedelta(hours=24)


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

    def to_remind_at(self, moment: datetime) -> Self:
        """Running out within a day, in the second half of their life, nobody told."""
        now = Value(moment, models.DateTimeField())
        return self.filter(
            state="live",
            reminded_at=None,
            expires_at__gt=moment,
            expires_at__lte=moment + REMINDED_BEFORE,
            usable_from__lte=now - (F("expires_at") - now),
        )

    def live_at(self, moment: datetime) -> Self:
        """Usable now or later."""
        return self.filter(state="live", expires_at__gt=moment)

    def used(self) -> Self:
        return self.filter(state="redeemed")

    def ended_at(self, moment: datetime) -> Self:
        """Expired, given up or cancelled: nobody can use them any more."""
        return self.filter(
            Q(state__in=["expired", "lost", "void"])
            | Q(state="live", expires_at__lte=moment)
        )
