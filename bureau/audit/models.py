from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bureau.accounts.models import Role, User
from bureau.audit.querysets import (
    EntryQuerySet,
    IdempotentAnswerQuerySet,
    ProofRunQuerySet,
)
from bureau.common.db import insert, new
from bureau.common.http import origin
from bureau.common.words import listed


class Entry(models.Model):
    """Who did what to which row, when and from where. A trigger refuses any change.

    The access log has to be kept for six months at least; entries are never deleted, so
    it is. At city scale (some 10 million rows a year) that is a few gigabytes a year.
    """

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
        db_index=False,  # audit_entry_by_actor begins with it
    )
    actor_name = models.CharField(_("actor's name then"), max_length=150, blank=True)
    actor_role = models.CharField(_("actor's role then"), max_length=150, blank=True)
    occurred_at = models.DateTimeField(_("at"))
    ip = models.GenericIPAddressField(_("address"), null=True, blank=True)
    request_id = models.CharField(
        pgettext_lazy("HTTP", "request"), max_length=64, blank=True
    )
    detail = models.JSONField(
        _("detail"), default=dict, blank=True, encoder=DjangoJSONEncoder
    )

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(
                fields=["subject_type", "subject_id", "id"],
                name="audit_entry_by_subject",
            ),
            models.Index(fields=["actor", "id"], name="audit_entry_by_actor"),
            models.Index(fields=["event", "id"], name="audit_entry_by_event"),
            # Entries come in the order of time: a few kilobytes serve the date filter.
            BrinIndex(fields=["occurred_at"], name="audit_entry_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.subject_type}:{self.subject_id}"

    @property
    def subject_words(self) -> str:
        """The kind of the subject as people call it."""
        try:
            return str(apps.get_model(self.subject_type)._meta.verbose_name)
        except LookupError:
            return self.subject_type

    @property
    def role_words(self) -> str:
        """The roles as people call them."""
        known = dict(Role.choices)
        return listed(known.get(name, name) for name in self.actor_role.split(", "))


class ProofRun(models.Model):
    """One run of every invariant (see invariants.py)."""

    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    checked = models.PositiveIntegerField(_("promises checked"), default=0)
    broken = models.PositiveIntegerField(_("promises broken"), default=0)

    objects = ProofRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proofs")
        constraints = [
            models.CheckConstraint(
                condition=Q(broken__lte=F("checked")),
                name="audit_proofrun_broken_at_most_checked",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def holds(self) -> bool:
        """Whether the run came to its end and found nothing."""
        return self.finished_at is not None and self.broken == 0


class ProofOffence(models.Model):
    """A promise that did not hold in one run: how often, and the first offenders."""

    run = models.ForeignKey(
        ProofRun,
        verbose_name=_("proof"),
        on_delete=models.CASCADE,
        related_name="offences",
    )
    name = models.CharField(_("promise"), max_length=120)
    count = models.PositiveIntegerField(_("offenders"))
    sample = models.JSONField(_("first offenders"), encoder=DjangoJSONEncoder)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("broken promise")
        verbose_name_plural = _("broken promises")
        constraints = [
            models.UniqueConstraint(
                fields=["run", "name"], name="audit_proofoffence_once_a_run"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"


class IdempotentAnswer(models.Model):
    """The first answer to a request with an `Idempotency-Key`, for its repetitions.

    The row is written before the work, in the same transaction: a twin that comes
    while the first is under way waits at the unique constraint.
    """

    user = models.ForeignKey(
        User,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="+",
    )
    key = models.CharField(_("key"), max_length=128)
    method = models.CharField(_("method"), max_length=8)
    path = models.CharField(_("path"), max_length=512)
    fingerprint = models.CharField(_("body's fingerprint"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), default=0)
    body = models.JSONField(_("body"), null=True, encoder=DjangoJSONEncoder)
    headers = models.JSONField(_("headers"), default=dict)
    created_at = models.DateTimeField(_("created at"), db_index=True)

    objects = IdempotentAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("stored answer")
        verbose_name_plural = _("stored answers")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "key"], name="audit_idempotentanswer_one_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


def record(
    event: str,
    *,
    subject: models.Model,
    by: User | None,
    at: datetime,
    detail: dict[str, Any] | None = None,
) -> Entry:
    """Note who did what. Call it inside the transaction that did it.

    `event` reads `<app>.<model>.<past tense>`; `by` is None when the portal itself
    acted. The actor's name and role are kept as they were at that moment.
    """
    (entry,) = record_each(event, {subject: detail or {}}, by=by, at=at)
    return entry


def record_each(
    event: str,
    details: Mapping[models.Model, dict[str, Any]],
    *,
    by: User | None,
    at: datetime,
) -> list[Entry]:
    """`record` the same event of many rows, each with its detail, in one statement."""
    source = origin()
    actor_id, name, role = (by.pk, str(by), by.role_text) if by else (None, "", "")
    entries = [
        new(
            Entry,
            event=event,
            subject_type=subject._meta.label_lower,
            subject_id=subject.pk,
            actor_id=actor_id,
            actor_name=name,
            actor_role=role,
            occurred_at=at,
            ip=source.ip,
            request_id=source.request_id,
            detail=detail,
        )
        for subject, detail in details.items()
    ]
    if entries:
        insert(*entries)
    return entries
