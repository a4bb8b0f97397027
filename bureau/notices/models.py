from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.template import Context, Engine
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common.words import run_on
from bureau.notices.querysets import (
    DeliveryQuerySet,
    MuteQuerySet,
    NoticeQuerySet,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Channel(models.TextChoices):
    """How a notice leaves the portal. The inbox is no channel: it always has it."""

    SMS = "sms", _("SMS")
    EMAIL = "email", _("E-mail")


class Importance(models.TextChoices):
    NORMAL = "normal", _("Normal")
    HIGH = "high", _("Important")


@dataclass(frozen=True)
class Kind:
    """A kind of notice. An app registers its kinds in `AppConfig.ready`.

    `name` reads `<app>.<what_happened>` and never changes; its texts are
    `templates/notices/<name>/{subject,body,sms}.txt` (`sms.txt` only when it has that
    channel). A `necessary` one cannot be muted: money, admission, safety.
    """

    name: str
    label: StrOrPromise
    necessary: bool = False
    channels: tuple[Channel, ...] = ()
    importance: Importance = Importance.NORMAL

    @property
    def texts(self) -> list[str]:
        """The templates that the kind needs."""
        names = ["subject", "body"] + ["sms"] * (Channel.SMS in self.channels)
        return [f"notices/{self.name}/{name}.txt" for name in names]


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds known. The same kind twice is fine, another one by its name is not."""
    for kind in kinds:
        if _kinds.setdefault(kind.name, kind) != kind:
            raise ImproperlyConfigured(f"Two kinds of notice named {kind.name}")


def kind_named(name: str) -> Kind:
    """A registered kind; a wrong name is a mistake in the program."""
    try:
        return _kinds[name]
    except KeyError:
        raise ImproperlyConfigured(f"No kind of notice named {name}") from None


def all_kinds() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda kind: kind.name)


class Notice(models.Model):
    """A message to one person. It is its own inbox; `deliveries` carry it further."""

    recipient = models.ForeignKey(
        User,
        verbose_name=_("recipient"),
        on_delete=models.CASCADE,
        related_name="notices",
    )
    kind = models.CharField(_("kind"), max_length=80)
    context = models.JSONField(
        _("values in the text"), default=dict, blank=True, encoder=DjangoJSONEncoder
    )
    subject_type = models.CharField(_("kind of subject"), max_length=80, blank=True)
    subject_id = models.BigIntegerField(_("subject"), null=True, blank=True)
    importance = models.CharField(
        _("importance"),
        max_length=8,
        choices=Importance.choices,
        default=Importance.NORMAL,
    )
    created_at = models.DateTimeField(_("written at"))
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.CheckConstraint(
                condition=Q(subject_type="", subject_id__isnull=True)
                | (~Q(subject_type="") & Q(subject_id__isnull=False)),
                name="notices_notice_subject_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "-id"], name="notices_notice_inbox"),
            models.Index(
                fields=["recipient"],
                condition=Q(read_at__isnull=True),
                name="notices_notice_unread",
            ),
            models.Index(
                fields=["subject_type", "subject_id"], name="notices_notice_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} #{self.pk}"

    @property
    def label(self) -> str:
        """What it is about; the name of a kind that is gone."""
        kind = _kinds.get(self.kind)
        return str(kind.label) if kind else self.kind

    @property
    def is_read(self) -> bool:
        return self.read_at is not None

    @property
    def values(self) -> dict[str, Any]:
        """The context, where `…_at` and `…until` are moments, `…_on` are days again."""
        revived = dict(self.context)
        for name, value in self.context.items():
            if isinstance(value, str):
                if name.endswith(("_at", "until")):
                    revived[name] = _moment(value) or value
                elif name.endswith("_on"):
                    revived[name] = parse_date(value) or value
        return revived

    def text(self, name: str) -> str:
        """One of its texts ("subject", "body", "sms") in the active language.

        It is plain text: nothing is escaped here, so a page has to.
        """
        template = Engine.get_default().get_template(f"notices/{self.kind}/{name}.txt")
        written = template.render(Context(self.values, autoescape=False))
        return run_on(written.strip())

    @property
    def is_important(self) -> bool:
        return self.importance == Importance.HIGH


def _moment(text: str) -> datetime | None:
    """The moment that a text names; None for a time that is in words already."""
    found = parse_datetime(text)
    return found if found and found.tzinfo else None


class Delivery(models.Model):
    """One notice by one channel: sent, or waiting for its next try.

    A worker claims it by moving `next_try_at` into the future. If the worker dies, that
    moment passes and the sweep finds the row again: a message is tried at least once,
    and twice only when a worker dies between handing it over and saying so.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        FAILED = "failed", _("given up")

    notice = models.ForeignKey(
        Notice,
        verbose_name=_("notice"),
        on_delete=models.CASCADE,
        related_name="deliveries",
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.WAITING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try at"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    error = models.CharField(_("last error"), max_length=200, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["notice", "channel"], name="notices_delivery_once_a_channel"
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="notices_delivery_sent_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", next_try_at__isnull=False)
                | (~Q(state="waiting") & Q(next_try_at__isnull=True)),
                name="notices_delivery_waiting_has_its_next_try",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(state="waiting"),
                name="notices_delivery_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice}, {self.channel}"

    def wait_after(self, tries: int) -> timedelta:
        """How long to wait before the next try: 1, 4, 16, 64 minutes, then 4 hours."""
        return timedelta(minutes=min(4 ** max(tries - 1, 0), 240))


class Mute(models.Model):
    """A person does not want one kind of notice by one channel."""

    user = models.ForeignKey(
        User,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="+",
    )
    kind = models.CharField(_("kind"), max_length=80)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)

    objects = MuteQuerySet.as_manager()

    class Meta:
        verbose_name = _("muted notice")
        verbose_name_plural = _("muted notices")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "channel"], name="notices_mute_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}, {self.channel}"
