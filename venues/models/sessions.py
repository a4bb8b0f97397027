"""Open sessions (散客): swimming, free play; a floor that many share by ticket."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.fields import MinuteOfDayField, clock_text
from venues.models.places import Bookable, Venue
from venues.models.rules import Weekday


class SessionPlan(models.Model):
    """A weekly open session; its dates are laid out as far ahead as can be booked."""

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.CASCADE,
        related_name="session_plans",
    )
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("floor"),
        on_delete=models.PROTECT,
        related_name="session_plans",
    )
    name = models.CharField(_("name"), max_length=60)
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    starts = MinuteOfDayField(_("from"))
    ends = MinuteOfDayField(_("until"))
    capacity = models.PositiveIntegerField(_("places"))
    price_fen = models.PositiveIntegerField(_("fen a ticket"), default=0)
    concession_fen = models.PositiveIntegerField(
        _("fen a ticket for entitled groups"), default=0
    )
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid before"), null=True, blank=True)

    class Meta:
        verbose_name = _("plan of open sessions")
        verbose_name_plural = _("plans of open sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts__lt=F("ends"), ends__lte=1440),
                name="venues_sessionplan_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(weekday__gte=1, weekday__lte=7),
                name="venues_sessionplan_weekday_is_iso",
            ),
            models.CheckConstraint(
                condition=Q(capacity__gte=1), name="venues_sessionplan_has_places"
            ),
            models.CheckConstraint(
                condition=Q(concession_fen__lte=F("price_fen")),
                name="venues_sessionplan_concession_is_no_dearer",
            ),
        ]

    def __str__(self) -> str:
        times = f"{clock_text(self.starts)}–{clock_text(self.ends)}"
        return f"{self.venue} {self.name} {Weekday(self.weekday).label} {times}"


class OpenSession(models.Model):
    """One date of shared play. `taken` counts tickets held and sold, never above.

    It occupies its floor as a whole, beside courts that are hired exclusively.
    """

    plan = models.ForeignKey(
        SessionPlan,
        verbose_name=_("plan"),
        on_delete=models.SET_NULL,
        related_name="sessions",
        null=True,
        blank=True,
    )
    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.PROTECT,
        related_name="sessions",
    )
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("floor"),
        on_delete=models.PROTECT,
        related_name="sessions",
    )
    name = models.CharField(_("name"), max_length=60)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    capacity = models.PositiveIntegerField(_("places"))
    taken = models.PositiveIntegerField(_("places taken"), default=0)
    price_fen = models.PositiveIntegerField(_("fen a ticket"), default=0)
    concession_fen = models.PositiveIntegerField(
        _("fen a ticket for entitled groups"), default=0
    )
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    set_by = models.ForeignKey(
        User,
        verbose_name=_("set by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    class Meta:
        verbose_name = _("open session")
        verbose_name_plural = _("open sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_opensession_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(taken__lte=F("capacity")),
                name="venues_opensession_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(concession_fen__lte=F("price_fen")),
                name="venues_opensession_concession_is_no_dearer",
            ),
            models.UniqueConstraint(
                fields=["plan", "starts_at"], name="venues_opensession_once_per_date"
            ),
        ]
        indexes = [
            models.Index(
                fields=["venue", "starts_at"], name="venues_opensession_of_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.name} {clock.at_text(self.starts_at)}"

    @property
    def left(self) -> int:
        return self.capacity - self.taken
