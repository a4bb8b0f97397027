"""Shapes of what the API takes and gives. Money in fen, times with their offset."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.accounts.models import Dependant
from bureau.common import clock
from bureau.common.sports import Sport
from bureau.payments.models import Payment
from bureau.regions.models import District
from venues.models import (
    Admission,
    Booking,
    BookingChange,
    BookingLine,
    CancelBand,
    EntryPass,
    Venue,
    VenuePhoto,
)
from venues.models.rules import PriceGroup
from venues.queries import (
    Reason,
    Slot,
    SlotState,
    announced_closures,
    house_rules,
    opening_of,
    quote_in_words,
)

MOST_SLOTS = 24
BIGGEST_ID = 2**53 - 1  # what JavaScript counts exactly
BIGGEST_FEN = 100_000_000
FAR = timedelta(days=400)
SLOT_STATES = [state.value for state in SlotState]


class AwareDateTimeField(serializers.DateTimeField):
    """A moment with its offset; without one nobody knows whose clock is meant."""

    default_error_messages = {
        "naive": _("Give the time with its offset, such as 2026-11-22T18:00:00+08:00."),
        "far": _("This time is too far away."),
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None or value.utcoffset() is None:
            self.fail("naive")
        try:
            is_near = abs(value - clock.now()) < FAR
        except OverflowError:
            is_near = False
        if not is_near:
            self.fail("far")
        return super().enforce_timezone(value)


class LonLatField(serializers.CharField):
    """`longitude,latitude` in WGS-84 degrees, as a point."""

    default_error_messages = {"place": _("Write a place as longitude,latitude.")}

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            longitude, latitude = (float(part) for part in text.split(","))
        except ValueError:
            self.fail("place")
        # Comparisons with "not a number" are false, so it is refused here, too.
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            self.fail("place")
        return Point(longitude, latitude, srid=4326)


@extend_schema_field(
    {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["Point"]},
            "coordinates": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
            },
        },
        "required": ["type", "coordinates"],
    }
)
class PointField(serializers.Field[Any, Any, Any, Any]):
    """A GeoJSON point, WGS-84."""

    def to_representation(self, value: Point) -> dict[str, Any]:
        return {"type": "Point", "coordinates": [round(c, 6) for c in value.coords]}


# --- Places ------------------------------------------------------------------------


class DistrictOutput(serializers.ModelSerializer[District]):
    class Meta:
        model = District
        fields = ["code", "name", "name_en"]
        read_only_fields = fields


class SportOutput(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=Sport.choices)
    label = serializers.CharField(  # type: ignore[assignment]
        help_text=_("In the language of the request.")
    )


class VenueQuery(serializers.Serializer[Any]):
    sport = serializers.ChoiceField(choices=Sport.choices, required=False)
    district = serializers.RegexField(
        r"^[0-9]{6}$", required=False, help_text=_("GB/T 2260, six digits.")
    )
    q = serializers.CharField(
        required=False, max_length=80, help_text=_("Words of a name or an address.")
    )
    near = LonLatField(
        required=False,
        max_length=60,
        help_text=_("longitude,latitude (WGS-84): nearest first, with distances."),
    )


class VenueOutput(serializers.ModelSerializer[Venue]):
    district = DistrictOutput()
    location = PointField()
    sports = serializers.ListField(child=serializers.ChoiceField(Sport.choices))
    facilities = serializers.ListField(child=serializers.CharField())
    court_count = serializers.IntegerField()
    distance_m = serializers.SerializerMethodField()

    class Meta:
        model = Venue
        fields = [
            "code",
            "name",
            "name_en",
            "district",
            "address",
            "address_en",
            "phone",
            "location",
            "sports",
            "facilities",
            "court_count",
            "distance_m",
        ]
        read_only_fields = fields

    def get_distance_m(self, venue: Venue) -> int | None:
        """Metres from `near`; null when it was not asked."""
        distance = getattr(venue, "distance", None)
        return None if distance is None else round(distance.m)


class CourtOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text=_("Names the court in a booking."))
    name = serializers.CharField()
    sport = serializers.ChoiceField(choices=Sport.choices)
    slot_minutes = serializers.IntegerField()


class CancelBandOutput(serializers.ModelSerializer[CancelBand]):
    class Meta:
        model = CancelBand
        fields = ["minutes_before", "percent"]
        read_only_fields = fields


class VenuePhotoOutput(serializers.ModelSerializer[VenuePhoto]):
    url = serializers.CharField(source="photo.get_absolute_url")
    width = serializers.IntegerField(source="photo.width")
    height = serializers.IntegerField(source="photo.height")

    class Meta:
        model = VenuePhoto
        fields = ["url", "width", "height", "caption"]
        read_only_fields = fields


class ClosureOutput(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField()
    announced_at = serializers.DateTimeField()
    courts = serializers.ListField(
        child=serializers.CharField(), help_text=_("Empty: the whole venue.")
    )


class HoursOutput(serializers.Serializer[Any]):
    """On weekdays (Monday is 1), or on days of a type, which stand before them."""

    weekdays = serializers.ListField(child=serializers.IntegerField())
    day_type = serializers.CharField(allow_blank=True)
    text = serializers.CharField()


class VenueDetailOutput(VenueOutput):
    photos = serializers.SerializerMethodField()
    closures = serializers.SerializerMethodField()
    opening_hours = serializers.SerializerMethodField()
    cancel_bands = serializers.SerializerMethodField()
    courts = serializers.SerializerMethodField()
    days = serializers.SerializerMethodField()

    class Meta(VenueOutput.Meta):
        fields = [
            *VenueOutput.Meta.fields,
            "transport",
            "panorama_url",
            "photos",
            "opening_hours",
            "closures",
            "companion_minutes",
            "days_ahead",
            "hold_minutes",
            "max_slots",
            "cancel_bands",
            "entry_minutes",
            "courts",
            "days",
        ]
        read_only_fields = fields

    @extend_schema_field(VenuePhotoOutput(many=True))
    def get_photos(self, venue: Venue) -> Any:
        rows = venue.photos.select_related("photo").order_by("position", "pk")
        return VenuePhotoOutput(rows, many=True).data

    @extend_schema_field(HoursOutput(many=True))
    def get_opening_hours(self, venue: Venue) -> Any:
        """The venue's own; a court's may differ (see its day)."""
        today = clock.today()
        rules = house_rules(venue, today=today)
        opening = opening_of(venue, rules=rules, today=today)
        return HoursOutput(opening.hours, many=True).data

    @extend_schema_field(ClosureOutput(many=True))
    def get_closures(self, venue: Venue) -> Any:
        """As they were announced, the next one first."""
        rows = announced_closures(venue, at=clock.now())
        return ClosureOutput(rows, many=True).data

    @extend_schema_field(CancelBandOutput(many=True))
    def get_cancel_bands(self, venue: Venue) -> Any:
        """Longest notice first; below the last one nothing comes back."""
        bands = venue.cancel_bands.order_by("-minutes_before")
        return CancelBandOutput(bands, many=True).data

    @extend_schema_field(CourtOutput(many=True))
    def get_courts(self, venue: Venue) -> Any:
        courts = venue.bookables.offered().in_order()
        return CourtOutput(courts, many=True).data

    @extend_schema_field(serializers.ListField(child=serializers.DateField()))
    def get_days(self, _venue: Venue) -> Any:
        """The days that can be booked now, today first."""
        return [day.isoformat() for day in self.context["days"]]


# --- The day grid ------------------------------------------------------------------


class DayQuery(serializers.Serializer[Any]):
    sport = serializers.ChoiceField(
        choices=Sport.choices,
        required=False,
        help_text=_("Without it: the first sport of the venue."),
    )
    dependant = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("Whose price to show, when signed in: a family member's id."),
    )


class SlotOutput(serializers.Serializer[Any]):
    court = serializers.IntegerField(source="bookable_id")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=SLOT_STATES)
    reason = serializers.SerializerMethodField()
    opens_at = serializers.SerializerMethodField()
    ballot = serializers.SerializerMethodField()
    session = serializers.SerializerMethodField()
    price_fen = serializers.IntegerField(source="price.fen")
    is_peak = serializers.BooleanField(source="price.is_peak")
    group = serializers.ChoiceField(
        choices=PriceGroup.choices,
        source="price.group",
        help_text=_("Whose price it is; empty: everybody's."),
    )

    def get_reason(self, slot: Slot) -> str:
        """Why it cannot be booked now, in a sentence; empty when it can."""
        found = self._reason(slot)
        return found.text if found else ""

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_opens_at(self, slot: Slot) -> str | None:
        """When that ends; of a held slot, if it is not paid by then."""
        found = self._reason(slot)
        if found is None or found.opens_at is None:
            return None
        return found.opens_at.astimezone(clock.CHINA).isoformat()

    def get_ballot(self, slot: Slot) -> str:
        """The number of the ballot that gives it out."""
        found = self._reason(slot)
        return found.ballot if found else ""

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_session(self, slot: Slot) -> int | None:
        """The open session that takes place then."""
        found = self._reason(slot)
        return found.session_id if found else None

    def _reason(self, slot: Slot) -> Reason | None:
        reasons: dict[str, Reason] = self.context.get("reasons", {})
        return reasons.get(slot.key)


class DayOutput(serializers.Serializer[Any]):
    on = serializers.DateField()
    sport = serializers.ChoiceField(choices=Sport.choices)
    opens_for_booking_on = serializers.DateField(allow_null=True)
    opens_for_booking_at = serializers.DateTimeField(allow_null=True)
    free_count = serializers.IntegerField()
    courts = CourtOutput(many=True, source="columns")
    slots = SlotOutput(many=True)


# --- Bookings ----------------------------------------------------------------------


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


class VenueNameOutput(serializers.ModelSerializer[Venue]):
    class Meta:
        model = Venue
        fields = ["code", "name", "name_en"]
        read_only_fields = fields


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


# --- The gate ----------------------------------------------------------------------


class CheckInput(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=300, help_text=_("What was scanned, or the code and its six digits.")
    )
    venue = serializers.CharField(max_length=20, help_text=_("The venue's code."))


class GuestOutput(serializers.Serializer[Any]):
    number = serializers.CharField()
    person = serializers.CharField(source="booked_by.display_name")
    dependant = serializers.CharField(source="dependant.masked_name", default=None)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    lines = LineOutput(many=True)


class CheckOutput(serializers.Serializer[Any]):
    token = serializers.CharField(help_text=_("Lets in; good for two minutes."))
    booking = GuestOutput()


class AdmissionInput(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=400)


class AdmissionOutput(serializers.ModelSerializer[Admission]):
    code = serializers.CharField(source="entry_pass.code")
    venue = serializers.CharField(source="venue.code")

    class Meta:
        model = Admission
        fields = ["code", "venue", "admitted_at"]
        read_only_fields = fields
