from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from bureau.notices.models import Delivery, Mute, Notice


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(recipient=user)

    def unread(self) -> Self:
        return self.filter(read_at__isnull=True)

    def about(self, subject: models.Model) -> Self:
        return self.filter(
            subject_type=subject._meta.label_lower, subject_id=subject.pk
        )

    def newest_first(self) -> Self:
        return self.order_by("-pk")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due_at(self, moment: datetime) -> Self:
        """Waiting, and their time has come: also those whose worker died."""
        return self.filter(state="waiting", next_try_at__lte=moment)

    def given_up(self) -> Self:
        return self.filter(state="failed")


class MuteQuerySet(models.QuerySet["Mute"]):
    def of(self, user: User) -> Self:
        return self.filter(user=user)
