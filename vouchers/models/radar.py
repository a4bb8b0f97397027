"""What looks wrong, with its evidence, and what people decided about it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from vouchers.models.campaigns import Campaign
from vouchers.models.merchants import Merchant
from vouchers.models.redemptions import Redemption
from vouchers.querysets import FlagQuerySet


class Flag(models.Model):
    """A merchant's conduct of one day that looks like bills that nobody paid.

    A flag accuses nobody: it holds the settlement of the redemptions that belong to it
    until a person has looked and decided.
    """

    class State(models.TextChoices):
        OPEN = "open", _("to be looked at")
        CLEARED = "cleared", _("in order")
        CONFIRMED = "confirmed", _("confirmed")

    TRANSITIONS = {
        State.OPEN: {State.CLEARED, State.CONFIRMED},
        State.CLEARED: set[str](),
        State.CONFIRMED: set[str](),
    }

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="flags",
    )
    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="flags",
    )
    rule = models.CharField(_("sign"), max_length=24)
    day = models.DateField(_("day"))
    score = models.FloatField(_("weight"))
    evidence = models.JSONField(_("evidence"))
    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.OPEN
    )
    raised_at = models.DateTimeField(_("raised at"))
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
    redemptions = models.ManyToManyField(
        Redemption, verbose_name=_("redemptions"), related_name="flags", blank=True
    )

    objects = FlagQuerySet.as_manager()

    class Meta:
        verbose_name = _("flag of the radar")
        verbose_name_plural = _("flags of the radar")
        permissions = [("decide_flag", _("Can decide what the radar flagged"))]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "merchant", "rule", "day"],
                name="vouchers_flag_once_a_day",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | (
                    ~Q(state="open")
                    & Q(decided_at__isnull=False, decided_by__isnull=False)
                    & ~Q(reason="")
                ),
                name="vouchers_flag_decided_with_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["state", "day"], name="vouchers_flag_by_state")]

    def __str__(self) -> str:
        return f"{self.merchant} {self.day}"
