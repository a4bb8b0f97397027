"""What a city gives away: a campaign, its money, and the kinds of its vouchers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import money
from bureau.common.sports import Sport
from bureau.regions.models import District
from vouchers.querysets import CampaignQuerySet


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
