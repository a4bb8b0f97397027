"""Merchants where vouchers can be redeemed: their shops, people and devices."""

from __future__ import annotations

from datetime import datetime

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import codes
from bureau.common.sports import Sport
from bureau.regions.models import District
from vouchers.models.campaigns import Campaign
from vouchers.querysets import (
    MemberQuerySet,
    MerchantQuerySet,
    ParticipationQuerySet,
    ShopQuerySet,
)

# They need a permit of their own (第一批高危险性体育项目目录, General Administration of
# Sport, 2013).
HIGH_RISK = (Sport.SWIMMING, Sport.SKIING, Sport.CLIMBING, Sport.DIVING)


class Merchant(models.Model):
    """A business that takes vouchers, from its application on."""

    class State(models.TextChoices):
        APPLIED = "applied", _("being checked")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        SUSPENDED = "suspended", _("suspended")
        LEFT = "left", _("left")

    TRANSITIONS = {
        State.APPLIED: {State.APPROVED, State.REFUSED, State.LEFT},
        State.REFUSED: {State.APPLIED, State.LEFT},
        State.APPROVED: {State.SUSPENDED, State.LEFT},
        State.SUSPENDED: {State.APPROVED, State.LEFT},
        State.LEFT: set[str](),
    }

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    name = models.CharField(_("name on the licence"), max_length=120)
    credit_code = models.CharField(_("unified social credit code"), max_length=18)
    sports = ArrayField(
        models.CharField(max_length=16, choices=Sport.choices),
        verbose_name=_("sports"),
        default=list,
    )
    permit_number = models.CharField(
        _("permit for high-risk sports"), max_length=40, blank=True
    )
    permit_until = models.DateField(_("permit valid until"), null=True, blank=True)
    bank_name = models.CharField(_("bank"), max_length=80)
    account_name = models.CharField(_("name of the account"), max_length=120)
    sealed_account = models.BinaryField(_("sealed number of the account"))
    masked_account = models.CharField(_("number of the account"), max_length=32)
    contact = models.ForeignKey(
        User,
        verbose_name=_("contact"),
        on_delete=models.PROTECT,
        related_name="merchants",
    )
    is_large = models.BooleanField(
        _("above designated size"), default=False, help_text=_("规上企业")
    )
    # The permit of this last day is known to run out soon: its managers were told.
    permit_told_for = models.DateField(
        _("told that the permit ends"), null=True, blank=True, editable=False
    )
    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.APPLIED
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    applied_at = models.DateTimeField(_("applied at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    objects = MerchantQuerySet.as_manager()

    class Meta:
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")
        permissions = [("decide_merchant", _("Can approve and suspend merchants"))]
        constraints = [
            # Not before it was checked: nobody keeps a business out by taking its code.
            models.UniqueConstraint(
                fields=["credit_code"],
                condition=Q(state__in=["approved", "suspended"]),
                name="vouchers_merchant_credit_code_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["applied", "approved", "refused", "suspended", "left"]
                ),
                name="vouchers_merchant_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["refused", "suspended"]) | ~Q(reason=""),
                name="vouchers_merchant_refused_with_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved")
                | ~Q(sports__overlap=[sport.value for sport in HIGH_RISK])
                | (~Q(permit_number="") & Q(permit_until__isnull=False)),
                name="vouchers_merchant_high_risk_has_its_permit",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "id"], name="vouchers_merchant_by_state")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("vouchers:merchant", args=[self.number])

    @property
    def sport_labels(self) -> list[str]:
        return [str(Sport(sport).label) for sport in self.sports]

    @property
    def needs_permit(self) -> bool:
        return any(sport in HIGH_RISK for sport in self.sports)


