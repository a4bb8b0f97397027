"""The public page of the figures, and the same as open data."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from bureau.common import clock
from tests.vouchers import make
from tests.vouchers.test_figures import rush, world
from vouchers import actions
from vouchers.models import Campaign
from vouchers.queries.figures import NAMED_FROM

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    made, *_lots = world()
    actions.count_hours(campaign=made, at=clock.now())
    return made


def page_of(campaign: Campaign) -> str:
    answer = Client().get(reverse("vouchers:figures", args=[campaign.slug]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_everybody_may_see_it_and_every_chart_has_its_table(campaign: Campaign) -> None:
    page = page_of(campaign)

    assert "Was it fair?" in page
    assert page.count('<svg class="drawing"') >= 6
    assert "style=" not in page
    assert "<script>" not in page
    assert "Where the money is" in page


def test_a_draft_has_no_figures() -> None:
    draft = make.campaign(state="draft")
    for name in ("vouchers:figures", "vouchers:figures-csv", "api-voucher-figures"):
        assert Client().get(reverse(name, args=[draft.slug])).status_code == 404


def test_leverage_stands_beside_its_floor(campaign: Campaign) -> None:
    page = page_of(campaign)
    assert "Floor" in page
    assert "2.50" in page
    assert "Only what lies above that is more than arithmetic." in page


def test_a_campaign_without_anything_has_its_page() -> None:
    page = page_of(make.campaign())
    assert "No round has begun yet." in page
    assert "Nothing yet." in page


def test_a_rush_tells_how_it_went() -> None:
    of = rush(people=20, vouchers=10)
    actions.count_hours(campaign=of.campaign, at=clock.now())

    page = page_of(of.campaign)

    assert "All gone after" in page
    assert "21.0" in page
    assert "Place in the queue" in page


def test_merchants_with_few_redemptions_are_named_nowhere() -> None:
    used = make.redemption()
    campaign = used.voucher.campaign
    actions.count_hours(campaign=campaign, at=clock.now())

    name = used.merchant.name
    assert name not in page_of(campaign)
    table = Client().get(reverse("vouchers:figures-csv", args=[campaign.slug]))
    assert name not in table.content.decode()
    data = APIClient().get(reverse("api-voucher-figures", args=[campaign.slug])).json()
    assert name not in str(data)
    assert data["merchants"][0]["redeemed"] == 1


def test_the_table_adds_up_and_holds_no_formula() -> None:
    lot = make.lot()
    clerk = make.member(make.merchant(name="=1+1"))
    for _n in range(NAMED_FROM):
        make.redemption(make.voucher(lot), clerk=clerk)
    campaign = lot.tier.campaign
    actions.count_hours(campaign=campaign, at=clock.now())

    answer = Client().get(reverse("vouchers:figures-csv", args=[campaign.slug]))

    rows = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))
    for part in ("total", "district", "merchant", "sport", "day", "hour", "tier"):
        mine = [row for row in rows if row["part"] == part]
        assert sum(int(row["redeemed"]) for row in mine) == NAMED_FROM
    assert [row["name"] for row in rows if row["part"] == "merchant"] == ["'=1+1"]


def test_programs_get_the_same(campaign: Campaign) -> None:
    data = APIClient().get(reverse("api-voucher-figures", args=[campaign.slug])).json()

    assert data["campaign"] == campaign.slug
    assert data["vouchers"]["claimed"] == 8
    assert data["vouchers"]["redeemed"] == data["total"]["redeemed"] == 5
    assert sum(data["money_fen"].values()) == 0
    assert {tier["floor"] for tier in data["tiers"]} == {1.0, 2.5}


def test_the_page_asks_as_often_for_many_vouchers_as_for_few(
    campaign: Campaign,
) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            page_of(campaign)
        return len(asked)

    questions()
    few = questions()
    lot = campaign.rounds.order_by("pk")[0].lots.get()
    for _n in range(5):
        make.redemption(make.voucher(lot))
    actions.count_hours(campaign=campaign, at=clock.now())
    assert questions() == few
