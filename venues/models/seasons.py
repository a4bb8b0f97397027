"""Clubs and their weekly or seasonal bookings."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import codes
from bureau.common.fields import MinuteOfDayField
from venues.models.places import Bookable, Venue
from venues.models.rules import LATEST_CLOSING, Weekday


class Club(models.Model):
    """A sports club, school or association that books by the season."""

    class Priority(models.IntegerChoices):
        """Who comes first where two ask for the same time."""

        YOUTH = 1, _("youth and schools")
        SENIOR = 2, _("seniors and people with a disability")
        CLUB = 3, _("clubs and associations")
        COMPANY = 4, _("companies")

    name = models.CharField(_("name"), max_length=120, unique=True)
    credit_code = models.CharField(
        _("unified social credit code"), max_length=18, blank=True
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority.choices, default=Priority.CLUB
    )
    contact = models.ForeignKey(
        User,
        verbose_name=_("contact"),
        on_delete=models.PROTECT,
        related_name="clubs",
    )
    is_approved = models.BooleanField(_("checked by staff"), default=False)

    class Meta:
        verbose_name = _("club")
        verbose_name_plural = _("clubs")

    def __str__(self) -> str:
        return self.name


class Season(models.Model):
    """A round of applications for weekly times at one venue."""

    class State(models.TextChoices):
        OPEN = "open", _("open for applications")
        PROPOSED = "proposed", _("allocation proposed")
        DECIDED = "decided", _("decided")

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="seasons"
    )
    name = models.CharField(_("name"), max_length=60)
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))
    applies_until = models.DateTimeField(_("applications until"))
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.OPEN
    )
    # Decides between equals when an allocation is proposed; told afterwards.
    seed = models.CharField(_("seed"), max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("season")
        verbose_name_plural = _("seasons")
        constraints = [
            models.CheckConstraint(
                condition=Q(first_on__lte=F("last_on")),
                name="venues_season_first_day_before_last",
            ),
            models.UniqueConstraint(
                fields=["venue", "name"], name="venues_season_name_unique_in_venue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.name}"


class SeasonRequest(models.Model):
    """A weekly time that a club asks for, and what became of it."""

    class State(models.TextChoices):
        ASKED = "asked", _("asked")
        PROPOSED = "proposed", _("proposed")
        APPROVED = "approved", _("approved")
        DENIED = "denied", _("denied")
        WITHDRAWN = "withdrawn", _("withdrawn")

    TRANSITIONS = {
        State.ASKED: {State.PROPOSED, State.DENIED, State.WITHDRAWN, State.APPROVED},
        State.PROPOSED: {State.APPROVED, State.DENIED, State.WITHDRAWN, State.ASKED},
        State.APPROVED: set[str](),
        State.DENIED: {State.PROPOSED},
        State.WITHDRAWN: set[str](),
    }

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    season = models.ForeignKey(
        Season,
        verbose_name=_("season"),
        on_delete=models.PROTECT,
        related_name="requests",
    )
    club = models.ForeignKey(
        Club, verbose_name=_("club"), on_delete=models.PROTECT, related_name="requests"
    )
    bookable = models.ForeignKey(
        Bookable, verbose_name=_("court"), on_delete=models.PROTECT, related_name="+"
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    starts = MinuteOfDayField(_("from"))
    ends = MinuteOfDayField(_("until"))
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))
    wish = models.PositiveSmallIntegerField(_("wish (1 is dearest)"), default=1)
    note = models.CharField(_("note"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.ASKED
    )
    asked_at = models.DateTimeField(_("asked at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("request for a season")
        verbose_name_plural = _("requests for seasons")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts__lt=F("ends"), ends__lte=LATEST_CLOSING),
                name="venues_seasonrequest_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(first_on__lte=F("last_on")),
                name="venues_seasonrequest_first_day_before_last",
            ),
            models.CheckConstraint(
                condition=Q(weekday__gte=1, weekday__lte=7),
                name="venues_seasonrequest_weekday_is_iso",
            ),
            models.CheckConstraint(
                condition=~Q(state="denied") | ~Q(reason=""),
                name="venues_seasonrequest_denied_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.club} {self.number}"


class SkippedDate(models.Model):
    """A date of an approved season that could not be booked, and why."""

    request = models.ForeignKey(
        SeasonRequest,
        verbose_name=_("request"),
        on_delete=models.CASCADE,
        related_name="skipped",
    )
    on = models.DateField(_("date"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("skipped date")
        verbose_name_plural = _("skipped dates")
        constraints = [
            models.UniqueConstraint(
                fields=["request", "on"], name="venues_skippeddate_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.reason}"


class Invoice(models.Model):
    """What a club owes for an approved season; its bookings point to it."""

    class State(models.TextChoices):
        OPEN = "open", _("to be paid")
        PAID = "paid", _("paid")
        VOID = "void", _("void")

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    request = models.OneToOneField(
        SeasonRequest,
        verbose_name=_("request"),
        on_delete=models.PROTECT,
        related_name="invoice",
    )
    club = models.ForeignKey(
        Club, verbose_name=_("club"), on_delete=models.PROTECT, related_name="invoices"
    )
    total_fen = models.PositiveIntegerField(_("total, fen"))
    state = models.CharField(
        _("state"), max_length=4, choices=State.choices, default=State.OPEN
    )
    issued_at = models.DateTimeField(_("issued at"))
    due_on = models.DateField(_("due on"))
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(paid_at__isnull=False),
                name="venues_invoice_paid_has_a_moment",
            ),
        ]

    def __str__(self) -> str:
        return self.number
