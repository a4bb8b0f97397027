"""Shapes of clubs, seasons, requests for weekly times, and invoices."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock
from bureau.common.fields import DAY
from venues.actions import ClubFacts
from venues.models import BookingLine, Club, Invoice, Season, SeasonRequest
from venues.models.rules import LATEST_CLOSING, Weekday
from venues.queries import quote_in_words
from venues.queries.seasons import (
    PlannedDate,
    WeeklyTime,
    is_open_at,
    open_lines,
    seed_hash,
)
from venues.serializers.fields import BIGGEST_ID
from venues.serializers.places import VenueNameOutput

MOST_WISHES = 20
REQUEST_STATES = ["asked", "approved", "denied", "withdrawn"]


class ClubInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    credit_code = serializers.CharField(
        max_length=30, help_text=_("The unified social credit code (GB 32100).")
    )
    priority = serializers.ChoiceField(
        choices=Club.Priority.choices, default=Club.Priority.CLUB.value
    )

    @property
    def facts(self) -> ClubFacts:
        return ClubFacts(**self.validated_data)


class ClubOutput(serializers.ModelSerializer[Club]):
    class Meta:
        model = Club
        fields = ["id", "name", "credit_code", "priority", "is_approved", "refusal"]
        read_only_fields = fields


class SeasonOutput(serializers.ModelSerializer[Season]):
    venue = VenueNameOutput()
    is_open = serializers.SerializerMethodField()
    seed_hash = serializers.SerializerMethodField()

    class Meta:
        model = Season
        fields = [
            "id",
            "venue",
            "name",
            "first_on",
            "last_on",
            "applies_until",
            "state",
            "is_open",
            "seed_hash",
        ]
        read_only_fields = fields

    def get_is_open(self, season: Season) -> bool:
        """Whether clubs can apply now."""
        return is_open_at(season, clock.now())

    def get_seed_hash(self, season: Season) -> str:
        """SHA-256 of the seed that decides between equals."""
        return seed_hash(season)


class WeeklyTimeInput(serializers.Serializer[Any]):
    court = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    weekday = serializers.ChoiceField(
        choices=Weekday.choices, help_text=_("ISO 8601: Monday is 1.")
    )
    starts = serializers.IntegerField(
        min_value=0, max_value=DAY - 1, help_text=_("In minutes since midnight.")
    )
    ends = serializers.IntegerField(
        min_value=1,
        max_value=LATEST_CLOSING,
        help_text=_("In minutes since the same midnight; 1560 is 02:00 next day."),
    )
    first_on = serializers.DateField()
    last_on = serializers.DateField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["starts"] >= attrs["ends"]:
            raise serializers.ValidationError({"ends": [_("It ends after it begins.")]})
        if attrs["first_on"] > attrs["last_on"]:
            raise serializers.ValidationError(
                {"last_on": [_("The last day comes after the first.")]}
            )
        return attrs

    @property
    def weekly(self) -> WeeklyTime:
        given = self.validated_data
        return WeeklyTime(
            given["court"],
            given["weekday"],
            given["starts"],
            given["ends"],
            given["first_on"],
            given["last_on"],
        )


class SeasonRequestInput(WeeklyTimeInput):
    club = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    wish = serializers.IntegerField(
        min_value=1,
        max_value=MOST_WISHES,
        default=1,
        help_text=_("1 is the club's dearest wish."),
    )
    note = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default=""
    )


class PlannedDateOutput(serializers.Serializer[PlannedDate]):
    on = serializers.DateField()
    price_fen = serializers.IntegerField(source="fen")
    skipped_because = serializers.CharField(
        source="problem", help_text=_("Empty for a date that can be booked.")
    )


class SeasonPlanOutput(serializers.Serializer[Any]):
    dates = PlannedDateOutput(many=True)
    total_fen = serializers.IntegerField()


class SkippedDateOutput(serializers.Serializer[Any]):
    on = serializers.DateField()
    reason = serializers.CharField()


class SeasonRequestOutput(serializers.ModelSerializer[SeasonRequest]):
    season = SeasonOutput()
    club = ClubOutput()
    court = serializers.CharField(source="bookable.name")
    state = serializers.SerializerMethodField()
    skipped = SkippedDateOutput(many=True)
    bookings = serializers.SerializerMethodField()
    invoice = serializers.SerializerMethodField()

    class Meta:
        model = SeasonRequest
        fields = [
            "number",
            "season",
            "club",
            "court",
            "weekday",
            "starts",
            "ends",
            "first_on",
            "last_on",
            "wish",
            "note",
            "state",
            "reason",
            "asked_at",
            "decided_at",
            "skipped",
            "bookings",
            "invoice",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=REQUEST_STATES))
    def get_state(self, request: SeasonRequest) -> str:
        """What is only proposed is still being decided."""
        is_proposed = request.state == SeasonRequest.State.PROPOSED
        return SeasonRequest.State.ASKED.value if is_proposed else request.state

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_bookings(self, request: SeasonRequest) -> list[str]:
        """The numbers of its bookings, one a date, in order."""
        invoice = getattr(request, "invoice", None)
        if invoice is None:
            return []
        rows = sorted(invoice.bookings.all(), key=lambda row: (row.starts_at, row.pk))
        return [booking.number for booking in rows]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_invoice(self, request: SeasonRequest) -> str | None:
        """The number of its invoice, once it is ready."""
        invoice = getattr(request, "invoice", None)
        is_ready = invoice is not None and invoice.state != Invoice.State.NEW
        return invoice.number if invoice and is_ready else None


class InvoiceLineOutput(serializers.ModelSerializer[BookingLine]):
    booking = serializers.CharField(source="booking.number")
    court = serializers.CharField(source="bookable.name")
    price = serializers.SerializerMethodField()

    class Meta:
        model = BookingLine
        fields = ["booking", "court", "starts_at", "ends_at", "price_fen", "price"]
        read_only_fields = fields

    def get_price(self, line: BookingLine) -> str:
        """How the price came about, in words."""
        return quote_in_words(line.quote)


class InvoiceOutput(serializers.ModelSerializer[Invoice]):
    club = serializers.CharField(source="club.name")
    request = serializers.CharField(source="request.number")

    class Meta:
        model = Invoice
        fields = [
            "number",
            "club",
            "request",
            "state",
            "total_fen",
            "retained_fen",
            "issued_at",
            "due_on",
            "paid_at",
        ]
        read_only_fields = fields


class InvoiceDetailOutput(InvoiceOutput):
    lines = serializers.SerializerMethodField()

    class Meta(InvoiceOutput.Meta):
        fields = [*InvoiceOutput.Meta.fields, "lines"]
        read_only_fields = fields

    @extend_schema_field(InvoiceLineOutput(many=True))
    def get_lines(self, invoice: Invoice) -> Any:
        """The slots that it asks for; give one back by cancelling its booking."""
        return InvoiceLineOutput(open_lines(invoice), many=True).data
