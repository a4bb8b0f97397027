"""What the rules on free and low-fee opening ask to be kept (the 2021 norm, no. 7)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues.models.places import Bookable, Venue
from venues.models.rules import PriceRule


class MarketPrice(models.Model):
    """What an hour of a sport costs in the local market, and who says so.

    A row without a district holds for the whole city.
    """

    district = models.ForeignKey(
        District,
        verbose_name=_("district"),
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
    )
    sport = models.CharField(_("sport"), max_length=16, choices=Sport.choices)
    fen_per_hour = models.PositiveIntegerField(_("fen per hour"))
    source = models.CharField(_("source"), max_length=200)
    valid_from = models.DateField(_("valid from"))

    class Meta:
        verbose_name = _("market price")
        verbose_name_plural = _("market prices")
        constraints = [
            models.UniqueConstraint(
                fields=["district", "sport", "valid_from"],
                nulls_distinct=False,
                name="venues_marketprice_one_from_a_day",
            ),
            models.CheckConstraint(
                condition=Q(fen_per_hour__gte=1), name="venues_marketprice_is_a_price"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sport} {self.fen_per_hour} ({self.valid_from})"


class PriceException(models.Model):
    """Why a price that breaks the low-fee rule was published all the same."""

    rule = models.OneToOneField(
        PriceRule,
        verbose_name=_("price"),
        on_delete=models.CASCADE,
        related_name="exception",
    )
    breach = models.CharField(_("what it breaks"), max_length=200)
    reason = models.CharField(_("reason"), max_length=200)
    granted_by = models.ForeignKey(
        User, verbose_name=_("granted by"), on_delete=models.PROTECT, related_name="+"
    )
    granted_at = models.DateTimeField(_("granted at"))

    class Meta:
        verbose_name = _("exception to the low-fee rule")
        verbose_name_plural = _("exceptions to the low-fee rule")
        permissions = [
            ("grant_price_exception", _("Can publish a price that breaks the rule"))
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason=""), name="venues_priceexception_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


class AnnouncedHours(models.Model):
    """The hours of a court that the public could count on, on a day that was changed.

    Kept by the first change of the day that came less than seven days ahead; whatever
    was changed later, the day is held against it. No row: it is as it was announced.
    """

    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.CASCADE,
        related_name="announced_hours",
    )
    on = models.DateField(_("date"))
    # [[opens, closes], …] in minutes since midnight; empty: it was to be shut.
    periods = ArrayField(
        ArrayField(models.PositiveSmallIntegerField(), size=2),
        verbose_name=_("opening hours"),
        default=list,
    )
    kept_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("hours as they were announced")
        verbose_name_plural = _("hours as they were announced")
        constraints = [
            models.UniqueConstraint(
                fields=["bookable", "on"], name="venues_announcedhours_one_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bookable} {self.on}"


class Programme(models.Model):
    """An event or a training for the public at a venue; the subsidy counts them."""

    class Kind(models.TextChoices):
        EVENT = "event", _("public event")
        TRAINING = "training", _("skill training")

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.PROTECT,
        related_name="programmes",
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=120)
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))
    persons = models.PositiveIntegerField(_("person-times"))
    recorded_by = models.ForeignKey(
        User, verbose_name=_("recorded by"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("public programme")
        verbose_name_plural = _("public programmes")
        constraints = [
            models.CheckConstraint(
                condition=Q(first_on__lte=F("last_on")),
                name="venues_programme_first_day_before_last",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.title}"
