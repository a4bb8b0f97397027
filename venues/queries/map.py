"""Venues on the map, aggregated for the viewport."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.utils.translation import get_language


@dataclass(frozen=True)
class MapPoint:
    """One venue, or a cluster of `count` venues around its centre (WGS-84 degrees)."""

    longitude: float
    latitude: float
    count: int
    code: str
    name: str


# Cells of a grid in degrees: about 64 pixels wide at each zoom, never below a street.
_CELL_AT_ZOOM_0 = 360 * 64 / 256
CLOSEST_ZOOM = 14


def map_points(
    *, box: tuple[float, float, float, float], zoom: int, sport: str = ""
) -> list[MapPoint]:
    """Venues in a viewport (west, south, east, north), near ones merged for the zoom.

    One question to the database; from zoom 14 on nothing is merged.
    """
    cell = _CELL_AT_ZOOM_0 / 2**zoom if zoom < CLOSEST_ZOOM else 0.00001
    sql = """
        SELECT avg(ST_X(p)), avg(ST_Y(p)), count(*), min(code), min(name), min(name_en)
          FROM (SELECT location::geometry AS p, code, name, name_en
                  FROM venues_venue
                 WHERE closed_on IS NULL AND kind = 'public'
                   AND (%(sport)s = '' OR %(sport)s = ANY (sports))
                   AND location::geometry
                       && ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4326)
               ) AS seen
         GROUP BY ST_SnapToGrid(p, %(cell)s)
         ORDER BY count(*) DESC, min(code)
         LIMIT 500
    """
    west, south, east, north = box
    given = {
        "sport": sport,
        "cell": cell,
        "w": west,
        "s": south,
        "e": east,
        "n": north,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found = cursor.fetchall()
    english = (get_language() or "").startswith("en")
    points = []
    for x, y, count, code, name, name_en in found:
        shown = (english and name_en) or name
        single = count == 1
        points.append(
            MapPoint(x, y, count, code if single else "", shown if single else "")
        )
    return points
