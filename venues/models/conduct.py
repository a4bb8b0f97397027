"""No-shows with due process: points, bans, appeals."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bureau.accounts.models import User
from venues.models.bookings import Booking


class ConductRule(models.Model):
    """What an unused booking costs in points, and when points become a ban.

    The rule with the latest `valid_from` that is not ahead is in force.
    """

    valid_from = models.DateField(_("valid from"), unique=True)
    no_show_points = models.PositiveSmallIntegerField(_("points for a no-show"))
    late_cancel_points = models.PositiveSmallIntegerField(
        _("points for cancelling without any money back"), default=0
    )
    ban_from_points = models.PositiveSmallIntegerField(_("points that ban"))
    count_days = models.PositiveSmallIntegerField(_("days for which points count"))
    ban_days = models.PositiveSmallIntegerField(_("days of a ban"))
    appeal_days = models.PositiveSmallIntegerField(_("days to appeal"), default=15)

    class Meta:
        verbose_name = _("rule of conduct")
        verbose_name_plural = _("rules of conduct")
        constraints = [
            models.CheckConstraint(
                condition=Q(ban_from_points__gte=1, count_days__gte=1, ban_days__gte=1),
                name="venues_conductrule_is_sane",
            ),
        ]

    def __str__(self) -> str:
        days = ngettext("%(n)s day", "%(n)s days", self.ban_days) % {"n": self.ban_days}
        return f"{self.valid_from}: {self.ban_from_points} → {days}"


class ConductPoint(models.Model):
    """Points against a person for one booking, until excused or run out."""

    class Reason(models.TextChoices):
        NO_SHOW = "no_show", _("nobody came")
        LATE_CANCEL = "late_cancel", _("cancelled too late")

    person = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="conduct_points",
    )
    booking = models.OneToOneField(
        Booking,
        verbose_name=_("booking"),
        on_delete=models.PROTECT,
        related_name="conduct_point",
    )
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    points = models.PositiveSmallIntegerField(_("points"))
    given_at = models.DateTimeField(_("given at"))
    counts_until = models.DateTimeField(_("counts until"))
    excused_at = models.DateTimeField(_("excused at"), null=True, blank=True)
    excuse = models.CharField(_("excuse"), max_length=200, blank=True)
    excused_by = models.ForeignKey(
        User,
        verbose_name=_("excused by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    class Meta:
        verbose_name = _("conduct points")
        verbose_name_plural = _("conduct points")
        constraints = [
            models.CheckConstraint(
                condition=Q(given_at__lt=F("counts_until")),
                name="venues_conductpoint_counts_for_a_while",
            ),
            models.CheckConstraint(
                condition=Q(excused_at=None) | ~Q(excuse=""),
                name="venues_conductpoint_excused_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["person", "counts_until"],
                condition=Q(excused_at=None),
                name="venues_conductpoint_counting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} +{self.points} {self.get_reason_display()}"


class Ban(models.Model):
    """A time in which a person cannot book on line; the window still serves them."""

    person = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.PROTECT, related_name="bans"
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    points = models.PositiveSmallIntegerField(_("points"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        User,
        verbose_name=_("lifted by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    lift_reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("ban")
        verbose_name_plural = _("bans")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_ban_starts_before_it_ends",
            ),
            models.UniqueConstraint(
                fields=["person", "starts_at"], name="venues_ban_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.starts_at:%Y-%m-%d}"

    def is_in_force_at(self, moment: datetime) -> bool:
        return self.lifted_at is None and self.starts_at <= moment < self.ends_at


class Appeal(models.Model):
    """A person says why points are wrong; somebody decides, with a reason."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        GRANTED = "granted", _("granted")
        DENIED = "denied", _("denied")

    point = models.OneToOneField(
        ConductPoint,
        verbose_name=_("points"),
        on_delete=models.PROTECT,
        related_name="appeal",
    )
    words = models.CharField(_("what happened"), max_length=500)
    asked_at = models.DateTimeField(_("asked at"))
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.OPEN
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    answer = models.CharField(_("answer"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | Q(
                    state__in=["granted", "denied"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                )
                & ~Q(answer=""),
                name="venues_appeal_decided_with_an_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.point} {self.get_state_display()}"
