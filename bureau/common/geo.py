"""Coordinates: the datums that maps of China come in, and distances.

Everything is stored as WGS-84 (the same as CGCS2000 within a hand's breadth, and what
GPS and 天地图 use). 高德 and 腾讯 give GCJ-02, 百度 gives BD-09: half a kilometre to
1.3 km away. They are converted at the edge, and a datum column says where a point
came from.
"""

from __future__ import annotations

import re
from math import asin, atan2, cos, hypot, pi, radians, sin, sqrt

from django.contrib.gis.geos import Point
from django.db import models
from django.utils.translation import gettext_lazy as _

SRID = 4326
EARTH_RADIUS_M = 6_371_008.8

# The Krasovsky ellipsoid that GCJ-02 is computed on.
_AXIS = 6_378_245.0
_FLATTENING = 0.00669342162296594323
_BD_TURN = pi * 3000 / 180

LonLat = tuple[float, float]

_PLACE = re.compile(r"(-?\d{1,2}(?:\.\d{1,8})?),(-?\d{1,3}(?:\.\d{1,8})?)", re.ASCII)


class Datum(models.TextChoices):
    """Where coordinates came from; the stored point is WGS-84 all the same."""

    WGS84 = "wgs84", _("WGS-84 (GPS, Tianditu)")
    GCJ02 = "gcj02", _("GCJ-02 (Amap, Tencent)")
    BD09 = "bd09", _("BD-09 (Baidu)")


def point(lon: float, lat: float, datum: str = Datum.WGS84) -> Point:
    """A WGS-84 point from coordinates of any datum."""
    return Point(*to_wgs84(lon, lat, datum), srid=SRID)


def parse_place(text: str) -> Point | None:
    """A place in an address, `35.40,116.60` (latitude first, WGS-84), if it is one."""
    found = _PLACE.fullmatch(text.strip())
    if not found:
        return None
    lat, lon = float(found[1]), float(found[2])
    return Point(lon, lat, srid=SRID) if abs(lat) <= 90 and abs(lon) <= 180 else None


def to_wgs84(lon: float, lat: float, datum: str) -> LonLat:
    """Longitude and latitude in WGS-84; good to a centimetre."""
    if datum == Datum.BD09:
        lon, lat = _bd09_to_gcj02(lon, lat)
        datum = Datum.GCJ02
    return _gcj02_to_wgs84(lon, lat) if datum == Datum.GCJ02 else (lon, lat)


def from_wgs84(lon: float, lat: float, datum: str) -> LonLat:
    """WGS-84 as another datum has it, for a link into that datum's map."""
    if datum == Datum.WGS84:
        return lon, lat
    lon, lat = _wgs84_to_gcj02(lon, lat)
    return _gcj02_to_bd09(lon, lat) if datum == Datum.BD09 else (lon, lat)


def is_in_china(lon: float, lat: float) -> bool:
    """The rectangle in which GCJ-02 is shifted at all."""
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def metres_between(a: Point, b: Point) -> float:
    """The distance over ground of two WGS-84 points, on a sphere (within 0.5 %)."""
    return metres(a.x, a.y, b.x, b.y)


def metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    half_lat = radians(lat2 - lat1) / 2
    half_lon = radians(lon2 - lon1) / 2
    across = cos(radians(lat1)) * cos(radians(lat2)) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(sin(half_lat) ** 2 + across)))


def coarse(distance_m: float) -> int:
    """A distance that tells near from far and nothing more: 50 m, 200 m, 1 km.

    The upper end of its step comes back; beyond 20 km it is 100,000.
    """
    steps = (50, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
    return next((step for step in steps if distance_m <= step), 100_000)


def _wgs84_to_gcj02(lon: float, lat: float) -> LonLat:
    if not is_in_china(lon, lat):
        return lon, lat
    east, north = _shift(lon, lat)
    return lon + east, lat + north


def _gcj02_to_wgs84(lon: float, lat: float) -> LonLat:
    # The shift has no inverse in closed form; it is nearly constant over a kilometre,
    # so that each round leaves a thousandth of the error.
    wgs = lon, lat
    for _round in range(6):
        shifted = _wgs84_to_gcj02(*wgs)
        wgs = wgs[0] + lon - shifted[0], wgs[1] + lat - shifted[1]
    return wgs


def _gcj02_to_bd09(lon: float, lat: float) -> LonLat:
    length = hypot(lon, lat) + 0.00002 * sin(lat * _BD_TURN)
    angle = atan2(lat, lon) + 0.000003 * cos(lon * _BD_TURN)
    return length * cos(angle) + 0.0065, length * sin(angle) + 0.006


def _bd09_to_gcj02(lon: float, lat: float) -> LonLat:
    gcj = lon - 0.0065, lat - 0.006
    for _round in range(6):
        shifted = _gcj02_to_bd09(*gcj)
        gcj = gcj[0] + lon - shifted[0], gcj[1] + lat - shifted[1]
    return gcj


def _shift(lon: float, lat: float) -> LonLat:
    """How far GCJ-02 moves a point, in degrees east and north."""
    x, y = lon - 105.0, lat - 35.0
    waves = 20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += (waves + 20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    north += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += (waves + 20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    east += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    curve = 1 - _FLATTENING * sin(radians(lat)) ** 2
    north_m = _AXIS * (1 - _FLATTENING) / (curve * sqrt(curve))
    east_m = _AXIS / sqrt(curve) * cos(radians(lat))
    return east * 180 / (east_m * pi), north * 180 / (north_m * pi)
