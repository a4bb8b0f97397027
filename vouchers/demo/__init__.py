"""The voucher campaigns of the demonstration: what was given, used, paid and is next.

What lies in the past cannot be claimed or redeemed any more, so the crowd's vouchers
are written as rows, the same rows that the actions would have left behind, with every
fen in the book; `manage.py prove` holds them against every promise.
"""

from __future__ import annotations

from bureau.common.demo import DemoCity
from vouchers import actions
from vouchers.demo import (
    campaigns,
    counters,
    draws,
    merchants,
    people,
    radar,
    rushes,
    settlements,
)
from vouchers.demo.merchants import Counter
from vouchers.demo.people import Crowd
from vouchers.demo.rows import Rows
from vouchers.models import Redemption, Voucher


def fill(city: DemoCity) -> None:
    crowd = people.fill(city)
    shops = merchants.fill(city)
    _earlier(city, crowd, shops)
    campaign = campaigns.fill(city)
    rows = Rows(campaign)
    rushes.first_and_second(city, campaign, rows, crowd)
    draws.fill(city, campaign, rows, crowd)
    rushes.third(city, campaign, rows, crowd)
    counters.fill(city, rows, shops)
    rows.save()
    city.let_the_planner_know()
    city.say(
        f"{Voucher.objects.count()} vouchers, {Redemption.objects.count()} redemptions"
    )
    radar.fill(city, campaign.campaign)
    settlements.fill(city, campaign.campaign)
    actions.count_hours(campaign=campaign.campaign, at=city.now)


def _earlier(city: DemoCity, crowd: Crowd, shops: list[Counter]) -> None:
    made = campaigns.earlier(city)
    rows = Rows(made)
    rushes.earlier(city, made, rows, crowd)
    taking = made.campaign.participations.values_list("merchant", flat=True)
    few = [shop for shop in shops if shop.merchant.pk in set(taking)]
    counters.fill(city, rows, few)
    rows.save()
    city.let_the_planner_know()
    settlements.close(city, made.campaign)
    actions.count_hours(campaign=made.campaign, at=city.now)
