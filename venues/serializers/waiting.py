"""Shapes of a time that cannot be booked, of its ways out, and of its line."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock
from bureau.common.sports import Sport
from venues.models import WaitingEntry
from venues.queries.alternatives import Nearness
from venues.serializers.booking import DependantNameOutput
from venues.serializers.days import SlotOutput
from venues.serializers.fields import BIGGEST_ID, AwareDateTimeField
from venues.serializers.places import VenueNameOutput


class AlternativeSlotOutput(serializers.Serializer[Any]):
    court = serializers.IntegerField(source="bookable_id")
    court_name = serializers.CharField(source="bookable_name")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    price_fen = serializers.IntegerField(source="price.fen")


class AlternativeOutput(serializers.Serializer[Any]):
    """What can be booked now instead: `slots` fit into a booking as they are."""

    nearness = serializers.ChoiceField(choices=[one.value for one in Nearness])
    venue = VenueNameOutput()
    distance_m = serializers.IntegerField(
        allow_null=True, help_text=_("From the venue that was wanted.")
    )
    total_fen = serializers.IntegerField(help_text=_("At the caller's own price."))
    slots = AlternativeSlotOutput(many=True)


class SlotQuery(serializers.Serializer[Any]):
    court = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    starts_at = AwareDateTimeField()
    dependant = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("Whose price to show, when signed in: a family member's id."),
    )


class OneSlotOutput(SlotOutput):
    waiting = serializers.SerializerMethodField()
    alternatives = serializers.SerializerMethodField()

    def get_waiting(self, _slot: Any) -> int:
        """How many wait for it already."""
        waiting: int = self.context["waiting"]
        return waiting

    @extend_schema_field(AlternativeOutput(many=True))
    def get_alternatives(self, _slot: Any) -> Any:
        """The three nearest ways out; none when the slot itself is free."""
        return AlternativeOutput(self.context["alternatives"], many=True).data


class WaitingInput(serializers.Serializer[Any]):
    venue = serializers.CharField(max_length=20, help_text=_("The venue's code."))
    sport = serializers.ChoiceField(
        choices=Sport.choices,
        required=False,
        help_text=_("Needed without a court: any court of this sport will do."),
    )
    court = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=BIGGEST_ID,
    )
    starts_at = AwareDateTimeField()
    dependant = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("The family member to book for."),
    )


class WaitingQuery(serializers.Serializer[Any]):
    show = serializers.ChoiceField(
        choices=["live", "all"], required=False, default="live"
    )


class WaitingOutput(serializers.ModelSerializer[WaitingEntry]):
    venue = VenueNameOutput()
    court = serializers.IntegerField(source="bookable_id", allow_null=True)
    court_name = serializers.CharField(
        source="bookable.name", default=None, allow_null=True
    )
    session = serializers.IntegerField(
        source="session_id",
        allow_null=True,
        help_text=_("The open session for whose places the caller waits."),
    )
    session_name = serializers.CharField(
        source="session.name", default=None, allow_null=True
    )
    dependant = DependantNameOutput(allow_null=True)
    booking = serializers.CharField(
        source="booking.number",
        default=None,
        allow_null=True,
        help_text=_("The held booking that is offered; pay, accept or decline it."),
    )
    held_until = serializers.SerializerMethodField()
    ahead = serializers.SerializerMethodField()

    class Meta:
        model = WaitingEntry
        fields = [
            "id",
            "venue",
            "sport",
            "court",
            "court_name",
            "session",
            "session_name",
            "places",
            "dependant",
            "starts_at",
            "ends_at",
            "state",
            "joined_at",
            "offered_at",
            "booking",
            "held_until",
            "ahead",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_held_until(self, entry: WaitingEntry) -> str | None:
        """Until when the offer stands."""
        booking = entry.booking
        if booking is None or not booking.is_held_at(clock.now()):
            return None
        until = booking.hold_until
        return until.astimezone(clock.CHINA).isoformat() if until else None

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_ahead(self, entry: WaitingEntry) -> int | None:
        """How many stand before the caller; null when the waiting is over."""
        ahead: dict[int, int] = self.context["ahead"]
        return ahead.get(entry.pk)
