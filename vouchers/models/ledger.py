"""The book of the money. Balances are derived from it and stand nowhere else.

An account holds the money of one campaign in one condition; a transfer moves an amount
from one account to another. It is one row with both sides in it, so that no posting can
fail to balance (docs/adr/0014). UPDATE and DELETE are refused by a trigger.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from vouchers.models.campaigns import Appropriation, Campaign, Tier
from vouchers.models.claiming import Voucher
from vouchers.models.merchants import Merchant
from vouchers.models.redemptions import Redemption


class Account(models.Model):
    """Money of a campaign in one condition.

    Appropriation = pool + live + payable + settled + lapsed + returned, at all times;
    `treasury` is the other side of it.
    """

    class Kind(models.TextChoices):
        TREASURY = "treasury", _("treasury")
        POOL = "pool", _("pool: not claimed")
        LIVE = "live", _("claimed")
        PAYABLE = "payable", _("redeemed, payable")
        SETTLED = "settled", _("settled")
        LAPSED = "lapsed", _("lapsed")
        RETURNED = "returned", _("returned to the treasury")

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="accounts",
        db_index=False,  # the constraint's index begins with it
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    tier = models.ForeignKey(
        Tier,
        verbose_name=_("tier"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="accounts",
        null=True,
        blank=True,
    )

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "kind", "tier", "merchant"],
                nulls_distinct=False,
                name="vouchers_account_one_of_each",
            ),
            models.CheckConstraint(
                condition=Q(kind="live", tier__isnull=False, merchant=None)
                | Q(kind__in=["payable", "settled"], tier=None, merchant__isnull=False)
                | Q(
                    kind__in=["treasury", "pool", "lapsed", "returned"],
                    tier=None,
                    merchant=None,
                ),
                name="vouchers_account_belongs_to_its_kind",
            ),
        ]

    def __str__(self) -> str:
        of = self.tier or self.merchant
        return f"{self.get_kind_display()} {of}" if of else self.get_kind_display()


class Transfer(models.Model):
    """An amount that moved from one account to another, and why.

    In terms of bookkeeping `debit` is debited and `credit` credited; all accounts are
    on the credit side, so money leaves `debit` and arrives at `credit`.
    """

    class Kind(models.TextChoices):
        APPROPRIATE = "appropriate", _("appropriated")
        CLAIM = "claim", _("claimed")
        REDEEM = "redeem", _("redeemed")
        UNDO = "undo", _("undone")
        GIVE_BACK = "give_back", _("refunded, voucher given back")
        LOSE = "lose", _("refunded, voucher lost")
        EXPIRE = "expire", _("expired")
        VOID = "void", _("cancelled by the bureau")
        RECYCLE = "recycle", _("back into the pool")
        SETTLE = "settle", _("settled")
        REPAY = "repay", _("paid back by the merchant")
        RETURN = "return", _("returned to the treasury")

    # (campaign, debit) and (campaign, credit) are keys of accounts: migration 0002. So
    # these three need no constraint of their own, which a rush would pay for.
    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="transfers",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(_("kind"), max_length=11, choices=Kind.choices)
    debit = models.ForeignKey(
        Account,
        verbose_name=_("from"),
        on_delete=models.PROTECT,
        related_name="debits",
        db_constraint=False,
    )
    credit = models.ForeignKey(
        Account,
        verbose_name=_("to"),
        on_delete=models.PROTECT,
        related_name="credits",
        db_constraint=False,
    )
    amount_fen = models.PositiveBigIntegerField(_("amount, fen"))
    at = models.DateTimeField(_("at"))
    appropriation = models.ForeignKey(
        Appropriation,
        verbose_name=_("appropriation"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    voucher = models.ForeignKey(
        Voucher,
        verbose_name=_("voucher"),
        on_delete=models.PROTECT,
        related_name="transfers",
        null=True,
        blank=True,
    )
    redemption = models.ForeignKey(
        Redemption,
        verbose_name=_("redemption"),
        on_delete=models.PROTECT,
        related_name="transfers",
        null=True,
        blank=True,
        db_index=False,
    )
    settlement = models.ForeignKey(
        "vouchers.Settlement",
        verbose_name=_("settlement"),
        on_delete=models.PROTECT,
        related_name="transfers",
        null=True,
        blank=True,
        db_index=False,
    )
    by = models.ForeignKey(
        User,
        verbose_name=_("by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0), name="vouchers_transfer_is_positive"
            ),
            models.CheckConstraint(
                condition=~Q(debit=F("credit")), name="vouchers_transfer_has_two_sides"
            ),
            models.UniqueConstraint(
                fields=["voucher", "kind"],
                condition=Q(kind__in=["claim", "expire", "void", "recycle"]),
                name="vouchers_transfer_once_for_a_voucher",
            ),
            models.UniqueConstraint(
                fields=["redemption", "kind"],
                condition=Q(redemption__isnull=False),
                name="vouchers_transfer_once_for_a_redemption",
            ),
            models.UniqueConstraint(
                fields=["settlement"],
                condition=Q(kind="settle"),
                name="vouchers_transfer_settles_once",
            ),
            models.UniqueConstraint(
                fields=["appropriation"],
                condition=Q(appropriation__isnull=False),
                name="vouchers_transfer_appropriates_once",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "at"], name="vouchers_transfer_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount_fen / 100:.2f}"
