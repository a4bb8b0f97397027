"""Shapes of ballots and of requests in them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock
from venues.models import Ballot, BallotRequest
from venues.queries.ballots import phase_of, starts_of, won_booking
from venues.serializers.booking import DependantNameOutput
from venues.serializers.fields import BIGGEST_ID, AwareDateTimeField
from venues.serializers.places import VenueNameOutput


class BallotStartOutput(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    courts = serializers.ListField(
        child=serializers.CharField(), help_text=_("Names of the courts drawn.")
    )
    requests = serializers.IntegerField(help_text=_("How many ask for this time."))


class BallotOutput(serializers.ModelSerializer[Ballot]):
    venue = VenueNameOutput()
    state = serializers.SerializerMethodField()
    draw = serializers.CharField(
        source="draw.draw_id", help_text=_("The number of the public draw.")
    )

    class Meta:
        model = Ballot
        fields = [
            "number",
            "venue",
            "sport",
            "on",
            "state",
            "opens_at",
            "closes_at",
            "draws_at",
            "pay_until",
            "draw",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Ballot.State.choices))
    def get_state(self, ballot: Ballot) -> str:
        """The state at this moment."""
        return phase_of(ballot, at=clock.now())


class BallotDetailOutput(BallotOutput):
    starts = serializers.SerializerMethodField()

    class Meta(BallotOutput.Meta):
        fields = [*BallotOutput.Meta.fields, "starts"]
        read_only_fields = fields

    @extend_schema_field(BallotStartOutput(many=True))
    def get_starts(self, ballot: Ballot) -> Any:
        """The times that are drawn."""
        return BallotStartOutput(starts_of(ballot), many=True).data


class BallotRequestInput(serializers.Serializer[Any]):
    starts_at = AwareDateTimeField()
    dependant = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text=_("The family member to book for."),
    )


class BallotRequestOutput(serializers.ModelSerializer[BallotRequest]):
    ballot = serializers.CharField(source="ballot.number")
    entry = serializers.CharField(
        source="entry.entry_id", help_text=_("The entry in the public draw.")
    )
    rank = serializers.IntegerField(source="entry.rank", allow_null=True)
    outcome = serializers.CharField(
        source="entry.outcome",
        help_text=_("`won`, `waiting` (not drawn), or empty while not drawn."),
    )
    dependant = DependantNameOutput(allow_null=True)
    booking = serializers.SerializerMethodField()

    class Meta:
        model = BallotRequest
        fields = [
            "ballot",
            "starts_at",
            "dependant",
            "asked_at",
            "entry",
            "rank",
            "outcome",
            "booking",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_booking(self, request: BallotRequest) -> str | None:
        """The number of the held booking that was won; pay, accept or decline it."""
        booking = won_booking(request) if request.entry.outcome == "won" else None
        return booking.number if booking else None
