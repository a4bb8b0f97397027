"""What a city gives away: campaigns, their rules, tiers and rounds."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import money
from bureau.common.fields import DAY, MinuteOfDayField
from bureau.common.sports import Sport
from bureau.draws.models import Draw
from bureau.regions.models import District
from vouchers.querysets import (
    CampaignQuerySet,
    LotQuerySet,
    RoundQuerySet,
    TermsQuerySet,
)

LEAST_HELD, MOST_HELD = 20, 600
"""Seconds: enough for who taps slowly, and not so long that others wait for hours."""


class Campaign(models.Model):
    """One giving of public money as vouchers.

    `appropriated_fen` and `promised_fen` are kept beside the rows they follow from, so
    that one constraint can hold them apart; invariants compare them with the rows.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("being prepared")
        PUBLISHED = "published", _("published")
        CLOSED = "closed", _("closed")

    TRANSITIONS = {
        State.DRAFT: {State.PUBLISHED},
        State.PUBLISHED: {State.CLOSED},
        State.CLOSED: set[str](),
    }

    slug = models.SlugField(_("short name for addresses"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    summary = models.CharField(_("in one sentence"), max_length=200, blank=True)
    summary_en = models.CharField(
        _("in one English sentence"), max_length=240, blank=True
    )
    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.DRAFT
    )
    appropriated_fen = models.PositiveBigIntegerField(
        _("appropriated, fen"), default=0, editable=False
    )
    promised_fen = models.PositiveBigIntegerField(
        _("promised by tiers, fen"), default=0, editable=False
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("voucher campaign")
        verbose_name_plural = _("voucher campaigns")
        permissions = [
            ("publish_campaign", _("Can publish and change a campaign")),
            ("enter_appropriation", _("Can enter an appropriation")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "published", "closed"]),
                name="vouchers_campaign_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(promised_fen__lte=F("appropriated_fen")),
                name="vouchers_campaign_promises_no_more_than_it_holds",
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False),
                name="vouchers_campaign_published_has_its_moment",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(closed_at__isnull=False),
                name="vouchers_campaign_closed_has_its_moment",
            ),
        ]

    def __str__(self) -> str:
        return self.local_name

    def get_absolute_url(self) -> str:
        return reverse("vouchers:campaign", args=[self.slug])

    @property
    def local_name(self) -> str:
        return self._local("name")

    @property
    def local_summary(self) -> str:
        return self._local("summary")

    def _local(self, name: str) -> str:
        """A text in the language of the page."""
        if (get_language() or "").startswith("en"):
            return str(getattr(self, f"{name}_en") or getattr(self, name))
        return str(getattr(self, name))


class Appropriation(models.Model):
    """Money that the city's finance office put into a campaign; rows never change."""

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="appropriations",
    )
    document = models.CharField(_("number of the document"), max_length=80)
    amount_fen = models.PositiveBigIntegerField(_("amount, fen"))
    entered_by = models.ForeignKey(
        User,
        verbose_name=_("entered by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
    )
    entered_at = models.DateTimeField(_("entered at"))

    class Meta:
        verbose_name = _("appropriation")
        verbose_name_plural = _("appropriations")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "document"],
                name="vouchers_appropriation_document_once",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0),
                name="vouchers_appropriation_is_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.document


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


class DistrictCap(models.Model):
    """The most subsidy that the shops of a district may redeem in a campaign."""

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="district_caps",
    )
    district = models.ForeignKey(
        District, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+"
    )
    cap_fen = models.PositiveBigIntegerField(_("most subsidy, fen"))
    redeemed_fen = models.PositiveBigIntegerField(
        _("redeemed, fen"), default=0, editable=False
    )

    class Meta:
        verbose_name = _("cap of a district")
        verbose_name_plural = _("caps of districts")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "district"], name="vouchers_districtcap_one_each"
            ),
            models.CheckConstraint(
                condition=Q(redeemed_fen__lte=F("cap_fen")),
                name="vouchers_districtcap_is_kept",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.district}"


class Tier(models.Model):
    """Vouchers of one face value, usable from one threshold on.

    `released` counts those that rounds have on offer or gave away and that are not back
    in the pool; what is left of `count` can go into later rounds.
    """

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="tiers",
    )
    name = models.CharField(_("name"), max_length=40, blank=True)
    face_fen = models.PositiveIntegerField(_("face value, fen"))
    threshold_fen = models.PositiveIntegerField(_("usable from a bill of, fen"))
    count = models.PositiveIntegerField(_("number of vouchers"))
    per_person = models.PositiveSmallIntegerField(_("most for one person"), default=1)
    sports = ArrayField(
        models.CharField(max_length=16, choices=Sport.choices),
        verbose_name=_("only for these sports"),
        default=list,
        blank=True,
    )
    released = models.PositiveIntegerField(_("released"), default=0, editable=False)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "face_fen", "threshold_fen", "sports"],
                name="vouchers_tier_once_in_campaign",
            ),
            models.CheckConstraint(
                condition=Q(face_fen__gt=0, count__gt=0, per_person__gt=0),
                name="vouchers_tier_gives_something",
            ),
            # Nobody is ever paid out: the bill is at least the face value.
            models.CheckConstraint(
                condition=Q(face_fen__lte=F("threshold_fen")),
                name="vouchers_tier_threshold_covers_face",
            ),
            models.CheckConstraint(
                condition=Q(released__lte=F("count")),
                name="vouchers_tier_releases_no_more_than_it_has",
            ),
        ]

    def __str__(self) -> str:
        words = {
            "face": money.yuan(self.face_fen),
            "threshold": money.yuan(self.threshold_fen),
        }
        return gettext("%(face)s off from %(threshold)s") % words

    @property
    def face_yuan(self) -> str:
        """Its face value without a sign, for where the page draws one: 200."""
        return money.yuan(self.face_fen)

    @property
    def sport_names(self) -> list[str]:
        """What it is for; empty where it is for everything."""
        return [str(Sport(code).label) for code in self.sports]

    @property
    def pool_prefix(self) -> str:
        """Its pool in the draw of a round: how the numbers of its entries begin."""
        return f"T{self.pk}"


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
