"""The day grid: which times of a day are free, at which price."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock
from bureau.common.sports import Sport
from venues.models.rules import PriceGroup
from venues.queries import Reason, Slot, SlotState
from venues.serializers.fields import BIGGEST_ID
from venues.serializers.places import CourtOutput

SLOT_STATES = [state.value for state in SlotState]


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
