"""Fields that more than one answer needs, and the bounds of numbers and times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.common import clock

BIGGEST_ID = 2**53 - 1  # what JavaScript counts exactly


BIGGEST_FEN = 100_000_000


FAR = timedelta(days=400)


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
