"""What the bureau pays to merchants, checked by two people."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from vouchers.models.campaigns import Campaign
from vouchers.models.merchants import Merchant
from vouchers.models.redemptions import Redemption
from vouchers.querysets import SettlementQuerySet, SettlementRunQuerySet

# What a line says, and the hash over all lines of a settlement: auditors count on both.
TEXT_OF_A_LINE = """concat_ws('|', line.kind, redemption.number,
               to_char(redemption.redeemed_at AT TIME ZONE 'UTC',
                       'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               shop.number, redemption.clerk_id, voucher.code, redemption.bill_fen,
               line.amount_fen)"""
HASH_OF_TEXTS = """encode(sha256(convert_to(string_agg(text, E'\\n'
                   ORDER BY kind COLLATE "C", redeemed_at, number COLLATE "C")
                   || E'\\n', 'UTF8')), 'hex')"""


class SettlementRun(models.Model):
    """Settlements of a period for all merchants of a campaign, as they are prepared.

    One transaction for some merchants writes what came of them into `results`, so that
    whoever goes on after a crash knows what is done (docs/vouchers/settlement.md).
    """

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="settlement_runs",
    )
    from_on = models.DateField(_("first day"))
    until_on = models.DateField(_("last day"))
    asked_by = models.ForeignKey(
        User, verbose_name=_("asked for by"), on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(_("asked for at"))
    merchants = models.PositiveIntegerField(_("merchants"))
    # By the merchant's id: the settlement's number, or what is carried over, in fen.
    results = models.JSONField(_("results"), default=dict, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = SettlementRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("preparation of settlements")
        verbose_name_plural = _("preparations of settlements")
        constraints = [
            models.CheckConstraint(
                condition=Q(from_on__lte=F("until_on")),
                name="vouchers_settlementrun_days_in_order",
            ),
            models.UniqueConstraint(
                fields=["campaign"],
                condition=Q(finished_at=None),
                name="vouchers_settlementrun_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.from_on}–{self.until_on}"

    @property
    def done(self) -> int:
        """Merchants that are dealt with."""
        return len(self.results)


class Settlement(models.Model):
    """What one merchant gets for one period of a campaign.

    Made by one person, approved by another. Its lines are frozen with it; refunds of
    what was settled before come as negative lines (claw-back) into the next one, and a
    settlement never pays less than nothing.
    """

    class State(models.TextChoices):
        PREPARED = "prepared", _("prepared")
        APPROVED = "approved", _("approved")
        PAID = "paid", _("paid")
        REJECTED = "rejected", _("rejected")

    TRANSITIONS = {
        State.PREPARED: {State.APPROVED, State.REJECTED},
        State.APPROVED: {State.PAID, State.REJECTED},
        State.PAID: set[str](),
        State.REJECTED: set[str](),
    }

    number = models.CharField(_("number"), max_length=24, unique=True)
    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="settlements",
    )
    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="settlements",
    )
    from_on = models.DateField(_("first day"))
    until_on = models.DateField(_("last day"))
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.PREPARED
    )
    amount_fen = models.PositiveBigIntegerField(_("amount, fen"))
    count = models.PositiveIntegerField(_("lines"))
    # What the file says about the account, as it was when this was prepared.
    bank_name = models.CharField(_("bank"), max_length=80)
    account_name = models.CharField(_("name of the account"), max_length=120)
    sealed_account = models.BinaryField(_("sealed number of the account"))
    masked_account = models.CharField(_("number of the account"), max_length=32)
    statement_hash = models.CharField(
        _("SHA-256 of the lines"), max_length=64, blank=True
    )
    # Names as they were, and what a flag held then: the statement stays the same.
    facts = models.JSONField(_("facts"), default=dict, blank=True, editable=False)
    prepared_at = models.DateTimeField(_("prepared at"))
    prepared_by = models.ForeignKey(
        User,
        verbose_name=_("prepared by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
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
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    payment_file = models.ForeignKey(
        "vouchers.PaymentFile",
        verbose_name=_("payment file"),
        on_delete=models.PROTECT,
        related_name="settlements",
        null=True,
        blank=True,
    )
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)

    objects = SettlementQuerySet.as_manager()

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        permissions = [("approve_settlement", _("Can approve settlements"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_on__lte=F("until_on")),
                name="vouchers_settlement_days_in_order",
            ),
            models.UniqueConstraint(
                fields=["campaign", "merchant", "from_on", "until_on"],
                condition=~Q(state="rejected"),
                name="vouchers_settlement_once_for_a_period",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None)
                | Q(prepared_by=None)
                | ~Q(decided_by=F("prepared_by")),
                name="vouchers_settlement_two_people",
            ),
            models.CheckConstraint(
                condition=Q(state="prepared")
                | Q(decided_at__isnull=False, decided_by__isnull=False),
                name="vouchers_settlement_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="rejected") | ~Q(reason=""),
                name="vouchers_settlement_rejected_with_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid")
                | Q(paid_at__isnull=False, payment_file__isnull=False),
                name="vouchers_settlement_paid_by_a_file",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("vouchers:statement", args=[self.number])


class SettlementLine(models.Model):
    """A redemption in a settlement, or what is taken back for one that was refunded."""

    class Kind(models.TextChoices):
        REDEEMED = "redeemed", _("redeemed")
        CLAW_BACK = "claw_back", _("claw-back")

    # That both are there is asked once for all lines that one statement writes, and
    # neither is ever deleted (migration 0011): row by row it took half of the time.
    settlement = models.ForeignKey(
        Settlement,
        verbose_name=_("settlement"),
        on_delete=models.PROTECT,
        related_name="lines",
        db_constraint=False,
    )
    redemption = models.ForeignKey(
        Redemption,
        verbose_name=_("redemption"),
        on_delete=models.PROTECT,
        related_name="settlement_lines",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(
        _("kind"), max_length=9, choices=Kind.choices, default=Kind.REDEEMED
    )
    amount_fen = models.BigIntegerField(_("amount, fen"))
    # False once the settlement is rejected: the redemption can be settled anew.
    counts = models.BooleanField(_("counts"), default=True)

    class Meta:
        verbose_name = _("line of a settlement")
        verbose_name_plural = _("lines of settlements")
        constraints = [
            models.UniqueConstraint(
                fields=["redemption", "kind"],
                condition=Q(counts=True),
                name="vouchers_settlementline_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="redeemed", amount_fen__gt=0)
                | Q(kind="claw_back", amount_fen__lt=0),
                name="vouchers_settlementline_sign_of_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settlement} {self.redemption}"


class PaymentFile(models.Model):
    """The file that the bank is given: approved settlements, one line each."""

    number = models.CharField(_("number"), max_length=24, unique=True)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(
        User, verbose_name=_("made by"), on_delete=models.PROTECT, related_name="+"
    )
    count = models.PositiveIntegerField(_("settlements"))
    amount_fen = models.PositiveBigIntegerField(_("amount, fen"))
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    # Headings and purposes as they were: another translation changes no file.
    facts = models.JSONField(_("facts"), default=dict, blank=True, editable=False)

    class Meta:
        verbose_name = _("payment file")
        verbose_name_plural = _("payment files")

    def __str__(self) -> str:
        return self.number


class ClosingReport(models.Model):
    """What became of the money of a campaign, as it stood when it was closed.

    Prepared by one person; another one approves the same figures, and closes with that.
    """

    campaign = models.OneToOneField(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="closing_report",
    )
    figures = models.JSONField(_("figures"))
    sha256 = models.CharField(_("SHA-256 of the figures"), max_length=64)
    prepared_by = models.ForeignKey(
        User, verbose_name=_("prepared by"), on_delete=models.PROTECT, related_name="+"
    )
    prepared_at = models.DateTimeField(_("prepared at"), null=True)
    approved_by = models.ForeignKey(
        User,
        verbose_name=_("approved by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("closing report")
        verbose_name_plural = _("closing reports")
        permissions = [("close_campaign", _("Can close a campaign"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(prepared_by=F("approved_by")),
                name="vouchers_closingreport_two_people",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None, closed_at=None)
                | Q(approved_by__isnull=False, closed_at__isnull=False),
                name="vouchers_closingreport_closed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return str(self.campaign)
