"""Shapes of shared bookings, favourites and the calendar's address."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from venues.models import Booking, BookingLine, Companion, EntryPass
from venues.serializers.places import VenueNameOutput


class CompanionOutput(serializers.ModelSerializer[Companion]):
    name = serializers.CharField(
        source="user.display_name", help_text=_("Masked; nobody sees more.")
    )
    has_come_in = serializers.SerializerMethodField()

    class Meta:
        model = Companion
        fields = ["id", "name", "joined_at", "has_come_in"]
        read_only_fields = fields

    def get_has_come_in(self, companion: Companion) -> bool:
        return companion.entry_pass.state == EntryPass.State.USED


class PartyOutput(serializers.Serializer[Any]):
    """Who plays along in a booking of the caller's, and the link to join by."""

    url = serializers.CharField(
        allow_blank=True, help_text=_("The invite link; empty when there is none.")
    )
    until = serializers.DateTimeField(
        help_text=_("Until when people can join or be removed.")
    )
    can_change = serializers.BooleanField()
    most = serializers.IntegerField(help_text=_("Places beside the booker's."))
    left = serializers.IntegerField()
    companions = CompanionOutput(many=True)


class SharedLineOutput(serializers.ModelSerializer[BookingLine]):
    court_name = serializers.CharField(source="bookable.name")

    class Meta:
        model = BookingLine
        fields = ["court_name", "starts_at", "ends_at"]
        read_only_fields = fields


def standing_of(booking: Booking) -> list[BookingLine]:
    """The standing slots in order of time; `lines__bookable` should be prefetched."""
    lines = (
        line for line in booking.lines.all() if line.state == BookingLine.State.STANDING
    )
    return sorted(lines, key=lambda line: (line.starts_at, line.pk))


class InviteOutput(serializers.Serializer[Any]):
    """What somebody is invited to. No price, no ID, a masked name."""

    venue = VenueNameOutput()
    invited_by = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    lines = SharedLineOutput(many=True)
    left = serializers.IntegerField(help_text=_("Places that are left."))
    until = serializers.DateTimeField()
    is_open = serializers.BooleanField(help_text=_("Whether one can join now."))


class TogetherOutput(serializers.ModelSerializer[Companion]):
    """A booking of somebody else that the caller has joined."""

    number = serializers.CharField(source="booking.number")
    venue = VenueNameOutput(source="booking.venue")
    state = serializers.ChoiceField(
        choices=Booking.State.choices, source="booking.state"
    )
    invited_by = serializers.CharField(source="booking.booked_by.display_name")
    starts_at = serializers.DateTimeField(source="booking.starts_at")
    ends_at = serializers.DateTimeField(source="booking.ends_at")
    lines = serializers.SerializerMethodField()

    class Meta:
        model = Companion
        fields = [
            "number",
            "venue",
            "state",
            "invited_by",
            "starts_at",
            "ends_at",
            "lines",
            "joined_at",
        ]
        read_only_fields = fields

    @extend_schema_field(SharedLineOutput(many=True))
    def get_lines(self, companion: Companion) -> Any:
        return SharedLineOutput(standing_of(companion.booking), many=True).data


class FeedOutput(serializers.Serializer[Any]):
    url = serializers.CharField(
        help_text=_("Shown this once: only a hash of it is kept.")
    )
