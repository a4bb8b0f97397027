"""Where vouchers are taken: near me, in a district, on a map. One question each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.gis.db.models import PointField
from django.contrib.gis.db.models.functions import SnapToGrid
from django.contrib.gis.geos import Point, Polygon
from django.db import connection
from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Cast

from bureau.common.sports import Sport
from bureau.common.words import listed
from vouchers.models import Campaign, Shop

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees (WGS-84)."""
MOST_NEAR = 50
# Cells of a grid in degrees: about 64 pixels wide at each zoom, never below a street.
_CELL_AT_ZOOM_0 = 360 * 64 / 256
CLOSEST_ZOOM = 14
MOST_GROUPS = 500

_WITH = """
    SELECT shop.id, shop.number, shop.name, shop.address, shop.phone, shop.sports,
           shop.location, merchant.number AS merchant_number,
           merchant.name AS merchant_name, merchant.sports AS merchant_sports,
           district.name AS district, district.name_en AS district_en,
           district.position
      FROM vouchers_shop AS shop
      JOIN vouchers_merchant AS merchant ON merchant.id = shop.merchant_id
      JOIN regions_district AS district ON district.id = shop.district_id
     WHERE shop.is_open AND merchant.state = 'approved'
"""


@dataclass(frozen=True)
class ShopWish:
    """What somebody looks for. Empty fields ask for nothing."""

    sports: tuple[str, ...] = ()
    """Any of them."""
    district: str = ""
    """The district's code."""
    words: str = ""
    """In the name or the address of the shop or the name of its business."""
    campaign: Campaign | None = None
    """Where this campaign's vouchers are taken now."""
    near: Point | None = None
    within_m: int | None = None
    box: Box | None = None


@dataclass(frozen=True)
class FoundShop:
    """A shop that takes vouchers, and how far it is."""

    number: str
    name: str
    address: str
    phone: str
    sports: tuple[str, ...]
    merchant_number: str
    merchant_name: str
    district: str
    district_en: str
    longitude: float
    latitude: float
    metres: int | None
    """From the place that was asked for; None without one."""

    @property
    def sport_words(self) -> str:
        """What it offers, in the language of the reader."""
        return listed(Sport(sport).label for sport in self.sports)


@dataclass(frozen=True)
class ShopPoint:
    """A shop on a map, or several that would hide each other."""

    longitude: float
    latitude: float
    count: int
    number: str
    """Of one shop alone; "" for a group. So are the others."""
    name: str
    merchant_number: str


def find_shops(
    wish: ShopWish, *, at: datetime, limit: int | None = None, offset: int = 0
) -> list[FoundShop]:
    """Shops that fit: the nearest first, or by district and name."""
    near = "ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)::geography"
    metres, order = "NULL::float", "position, name, id"
    if wish.near:
        # `<->` walks the index from the place outwards; nothing else is measured.
        metres = f"ST_Distance(location, {near})"
        order = f"location <-> {near}, id"
    sql = f"""
        SELECT number, name, address, phone, sports, merchant_number, merchant_name,
               district, district_en, ST_X(location::geometry),
               ST_Y(location::geometry), {metres}
          FROM ({_WITH}{_where(wish)}) AS shop
         ORDER BY {order}
         LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608 - our own words
    given = _given(wish, at) | {"limit": limit, "offset": offset}
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        rows = cursor.fetchall()
    return [_found(row) for row in rows]


def _found(row: tuple[Any, ...]) -> FoundShop:
    *texts, sports, firm, firm_name, district, district_en, x, y, metres = row
    number, name, address, phone = texts
    return FoundShop(
        number=number,
        name=name,
        address=address,
        phone=phone,
        sports=tuple(sports),
        merchant_number=firm,
        merchant_name=firm_name,
        district=district,
        district_en=district_en,
        longitude=x,
        latitude=y,
        metres=None if metres is None else round(metres),
    )


def count_shops(wish: ShopWish, *, at: datetime) -> int:
    """How many fit."""
    sql = f"SELECT count(*) FROM ({_WITH}{_where(wish)}) AS shop"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, _given(wish, at))
        return int(cursor.fetchone()[0])


def shops_near(
    point: Point,
    *,
    campaign: Campaign | None = None,
    sports: Sequence[str] = (),
    at: datetime,
    limit: int = 10,
) -> list[FoundShop]:
    """The nearest shops where a voucher can be used; no sports are all sports."""
    wish = ShopWish(near=point, campaign=campaign, sports=tuple(sports))
    return find_shops(wish, at=at, limit=min(limit, MOST_NEAR))


def shop_points(wish: ShopWish, *, zoom: int, at: datetime) -> list[ShopPoint]:
    """Shops in the wish's box, near ones merged for the zoom (none from 14 on)."""
    cell = _CELL_AT_ZOOM_0 / 2**zoom if zoom < CLOSEST_ZOOM else 0.00001
    sql = f"""
        SELECT avg(ST_X(place)), avg(ST_Y(place)), count(*), min(number), min(name),
               min(merchant_number)
          FROM (SELECT *, location::geometry AS place
                  FROM ({_WITH}{_where(wish)}) AS shop) AS shop
         GROUP BY ST_SnapToGrid(place, %(cell)s)
         ORDER BY count(*) DESC, min(number)
         LIMIT {MOST_GROUPS}
    """  # noqa: S608 - our own words
    with connection.cursor() as cursor:
        cursor.execute(sql, _given(wish, at) | {"cell": cell})
        rows = cursor.fetchall()
    return [
        ShopPoint(x, y, count, *((number, name, firm) if count == 1 else ("", "", "")))
        for x, y, count, number, name, firm in rows
    ]


