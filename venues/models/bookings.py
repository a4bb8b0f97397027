"""Bookings: their times, what they cost, and how they are changed."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import Dependant, User
from bureau.common import clock, codes
from bureau.payments.models import Payment
from venues.models.places import Bookable, Venue
from venues.querysets import (
    BookingChangeQuerySet,
    BookingLineQuerySet,
    BookingQuerySet,
)


class Booking(models.Model):
    """One or several slots of one venue, taken by one person in one go."""

    class State(models.TextChoices):
        HELD = "held", _("waiting for payment")
        CONFIRMED = "confirmed", _("booked")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("not paid in time")
        NO_SHOW = "no_show", _("nobody came")

    # from state -> to states. An expired booking may come back: late money re-books it.
    TRANSITIONS = {
        State.HELD: {State.CONFIRMED, State.CANCELLED, State.EXPIRED},
        State.CONFIRMED: {State.CANCELLED, State.NO_SHOW},
        State.NO_SHOW: {State.CANCELLED},  # excused: the money goes back
        State.EXPIRED: {State.CONFIRMED},
        State.CANCELLED: set[str](),
    }

    class Channel(models.TextChoices):
        ONLINE = "online", _("on line")
        DESK = "desk", _("window or telephone")
        SERIES = "series", _("club season")
        OFFER = "offer", _("waiting list")
        BALLOT = "ballot", _("ballot")

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.PROTECT,
        related_name="bookings",
        db_index=False,  # venues_booking_of_venue begins with it
    )
    booked_by = models.ForeignKey(
        User,
        verbose_name=_("booked by"),
        on_delete=models.PROTECT,
        related_name="bookings",
        db_index=False,  # venues_booking_of_person begins with it
    )
    dependant = models.ForeignKey(
        Dependant,
        verbose_name=_("booked for"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.HELD
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    channel = models.CharField(
        _("booked through"),
        max_length=7,
        choices=Channel.choices,
        default=Channel.ONLINE,
    )
    # What is kept is always total (while the booking stands) + retained.
    total_fen = models.PositiveIntegerField(_("price of the standing slots, fen"))
    retained_fen = models.PositiveIntegerField(
        _("kept for what was given up, fen"), default=0
    )
    # [[minutes before, percent], …] as promised when it was booked, longest first.
    cancel_terms = models.JSONField(_("cancellation terms"), default=list, blank=True)
    invite_code = models.CharField(  # noqa: DJ001 - unique, where there is one
        _("code of the invite link"),
        max_length=12,
        null=True,
        blank=True,
        editable=False,
    )
    invoice = models.ForeignKey(
        "venues.Invoice",
        verbose_name=_("invoice"),
        on_delete=models.PROTECT,
        related_name="bookings",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    reminded_at = models.DateTimeField(
        _("reminded at"), null=True, blank=True, editable=False
    )
    reminded_soon_at = models.DateTimeField(
        _("reminded shortly before at"), null=True, blank=True, editable=False
    )
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
                condition=Q(
                    state__in=["held", "confirmed", "cancelled", "expired", "no_show"]
                ),
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
            # Few bookings have one: only those are in its index.
            models.UniqueConstraint(
                fields=["invite_code"],
                condition=Q(invite_code__isnull=False),
                name="venues_booking_invite_code_once",
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
            models.Index(
                fields=["invoice"],
                condition=Q(invoice__isnull=False),
                name="venues_booking_of_invoice",
            ),
            models.Index(
                fields=["dependant"],
                condition=Q(dependant__isnull=False),
                name="venues_booking_of_dependant",
            ),
            models.Index(
                fields=["starts_at"],
                condition=Q(state="confirmed", reminded_soon_at=None),
                name="venues_booking_to_remind",
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

    @property
    def is_offer(self) -> bool:
        """Held for somebody who waited or won a ballot, not taken by themselves."""
        return self.channel in (self.Channel.OFFER, self.Channel.BALLOT)

    @property
    def standing_lines(self) -> list[BookingLine]:
        """The slots that the booking is for now, in order of time."""
        standing = BookingLine.State.STANDING
        rows = [line for line in self.lines.all() if line.state == standing]
        return sorted(rows, key=lambda line: (line.starts_at, line.pk))

    def refund_percent_at(self, moment: datetime, *, starts_at: datetime) -> int:
        """What comes back (0..100) of a slot that starts then, given up at `moment`."""
        notice = starts_at - moment
        for minutes, percent in self.cancel_terms:
            if notice >= timedelta(minutes=minutes):
                return int(percent)
        return 0

    def can_be_given_back_at(self, moment: datetime) -> bool:
        """Whether the citizen may still cancel; what comes back is another question."""
        return self.state == self.State.HELD or (
            self.state == self.State.CONFIRMED and moment < self.starts_at
        )

    def bands_for(self, starts_at: datetime) -> list[tuple[datetime, int]]:
        """(until when, percent that comes back) for a slot that starts then."""
        return [
            (starts_at - timedelta(minutes=minutes), percent)
            for minutes, percent in self.cancel_terms
        ]

    def refund_of(self, line: BookingLine, *, at: datetime) -> int:
        """What giving up one of its lines at a moment brings back, in fen."""
        percent = self.refund_percent_at(at, starts_at=line.starts_at)
        return line.price_fen * percent // 100

    def shown_state_at(self, moment: datetime) -> str:
        """The state as a person should read it: a hold that ran out is expired."""
        if self.state == self.State.HELD and not self.is_held_at(moment):
            return self.State.EXPIRED
        return self.state


class BookingChange(models.Model):
    """Other slots in exchange for some of a booking's, at the difference in price.

    The new slots are held until the difference is paid; the old ones stand until then.
    """

    class State(models.TextChoices):
        HELD = "held", _("waiting for payment")
        DONE = "done", _("done")
        EXPIRED = "expired", _("not paid in time")
        DROPPED = "dropped", _("dropped")

    TRANSITIONS = {
        State.HELD: {State.DONE, State.EXPIRED, State.DROPPED},
        State.EXPIRED: {State.DONE},  # late money takes the new slots again
        State.DONE: set[str](),
        State.DROPPED: set[str](),
    }

    number = models.CharField(
        _("number"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    booking = models.ForeignKey(
        Booking,
        verbose_name=_("booking"),
        on_delete=models.CASCADE,
        related_name="changes",
    )
    asked_by = models.ForeignKey(
        User, verbose_name=_("asked by"), on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.HELD
    )
    created_at = models.DateTimeField(_("created at"))
    hold_until = models.DateTimeField(_("held until"), null=True, blank=True)
    pay_fen = models.PositiveIntegerField(_("difference to pay, fen"), default=0)
    refund_fen = models.PositiveIntegerField(_("difference refunded, fen"), default=0)
    payment = models.OneToOneField(
        Payment,
        verbose_name=_("payment"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    request_key = models.UUIDField(_("request key"), default=uuid.uuid4, editable=False)

    objects = BookingChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a booking")
        verbose_name_plural = _("changes of bookings")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["held", "done", "expired", "dropped"]),
                name="venues_bookingchange_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="held") | Q(hold_until__isnull=False),
                name="venues_bookingchange_hold_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(pay_fen=0) | Q(refund_fen=0),
                name="venues_bookingchange_pays_or_refunds",
            ),
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(state="held"),
                name="venues_bookingchange_one_held_per_booking",
            ),
            models.UniqueConstraint(
                fields=["booking", "request_key"],
                name="venues_bookingchange_one_per_request",
            ),
        ]
        indexes = [
            models.Index(
                fields=["hold_until"],
                condition=Q(state="held"),
                name="venues_bookingchange_holds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking} → {self.number}"


class BookingLine(models.Model):
    """One slot of a booking, or tickets to an open session, at the price quoted.

    A line stands, or waits for its change to be paid, or was given up.
    """

    class State(models.TextChoices):
        STANDING = "standing", _("standing")
        PENDING = "pending", _("waiting for the change")
        GIVEN_UP = "given_up", _("given up")

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
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.STANDING
    )
    session = models.ForeignKey(
        "venues.OpenSession",
        verbose_name=_("open session"),
        on_delete=models.PROTECT,
        related_name="lines",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    places = models.PositiveSmallIntegerField(_("tickets"), default=1)
    arrives_with = models.ForeignKey(
        BookingChange,
        verbose_name=_("arrives with the change"),
        on_delete=models.PROTECT,
        related_name="arriving",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    leaves_with = models.ForeignKey(
        BookingChange,
        verbose_name=_("leaves with the change"),
        on_delete=models.PROTECT,
        related_name="leaving",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    # How the price came about: rule, group, fen per hour. Kept for the receipt.
    quote = models.JSONField(_("price breakdown"), default=dict)

    objects = BookingLineQuerySet.as_manager()

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
                condition=~Q(state="given_up"),
                name="venues_bookingline_slot_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["standing", "pending", "given_up"]),
                name="venues_bookingline_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="pending") | Q(arrives_with__isnull=False),
                name="venues_bookingline_pending_has_its_change",
            ),
            models.CheckConstraint(
                condition=Q(places__gte=1) & (Q(session__isnull=False) | Q(places=1)),
                name="venues_bookingline_tickets_are_for_sessions",
            ),
        ]
        indexes = [
            models.Index(
                fields=[owner],
                condition=Q(**{f"{owner}__isnull": False}),
                name=f"venues_line_by_{owner}",
            )
            for owner in ("session", "arrives_with", "leaves_with")
        ]

    def __str__(self) -> str:
        return f"{self.bookable} {clock.at_text(self.starts_at)}"
