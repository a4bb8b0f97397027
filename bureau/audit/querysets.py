from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from bureau.audit.models import Entry, IdempotentAnswer, ProofRun


class EntryQuerySet(models.QuerySet["Entry"]):
    def about(self, subject: models.Model) -> Self:
        return self.filter(
            subject_type=subject._meta.label_lower, subject_id=subject.pk
        )

    def by(self, actor: User) -> Self:
        return self.filter(actor=actor)

    def of_event(self, event: str) -> Self:
        return self.filter(event=event)

    def newest_first(self) -> Self:
        return self.order_by("-pk")


class ProofRunQuerySet(models.QuerySet["ProofRun"]):
    def finished(self) -> Self:
        return self.filter(finished_at__isnull=False)

    def newest_first(self) -> Self:
        return self.order_by("-pk")

    def started_before(self, moment: datetime) -> Self:
        return self.filter(started_at__lt=moment)


class IdempotentAnswerQuerySet(models.QuerySet["IdempotentAnswer"]):
    def given_before(self, moment: datetime) -> Self:
        return self.filter(created_at__lt=moment)
