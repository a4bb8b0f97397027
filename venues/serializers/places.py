"""Venues and their courts, as the API shows them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues.models import CancelBand, Venue, VenuePhoto
from venues.queries import announced_closures, house_rules, opening_of
from venues.serializers.fields import LonLatField, PointField


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


class VenueNameOutput(serializers.ModelSerializer[Venue]):
    class Meta:
        model = Venue
        fields = ["code", "name", "name_en"]
        read_only_fields = fields
