"""When vouchers are given away, how many, and what is left of them."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.draws.models import Draw
from vouchers.models.campaigns import Campaign, Tier
from vouchers.querysets import LotQuerySet, RoundQuerySet


class Round(models.Model):
    """A time at which a part of the vouchers is given away, and the way it is done.

    Whether it is open follows from its times. In a draw, `opens_at`..`closes_at` is the
    time to enter. In a hybrid, what the draw leaves over is claimed in a rush from
    `rush_opens_at` to `rush_closes_at`. In front of a rush people gather from
    `lobby_minutes` before its opening; each of them gets a turn at a random moment of
    the `spread_seconds` behind it (docs/vouchers/queue.md).
    """

    class Way(models.TextChoices):
        RUSH = "rush", _("first come, first served")
        DRAW = "draw", _("draw")
        HYBRID = "hybrid", _("draw, then first come for the rest")

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="rounds",
    )
    number = models.PositiveSmallIntegerField(_("number"))
    way = models.CharField(
        _("given away by"), max_length=6, choices=Way.choices, default=Way.RUSH
    )
    opens_at = models.DateTimeField(_("opens at"))
    closes_at = models.DateTimeField(_("closes at"))
    rush_opens_at = models.DateTimeField(_("the rest opens at"), null=True, blank=True)
    rush_closes_at = models.DateTimeField(
        _("the rest closes at"), null=True, blank=True
    )
    lobby_minutes = models.PositiveSmallIntegerField(
        _("minutes before in which people gather"), default=15
    )
    spread_seconds = models.PositiveSmallIntegerField(
        _("seconds over which the turns are spread"), default=30
    )
    draw = models.OneToOneField(
        Draw,
        verbose_name=_("draw"),
        on_delete=models.PROTECT,
        related_name="voucher_round",
        null=True,
        blank=True,
    )
    draws_at = models.DateTimeField(_("draw at"), null=True, blank=True)
    laid_out_at = models.DateTimeField(
        _("stock laid out at"), null=True, blank=True, editable=False
    )
    handed_out_at = models.DateTimeField(
        _("drawn vouchers handed out at"), null=True, blank=True, editable=False
    )
    ended_at = models.DateTimeField(
        _("leftovers taken back at"), null=True, blank=True, editable=False
    )
    # Called off before its time: when, why, and when all who waited had been told.
    called_off_at = models.DateTimeField(
        _("called off at"), null=True, blank=True, editable=False
    )
    called_off_for = models.CharField(
        _("called off because"), max_length=200, blank=True, editable=False
    )
    told_at = models.DateTimeField(
        _("people told at"), null=True, blank=True, editable=False
    )

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "number"], name="vouchers_round_number_unique"
            ),
            models.CheckConstraint(
                condition=Q(opens_at__lt=F("closes_at")),
                name="vouchers_round_opens_before_it_closes",
            ),
            models.CheckConstraint(
                condition=Q(way="rush", draws_at=None)
                | (~Q(way="rush") & Q(draws_at__gt=F("closes_at"))),
                name="vouchers_round_draws_after_entries_close",
            ),
            models.CheckConstraint(
                condition=(
                    ~Q(way="hybrid") & Q(rush_opens_at=None, rush_closes_at=None)
                )
                | Q(
                    way="hybrid",
                    rush_opens_at__gt=F("draws_at"),
                    rush_closes_at__gt=F("rush_opens_at"),
                ),
                name="vouchers_round_rest_after_the_draw",
            ),
            models.CheckConstraint(
                condition=Q(spread_seconds__lte=600, lobby_minutes__lte=240),
                name="vouchers_round_lobby_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(called_off_at=None, called_off_for="", told_at=None)
                | (
                    Q(called_off_at__isnull=False, ended_at__isnull=False)
                    & ~Q(called_off_for="")
                ),
                name="vouchers_round_called_off_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["opens_at"], name="vouchers_round_by_opening"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} #{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("vouchers:round", args=[self.pk])

    @property
    def claims_from(self) -> datetime | None:
        """Where the rush begins, if there is one."""
        begins = self.opens_at if self.way == self.Way.RUSH else self.rush_opens_at
        return self._until_called_off(begins)

    @property
    def claims_until(self) -> datetime | None:
        """Where the rush ends, if there is one."""
        ends = self.closes_at if self.way == self.Way.RUSH else self.rush_closes_at
        return self._until_called_off(ends)

    def _until_called_off(self, moment: datetime | None) -> datetime | None:
        if moment is None or self.called_off_at is None:
            return moment
        return min(moment, self.called_off_at)


class Lot(models.Model):
    """What a round gives away of one tier.

    `amount` is the plan; `laid_out` is what came on offer: the plan and, where the
    rules say so, what earlier rounds left over.

    Where more people wait than there are vouchers, as many are called as can get one,
    and theirs are kept for them for `Terms.held_seconds` (docs/vouchers/queue.md).
    `called` is None until then; without `called_until` everybody has been called.
    """

    round = models.ForeignKey(
        Round, verbose_name=_("round"), on_delete=models.PROTECT, related_name="lots"
    )
    tier = models.ForeignKey(
        Tier, verbose_name=_("tier"), on_delete=models.PROTECT, related_name="lots"
    )
    amount = models.PositiveIntegerField(_("number of vouchers"))
    laid_out = models.PositiveIntegerField(
        _("laid out"), null=True, blank=True, editable=False
    )
    # All were gone at this moment; who was faster can be told from the claims.
    sold_out_at = models.DateTimeField(
        _("all claimed at"), null=True, blank=True, editable=False
    )
    called = models.PositiveIntegerField(
        _("people called"), null=True, blank=True, editable=False
    )
    called_until = models.DateTimeField(
        _("turns called up to"), null=True, blank=True, editable=False
    )
    held_until = models.DateTimeField(
        _("kept for them until"), null=True, blank=True, editable=False
    )

    objects = LotQuerySet.as_manager()

    class Meta:
        verbose_name = _("vouchers of a round")
        verbose_name_plural = _("vouchers of rounds")
        constraints = [
            models.UniqueConstraint(
                fields=["round", "tier"], name="vouchers_lot_tier_once_in_round"
            ),
            models.CheckConstraint(
                condition=Q(called_until=None, held_until=None)
                | Q(
                    called__isnull=False,
                    called_until__isnull=False,
                    held_until__gt=F("called_until"),
                ),
                name="vouchers_lot_is_held_for_who_was_called",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} {self.tier}"

    def is_kept_from(self, turn_at: datetime) -> bool:
        """Whether its vouchers are kept for people whose turn is before this one."""
        return self.called_until is not None and turn_at > self.called_until


class StockShard(models.Model):
    """A part of the vouchers of a lot that are still to be had.

    Claims of one lot take from different rows, so that they do not wait for each other;
    no row can fall below nothing, which is what makes overselling impossible.
    """

    SHARDS = 16

    lot = models.ForeignKey(
        Lot,
        verbose_name=_("vouchers of a round"),
        on_delete=models.PROTECT,
        related_name="shards",
        db_index=False,  # the constraint's index begins with it
    )
    shard = models.PositiveSmallIntegerField(_("part"))
    remaining = models.IntegerField(_("still to be had"))

    class Meta:
        verbose_name = _("stock")
        verbose_name_plural = _("stock")
        constraints = [
            models.UniqueConstraint(
                fields=["lot", "shard"], name="vouchers_stockshard_once_in_lot"
            ),
            models.CheckConstraint(
                condition=Q(remaining__gte=0), name="vouchers_stockshard_not_oversold"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot} {self.shard}: {self.remaining}"