class MerchantChange(models.Model):
    """What an approved merchant wants to have changed: a permit, an account, a name.

    Public money goes to the account, so that staff look at it first.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("being checked")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    TRANSITIONS = {
        State.ASKED: {State.APPROVED, State.REFUSED, State.WITHDRAWN},
        State.APPROVED: set[str](),
        State.REFUSED: set[str](),
        State.WITHDRAWN: set[str](),
    }

    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="changes",
    )
    name = models.CharField(_("name on the licence"), max_length=120)
    credit_code = models.CharField(_("unified social credit code"), max_length=18)
    sports = ArrayField(
        models.CharField(max_length=16, choices=Sport.choices),
        verbose_name=_("sports"),
        default=list,
    )
    permit_number = models.CharField(
        _("permit for high-risk sports"), max_length=40, blank=True
    )
    permit_until = models.DateField(_("permit valid until"), null=True, blank=True)
    bank_name = models.CharField(_("bank"), max_length=80)
    account_name = models.CharField(_("name of the account"), max_length=120)
    sealed_account = models.BinaryField(_("sealed number of the account"))
    masked_account = models.CharField(_("number of the account"), max_length=32)
    state = models.CharField(
        _("state"), max_length=9, choices=State.choices, default=State.ASKED
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(
        User, verbose_name=_("asked by"), on_delete=models.PROTECT, related_name="+"
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

    class Meta:
        verbose_name = _("change of a merchant")
        verbose_name_plural = _("changes of merchants")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant"],
                condition=Q(state="asked"),
                name="vouchers_merchantchange_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(reason=""),
                name="vouchers_merchantchange_refused_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.merchant.name


class Shop(models.Model):
    """A place of a merchant with a counter."""

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="shops",
    )
    name = models.CharField(_("name"), max_length=120)
    district = models.ForeignKey(
        District, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+"
    )
    address = models.CharField(_("address"), max_length=200)
    phone = models.CharField(_("telephone"), max_length=24, blank=True)
    location = models.PointField(_("location (WGS-84)"), geography=True)
    sports = ArrayField(
        models.CharField(max_length=16, choices=Sport.choices),
        verbose_name=_("sports"),
        default=list,
    )
    is_open = models.BooleanField(_("takes vouchers"), default=True)
    # New, or moved to another place: it takes no vouchers until staff have looked.
    waits_since = models.DateTimeField(
        _("waits to be checked since"), null=True, blank=True
    )

    objects = ShopQuerySet.as_manager()

    class Meta:
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "name"], name="vouchers_shop_name_once"
            ),
            models.CheckConstraint(
                condition=Q(is_open=False) | Q(waits_since=None),
                name="vouchers_shop_open_is_checked",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its place on the page of its merchant."""
        return f"{self.merchant.get_absolute_url()}#shop-{self.number}"

    @property
    def centre(self) -> str:
        """`35.415000,116.587000`, as maps take a place."""
        return f"{self.location.y:.6f},{self.location.x:.6f}"

    @property
    def sport_labels(self) -> list[str]:
        return [str(Sport(sport).label) for sport in self.sports]


class Member(models.Model):
    """A person who works for a merchant: a manager, or a clerk at some counters.

    An invitation is a row without a person; whoever opens its link and signs in with
    the invited number takes it.
    """

    class Role(models.TextChoices):
        MANAGER = "manager", _("manager")
        CLERK = "clerk", _("clerk")

    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="members",
    )
    person = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="merchant_memberships",
        null=True,
        blank=True,
    )
    role = models.CharField(_("role"), max_length=7, choices=Role.choices)
    name = models.CharField(_("name at work"), max_length=40)
    shops = models.ManyToManyField(
        Shop,
        verbose_name=_("counters"),
        related_name="clerks",
        blank=True,
        help_text=_("Empty: all shops of the merchant."),
    )
    invited_phone = models.CharField(_("invited number"), max_length=16, blank=True)
    invite_code = models.CharField(
        _("code of the invitation"), max_length=12, null=True, blank=True, unique=True
    )
    invited_at = models.DateTimeField(_("invited at"))
    invite_until = models.DateTimeField(
        _("invitation valid until"), null=True, blank=True
    )
    invite_sent_at = models.DateTimeField(
        _("invitation sent at"), null=True, blank=True
    )
    joined_at = models.DateTimeField(_("joined at"), null=True, blank=True)
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("person of a merchant")
        verbose_name_plural = _("people of merchants")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "person"],
                condition=Q(left_at=None, person__isnull=False),
                name="vouchers_member_once_in_merchant",
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, joined_at__isnull=False)
                | Q(person=None, joined_at=None),
                name="vouchers_member_joined_is_a_person",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_manager(self) -> bool:
        return self.role == self.Role.MANAGER

    def is_invited_at(self, moment: datetime) -> bool:
        """Whether its link can be taken: nobody did, and it has not run out."""
        return (
            self.person_id is None
            and self.left_at is None
            and self.invite_until is not None
            and moment < self.invite_until
        )


class Device(models.Model):
    """A phone, tablet or till that a member signed in on; known by a random cookie."""

    member = models.ForeignKey(
        Member,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="devices",
    )
    key_hash = models.CharField(_("hash of its key"), max_length=64)
    name = models.CharField(_("name"), max_length=80)
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    blocked_at = models.DateTimeField(_("blocked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("device of a counter")
        verbose_name_plural = _("devices of counters")
        constraints = [
            models.UniqueConstraint(
                fields=["member", "key_hash"], name="vouchers_device_once_for_a_member"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Participation(models.Model):
    """A merchant takes part in a campaign; what it redeems stays under its cap."""

    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="participations",
    )
    merchant = models.ForeignKey(
        Merchant,
        verbose_name=_("merchant"),
        on_delete=models.PROTECT,
        related_name="participations",
    )
    cap_fen = models.PositiveBigIntegerField(
        _("most subsidy, fen"), null=True, blank=True
    )
    redeemed_fen = models.PositiveBigIntegerField(
        _("redeemed, fen"), default=0, editable=False
    )
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)

    objects = ParticipationQuerySet.as_manager()

    class Meta:
        verbose_name = _("participation in a campaign")
        verbose_name_plural = _("participations in campaigns")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "merchant"], name="vouchers_participation_once"
            ),
            models.CheckConstraint(
                condition=Q(cap_fen=None) | Q(redeemed_fen__lte=F("cap_fen")),
                name="vouchers_participation_cap_is_kept",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant} {self.campaign}"
