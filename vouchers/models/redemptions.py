"""What happened at the counter."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.sports import Sport
from bureau.regions.models import District
from vouchers.models.claiming import Voucher
from vouchers.models.merchants import Device, Member, Merchant, Shop
from vouchers.querysets import RedemptionQuerySet


class Redemption(models.Model):
    """A voucher taken off a bill, once.

    `discount_fen` is the voucher's face value, which the bureau owes the merchant;
    `bill_fen` - `discount_fen` is what the customer pays. The request's key makes a
    repeated tap, or one whose answer was lost, the same redemption.
    """

    class State(models.TextChoices):
        DONE = "done", _("redeemed")
        UNDONE = "undone", _("undone by the clerk")
        REFUNDED = "refunded", _("refunded")

    TRANSITIONS = {
        State.DONE: {State.UNDONE, State.REFUNDED},
        State.UNDONE: set[str](),
        State.REFUNDED: set[str](),
    }

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    voucher = models.ForeignKey(
        Voucher,
        verbose_name=_("voucher"),
        on_delete=models.PROTECT,
        related_name="redemptions",
    )
    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="redemptions",
        db_index=False,  # vouchers_redemption_by_firm begins with it
    )
    shop = models.ForeignKey(
        Shop,
        verbose_name=_("shop"),
        on_delete=models.PROTECT,
        related_name="redemptions",
        db_index=False,  # vouchers_redemption_by_shop begins with it
    )
    # Where the shop was then: the district whose cap it counts towards.
    district = models.ForeignKey(
        District,
        verbose_name=_("district"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    clerk = models.ForeignKey(
        Member,
        verbose_name=_("clerk"),
        on_delete=models.PROTECT,
        related_name="redemptions",
    )
    device = models.ForeignKey(
        Device,
        verbose_name=_("device"),
        on_delete=models.PROTECT,
        related_name="redemptions",
        null=True,
        blank=True,
    )
    sport = models.CharField(
        _("sport"), max_length=16, choices=Sport.choices, blank=True
    )
    bill_fen = models.PositiveIntegerField(_("bill, fen"))
    discount_fen = models.PositiveIntegerField(_("subsidy, fen"))
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.DONE
    )
    redeemed_at = models.DateTimeField(_("redeemed at"))
    request_key = models.UUIDField(_("request key"))
    # How far the clerk's phone was from the shop, in steps; empty when it did not say.
    distance_m = models.PositiveIntegerField(
        _("within, metres of the shop"), null=True, blank=True
    )
    # Undone or refunded: when, by whom, how much, and whether the voucher came back.
    reversed_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    reversed_by = models.ForeignKey(
        User,
        verbose_name=_("taken back by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    refund_fen = models.PositiveIntegerField(
        _("given back of the bill, fen"), null=True, blank=True
    )
    gave_back = models.BooleanField(_("voucher given back"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    # When a row of the hour last changed: the figures of that hour are counted anew.
    changed_at = models.DateTimeField(_("changed at"))

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            models.UniqueConstraint(
                fields=["voucher"],
                condition=Q(state="done"),
                name="vouchers_redemption_voucher_used_once",
            ),
            models.UniqueConstraint(
                fields=["clerk", "request_key"], name="vouchers_redemption_asked_once"
            ),
            models.CheckConstraint(
                condition=Q(discount_fen__gt=0, discount_fen__lte=F("bill_fen")),
                name="vouchers_redemption_bill_covers_discount",
            ),
            models.CheckConstraint(
                condition=Q(bill_fen__lte=1_000_000_00),
                name="vouchers_redemption_bill_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(state="done", reversed_at=None, gave_back=None)
                | (
                    ~Q(state="done")
                    & Q(reversed_at__isnull=False, gave_back__isnull=False)
                ),
                name="vouchers_redemption_reversed_says_how",
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant", "redeemed_at"], name="vouchers_redemption_by_firm"
            ),
            models.Index(
                fields=["shop", "redeemed_at"], name="vouchers_redemption_by_shop"
            ),
            models.Index(fields=["changed_at"], name="vouchers_redemption_changed"),
        ]

    def __str__(self) -> str:
        return codes.grouped(self.number)

    def get_absolute_url(self) -> str:
        return reverse("vouchers:redemption", args=[self.number])

    @property
    def paid_fen(self) -> int:
        """What the customer paid."""
        return self.bill_fen - self.discount_fen


class RefusedScan(models.Model):
    """A scan or a redemption that was refused: evidence for the radar and for help."""

    shop = models.ForeignKey(
        Shop, verbose_name=_("shop"), on_delete=models.CASCADE, related_name="+"
    )
    clerk = models.ForeignKey(
        Member,
        verbose_name=_("clerk"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    voucher = models.ForeignKey(
        Voucher,
        verbose_name=_("voucher"),
        on_delete=models.PROTECT,
        related_name="refused_scans",
        null=True,
        blank=True,
    )
    code = models.CharField(_("refusal"), max_length=40)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("refused scan")
        verbose_name_plural = _("refused scans")
        indexes = [
            models.Index(fields=["shop", "at"], name="vouchers_refusedscan_by_shop")
        ]

    def __str__(self) -> str:
        return f"{self.shop} {clock.at_text(self.at)}"
