from __future__ import annotations

from typing import Any

from rest_framework import serializers

from venues.models import Crossing, GateDevice, OfflineScan
from venues.models.rules import PriceGroup
from venues.serializers.fields import AwareDateTimeField

MOST_SCANS = 200


class VenueInput(serializers.Serializer[Any]):
    venue = serializers.CharField(max_length=14)


class CountInput(VenueInput):
    """People who went through a door without a pass."""

    direction = serializers.ChoiceField(choices=Crossing.Direction.choices)
    persons = serializers.IntegerField(min_value=1, max_value=500, default=1)
    group = serializers.ChoiceField(
        choices=PriceGroup.choices, default="", allow_blank=True
    )
    door = serializers.IntegerField(required=False, min_value=1)
    request_key = serializers.UUIDField(
        help_text="The same key again is the same count."
    )
    over_limit_because = serializers.CharField(
        max_length=200, default="", allow_blank=True
    )


class HourOutput(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    came = serializers.IntegerField()
    left = serializers.IntegerField()


class CrowdOutput(serializers.Serializer[Any]):
    """Who is inside since the morning, and how many may be."""

    inside = serializers.IntegerField()
    came = serializers.IntegerField()
    left = serializers.IntegerField()
    most = serializers.IntegerField(allow_null=True)
    is_nearly_full = serializers.BooleanField()
    is_full = serializers.BooleanField()


class CrowdDayOutput(CrowdOutput):
    hours = HourOutput(many=True)


class LeaveInput(VenueInput):
    text = serializers.CharField(max_length=300)
    door = serializers.IntegerField(required=False, min_value=1)


class DeviceInput(VenueInput):
    name = serializers.CharField(max_length=60)


class DeviceOutput(serializers.ModelSerializer[GateDevice]):
    device = serializers.UUIDField(source="public_id")
    venue = serializers.CharField(source="venue.code")

    class Meta:
        model = GateDevice
        fields = ["device", "venue", "name", "registered_at", "list_issued_at"]
        read_only_fields = fields


class SignedListOutput(serializers.Serializer[Any]):
    """`body` is JSON text; `signature` is ECDSA P-256 with SHA-256 over it, r and s."""

    body = serializers.CharField()
    signature = serializers.CharField()
    public_key = serializers.DictField(child=serializers.CharField())
    now = serializers.DateTimeField()


class ScanInput(serializers.Serializer[Any]):
    key = serializers.UUIDField(help_text="The device's own; told twice it counts once")
    code = serializers.CharField(max_length=14)
    at = AwareDateTimeField()
    ticket = serializers.CharField(max_length=500, default="", allow_blank=True)


class ScansInput(serializers.Serializer[Any]):
    scans = serializers.ListField(child=ScanInput(), max_length=MOST_SCANS)


class ScanOutput(serializers.ModelSerializer[OfflineScan]):
    key = serializers.UUIDField(source="scan_key")
    code = serializers.CharField(source="pass_code")

    class Meta:
        model = OfflineScan
        fields = ["key", "code", "scanned_at", "outcome"]
        read_only_fields = fields
