"""What the province's platform is told of each hour: the outbox of the exports."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.common import clock
from venues.models.places import Venue
from venues.querysets import ExportRecordQuerySet


class ExportRecord(models.Model):
    """The people who came and left a venue in one hour, on their way to a receiver.

    One row per venue, kind and hour, whatever happens: what comes to light later (a
    gate without network) raises `revision`, and the row goes out again. A worker claims
    a row by moving `next_try_at` into the future; when it dies, that moment passes and
    another one sends the row again, under the same id and revision. So everything
    arrives at least once, and the receiver can drop what it has.
    """

    class Kind(models.TextChoices):
        FLOW = "flow", _("flow summary")
        CHECK_IN = "check_in", _("check-ins by pass")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("refused")

    TRANSITIONS = {
        State.WAITING: {State.SENT, State.REFUSED},
        State.SENT: {State.WAITING},  # corrected, or sent again by staff
        State.REFUSED: {State.WAITING},
    }

    public_id = models.UUIDField(
        _("record"), default=uuid.uuid4, unique=True, editable=False
    )
    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.PROTECT,
        related_name="export_records",
        db_index=False,  # the unique constraint begins with it
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    ends_at = models.DateTimeField(_("end of the hour"))
    came = models.PositiveIntegerField(_("came in"))
    left = models.PositiveIntegerField(_("went out"))
    # [{"device", "is_core", "came", "left"}, …] by door; a flow summary has none.
    doors = models.JSONField(_("by door"), default=list, blank=True)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    state = models.CharField(
        _("state"), max_length=7, choices=State.choices, default=State.WAITING
    )
    tries = models.PositiveIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    sent_revision = models.PositiveIntegerField(_("sent revision"), default=0)
    problem = models.CharField(_("problem"), max_length=200, blank=True)
    counted_at = models.DateTimeField(_("counted at"))

    objects = ExportRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("export record")
        verbose_name_plural = _("export records")
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "kind", "ends_at"],
                name="venues_exportrecord_one_per_hour",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__minute=0, ends_at__second=0),
                name="venues_exportrecord_ends_with_the_hour",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["flow", "check_in"]),
                name="venues_exportrecord_kind_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sent", "refused"]),
                name="venues_exportrecord_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", next_try_at__isnull=False)
                | (~Q(state="waiting") & Q(next_try_at__isnull=True)),
                name="venues_exportrecord_waiting_has_its_next_try",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent")
                | Q(sent_at__isnull=False, sent_revision=F("revision")),
                name="venues_exportrecord_sent_is_the_latest",
            ),
            models.CheckConstraint(
                condition=Q(sent_revision__lte=F("revision"), revision__gte=1),
                name="venues_exportrecord_revision_only_grows",
            ),
            models.CheckConstraint(
                condition=Q(came__gte=1) | Q(left__gte=1),
                name="venues_exportrecord_counts_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(state="waiting"),
                name="venues_exportrecord_due",
            ),
            models.Index(fields=["-ends_at", "-id"], name="venues_exportrecord_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.kind} {clock.at_text(self.ends_at)}"

    @property
    def starts_at(self) -> datetime:
        return self.ends_at - timedelta(hours=1)

    def wait_after(self, tries: int) -> timedelta:
        """How long to wait before the next try: 1, 4, 16, 64 minutes, then 4 hours."""
        return timedelta(minutes=min(4 ** min(max(tries - 1, 0), 4), 240))
