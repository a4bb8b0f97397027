"""What is taken. One table, `Occupancy`, says so for holds, bookings and blocks."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import Dependant, User
from bureau.common import clock, codes
from bureau.common.sealed import seal, unseal
from bureau.payments.models import Payment
from venues.models.places import Bookable, Unit, Venue
from venues.querysets import BookingQuerySet, OccupancyQuerySet, PassQuerySet


class Booking(models.Model):
    """One or several slots of one venue, taken by one person in one go."""

    class State(models.TextChoices):
        HELD = "held", _("waiting for payment")
        CONFIRMED = "confirmed", _("booked")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("not paid in time")

    # from state -> to states. An expired booking may come back: late money re-books it.
    TRANSITIONS = {
        State.HELD: {State.CONFIRMED, State.CANCELLED, State.EXPIRED},
        State.CONFIRMED: {State.CANCELLED},
        State.EXPIRED: {State.CONFIRMED},
        State.CANCELLED: set[str](),
    }

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.PROTECT,
        related_name="bookings",
    )
    booked_by = models.ForeignKey(
        User,
        verbose_name=_("booked by"),
        on_delete=models.PROTECT,
        related_name="bookings",
    )
    dependant = models.ForeignKey(
        Dependant,
        verbose_name=_("booked for"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.HELD
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    total_fen = models.PositiveIntegerField(_("total, fen"))
    created_at = models.DateTimeField(_("created at"))
    hold_until = models.DateTimeField(_("held until"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    cancel_reason = models.CharField(_("reason"), max_length=200, blank=True)
    request_key = models.UUIDField(_("request key"), default=uuid.uuid4, editable=False)

    objects = BookingQuerySet.as_manager()

    payment_due: Payment | None = None  # on a row fresh from `hold_slots`

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_booking_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["held", "confirmed", "cancelled", "expired"]),
                name="venues_booking_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="held") | Q(hold_until__isnull=False),
                name="venues_booking_hold_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(state="cancelled", cancelled_at__isnull=False)
                | ~Q(state="cancelled"),
                name="venues_booking_cancelled_has_a_moment",
            ),
            # The same form sent twice is one booking.
            models.UniqueConstraint(
                fields=["booked_by", "request_key"],
                name="venues_booking_one_per_request",
            ),
        ]
        indexes = [
            models.Index(
                fields=["booked_by", "-starts_at", "-id"],
                name="venues_booking_of_person",
            ),
            models.Index(fields=["venue", "starts_at"], name="venues_booking_of_venue"),
            models.Index(
                fields=["hold_until"],
                condition=Q(state="held"),
                name="venues_booking_holds",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("venues:booking", args=[self.number])

    def is_held_at(self, moment: datetime) -> bool:
        return (
            self.state == self.State.HELD
            and self.hold_until is not None
            and moment < self.hold_until
        )

    def is_cancellable_at(self, moment: datetime) -> bool:
        """Whether the citizen may cancel now; `venue` must be loaded."""
        if self.state == self.State.HELD:
            return True
        return (
            self.state == self.State.CONFIRMED
            and moment <= self.venue.cancellable_until(self.starts_at)
        )

    def shown_state_at(self, moment: datetime) -> str:
        """The state as a person should read it: a hold that ran out is expired."""
        if self.state == self.State.HELD and not self.is_held_at(moment):
            return self.State.EXPIRED
        return self.state


class BookingLine(models.Model):
    """One slot of a booking, with its price as it was quoted."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="lines")
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.PROTECT,
        related_name="lines",
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    price_fen = models.PositiveIntegerField(_("price, fen"))
    # How the price came about: rule, group, fen per hour. Kept for the receipt.
    quote = models.JSONField(_("price breakdown"), default=dict)

    class Meta:
        verbose_name = _("booked slot")
        verbose_name_plural = _("booked slots")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_bookingline_starts_before_it_ends",
            ),
            models.UniqueConstraint(
                fields=["booking", "bookable", "starts_at"],
                name="venues_bookingline_slot_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bookable} {clock.at_text(self.starts_at)}"


class Block(models.Model):
    """Time that staff take out: maintenance, an event, a closure."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="blocks"
    )
    reason = models.CharField(_("reason"), max_length=120)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    set_by = models.ForeignKey(
        User, verbose_name=_("set by"), on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_block_starts_before_it_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.reason}"


class Occupancy(models.Model):
    """A unit is taken during a period. The one source of truth about floor and time."""

    class Kind(models.TextChoices):
        HOLD = "hold", _("hold")
        BOOKING = "booking", _("booking")
        BLOCK = "block", _("block")

    unit = models.ForeignKey(
        Unit,
        verbose_name=_("unit"),
        on_delete=models.PROTECT,
        related_name="occupancies",
        db_index=False,  # the exclusion constraint's index leads with it
    )
    during = DateTimeRangeField(_("during"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    line = models.ForeignKey(
        BookingLine,
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
    )
    block = models.ForeignKey(
        Block,
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
    )
    hold_until = models.DateTimeField(null=True, blank=True)

    objects = OccupancyQuerySet.as_manager()

    class Meta:
        verbose_name = _("occupancy")
        verbose_name_plural = _("occupancies")
        constraints = [
            # The last line of defence: whatever a program forgets, no unit is ever
            # taken twice. Actions lock and check first, because a rush that relies on
            # this constraint alone deadlocks for seconds (docs/adr/0004).
            ExclusionConstraint(
                name="venues_occupancy_no_overlap",
                expressions=[
                    ("unit", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(
                    during__isempty=False,
                    during__lower_inf=False,
                    during__upper_inf=False,
                    during__lower_inc=True,
                    during__upper_inc=False,
                ),
                name="venues_occupancy_period_is_half_open",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="hold",
                    line__isnull=False,
                    block=None,
                    hold_until__isnull=False,
                )
                | Q(kind="booking", line__isnull=False, block=None, hold_until=None)
                | Q(kind="block", line=None, block__isnull=False, hold_until=None),
                name="venues_occupancy_kind_fits_its_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.during} {self.kind}"


def new_sealed_key() -> bytes:
    return seal(codes.new_key().hex())


class EntryPass(models.Model):
    """What a person shows at the gate. Its QR code rotates; the key never leaves us."""

    class State(models.TextChoices):
        VALID = "valid", _("valid")
        USED = "used", _("used")
        REVOKED = "revoked", _("revoked")

    code = models.CharField(
        _("code"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    key_sealed = models.BinaryField(default=new_sealed_key, editable=False)
    booking = models.ForeignKey(
        Booking,
        verbose_name=_("booking"),
        on_delete=models.PROTECT,
        related_name="passes",
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.VALID
    )
    issued_at = models.DateTimeField(_("issued at"))

    objects = PassQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry pass")
        verbose_name_plural = _("entry passes")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["valid", "used", "revoked"]),
                name="venues_entrypass_state_is_known",
            ),
            models.UniqueConstraint(
                fields=["booking"],
                condition=~Q(state="revoked"),
                name="venues_entrypass_one_live_per_booking",
            ),
        ]

    def __str__(self) -> str:
        return codes.grouped(self.code)

    @property
    def key(self) -> bytes:
        return bytes.fromhex(unseal(self.key_sealed))


class Admission(models.Model):
    """A person went in, by the hand of somebody on duty."""

    entry_pass = models.OneToOneField(
        EntryPass,
        verbose_name=_("entry pass"),
        on_delete=models.PROTECT,
        related_name="admission",
    )
    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="+"
    )
    admitted_at = models.DateTimeField(_("admitted at"))
    admitted_by = models.ForeignKey(
        User, verbose_name=_("admitted by"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("admission")
        verbose_name_plural = _("admissions")
        indexes = [
            models.Index(fields=["venue", "admitted_at"], name="venues_admission_day")
        ]

    def __str__(self) -> str:
        return f"{self.entry_pass} {clock.at_text(self.admitted_at)}"
