"""Who goes in and out: passes, admissions, and the counts at the doors."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.sealed import seal, unseal
from venues.models.bookings import Booking
from venues.models.places import Gate, Venue
from venues.models.rules import PriceGroup
from venues.querysets import PassQuerySet


def new_sealed_key() -> bytes:
    return seal(codes.new_key().hex())


class EntryPass(models.Model):
    """What a person shows at the gate. Its QR code rotates; the key never leaves us."""

    class State(models.TextChoices):
        VALID = "valid", _("valid")
        USED = "used", _("used")
        REVOKED = "revoked", _("revoked")

    code = models.CharField(
        _("code"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    key_sealed = models.BinaryField(default=new_sealed_key, editable=False)
    booking = models.ForeignKey(
        Booking,
        verbose_name=_("booking"),
        on_delete=models.PROTECT,
        related_name="passes",
    )
    companion = models.OneToOneField(
        "venues.Companion",
        verbose_name=_("companion"),
        on_delete=models.PROTECT,
        related_name="entry_pass",
        null=True,
        blank=True,
    )
    persons = models.PositiveSmallIntegerField(_("people it lets in"), default=1)
    # Printed for somebody without a phone: its code does not rotate.
    printed_at = models.DateTimeField(_("printed at"), null=True, blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.VALID
    )
    issued_at = models.DateTimeField(_("issued at"))

    objects = PassQuerySet.as_manager()

    is_on_paper = False  # on a row fresh from `check_pass`: shown without its proof

    class Meta:
        verbose_name = _("entry pass")
        verbose_name_plural = _("entry passes")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["valid", "used", "revoked"]),
                name="venues_entrypass_state_is_known",
            ),
            models.UniqueConstraint(
                fields=["booking"],
                condition=~Q(state="revoked") & Q(companion=None),
                name="venues_entrypass_one_live_per_booking",
            ),
            models.CheckConstraint(
                condition=Q(persons__gte=1), name="venues_entrypass_lets_somebody_in"
            ),
        ]

    def __str__(self) -> str:
        return codes.grouped(self.code)

    @property
    def key(self) -> bytes:
        return bytes.fromhex(unseal(self.key_sealed))


class Admission(models.Model):
    """A person went in, by the hand of somebody on duty."""

    entry_pass = models.OneToOneField(
        EntryPass,
        verbose_name=_("entry pass"),
        on_delete=models.PROTECT,
        related_name="admission",
    )
    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="+"
    )
    admitted_at = models.DateTimeField(_("admitted at"))
    admitted_by = models.ForeignKey(
        User, verbose_name=_("admitted by"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("admission")
        verbose_name_plural = _("admissions")
        indexes = [
            models.Index(fields=["venue", "admitted_at"], name="venues_admission_day")
        ]

    def __str__(self) -> str:
        return f"{self.entry_pass} {clock.at_text(self.admitted_at)}"


class Crossing(models.Model):
    """People who went through a door: with a pass, with a ticket, or counted by hand.

    Append-only. What is inside is what went in minus what went out since the morning.
    """

    class Direction(models.TextChoices):
        IN = "in", _("in")
        OUT = "out", _("out")

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.PROTECT,
        related_name="crossings",
    )
    gate = models.ForeignKey(
        Gate,
        verbose_name=_("gate"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    direction = models.CharField(
        _("direction"), max_length=3, choices=Direction.choices
    )
    persons = models.PositiveSmallIntegerField(_("people"), default=1)
    group = models.CharField(
        pgettext_lazy("of prices", "group"),
        max_length=12,
        choices=PriceGroup.choices,
        blank=True,
        default="",
    )
    crossed_at = models.DateTimeField(_("at"))
    admission = models.ForeignKey(
        Admission,
        verbose_name=_("admission"),
        on_delete=models.PROTECT,
        related_name="crossings",
        null=True,
        blank=True,
    )
    counted_by = models.ForeignKey(
        User,
        verbose_name=_("counted by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    request_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        verbose_name = _("crossing")
        verbose_name_plural = _("crossings")
        constraints = [
            models.CheckConstraint(
                condition=Q(persons__gte=1, persons__lte=5000),
                name="venues_crossing_counts_somebody",
            ),
            models.CheckConstraint(
                condition=Q(direction__in=["in", "out"]),
                name="venues_crossing_direction_is_known",
            ),
            models.UniqueConstraint(
                fields=["admission", "direction"],
                name="venues_crossing_once_each_way_per_admission",
            ),
        ]
        indexes = [
            models.Index(
                fields=["venue", "crossed_at"], name="venues_crossing_of_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.direction} {clock.at_text(self.crossed_at)}"


class GateDevice(models.Model):
    """A phone or tablet that may check passes without network, for some hours."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.CASCADE, related_name="+"
    )
    name = models.CharField(_("name"), max_length=60)
    registered_by = models.ForeignKey(
        User,
        verbose_name=_("registered by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    registered_at = models.DateTimeField(_("registered at"))
    list_issued_at = models.DateTimeField(_("last list at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("gate device")
        verbose_name_plural = _("gate devices")

    def __str__(self) -> str:
        return f"{self.venue} / {self.name}"


class OfflineScan(models.Model):
    """What a device let in without network, as it told us afterwards."""

    class Outcome(models.TextChoices):
        ADMITTED = "admitted", _("admitted")
        TWICE = "twice", _("used twice")
        CANCELLED = "cancelled", _("cancelled meanwhile")
        UNKNOWN = "unknown", _("no such pass")
        UNTIMELY = "untimely", _("at another time than its booking")

    device = models.ForeignKey(
        GateDevice,
        verbose_name=_("device"),
        on_delete=models.PROTECT,
        related_name="scans",
    )
    scan_key = models.UUIDField(_("scan"), editable=False)
    pass_code = models.CharField(_("code"), max_length=12)
    entry_pass = models.ForeignKey(
        EntryPass,
        verbose_name=_("entry pass"),
        on_delete=models.PROTECT,
        related_name="offline_scans",
        null=True,
        blank=True,
    )
    scanned_at = models.DateTimeField(_("scanned at"))
    received_at = models.DateTimeField(_("received at"))
    scanned_by = models.ForeignKey(
        User, verbose_name=_("scanned by"), on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(_("outcome"), max_length=9, choices=Outcome.choices)

    class Meta:
        verbose_name = _("scan without network")
        verbose_name_plural = _("scans without network")
        constraints = [
            models.UniqueConstraint(
                fields=["device", "scan_key"], name="venues_offlinescan_told_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=[
                        "admitted",
                        "twice",
                        "cancelled",
                        "unknown",
                        "untimely",
                    ]
                ),
                name="venues_offlinescan_outcome_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pass_code} {self.outcome}"
