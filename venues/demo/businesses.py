"""Fifty-four high-risk sports businesses, as places that are inspected."""

from __future__ import annotations

from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues.demo.ground import spot_in
from venues.models import Venue

# How many of each sport, what such a business calls itself, and in English.
TRADES = (
    (Sport.SWIMMING, 34, "游泳健身会所", "Swimming Club"),
    (Sport.CLIMBING, 9, "攀岩馆", "Climbing Hall"),
    (Sport.DIVING, 7, "潜水俱乐部", "Diving Club"),
    (Sport.SKIING, 4, "滑雪场", "Ski Slope"),
)
BRANDS = (
    ("碧波", "Bibo"),
    ("蓝湾", "Lanwan"),
    ("鱼跃", "Yuyue"),
    ("清泉", "Qingquan"),
    ("远航", "Yuanhang"),
    ("晨曦", "Chenxi"),
)


def fill(city: DemoCity) -> None:
    districts = list(District.objects.in_order())
    venues: list[Venue] = []
    for sport, count, trade, trade_en in TRADES:
        for number in range(count):
            district = districts[(len(venues)) % len(districts)]
            brand, brand_en = BRANDS[number // len(districts) % len(BRANDS)]
            place = district.name[:-1]
            english = district.name_en.split()[0] if district.name_en else ""
            venues.append(
                Venue(
                    code=f"JNDEM0BSN{len(venues) + 1:03}",
                    kind=Venue.Kind.BUSINESS,
                    name=f"{place}{brand}{trade}",
                    name_en=f"{english} {brand_en} {trade_en}".strip(),
                    district=district,
                    address=f"{district.name}示范路{len(venues) + 1}号",
                    phone=f"0537-0000{500 + len(venues)}",
                    location=spot_in(city, district),
                    sports=[sport],
                )
            )
    Venue.objects.bulk_create(venues)
    city.say(f"{len(venues)} high-risk sports businesses")
