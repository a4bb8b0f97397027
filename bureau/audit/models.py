from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common.http import origin


class Entry(models.Model):
    """Who did what to which row, when and from where. A trigger refuses to change it."""

    event = models.CharField(_("event"), max_length=80)
    subject_type = models.CharField(_("kind of subject"), max_length=80)
    subject_id = models.BigIntegerField(_("subject"))
    actor = models.ForeignKey(
        User,
        verbose_name=_("actor"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    actor_name = models.CharField(_("actor's name then"), max_length=150, blank=True)
    actor_role = models.CharField(_("actor's role then"), max_length=150, blank=True)
    occurred_at = models.DateTimeField(_("at"))
    ip = models.GenericIPAddressField(_("address"), null=True, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(
                fields=["subject_type", "subject_id", "id"],
                name="audit_entry_by_subject",
            ),
            models.Index(fields=["actor", "id"], name="audit_entry_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.subject_type}:{self.subject_id}"


def record(
    event: str,
    *,
    subject: models.Model,
    by: User | None,
    at: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Note who did what. Call it inside the transaction that did it.

    `event` reads `<app>.<model>.<past tense>`; `by` is None when the portal itself
    acted. The actor's name and role are kept as they were at that moment.
    """
    source = origin()
    Entry.objects.create(
        event=event,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        actor=by,
        actor_name=str(by) if by else "",
        actor_role=by.role_text if by else "",
        occurred_at=at,
        ip=source.ip,
        request_id=source.request_id,
        detail=detail or {},
    )
