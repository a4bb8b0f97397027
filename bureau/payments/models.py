from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.payments.querysets import (
    AttemptQuerySet,
    DiscrepancyQuerySet,
    PaymentQuerySet,
    RefundQuerySet,
    SandboxTransactionQuerySet,
)

NUMBER_LENGTH = 16


def new_number() -> str:
    """80 random bits; the number that people, providers and bank statements show."""
    return codes.new_code(NUMBER_LENGTH)


class ProviderName(models.TextChoices):
    SANDBOX = "sandbox", _("Sandbox cashier")
    WECHAT = "wechat", _("WeChat Pay")
    ALIPAY = "alipay", _("Alipay")
    CASH = "cash", _("cash at the desk")


class Payment(models.Model):
    """Money that one person owes for one order: any row of any app above."""

    class State(models.TextChoices):
        DUE = "due", _("to be paid")
        PAID = "paid", _("paid")
        CLOSED = "closed", _("closed")

    # A closed payment can still be paid: providers deliver money late.
    TRANSITIONS: dict[str, set[str]] = {
        State.DUE: {State.PAID, State.CLOSED},
        State.CLOSED: {State.PAID},
        State.PAID: set(),
    }

    number = models.CharField(
        _("number"), max_length=NUMBER_LENGTH, unique=True, default=new_number
    )
    owner_app = models.CharField(_("order's app"), max_length=40)
    owner_model = models.CharField(_("order's kind"), max_length=60)
    owner_id = models.BigIntegerField(_("order's id"))
    payer = models.ForeignKey(
        User,
        verbose_name=_("payer"),
        on_delete=models.PROTECT,
        related_name="payments",
        null=True,
        blank=True,
    )
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    refunded_fen = models.BigIntegerField(_("refunded (fen)"), default=0)
    title = models.CharField(_("title"), max_length=120)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.DUE
    )
    provider = models.CharField(
        _("provider"), max_length=16, choices=ProviderName.choices, blank=True
    )
    provider_ref = models.CharField(_("provider's number"), max_length=64, blank=True)
    late = models.BooleanField(_("money came late"), default=False)
    surplus_of = models.ForeignKey(
        "self",
        verbose_name=_("paid twice for"),
        on_delete=models.PROTECT,
        related_name="surpluses",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    return_path = models.CharField(_("goes on to"), max_length=200)
    expires_at = models.DateTimeField(_("to be paid by"))
    created_at = models.DateTimeField(_("created at"), db_index=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    # When we last asked a provider about it, so that many pages and sweeps ask once.
    asked_at = models.DateTimeField(_("provider asked at"), null=True, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        permissions = [("refund_payment", _("Can pay money back"))]
        indexes = [
            models.Index(
                fields=["owner_app", "owner_model", "owner_id"],
                name="payments_payment_by_owner",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(state="due"),
                name="payments_payment_due",
            ),
            models.Index(
                fields=["surplus_of"],
                condition=Q(surplus_of__isnull=False),
                name="payments_payment_surplus",
            ),
            # Staff look for it; what is not paid yet has none.
            models.Index(
                fields=["provider_ref"],
                condition=~Q(provider_ref=""),
                name="payments_payment_by_ref",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0),
                name="payments_payment_amount_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(refunded_fen__gte=0, refunded_fen__lte=F("amount_fen")),
                name="payments_payment_refunds_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(refunded_fen=0) | Q(state="paid"),
                name="payments_payment_only_paid_is_refunded",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="paid", paid_at__isnull=False)
                    & ~Q(provider="")
                    & ~Q(provider_ref="")
                )
                | (
                    Q(paid_at__isnull=True, provider="", provider_ref="")
                    & ~Q(state="paid")
                ),
                name="payments_payment_paid_has_reference",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(closed_at__isnull=False),
                name="payments_payment_closed_has_moment",
            ),
            models.CheckConstraint(
                # A path of our own: "//host" and "/\host" would leave the site.
                condition=Q(return_path__regex=r"^/([^/\\]|$)"),
                name="payments_payment_return_path_is_local",
            ),
            models.UniqueConstraint(
                fields=["owner_app", "owner_model", "owner_id"],
                condition=Q(state="due"),
                name="payments_payment_one_open_per_owner",
            ),
            models.UniqueConstraint(
                fields=["provider", "provider_ref"],
                condition=~Q(provider_ref=""),
                name="payments_payment_provider_ref_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def owner_label(self) -> str:
        """`app.model` of the order, as `_meta.label_lower` spells it."""
        return f"{self.owner_app}.{self.owner_model}"

    @property
    def refundable_fen(self) -> int:
        if self.state != self.State.PAID:
            return 0
        return self.amount_fen - self.refunded_fen

    def is_payable_at(self, moment: datetime) -> bool:
        return self.state == self.State.DUE and moment < self.expires_at

    def seconds_left_at(self, moment: datetime) -> int:
        return max(0, int((self.expires_at - moment).total_seconds()))


class Attempt(models.Model):
    """A payment begun at one provider. A person may try several, and pay at two."""

    payment = models.ForeignKey(
        Payment,
        verbose_name=_("payment"),
        on_delete=models.PROTECT,
        related_name="attempts",
    )
    provider = models.CharField(
        _("provider"), max_length=16, choices=ProviderName.choices
    )
    channel = models.CharField(_("channel"), max_length=16, blank=True)
    payer_ref = models.CharField(_("payer at the provider"), max_length=128, blank=True)
    opening = models.JSONField(_("what the cashier needs"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"))

    objects = AttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("attempt to pay")
        verbose_name_plural = _("attempts to pay")
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "provider", "channel"],
                name="payments_attempt_once_per_channel",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} {self.provider}"


class Refund(models.Model):
    """Money that goes back. `number` is also our request number at the provider."""

    class State(models.TextChoices):
        DUE = "due", _("to be sent")
        SENT = "sent", _("sent")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    TRANSITIONS: dict[str, set[str]] = {
        State.DUE: {State.SENT, State.DONE, State.FAILED},
        State.SENT: {State.DONE, State.FAILED},
        # A failure is looked into by staff, who may send it again; and a provider that
        # said no may still report that it paid.
        State.FAILED: {State.DUE, State.DONE},
        State.DONE: set(),
    }

    number = models.CharField(
        _("number"), max_length=NUMBER_LENGTH, unique=True, default=new_number
    )
    payment = models.ForeignKey(
        Payment,
        verbose_name=_("payment"),
        on_delete=models.PROTECT,
        related_name="refunds",
    )
    key = models.CharField(_("key"), max_length=64)
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.DUE
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("next try at"))
    provider_ref = models.CharField(_("provider's number"), max_length=64, blank=True)
    problem = models.CharField(_("problem"), max_length=200, blank=True)
    requested_by = models.ForeignKey(
        User,
        verbose_name=_("asked for by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    created_at = models.DateTimeField(_("created at"), db_index=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(state__in=["due", "sent"]),
                name="payments_refund_waiting",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0), name="payments_refund_amount_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False)
                | (~Q(state="done") & Q(done_at__isnull=True)),
                name="payments_refund_done_has_moment",
            ),
            models.UniqueConstraint(
                fields=["payment", "key"], name="payments_refund_key_once"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CashMovement(models.Model):
    """Cash that went into a desk's drawer, or out of it for a refund. Append-only."""

    payment = models.ForeignKey(
        Payment,
        verbose_name=_("payment"),
        on_delete=models.PROTECT,
        related_name="cash_movements",
    )
    refund = models.ForeignKey(
        Refund,
        verbose_name=_("refund"),
        on_delete=models.PROTECT,
        related_name="cash_movements",
        null=True,
        blank=True,
        db_index=False,  # the unique constraint has one
    )
    fen = models.BigIntegerField(_("fen into the drawer"))
    till = models.CharField(_("drawer"), max_length=40)
    moved_by = models.ForeignKey(
        User,
        verbose_name=_("by"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    moved_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("cash movement")
        verbose_name_plural = _("cash movements")
        constraints = [
            models.CheckConstraint(
                condition=Q(refund=None, fen__gt=0)
                | Q(refund__isnull=False, fen__lt=0),
                name="payments_cashmovement_goes_one_way",
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(refund=None),
                name="payments_cashmovement_taken_once",
            ),
            models.UniqueConstraint(
                fields=["refund"], name="payments_cashmovement_refund_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["till", "moved_at"], name="payments_cashmovement_of_day"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """The number of the receipt."""
        return f"{clock.local_day(self.moved_at):%Y%m%d}-{self.pk:06}"


class ProviderEvent(models.Model):
    """A callback, once. A forged one is kept too, under an id of our own."""

    provider = models.CharField(
        _("provider"), max_length=16, choices=ProviderName.choices
    )
    event_id = models.CharField(_("provider's event"), max_length=128)
    kind = models.CharField(_("kind"), max_length=40)
    number = models.CharField(_("our number"), max_length=64, blank=True, db_index=True)
    provider_ref = models.CharField(_("provider's number"), max_length=64, blank=True)
    payload = models.JSONField(_("payload"), default=dict)
    signature_ok = models.BooleanField(_("signature is right"))
    received_at = models.DateTimeField(_("received at"), db_index=True)
    outcome = models.CharField(_("outcome"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("provider's event")
        verbose_name_plural = _("providers' events")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"],
                name="payments_providerevent_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


class Discrepancy(models.Model):
    """Money that nothing explains yet. Found by callbacks and by reconciliation."""

    class Kind(models.TextChoices):
        UNKNOWN_PAYMENT = "unknown_payment", _("money for a number that is not ours")
        WRONG_AMOUNT = "wrong_amount", _("money in another amount than asked")
        UNKNOWN_REFUND = "unknown_refund", _("a refund that we did not ask for")
        NO_ORDER = "no_order", _("a payment that no order explains")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    provider = models.CharField(
        _("provider"), max_length=16, choices=ProviderName.choices
    )
    provider_ref = models.CharField(_("provider's number"), max_length=64)
    number = models.CharField(_("our number"), max_length=64, blank=True, db_index=True)
    payment = models.ForeignKey(
        Payment,
        verbose_name=_("payment"),
        on_delete=models.PROTECT,
        related_name="discrepancies",
        null=True,
        blank=True,
    )
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    found_at = models.DateTimeField(_("found at"), db_index=True)
    resolved_at = models.DateTimeField(_("explained at"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        User,
        verbose_name=_("explained by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    note = models.CharField(_("explanation"), max_length=200, blank=True)

    objects = DiscrepancyQuerySet.as_manager()

    class Meta:
        verbose_name = _("unexplained money")
        verbose_name_plural = _("unexplained money")
        permissions = [("resolve_discrepancy", _("Can explain unexplained money"))]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "provider", "provider_ref"],
                name="payments_discrepancy_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider} {self.provider_ref}"


class SandboxTransaction(models.Model):
    """What the sandbox cashier, playing the provider, believes; not our own books."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        PAID = "paid", _("paid")
        FAILED = "failed", _("failed")
        CLOSED = "closed", _("closed")

    class Behaviour(models.TextChoices):
        PROMPT = "prompt", _("at once")
        DELAYED = "delayed", _("late")
        TWICE = "twice", _("twice")
        OUT_OF_ORDER = "out_of_order", _("only after a refund's callback")
        LOST = "lost", _("never (lost)")
        FORGED = "forged", _("with a forged signature")

    ref = models.CharField(
        _("provider's number"), max_length=64, unique=True, default=new_number
    )
    number = models.CharField(_("merchant's number"), max_length=64, db_index=True)
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    refunded_fen = models.BigIntegerField(_("refunded (fen)"), default=0)
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.OPEN
    )
    behaviour = models.CharField(
        _("callback"),
        max_length=16,
        choices=Behaviour.choices,
        default=Behaviour.PROMPT,
    )
    delay_seconds = models.PositiveSmallIntegerField(_("delay (s)"), default=0)
    created_at = models.DateTimeField(_("created at"))
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)

    objects = SandboxTransactionQuerySet.as_manager()

    class Meta:
        verbose_name = _("sandbox transaction")
        verbose_name_plural = _("sandbox transactions")
        constraints = [
            models.CheckConstraint(
                condition=Q(refunded_fen__gte=0, refunded_fen__lte=F("amount_fen")),
                name="payments_sandboxtransaction_refunds_within_amount",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(paid_at__isnull=False),
                name="payments_sandboxtransaction_paid_has_moment",
            ),
            models.UniqueConstraint(
                fields=["number"],
                condition=Q(state="open"),
                name="payments_sandboxtransaction_one_open_per_number",
            ),
        ]

    def __str__(self) -> str:
        return self.ref


class SandboxRefund(models.Model):
    """A refund on the cashier's side; repeats under one merchant's number are one."""

    transaction = models.ForeignKey(
        SandboxTransaction,
        verbose_name=_("transaction"),
        on_delete=models.PROTECT,
        related_name="refunds",
    )
    ref = models.CharField(
        _("provider's number"), max_length=64, unique=True, default=new_number
    )
    number = models.CharField(_("merchant's number"), max_length=64, unique=True)
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("sandbox refund")
        verbose_name_plural = _("sandbox refunds")

    def __str__(self) -> str:
        return self.ref
