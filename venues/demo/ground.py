"""Where things stand in the demonstration: near the seat of their district."""

from __future__ import annotations

from django.contrib.gis.geos import Point

from bureau.common.demo import DemoCity
from bureau.regions.models import District

# The seats of government (degrees, WGS-84), where halls and businesses are.
SEATS = {
    "370811": (116.596, 35.409),
    "370812": (116.828, 35.553),
    "370826": (117.129, 34.807),
    "370827": (116.650, 35.012),
    "370828": (116.312, 35.067),
    "370829": (116.342, 35.408),
    "370830": (116.489, 35.733),
    "370831": (117.274, 35.665),
    "370832": (116.096, 35.802),
    "370881": (116.986, 35.581),
    "370883": (117.004, 35.405),
}
SPREAD = 0.035  # degrees, some three kilometres


def spot_in(city: DemoCity, district: District) -> Point:
    """A place near the seat, and inside the boundary."""
    longitude, latitude = SEATS[district.code]
    for _try in range(50):
        place = Point(
            round(longitude + city.dice.uniform(-SPREAD, SPREAD), 6),
            round(latitude + city.dice.uniform(-SPREAD, SPREAD), 6),
            srid=4326,
        )
        if district.boundary.contains(place):
            return place
    inside: Point = district.boundary.point_on_surface
    return inside
