"""Staff see all shops on one map, closed ones too, each those of their districts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains

from bureau.accounts.models import Role, User
from bureau.regions.models import Posting
from tests.venues.test_admin import client_of, staff
from tests.vouchers import business, make
from vouchers.models import Shop

pytestmark = pytest.mark.django_db
POINTS = "/admin/vouchers/shop/points.geojson"
CITY = {"bbox": "110,30,120,40"}


@pytest.fixture
def chief(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def features(client: Client, zoom: int) -> list[dict[str, Any]]:
    answer = client.get(POINTS, {**CITY, "zoom": str(zoom)})
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["features"]
    return found


def test_near_shops_are_one_point_with_a_count_and_part_when_one_comes_closer(
    chief: Client,
) -> None:
    firm = make.merchant()
    for east in (0.0, 0.002):
        make.shop(firm, location=Point(116.587 + east, 35.415))

    (group,) = features(chief, zoom=8)
    assert group["properties"] == {"count": 2}
    alone = features(chief, zoom=16)
    assert [one["properties"]["count"] for one in alone] == [1, 1]
    assert {one["geometry"]["coordinates"][0] for one in alone} == {116.587, 116.589}


def test_a_closed_shop_is_shown_and_says_so(chief: Client) -> None:
    shop = make.shop(is_open=False)

    (found,) = features(chief, zoom=16)

    assert found["properties"]["name"] == shop.name
    assert found["properties"]["badge"] == "This shop is closed for vouchers."
    assert found["properties"]["url"] == f"/admin/vouchers/shop/{shop.pk}/change/"


def test_the_page_lists_what_waits_and_the_map_is_reached_from_the_list(
    chief: Client,
) -> None:
    merchant = business.approved()
    Shop.objects.filter(merchant=merchant).update(
        is_open=False, waits_since=merchant.applied_at
    )

    address = reverse("admin:vouchers_shop_shops_map")
    assertContains(chief.get("/admin/vouchers/shop/"), address)
    page = chief.get(address)
    assertContains(page, "Shops to look at")
    assertContains(page, f'data-map-points="{POINTS}"')


def test_who_works_for_a_district_sees_its_shops_alone() -> None:
    shop = make.shop()
    person = staff(Role.BUREAU_STAFF)
    client = client_of(person)
    assert features(client, zoom=16) == []
    Posting.objects.create(user=person, district=shop.district)
    assert len(features(client, zoom=16)) == 1


def test_the_map_costs_the_same_for_one_shop_or_ten(
    chief: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    firm = make.merchant()
    for east in range(10):
        make.shop(firm, location=Point(116.5 + east / 100, 35.415))
    with django_assert_max_num_queries(8):
        assert len(features(chief, zoom=16)) == 10


def test_a_stranger_and_a_wrong_viewport_get_nothing(chief: Client) -> None:
    assert chief.get(POINTS, {"bbox": "x", "zoom": "9"}).status_code == 400
    assert Client().get(POINTS, CITY).status_code == 302
