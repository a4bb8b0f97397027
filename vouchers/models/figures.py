"""What the money did, counted by the hour, so that no page counts a million rows."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from bureau.common.sports import Sport
from vouchers.models.campaigns import Campaign, Tier
from vouchers.models.ledger import Account, Transfer
from vouchers.models.merchants import Shop


class HourFigure(models.Model):
    """Redemptions of one shop, tier and sport within one hour, without those undone.

    Counted anew whenever a redemption of the hour changes: a copy that can be dropped
    and made again (`actions.count_hours`). Of a bill that was refunded in part, only
    what stayed of it counts.
    """

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.CASCADE,
        related_name="hour_figures",
        db_index=False,
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), on_delete=models.CASCADE, related_name="+"
    )
    shop = models.ForeignKey(
        Shop, verbose_name=_("shop"), on_delete=models.CASCADE, related_name="+"
    )
    sport = models.CharField(
        _("sport"), max_length=16, choices=Sport.choices, blank=True
    )
    hour = models.DateTimeField(_("hour"))
    redeemed = models.PositiveIntegerField(_("redeemed"))
    bill_fen = models.PositiveBigIntegerField(_("bills, fen"))
    subsidy_fen = models.PositiveBigIntegerField(_("subsidy, fen"))

    class Meta:
        verbose_name = _("figures of an hour")
        verbose_name_plural = _("figures of hours")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "hour", "shop", "tier", "sport"],
                name="vouchers_hourfigure_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop} {self.hour}"


class BookHour(models.Model):
    """Transfers of one kind within one hour: the book of the money in few rows.

    Counted anew whenever a transfer of the hour is written, like `HourFigure`.
    """

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.CASCADE,
        related_name="book_hours",
        db_index=False,
    )
    hour = models.DateTimeField(_("hour"))
    kind = models.CharField(_("kind"), max_length=11, choices=Transfer.Kind.choices)
    source = models.CharField(_("from"), max_length=8, choices=Account.Kind.choices)
    target = models.CharField(_("to"), max_length=8, choices=Account.Kind.choices)
    tier = models.ForeignKey(
        Tier,
        verbose_name=_("tier"),
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    count = models.PositiveIntegerField(_("transfers"))
    amount_fen = models.PositiveBigIntegerField(_("amount, fen"))

    class Meta:
        verbose_name = _("hour of the book")
        verbose_name_plural = _("hours of the book")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "hour", "kind", "source", "target", "tier"],
                nulls_distinct=False,
                name="vouchers_bookhour_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.hour}"


class CountedUntil(models.Model):
    """How far the changes of a campaign are counted, and what came out.

    `summary` is what the public page and the dashboard show, added up from the hours:
    the page costs the same with a million vouchers as with a thousand.
    """

    campaign = models.OneToOneField(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.CASCADE,
        related_name="counted_until",
    )
    changed_at = models.DateTimeField(_("changes until"))
    summary = models.JSONField(_("summary"), default=dict)

    class Meta:
        verbose_name = _("counted until")
        verbose_name_plural = _("counted until")

    def __str__(self) -> str:
        return f"{self.campaign} {self.changed_at}"