def _where(wish: ShopWish) -> str:
    near = "ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)::geography"
    box = "ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326)"
    conditions = (
        (wish.sports, "shop.sports && %(sports)s::varchar[]"),
        (wish.district, "district.code = %(district)s"),
        (
            wish.words,
            "concat_ws(chr(10), shop.name, address, merchant.name) ILIKE %(words)s",
        ),
        (wish.campaign, _OF_CAMPAIGN),
        (
            wish.near and wish.within_m,
            f"ST_DWithin(shop.location, {near}, %(within_m)s)",
        ),
        (wish.box, f"shop.location::geometry && {box}"),
    )
    return "".join(f" AND {sql}" for is_wished, sql in conditions if is_wished)


# Its merchant takes part now.
_OF_CAMPAIGN = """
    EXISTS (SELECT FROM vouchers_participation AS part
             WHERE part.merchant_id = merchant.id
               AND part.campaign_id = %(campaign)s
               AND part.since <= %(at)s
               AND (part.until IS NULL OR part.until > %(at)s))
"""


def _given(wish: ShopWish, at: datetime) -> dict[str, Any]:
    west, south, east, north = wish.box or (0.0, 0.0, 0.0, 0.0)
    words = wish.words
    for sign in ("\\", "%", "_"):
        words = words.replace(sign, f"\\{sign}")
    return {
        "sports": list(wish.sports),
        "district": wish.district,
        "words": f"%{words}%",
        "campaign": wish.campaign.pk if wish.campaign else None,
        "at": at,
        "x": wish.near.x if wish.near else 0.0,
        "y": wish.near.y if wish.near else 0.0,
        "within_m": wish.within_m or 0,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
    }


# --- What staff look at ---------------------------------------------------------------


@dataclass(frozen=True)
class ShopGroup:
    """Shops that lie together for a zoom; `shop` where there is one alone."""

    longitude: float
    latitude: float
    count: int
    shop: Shop | None = None


def group_shops(shops: QuerySet[Shop], *, box: Box, zoom: int) -> list[ShopGroup]:
    """Any shops within a box, near ones merged for the zoom (none from 14 on)."""
    cell = _CELL_AT_ZOOM_0 / 2**zoom if zoom < CLOSEST_ZOOM else 0.00001
    place = Cast("location", PointField())
    cells = (
        shops.order_by()
        .alias(place=place)
        .filter(place__bboverlaps=Polygon.from_bbox(box))
        .annotate(cell=SnapToGrid("place", cell))
        .values("cell")
        .annotate(shops=Count("pk"), one=Min("pk"))
        .order_by("-shops", "one")[:MOST_GROUPS]
    )
    found = list(cells)
    alone = [row["one"] for row in found if row["shops"] == 1]
    known = {
        shop.pk: shop
        for shop in Shop.objects.filter(pk__in=alone).select_related("merchant")
    }
    return [
        ShopGroup(point.x, point.y, row["shops"], shop)
        for row in found
        for shop in [known.get(row["one"]) if row["shops"] == 1 else None]
        for point in [shop.location if shop else row["cell"]]
    ]
