"""What is taken. One table, `Occupancy`, says so for holds, bookings and blocks."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    ArrayField,
    DateTimeRangeField,
    RangeOperators,
)
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import Dependant, User
from bureau.common import clock, codes
from bureau.payments.models import Payment
from venues.models.places import Bookable, Unit, Venue
from venues.querysets import (
    BookingChangeQuerySet,
    BookingLineQuerySet,
    BookingQuerySet,
    OccupancyQuerySet,
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


class Block(models.Model):
    """Time that staff take out: maintenance, an event, a closure."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="blocks"
    )
    # What it is for, even where a booking still lies on it (a closure works through).
    unit_ids = ArrayField(
        models.BigIntegerField(), verbose_name=_("units"), default=list, blank=True
    )
    reason = models.CharField(_("reason"), max_length=120)
    # A closure shuts people out of what they were promised: it has to be announced.
    is_closure = models.BooleanField(_("closure"), default=False)
    is_weather = models.BooleanField(_("because of the weather"), default=False)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    announced_at = models.DateTimeField(_("announced at"), null=True, blank=True)
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
            models.CheckConstraint(
                condition=Q(is_closure=False) | Q(announced_at__isnull=False),
                name="venues_block_closure_is_announced",
            ),
        ]
        indexes = [
            # A trigger asks at every freed piece of floor whether a closure claims it.
            models.Index(
                fields=["ends_at"],
                condition=Q(is_closure=True, lifted_at=None),
                name="venues_block_closures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.reason}"


_OWNERS = ("line", "block", "session", "ballot_slot")


def _owned_by(owner: str, *, kinds: list[str]) -> Q:
    """Rows of these kinds belong to this owner, and to no other."""
    others = {f"{other}__isnull": other != owner for other in _OWNERS}
    return Q(kind__in=kinds, **others)


class Occupancy(models.Model):
    """A unit is taken during a period. The one source of truth about floor and time.

    The period of a booking includes the court's buffer after it.
    """

    class Kind(models.TextChoices):
        HOLD = "hold", _("hold")
        BOOKING = "booking", _("booking")
        BLOCK = "block", _("block")
        SESSION = "session", _("open session")
        BALLOT = "ballot", _("ballot")

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
        db_index=False,  # a partial index below
    )
    session = models.ForeignKey(
        "venues.OpenSession",
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    ballot_slot = models.ForeignKey(
        "venues.BallotSlot",
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
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
                condition=(
                    Q(kind="hold", hold_until__isnull=False)
                    | (~Q(kind="hold") & Q(hold_until=None))
                )
                & (
                    _owned_by("line", kinds=["hold", "booking"])
                    | _owned_by("block", kinds=["block"])
                    | _owned_by("session", kinds=["session"])
                    | _owned_by("ballot_slot", kinds=["ballot"])
                ),
                name="venues_occupancy_kind_fits_its_owner",
            ),
        ]
        indexes = [
            *(
                models.Index(
                    fields=[owner],
                    condition=Q(**{f"{owner}__isnull": False}),
                    name=f"venues_occupancy_of_{short}",
                )
                for owner, short in (
                    ("block", "block"),
                    ("session", "session"),
                    ("ballot_slot", "ballot"),
                )
            ),
            # A search of the whole city looks at thousands of units: ten times as
            # quick as by the constraint's index.
            models.Index(
                F("unit"),
                Func("during", function="lower", output_field=models.DateTimeField()),
                name="venues_occupancy_of_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.during} {self.kind}"
