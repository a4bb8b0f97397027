"""What the gate asks, and what it is answered."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from venues.models import Admission
from venues.serializers.booking import LineOutput


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
