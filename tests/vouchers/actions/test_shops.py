"""Shops are added, moved, closed and opened; where vouchers are taken near me."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bureau.common import clock
from tests import make as city
from tests.vouchers import business, make
from vouchers import actions
from vouchers.errors.merchants import (
    MerchantCorrected,
    MerchantDecided,
    MerchantNotApproved,
    ShopNamed,
    ShopSportUnknown,
    ShopWaits,
)
from vouchers.models import Merchant, Shop
from vouchers.queries import ShopWish, count_shops, find_shops, shop_points, shops_near

pytestmark = pytest.mark.django_db
CENTRE = Point(116.587, 35.415, srid=4326)


def as_facts(shop: Shop) -> actions.ShopFacts:
    return actions.ShopFacts(
        name=shop.name,
        address=shop.address,
        phone=shop.phone,
        location=shop.location,
        sports=tuple(shop.sports),
    )


def test_a_new_shop_takes_vouchers_when_staff_have_looked() -> None:
    merchant = business.approved()
    shop = actions.add_shop(
        merchant=merchant, facts=business.shop_facts(), by=merchant.contact
    )
    assert shop not in Shop.objects.taking_vouchers()
    with pytest.raises(ShopWaits):
        actions.open_shop(shop=shop, is_open=True, by=merchant.contact)
    with pytest.raises(IntegrityError, match="open_is_checked"), transaction.atomic():
        Shop.objects.filter(pk=shop.pk).update(is_open=True)
    checked = actions.check_shop(shop=shop, by=city.user())
    assert checked in Shop.objects.taking_vouchers()
    with pytest.raises(MerchantDecided):
        actions.check_shop(shop=shop, by=city.user())


@pytest.mark.parametrize(
    ("moved", "waits"),
    [
        ({"phone": "0537-1234567"}, False),
        ({"name": "Other"}, False),
        ({"location": Point(116.58705, 35.41505, srid=4326)}, False),  # 7 m
        ({"location": Point(116.588, 35.415, srid=4326)}, True),  # 90 m
        ({"address": "Elsewhere"}, True),
    ],
)
def test_a_shop_that_moves_is_looked_at_again(
    moved: dict[str, Any], *, waits: bool
) -> None:
    merchant = business.approved()
    shop = merchant.shops.get()
    shop = actions.change_shop(
        shop=shop, facts=replace(as_facts(shop), **moved), by=merchant.contact
    )
    assert (shop.waits_since is not None) is waits
    assert shop.is_open is not waits


def test_staff_check_the_shop_that_they_saw() -> None:
    merchant = business.approved()
    shop = actions.add_shop(
        merchant=merchant, facts=business.shop_facts(), by=merchant.contact
    )
    seen = Shop.objects.get(pk=shop.pk)
    facts = replace(as_facts(shop), address="Elsewhere")
    actions.change_shop(shop=shop, facts=facts, by=merchant.contact)
    with pytest.raises(MerchantCorrected):
        actions.check_shop(shop=seen, by=city.user())


def test_names_and_sports_of_shops_are_checked() -> None:
    merchant = business.approved()
    taken = merchant.shops.get().name
    for wrong, refusal in (
        ({"name": taken}, ShopNamed),
        ({"sports": ("swimming",)}, ShopSportUnknown),
    ):
        with pytest.raises(refusal):
            actions.add_shop(
                merchant=merchant,
                facts=business.shop_facts(**wrong),
                by=merchant.contact,
            )


def test_a_manager_closes_a_shop_for_a_while() -> None:
    merchant = business.approved()
    shop = merchant.shops.get()
    actions.open_shop(shop=shop, is_open=False, by=merchant.contact)
    assert not Shop.objects.taking_vouchers().exists()
    actions.open_shop(shop=shop, is_open=True, by=merchant.contact)
    assert Shop.objects.taking_vouchers().exists()
    actions.leave_as_merchant(merchant=merchant, by=merchant.contact)
    with pytest.raises(MerchantNotApproved):
        actions.open_shop(shop=shop, is_open=True, by=merchant.contact)
    with pytest.raises(MerchantNotApproved):
        actions.change_shop(shop=shop, facts=as_facts(shop), by=merchant.contact)


# --- Finding --------------------------------------------------------------------------


def shop_at(lon: float, lat: float, merchant: Merchant, name: str = "") -> Shop:
    given = {"name": name} if name else {}
    place = Point(lon, lat, srid=4326)
    return make.shop(merchant, location=place, district=city.district(), **given)


def names(*shops: Shop) -> list[str]:
    return [shop.number for shop in shops]


def test_the_nearest_shop_comes_first() -> None:
    merchant = make.merchant()
    far, near, middle = (
        shop_at(116.587 + by, 35.415, merchant) for by in (0.2, 0.01, 0.1)
    )
    found = shops_near(CENTRE, at=clock.now())
    assert [one.number for one in found] == names(near, middle, far)
    assert found[0].metres == pytest.approx(908, abs=5)
    assert len(shops_near(CENTRE, at=clock.now(), limit=2)) == 2


def test_only_where_a_campaign_is_taken_now() -> None:
    now, campaign = clock.now(), make.campaign()
    inside = make.merchant(takes_part_in=campaign)
    before = make.merchant()
    make.take_part(before, campaign, since=now + timedelta(hours=1))
    over = make.merchant()
    make.take_part(over, campaign, until=now)
    shops = [make.shop(one) for one in (inside, before, over, make.merchant())]
    found = find_shops(ShopWish(campaign=campaign), at=now)
    assert [one.number for one in found] == names(shops[0])
    # The same question in the words of the querysets.
    open_ones = Shop.objects.taking_vouchers().of_campaign(campaign, at=now)
    assert list(open_ones) == [shops[0]]


def test_closed_shops_and_suspended_businesses_are_not_found() -> None:
    make.shop(is_open=False)
    make.shop(make.merchant(state="suspended", reason="x"))
    make.shop(is_open=False, waits_since=clock.now())
    assert find_shops(ShopWish(), at=clock.now()) == []
    assert count_shops(ShopWish(), at=clock.now()) == 0


def test_wishes_narrow_what_is_found() -> None:
    pool = make.merchant(
        name="Canal Pool Ltd",
        sports=["swimming", "fitness"],
        permit_number="1",
        permit_until=business.day_in(30),
    )
    first = shop_at(116.5, 35.4, pool, name="100% Canal")
    second = shop_at(116.6, 35.4, make.merchant(), name="Hall")
    at = clock.now()

    def found(wish: ShopWish) -> list[str]:
        rows = find_shops(wish, at=at)
        assert count_shops(wish, at=at) == len(rows)
        return [one.number for one in rows]

    assert found(ShopWish(sports=("swimming", "diving"))) == names(first)
    assert found(ShopWish(district=second.district.code)) == names(second)
    assert found(ShopWish(words="canal pool")) == names(first)
    assert found(ShopWish(words="100%")) == names(first)
    assert found(ShopWish(words="0_ C")) == []
    assert found(ShopWish(box=(116.55, 35.0, 117.0, 36.0))) == names(second)
    assert found(ShopWish(near=CENTRE, within_m=3000)) == names(second)


def test_a_map_groups_what_would_hide_each_other() -> None:
    merchant = make.merchant()
    shops = [shop_at(116.5 + n * 0.001, 35.4, merchant) for n in range(3)]
    lonely = shop_at(116.9, 35.9, merchant)
    at, box = clock.now(), (116.0, 35.0, 117.0, 36.0)
    grouped = shop_points(ShopWish(box=box), zoom=9, at=at)
    assert [(one.count, one.number) for one in grouped] == [(3, ""), (1, lonely.number)]
    single = shop_points(ShopWish(box=box), zoom=15, at=at)
    assert {one.number for one in single} == {*names(*shops), lonely.number}


def test_one_question_however_many_shops() -> None:
    merchant = make.merchant()
    for n in range(5):
        shop_at(116.5 + n / 100, 35.4, merchant)
    with CaptureQueriesContext(connection) as asked:
        shops_near(CENTRE, at=clock.now())
    assert len(asked) == 1
