from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from django.contrib.gis.geos import MultiPolygon, Point

from bureau.accounts.models import User
from bureau.regions.models import District, Posting

DECIMALS = 3  # about 100 m: borders still meet, for all are rounded alike
WIDTH = 1000

Ring = list[tuple[float, float]]


def district_of(point: Point) -> District | None:
    """The district that a WGS-84 point lies in; None outside the city."""
    return District.objects.covering(point).in_order().first()


def districts_of(user: User) -> set[int] | None:
    """The ids of the districts that a member of staff may see; None means all.

    None is for city staff, auditors and administrators; an empty set sees nothing.
    """
    if user.sees_the_city:
        return None
    return set(Posting.objects.of(user).values_list("district_id", flat=True))


def boundaries() -> dict[str, Any]:
    """The districts as small GeoJSON, named in the language of the page."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": district.code,
                "properties": {"code": district.code, "name": district.local_name},
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": _rounded(district.boundary),
                },
            }
            for district in District.objects.in_order()
        ],
    }


def boundaries_json() -> bytes:
    """`boundaries` as it goes over the wire."""
    text = json.dumps(boundaries(), ensure_ascii=False, separators=(",", ":"))
    return text.encode()


@dataclass(frozen=True)
class Shape:
    """A district as an SVG path; the label stands inside it."""

    code: str
    name: str
    path: str
    label_x: int
    label_y: int


@dataclass(frozen=True)
class Outline:
    """The city for templates/regions/_map.html: a map without JavaScript."""

    width: int
    height: int
    shapes: list[Shape]

    @property
    def view_box(self) -> str:
        return f"0 0 {self.width} {self.height}"

    @property
    def is_empty(self) -> bool:
        return not self.shapes


def outline() -> Outline:
    """All districts, fitted into a drawing 1000 units wide, north up."""
    districts = list(District.objects.in_order())
    if not districts:
        return Outline(WIDTH, WIDTH, [])
    extents = [district.boundary.extent for district in districts]
    west, south = min(e[0] for e in extents), min(e[1] for e in extents)
    east, north = max(e[2] for e in extents), max(e[3] for e in extents)
    # A degree of longitude is shorter than one of latitude, by the cosine.
    across = cos(radians((south + north) / 2))
    scale = WIDTH / ((east - west) * across)

    def place(lon: float, lat: float) -> tuple[int, int]:
        return round((lon - west) * across * scale), round((north - lat) * scale)

    shapes = []
    for district in districts:
        inside = district.boundary.point_on_surface
        x, y = place(inside.x, inside.y)
        rings = [
            _path(place(lon, lat) for lon, lat in ring)
            for polygon in district.boundary.coords
            for ring in polygon
        ]
        path = "".join(rings)
        shapes.append(Shape(district.code, district.local_name, path, x, y))
    return Outline(WIDTH, round((north - south) * scale), shapes)


def _path(points: Iterable[tuple[int, int]]) -> str:
    """A closed ring in relative steps, which are shorter to write."""
    steps: list[str] = []
    last: tuple[int, int] | None = None
    for x, y in points:
        if last is None:
            steps.append(f"M{x} {y}")
        elif (x, y) != last:
            steps.append(f"l{x - last[0]} {y - last[1]}")
        last = x, y
    return "".join(steps) + "z"


def _rounded(boundary: MultiPolygon) -> list[list[Ring]]:
    polygons = [[_thinned(ring) for ring in polygon] for polygon in boundary.coords]
    return [
        [ring for ring in polygon if len(ring) > 3]
        for polygon in polygons
        if len(polygon[0]) > 3
    ]


def _thinned(ring: Iterable[tuple[float, float]]) -> Ring:
    thinned: Ring = []
    for lon, lat in ring:
        place = round(lon, DECIMALS), round(lat, DECIMALS)
        if not thinned or thinned[-1] != place:
            thinned.append(place)
    return thinned
