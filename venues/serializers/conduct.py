"""Shapes of points, bans and appeals."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from venues.models import Appeal, Ban, ConductPoint, ConductRule


class RuleOutput(serializers.ModelSerializer[ConductRule]):
    class Meta:
        model = ConductRule
        fields = [
            "valid_from",
            "no_show_points",
            "late_cancel_points",
            "ban_from_points",
            "count_days",
            "ban_days",
            "appeal_days",
        ]
        read_only_fields = fields


class AppealOutput(serializers.ModelSerializer[Appeal]):
    class Meta:
        model = Appeal
        fields = ["words", "asked_at", "state", "decided_at", "answer"]
        read_only_fields = fields


class PointOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="point.pk")
    booking = serializers.CharField(source="point.booking.number")
    reason = serializers.ChoiceField(
        source="point.reason", choices=ConductPoint.Reason.choices
    )
    points = serializers.IntegerField(source="point.points")
    given_at = serializers.DateTimeField(source="point.given_at")
    counts_until = serializers.DateTimeField(source="point.counts_until")
    counts = serializers.BooleanField()
    is_spent = serializers.BooleanField(help_text=_("Whether a ban has used it up."))
    excuse = serializers.CharField(source="point.excuse", allow_blank=True)
    can_appeal = serializers.BooleanField()
    appeal_until = serializers.DateTimeField()
    appeal = AppealOutput(allow_null=True)


class BanOutput(serializers.ModelSerializer[Ban]):
    class Meta:
        model = Ban
        fields = ["starts_at", "ends_at", "points", "lifted_at", "lift_reason"]
        read_only_fields = fields


class StandingOutput(serializers.Serializer[Any]):
    points = serializers.IntegerField(
        help_text=_("What counts towards the next ban now.")
    )
    banned_until = serializers.DateTimeField(allow_null=True)
    rule = RuleOutput(allow_null=True)
    rows = PointOutput(many=True)
    bans = BanOutput(many=True)


class AppealInput(serializers.Serializer[Any]):
    words = serializers.CharField(
        max_length=500, help_text=_("What happened, in the person's own words.")
    )
