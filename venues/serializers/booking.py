"""Bookings and their passes, as the API takes and gives them. Money in fen."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.accounts.models import Dependant
from bureau.common import clock
from bureau.payments.models import Payment
from venues.models import Booking, BookingChange, BookingLine, EntryPass
from venues.queries import quote_in_words
from venues.serializers.fields import BIGGEST_FEN, BIGGEST_ID, AwareDateTimeField
from venues.serializers.places import VenueNameOutput

MOST_SLOTS = 24


class SlotInput(serializers.Serializer[Any]):
    court = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    starts_at = AwareDateTimeField()


class BookingInput(serializers.Serializer[Any]):
    venue = serializers.CharField(max_length=20, help_text=_("The venue's code."))
    slots = serializers.ListField(
        child=SlotInput(), allow_empty=False, max_length=MOST_SLOTS
    )
    quoted_fen = serializers.IntegerField(
        min_value=0,
        max_value=BIGGEST_FEN,
        help_text=_("The total that the person was shown; another one is refused."),
    )
    dependant = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("The family member to book for."),
    )


class CancelInput(serializers.Serializer[Any]):
    lines = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST_ID),
        required=False,
        default=list,
        max_length=MOST_SLOTS,
        help_text=_("Ids of the slots to give back; none: all of them."),
    )
    expected_fen = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=0,
        max_value=BIGGEST_FEN,
        help_text=_("What the person was told would come back; else it is refused."),
    )


class BookingQuery(serializers.Serializer[Any]):
    show = serializers.ChoiceField(
        choices=["all", "upcoming", "over"], required=False, default="all"
    )


class LineOutput(serializers.ModelSerializer[BookingLine]):
    court = serializers.IntegerField(source="bookable_id")
    court_name = serializers.CharField(source="bookable.name")
    session = serializers.CharField(
        source="session.name",
        default=None,
        allow_null=True,
        help_text=_("The open session that these are tickets for."),
    )
    price_words = serializers.SerializerMethodField()

    class Meta:
        model = BookingLine
        fields = [
            "id",
            "state",
            "court",
            "court_name",
            "session",
            "starts_at",
            "ends_at",
            "places",
            "price_fen",
            "price_words",
        ]
        read_only_fields = fields

    def get_price_words(self, line: BookingLine) -> str:
        """How the price came about when it was booked."""
        return quote_in_words(line.quote)


class DependantNameOutput(serializers.ModelSerializer[Dependant]):
    class Meta:
        model = Dependant
        fields = ["id", "masked_name"]
        read_only_fields = fields


WHOLE = 100


class BandOutput(serializers.Serializer[Any]):
    until = serializers.DateTimeField()
    percent = serializers.IntegerField(min_value=1, max_value=100)


class BookingOutput(serializers.ModelSerializer[Booking]):
    venue = VenueNameOutput()
    dependant = DependantNameOutput(allow_null=True)
    state = serializers.SerializerMethodField()
    cancellable_until = serializers.SerializerMethodField()
    refund_bands = serializers.SerializerMethodField()
    lines = LineOutput(many=True)

    class Meta:
        model = Booking
        fields = [
            "number",
            "venue",
            "dependant",
            "state",
            "starts_at",
            "ends_at",
            "total_fen",
            "retained_fen",
            "created_at",
            "hold_until",
            "cancellable_until",
            "refund_bands",
            "cancelled_at",
            "cancel_reason",
            "lines",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Booking.State.choices))
    def get_state(self, booking: Booking) -> str:
        """The state now: a hold that ran out reads expired."""
        return booking.shown_state_at(clock.now())

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_cancellable_until(self, booking: Booking) -> str | None:
        """Until when all of it comes back; null when its terms never promise that."""
        bands = booking.bands_for(booking.starts_at)
        ends = [until for until, percent in bands if percent == WHOLE]
        return max(ends).astimezone(clock.CHINA).isoformat() if ends else None

    @extend_schema_field(BandOutput(many=True))
    def get_refund_bands(self, booking: Booking) -> list[dict[str, Any]]:
        """What comes back until when; after the last of them, nothing."""
        return [
            {"until": until.astimezone(clock.CHINA).isoformat(), "percent": percent}
            for until, percent in booking.bands_for(booking.starts_at)
        ]


class PaymentOfBookingOutput(serializers.ModelSerializer[Payment]):
    class Meta:
        model = Payment
        fields = ["number", "state", "amount_fen", "refunded_fen", "expires_at"]
        read_only_fields = fields


class ChangeOutput(serializers.ModelSerializer[BookingChange]):
    payment = PaymentOfBookingOutput(allow_null=True)
    leaving = LineOutput(many=True)
    arriving = LineOutput(many=True)

    class Meta:
        model = BookingChange
        fields = [
            "number",
            "state",
            "created_at",
            "hold_until",
            "pay_fen",
            "refund_fen",
            "payment",
            "leaving",
            "arriving",
        ]
        read_only_fields = fields


class BookingDetailOutput(BookingOutput):
    payments = serializers.SerializerMethodField()
    change = serializers.SerializerMethodField()

    class Meta(BookingOutput.Meta):
        fields = [*BookingOutput.Meta.fields, "channel", "payments", "change"]
        read_only_fields = fields

    @extend_schema_field(ChangeOutput(allow_null=True))
    def get_change(self, booking: Booking) -> Any:
        """The change that waits for its payment; the old slots stand until then."""
        held = booking.changes.held_at(clock.now()).select_related("payment")
        found = held.prefetch_related("leaving__bookable", "arriving__bookable").first()
        return ChangeOutput(found).data if found else None

    @extend_schema_field(PaymentOfBookingOutput(many=True))
    def get_payments(self, booking: Booking) -> Any:
        """Pay the one in state `due` at `/payments/<number>/start/`."""
        rows = Payment.objects.for_owner(booking).order_by("pk")
        return PaymentOfBookingOutput(rows, many=True).data


class PassOutput(serializers.Serializer[Any]):
    """What the gate wants to see. `url` goes into the QR code, renewed in time."""

    code = serializers.CharField()
    state = serializers.ChoiceField(choices=EntryPass.State.choices)
    is_open = serializers.BooleanField(
        help_text=_("Whether it still opens the gate; else the proofs are empty.")
    )
    opens_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    proof = serializers.CharField(allow_blank=True)
    digits = serializers.CharField(
        allow_blank=True, help_text=_("The proof that can be read aloud.")
    )
    url = serializers.CharField(allow_blank=True)
    seconds_left = serializers.IntegerField(
        help_text=_("Until the proofs are replaced.")
    )
