"""The rules of a campaign, in versions."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common.fields import DAY, MinuteOfDayField
from bureau.regions.models import District
from vouchers.models.campaigns import Campaign
from vouchers.querysets import TermsQuerySet

LEAST_HELD, MOST_HELD = 20, 600
"""Seconds: enough for who taps slowly, and not so long that others wait for hours."""


class Terms(models.Model):
    """The rules of a campaign in one version. A published version is never changed.

    A voucher keeps the version under which it was claimed. Empty limits do not limit.
    Sources of the rules that differ between cities: docs/vouchers/rules.md.
    """

    class Leftover(models.TextChoices):
        NEXT_ROUND = "next_round", _("goes into the next round")
        STAYS = "stays", _("stays in the pool until the campaign is closed")

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="terms",
    )
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    published_by = models.ForeignKey(
        User,
        verbose_name=_("published by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    reason = models.CharField(_("why it was changed"), max_length=200, blank=True)

    # How many vouchers one person may claim.
    most_a_day = models.PositiveSmallIntegerField(_("a day"), null=True, blank=True)
    most_a_week = models.PositiveSmallIntegerField(
        _("a week (from Monday)"), null=True, blank=True
    )
    most_a_round = models.PositiveSmallIntegerField(_("a round"), null=True, blank=True)
    most_in_all = models.PositiveSmallIntegerField(
        _("in the campaign"), null=True, blank=True
    )
    most_fen = models.PositiveIntegerField(
        _("in the campaign, by face value, fen"), null=True, blank=True
    )
    one_tier_each = models.BooleanField(_("one tier for each person"), default=False)
    expired_counts = models.BooleanField(
        _("an expired voucher still counts"), default=True
    )

    # Who may claim. The real name is always needed: one person, one account.
    least_age = models.PositiveSmallIntegerField(_("least age"), null=True, blank=True)
    most_age = models.PositiveSmallIntegerField(
        _("greatest age"), null=True, blank=True
    )
    id_prefixes = ArrayField(
        models.CharField(max_length=4),
        verbose_name=_("ID numbers begin with"),
        default=list,
        blank=True,
        help_text=_("The first four digits, such as 3708; empty: any."),
    )
    needs_place = models.BooleanField(
        _("the phone has to be in the city"), default=False
    )
    districts = models.ManyToManyField(
        District, verbose_name=_("only in these districts"), blank=True
    )

    # In a rush that more people wait for than there are vouchers.
    held_seconds = models.PositiveSmallIntegerField(
        _("seconds for which a voucher is kept for who is called in a rush"),
        default=60,
        validators=[MinValueValidator(LEAST_HELD), MaxValueValidator(MOST_HELD)],
    )

    # How long a voucher serves: until the earliest of what is given.
    valid_until = models.DateTimeField(_("until"), null=True, blank=True)
    valid_hours = models.PositiveSmallIntegerField(
        _("hours after claiming"), null=True, blank=True
    )
    valid_days = models.PositiveSmallIntegerField(
        _("days after claiming, to the end of the last"), null=True, blank=True
    )
    from_next_day = models.BooleanField(
        _("can be redeemed from the next day"), default=False
    )
    redeems_from = MinuteOfDayField(_("redeemed each day from"), default=0)
    redeems_until = MinuteOfDayField(_("redeemed each day until"), default=DAY)

    # What happens afterwards.
    undo_minutes = models.PositiveSmallIntegerField(
        _("minutes in which a clerk may undo"), default=10
    )
    full_refund_gives_back = models.BooleanField(
        _("a full refund before expiry gives the voucher back"), default=True
    )
    partial_refund_gives_back = models.BooleanField(
        _("so does a partial refund"), default=False
    )
    partial_refund_keeps_subsidy = models.BooleanField(
        _("a partial refund leaves the subsidy where the rest reaches the threshold"),
        default=True,
    )
    recycles = models.BooleanField(
        _("expired vouchers return to the pool"), default=True
    )
    leftover = models.CharField(
        _("what a round leaves over"),
        max_length=10,
        choices=Leftover.choices,
        default=Leftover.NEXT_ROUND,
    )
    merchant_cap_fen = models.PositiveBigIntegerField(
        _("most subsidy for a merchant, fen"), null=True, blank=True
    )

    objects = TermsQuerySet.as_manager()

    class Meta:
        verbose_name = _("rules of a campaign")
        verbose_name_plural = _("rules of campaigns")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "version"], name="vouchers_terms_version_unique"
            ),
            models.CheckConstraint(
                condition=Q(version=1) | ~Q(reason=""),
                name="vouchers_terms_changed_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(redeems_from__lt=F("redeems_until")),
                name="vouchers_terms_hours_in_order",
            ),
            models.CheckConstraint(
                condition=Q(held_seconds__gte=LEAST_HELD, held_seconds__lte=MOST_HELD),
                name="vouchers_terms_held_for_a_while",
            ),
            models.CheckConstraint(
                condition=Q(least_age=None)
                | Q(most_age=None)
                | Q(least_age__lte=F("most_age")),
                name="vouchers_terms_ages_in_order",
            ),
            models.CheckConstraint(
                condition=Q(published_at=None)
                | Q(valid_until__isnull=False)
                | Q(valid_hours__isnull=False)
                | Q(valid_days__isnull=False),
                name="vouchers_terms_published_ends_somewhen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.version}"
