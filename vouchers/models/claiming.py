"""Who gathers in front of a rush, who entered a draw, and the vouchers themselves."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import codes, money
from bureau.draws.models import DrawEntry
from bureau.regions.models import District
from vouchers.models.campaigns import Campaign, Tier
from vouchers.models.rounds import Lot, Round
from vouchers.models.terms import Terms
from vouchers.querysets import QueueTicketQuerySet, VoucherQuerySet


class QueueTicket(models.Model):
    """A person who gathers in front of a rush, with a turn that chance decides.

    `place` is drawn by the server when the person comes, once: it cannot be drawn again
    by leaving, reloading or coming twice. Who comes after the opening stands behind all
    who were there before.
    """

    PLACES = 1 << 62

    round = models.ForeignKey(
        Round,
        verbose_name=_("round"),
        on_delete=models.PROTECT,
        related_name="tickets",
        db_index=False,  # the constraint's index begins with it
    )
    person = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.PROTECT, related_name="+"
    )
    place = models.BigIntegerField(_("place drawn"))
    joined_at = models.DateTimeField(_("came at"))
    # Where the phone was, no closer than the district; only where the rules ask for it.
    district = models.ForeignKey(
        District,
        verbose_name=_("district"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )

    objects = QueueTicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("queue ticket")
        verbose_name_plural = _("queue tickets")
        constraints = [
            models.UniqueConstraint(
                fields=["round", "person"], name="vouchers_queueticket_one_per_person"
            ),
            models.CheckConstraint(
                condition=Q(place__gte=0, place__lt=1 << 62),
                name="vouchers_queueticket_place_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} {self.person}"

    def turn_at(self, opens_at: datetime, spread_seconds: int) -> datetime:
        """The moment from which the person may claim."""
        spread = timedelta(seconds=spread_seconds)
        if self.joined_at >= opens_at:
            return max(opens_at + spread, self.joined_at)
        return opens_at + spread * (self.place / self.PLACES)


class Voucher(models.Model):
    """A right to a discount that one person has claimed.

    The secret behind its rotating code is not stored: it follows from `code` and a key
    that is not in the database.
    """

    class State(models.TextChoices):
        LIVE = "live", _("usable")
        REDEEMED = "redeemed", _("used")
        EXPIRED = "expired", _("expired")
        LOST = "lost", _("given up by a refund")
        VOID = "void", _("cancelled by the bureau")

    TRANSITIONS = {
        State.LIVE: {State.REDEEMED, State.EXPIRED, State.VOID},
        State.REDEEMED: {State.LIVE, State.LOST, State.EXPIRED},
        State.EXPIRED: set[str](),
        State.LOST: set[str](),
        State.VOID: set[str](),
    }

    class Way(models.TextChoices):
        RUSH = "rush", _("claimed")
        DRAW = "draw", _("drawn")

    code = models.CharField(
        _("code"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        on_delete=models.PROTECT,
        related_name="vouchers",
        db_index=False,  # vouchers_voucher_one_at_a_time begins with it
    )
    tier = models.ForeignKey(
        Tier,
        verbose_name=_("tier"),
        on_delete=models.PROTECT,
        related_name="vouchers",
        db_index=False,  # vouchers_voucher_within_the_tier begins with it
    )
    lot = models.ForeignKey(
        Lot,
        verbose_name=_("vouchers of a round"),
        on_delete=models.PROTECT,
        related_name="vouchers",
        db_index=False,
    )
    terms = models.ForeignKey(
        Terms,
        verbose_name=_("rules"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    person = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="vouchers",
    )
    # Two claims of one person count the same vouchers and so want the same number: one
    # of them waits for the other and then counts again. All limits rest on that.
    number_of_person = models.PositiveSmallIntegerField(
        _("the person's n-th of the campaign")
    )
    # The smallest number that none of the person's vouchers of the tier bears; where
    # expired ones count (`Terms.expired_counts`), one above all of them.
    number_in_tier = models.PositiveSmallIntegerField(
        _("the person's n-th of the tier")
    )
    most_in_tier = models.PositiveSmallIntegerField(_("most for one person then"))
    face_fen = models.PositiveIntegerField(_("face value, fen"))
    threshold_fen = models.PositiveIntegerField(_("usable from a bill of, fen"))
    way = models.CharField(
        _("got by"), max_length=4, choices=Way.choices, default=Way.RUSH
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.LIVE
    )
    claimed_at = models.DateTimeField(_("claimed at"))
    usable_from = models.DateTimeField(_("usable from"))
    expires_at = models.DateTimeField(_("expires at"))
    expired_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    reminded_at = models.DateTimeField(
        _("reminded at"), null=True, blank=True, editable=False
    )
    # Keyed hashes: they tell that two claims came from one device or network, and no
    # more. The radar reads them.
    device = models.CharField(_("device"), max_length=16, blank=True, editable=False)
    network = models.CharField(_("network"), max_length=16, blank=True, editable=False)

    objects = VoucherQuerySet.as_manager()

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        permissions = [("void_voucher", _("Can cancel a voucher"))]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "person", "number_of_person"],
                name="vouchers_voucher_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["tier", "person", "number_in_tier"],
                condition=~Q(state="expired"),
                name="vouchers_voucher_within_the_tier",
            ),
            models.CheckConstraint(
                condition=Q(
                    number_in_tier__gte=1, number_in_tier__lte=F("most_in_tier")
                ),
                name="vouchers_voucher_no_more_than_allowed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["live", "redeemed", "expired", "lost", "void"]),
                name="vouchers_voucher_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(usable_from__lt=F("expires_at")),
                name="vouchers_voucher_is_usable_at_some_time",
            ),
            models.CheckConstraint(
                condition=Q(face_fen__gt=0, face_fen__lte=F("threshold_fen")),
                name="vouchers_voucher_threshold_covers_face",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state="live"),
                name="vouchers_voucher_by_expiry",
            ),
            models.Index(
                fields=["lot", "claimed_at"], name="vouchers_voucher_by_claim"
            ),
        ]

    def __str__(self) -> str:
        return codes.grouped(self.code)

    def get_absolute_url(self) -> str:
        return reverse("vouchers:voucher", args=[self.code])

    @property
    def key(self) -> bytes:
        """What its rotating code is proven with."""
        message = f"voucher|{self.code}".encode()
        return hmac.new(settings.FINGERPRINT_KEY.encode(), message, sha256).digest()

    @property
    def face_yuan(self) -> str:
        """Its face value without a sign, for where the page draws one: 200."""
        return money.yuan(self.face_fen)

    @property
    def last_moment(self) -> datetime:
        """Until when, as people say it: 23:59 where it ends at midnight."""
        return self.expires_at - timedelta(seconds=1)

    def is_usable_at(self, moment: datetime) -> bool:
        return (
            self.state == self.State.LIVE
            and self.usable_from <= moment < self.expires_at
        )


class DrawnVoucher(models.Model):
    """What became of an entry that won: a voucher, or why it was passed over."""

    entry = models.OneToOneField(
        DrawEntry,
        verbose_name=_("entry"),
        on_delete=models.PROTECT,
        related_name="drawn_voucher",
    )
    lot = models.ForeignKey(
        Lot,
        verbose_name=_("vouchers of a round"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    voucher = models.OneToOneField(
        Voucher,
        verbose_name=_("voucher"),
        on_delete=models.PROTECT,
        related_name="drawn",
        null=True,
        blank=True,
    )
    passed_over = models.CharField(_("why passed over"), max_length=60, blank=True)
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        verbose_name = _("drawn voucher")
        verbose_name_plural = _("drawn vouchers")
        constraints = [
            models.CheckConstraint(
                condition=Q(voucher__isnull=False, passed_over="")
                | (Q(voucher=None) & ~Q(passed_over="")),
                name="vouchers_drawnvoucher_given_or_passed_over",
            ),
        ]

    def __str__(self) -> str:
        return str(self.entry)
