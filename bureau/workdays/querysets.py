from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.workdays.models import Deadline


class DeadlineQuerySet(models.QuerySet["Deadline"]):
    def about(self, subject: models.Model) -> Self:
        return self.filter(
            subject_type=subject._meta.label_lower, subject_id=subject.pk
        )

    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def running(self) -> Self:
        return self.open().filter(paused_at__isnull=True)

    def overdue_at(self, moment: datetime) -> Self:
        return self.running().filter(due_at__lte=moment)

    def to_change_at(self, moment: datetime) -> Self:
        """Those that the sweep has to look at."""
        return self.running().filter(next_change_at__lte=moment)

    def touching(self, year_starts_at: datetime, year_ends_at: datetime) -> Self:
        """Those whose time, provisional ends included, lies partly in the year."""
        return self.filter(started_at__lt=year_ends_at, due_at__gt=year_starts_at)
