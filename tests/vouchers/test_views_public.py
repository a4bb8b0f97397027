"""Everybody sees what is given away, when, by which rules and where it is taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from vouchers.models import Campaign, Terms
from vouchers.queries import live
from vouchers.queries.offers import Phase, news, offer_of, phase_of, with_rounds

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


def page(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.content.decode()


def test_the_list_tells_what_is_now_what_comes_and_what_is_over(client: Client) -> None:
    now = clock.now()
    open_one = make.lot().tier.campaign
    coming = make.campaign(name="来年")
    make.round_of(coming, opens_at=now + 24 * HOUR)
    over = make.campaign(name="去年")
    make.round_of(over, opens_at=now - 48 * HOUR, closes_at=now - 24 * HOUR)
    draft = make.campaign(state="draft", name="草稿")

    text = page(client, "/vouchers/")

    order = [text.index(one.name) for one in (open_one, coming, over)]
    assert order == sorted(order)
    assert draft.name not in text


def test_nothing_to_give_is_said(client: Client) -> None:
    assert "No vouchers are given out at the moment." in page(client, "/vouchers/")


def test_the_page_of_a_campaign_tells_all_of_it(client: Client) -> None:
    lot = make.lot(amount=100)
    campaign = lot.tier.campaign
    firm = make.merchant(takes_part_in=campaign)
    shop = make.shop(firm, name="任城羽毛球馆")
    make.voucher(lot)

    text = page(client, campaign.get_absolute_url())

    assert campaign.name in text
    assert f'data-stock-lot="{lot.pk}"' in text
    assert ">99</b> of 100 left" in text
    assert "At most" in text or "Each value says" in text
    assert shop.name in text
    assert lot.round.get_absolute_url() in text
    assert "Sign in, and this page says whether you may claim." in text


def test_a_rush_that_is_open_comes_before_a_draw_that_is_entered_for_days(
    client: Client,
) -> None:
    now = clock.now()
    lot = make.lot()
    make.round_of(
        lot.tier.campaign,
        number=9,
        way="draw",
        opens_at=now - 2 * HOUR,
        closes_at=now + 24 * HOUR,
        draws_at=now + 30 * HOUR,
    )

    text = page(client, lot.tier.campaign.get_absolute_url())

    assert "Claim a voucher" in text
    assert "Enter the draw" not in text


def test_rounds_that_are_over_stand_behind_those_that_count(client: Client) -> None:
    now = clock.now()
    lot = make.lot()
    over = make.round_of(
        lot.tier.campaign,
        opens_at=now - 48 * HOUR,
        closes_at=now - 24 * HOUR,
    )

    text = page(client, lot.tier.campaign.get_absolute_url())

    shown, folded = text.split("<summary>Over</summary>")
    assert lot.round.get_absolute_url() in shown
    assert over.get_absolute_url() not in shown
    assert over.get_absolute_url() in folded


def test_each_kind_says_how_many_a_person_may_have(client: Client) -> None:
    lot = make.lot(make.tier(per_person=3))

    text = page(client, lot.tier.campaign.get_absolute_url())

    assert "At most 3 of these for each person" in text


def test_a_draft_is_nobodys_business(client: Client) -> None:
    draft = make.campaign(state="draft")
    made = make.round_of(draft)
    for address in (
        draft.get_absolute_url(),
        f"{draft.get_absolute_url()}stock.json",
        made.get_absolute_url(),
        f"{made.get_absolute_url()}now.json",
    ):
        page(client, address, 404)


def test_who_has_no_real_name_is_told_before_the_opening(client: Client) -> None:
    made = make.tier().campaign
    coming = make.round_of(made, opens_at=clock.now() + HOUR)
    coming.lots.create(tier=made.tiers.get(), amount=10)
    client.force_login(city.citizen())
    text = page(client, made.get_absolute_url())
    assert "Confirm my real name" in text

    client.force_login(city.verified())
    assert "Nothing speaks against it" in page(client, made.get_absolute_url())


def test_changed_rules_are_shown_with_their_reason(client: Client) -> None:
    made = make.lot().tier.campaign
    Terms.objects.create(
        campaign=made,
        version=2,
        reason="更多的人",
        valid_days=30,
        most_in_all=1,
        published_at=clock.now(),
    )
    text = page(client, made.get_absolute_url())
    assert "The rules have been changed" in text
    assert "更多的人" in text


def test_stock_is_read_from_memory_for_a_second(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lot = make.lot(amount=5)
    address = f"{lot.tier.campaign.get_absolute_url()}stock.json"
    with time_machine.travel(clock.now(), tick=False) as travel:
        first = client.get(address).json()
        assert first["rounds"][0]["lots"][0]["left"] == 5
        make.voucher(lot)
        with django_assert_num_queries(0):
            assert client.get(address).json()["rounds"] == first["rounds"]
        travel.shift(timedelta(seconds=1))
        assert client.get(address).json()["rounds"][0]["lots"][0]["left"] == 4


def test_the_page_asks_as_often_for_many_vouchers_as_for_none(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    tier = make.tier()
    for _n in range(4):
        lot = make.lot(tier)
        make.voucher(lot)
    address = tier.campaign.get_absolute_url()
    page(client, address)
    with django_assert_max_num_queries(20):
        page(client, address)


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (-16, Phase.PLANNED),
        (-15, Phase.GATHERING),
        (-1, Phase.GATHERING),
        (0, Phase.OPEN),
        (59, Phase.OPEN),
        (60, Phase.OVER),
    ],
)
def test_the_phases_of_a_rush_follow_from_its_times(at: int, phase: Phase) -> None:
    opens = clock.now()
    rush = make.round_of(opens_at=opens, closes_at=opens + HOUR, lobby_minutes=15)
    assert phase_of(rush, at=opens + timedelta(minutes=at)) == phase


@pytest.mark.parametrize(
    ("at", "handed_out", "phase"),
    [
        (-1, False, Phase.PLANNED),
        (0, False, Phase.ENTERING),
        (2, False, Phase.DRAWING),
        (6, False, Phase.DRAWING),
        (7, True, Phase.DRAWN),
        (9, True, Phase.GATHERING),
        (10, True, Phase.OPEN),
        (12, True, Phase.OVER),
    ],
)
def test_the_phases_of_a_hybrid_follow_from_its_times(
    *, at: int, handed_out: bool, phase: Phase
) -> None:
    opens = clock.now()
    made = make.round_of(
        way="hybrid",
        opens_at=opens,
        closes_at=opens + 2 * HOUR,
        draws_at=opens + 6 * HOUR,
        rush_opens_at=opens + 10 * HOUR,
        rush_closes_at=opens + 12 * HOUR,
        lobby_minutes=60,
        handed_out_at=opens + 7 * HOUR if handed_out else None,
    )
    assert phase_of(made, at=opens + at * HOUR) == phase


def test_a_closed_campaign_offers_nothing() -> None:
    now = clock.now()
    made = make.lot().tier.campaign
    Campaign.objects.filter(pk=made.pk).update(state="closed", closed_at=now)
    offer = offer_of(with_rounds(Campaign.objects.all()).get(pk=made.pk), at=now)
    assert offer.is_over


def test_the_home_page_tells_of_a_round_that_is_near(client: Client) -> None:
    now = clock.now()
    near = make.round_of(make.campaign(name="近"), opens_at=now + 24 * HOUR)
    make.round_of(make.campaign(name="远"), opens_at=now + 240 * HOUR)
    assert [one.round for one in news(at=now)] == [near]
    text = page(client, "/")
    assert near.get_absolute_url() in text
    assert 'href="/vouchers/"' in text
