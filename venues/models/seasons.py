"""Clubs and their weekly or seasonal bookings."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
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
    # Why staff could not approve it; the contact corrects it and asks again.
    refusal = models.CharField(_("why not approved"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("club")
        verbose_name_plural = _("clubs")
        constraints = [
            # Not before it was checked: nobody can keep a club out by taking its code.
            models.UniqueConstraint(
                fields=["credit_code"],
                condition=Q(is_approved=True) & ~Q(credit_code=""),
                name="venues_club_credit_code_once",
            ),
            models.CheckConstraint(
                condition=Q(is_approved=False) | Q(refusal=""),
                name="venues_club_approved_or_refused",
            ),
        ]

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
    # Decides between equals when an allocation is proposed. It is drawn when the season
    # opens; its hash is public from then on, itself once there is a proposal.
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

    def get_absolute_url(self) -> str:
        return reverse("venues:season", args=[self.pk])


class SeasonRequest(models.Model):
    """A weekly time that a club asks for, and what became of it."""

    class State(models.TextChoices):
        ASKED = "asked", _("asked")
        PROPOSED = "proposed", _("proposed")
        APPROVED = "approved", _("approved")
        DENIED = "denied", _("denied")
        WITHDRAWN = "withdrawn", _("withdrawn")

    TRANSITIONS: dict[str, set[str]] = {
        State.ASKED: {State.PROPOSED, State.DENIED, State.WITHDRAWN, State.APPROVED},
        State.PROPOSED: {State.APPROVED, State.DENIED, State.WITHDRAWN, State.ASKED},
        State.APPROVED: set(),
        State.DENIED: {State.PROPOSED},
        State.WITHDRAWN: set(),
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
            models.UniqueConstraint(
                fields=["season", "club", "bookable", "weekday", "starts", "ends"],
                condition=Q(state__in=["asked", "proposed", "approved"]),
                name="venues_seasonrequest_asked_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.club} {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("venues:season-request", args=[self.number])


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
        NEW = "new", _("being made")
        OPEN = "open", _("to be paid")
        PAID = "paid", _("paid")
        VOID = "void", _("nothing to pay")

    # New while the dates of its season are being booked, one by one.
    TRANSITIONS: dict[str, set[str]] = {
        State.NEW: {State.OPEN, State.VOID},
        State.OPEN: {State.PAID, State.VOID},
        State.PAID: set(),
        State.VOID: set(),
    }

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
    # The standing slots of its bookings, and what is kept for those given back.
    total_fen = models.PositiveIntegerField(_("total, fen"))
    retained_fen = models.PositiveIntegerField(
        _("kept for what was given up, fen"), default=0
    )
    state = models.CharField(
        _("state"), max_length=4, choices=State.choices, default=State.NEW
    )
    issued_at = models.DateTimeField(_("issued at"))
    due_on = models.DateField(_("due on"))
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    # Each is set by one worker only, which then tells the club: once, days before it is
    # due, and once when that day has passed.
    reminded_at = models.DateTimeField(
        _("reminded at"), null=True, blank=True, editable=False
    )
    reminded_late_at = models.DateTimeField(
        _("reminded when overdue at"), null=True, blank=True, editable=False
    )
    # Paid by bank transfer, as a member of staff saw it in the account.
    transferred_fen = models.PositiveIntegerField(_("paid by transfer, fen"), default=0)
    transfer_reference = models.CharField(
        _("reference of the transfer"), max_length=64, blank=True
    )
    transfer_noted_by = models.ForeignKey(
        User,
        verbose_name=_("transfer noted by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(paid_at__isnull=False),
                name="venues_invoice_paid_has_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(retained_fen__lte=F("total_fen")),
                name="venues_invoice_keeps_no_more_than_its_total",
            ),
            models.CheckConstraint(
                condition=Q(transferred_fen=0, transfer_reference="")
                | (
                    Q(state="paid", transferred_fen__gt=0)
                    & Q(transfer_noted_by__isnull=False)
                    & ~Q(transfer_reference="")
                ),
                name="venues_invoice_transfer_has_a_reference",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("venues:invoice", args=[self.number])


class TransferBack(models.Model):
    """Money that staff pay back to a club by bank transfer: it came by transfer."""

    invoice = models.ForeignKey(
        Invoice,
        verbose_name=_("invoice"),
        on_delete=models.PROTECT,
        related_name="transfers_back",
    )
    booking = models.ForeignKey(
        "venues.Booking",
        verbose_name=_("booking"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    fen = models.PositiveIntegerField(_("fen"))
    reason = models.CharField(_("reason"), max_length=200)
    asked_at = models.DateTimeField(_("asked at"))
    done_at = models.DateTimeField(_("paid back at"), null=True, blank=True)
    done_by = models.ForeignKey(
        User,
        verbose_name=_("paid back by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    reference = models.CharField(
        _("reference of the transfer"), max_length=64, blank=True
    )

    class Meta:
        verbose_name = _("transfer back to a club")
        verbose_name_plural = _("transfers back to clubs")
        constraints = [
            models.CheckConstraint(
                condition=Q(fen__gt=0), name="venues_transferback_is_something"
            ),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None, reference="")
                | (Q(done_at__isnull=False, done_by__isnull=False) & ~Q(reference="")),
                name="venues_transferback_done_has_a_reference",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice} {self.fen}"
