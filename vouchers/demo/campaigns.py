"""The campaign of the demonstration: a million yuan, four tiers, seven rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bureau.accounts.demo import CITY_STAFF, FINANCE
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.demo import DemoCity
from bureau.regions.models import District
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.demo.merchants import COUNT
from vouchers.models import (
    Appropriation,
    Campaign,
    DistrictCap,
    Lot,
    Merchant,
    Participation,
    Round,
    Terms,
    Tier,
)

SLUG = "sports-vouchers"
MONEY_FEN = 1_000_000_00
DAY = timedelta(days=1)
TEN = 10 * 60  # o'clock, as a minute of the day
FEW = 12
"""How many merchants took part in the earlier campaign."""
SOON = timedelta(minutes=6)
"""How long after filling the city the next rush opens: time to sign in and look."""


@dataclass(frozen=True)
class Offer:
    """A tier: yuan off, from what bill on, how many of them, how many for a person."""

    face: int
    threshold: int
    count: int
    per_person: int


# 100,000 + 200,000 + 300,000 + 400,000 yuan.
OFFERS = (
    Offer(10, 10, 10_000, 4),
    Offer(20, 20, 10_000, 4),
    Offer(200, 500, 1_500, 2),
    Offer(400, 1000, 1_000, 1),
)


@dataclass
class DemoCampaign:
    """What the other modules of the demonstration need of a campaign."""

    campaign: Campaign
    terms: list[Terms]
    """By version."""
    tiers: list[Tier]
    rounds: list[Round]
    lots: dict[int, list[Lot]]
    """By round number, in the order of the tiers."""

    def terms_at(self, moment: datetime) -> Terms:
        """The rules that held then."""
        return next(
            terms
            for terms in reversed(self.terms)
            if terms.published_at and terms.published_at <= moment
        )

    def round(self, number: int) -> Round:
        return self.rounds[number - 1]


def next_rush() -> Round | None:
    """The one that `make demo` speaks of, as long as it is not over."""
    rounds = Round.objects.filter(campaign__slug=SLUG, way=Round.Way.RUSH)
    return rounds.filter(closes_at__gt=clock.now()).order_by("opens_at").first()


def fill(city: DemoCity) -> DemoCampaign:
    began_at = clock.at(city.today - 27 * DAY, 9 * 60)
    made = _published(
        city,
        Campaign(
            slug=SLUG,
            name="济宁市全民健身消费券",
            name_en="Jining sports vouchers",
            summary="一百万元财政资金，在近五十家体育商户使用。",
            summary_en="One million yuan of public money, for nearly fifty merchants.",
            appropriated_fen=MONEY_FEN,
        ),
        OFFERS,
        began_at,
    )
    made.terms += _terms(city, made.campaign, began_at)
    _rounds(city, made)
    _participations(made.campaign, began_at, most=COUNT)
    lake = District.objects.get(code="370826")
    DistrictCap.objects.create(campaign=made.campaign, district=lake, cap_fen=60_000_00)
    return made


def earlier(city: DemoCity) -> DemoCampaign:
    """A small one that is over: one tier, one rush."""
    began_at = clock.at(city.today - 110 * DAY, 9 * 60)
    made = _published(
        city,
        Campaign(
            slug="summer-swimming",
            name="夏季全民健身体验券",
            name_en="Summer vouchers to try a sport",
            summary="每券二十元，先到先得。",
            summary_en="Twenty yuan each, first come, first served.",
            appropriated_fen=8_000_00,
        ),
        (Offer(20, 20, 350, 1),),
        began_at,
    )
    made.terms.append(
        Terms.objects.create(
            campaign=made.campaign,
            published_at=began_at,
            published_by=CITY_STAFF.user(),
            most_in_all=1,
            valid_days=14,
            recycles=False,
        )
    )
    opens_at = clock.at(city.today - 105 * DAY, TEN)
    made.rounds.append(
        Round.objects.create(
            campaign=made.campaign,
            number=1,
            opens_at=opens_at,
            closes_at=opens_at + DAY,
            spread_seconds=10,
        )
    )
    made.lots[1] = [
        Lot.objects.create(round=made.rounds[0], tier=made.tiers[0], amount=300)
    ]
    _participations(made.campaign, began_at, most=FEW)
    return made


def _published(
    city: DemoCity, campaign: Campaign, offers: Sequence[Offer], began_at: datetime
) -> DemoCampaign:
    """A campaign with its money, its tiers and the accounts of its book."""
    campaign.state = Campaign.State.PUBLISHED
    campaign.promised_fen = sum(100 * one.face * one.count for one in offers)
    campaign.published_at = began_at
    campaign.created_at = began_at - 3 * DAY
    campaign.save()
    _enter_money(city, campaign, began_at - 2 * DAY)
    tiers = Tier.objects.bulk_create(
        Tier(
            campaign=campaign,
            face_fen=100 * one.face,
            threshold_fen=100 * one.threshold,
            count=one.count,
            per_person=one.per_person,
        )
        for one in offers
    )
    ledger.open_accounts(campaign, tiers)
    record(
        "vouchers.campaign.published",
        subject=campaign,
        by=CITY_STAFF.user(),
        at=began_at,
    )
    return DemoCampaign(campaign, [], tiers, [], {})


def _enter_money(city: DemoCity, campaign: Campaign, at: datetime) -> None:
    money = Appropriation.objects.create(
        campaign=campaign,
        document=f"济财教[{city.today.year}]演示{campaign.pk}号",
        amount_fen=campaign.appropriated_fen,
        entered_by=FINANCE.user(),
        entered_at=at,
    )
    ledger.open_accounts(campaign)
    ledger.move(
        Move.APPROPRIATE,
        debit=ledger.account(campaign, Kind.TREASURY),
        credit=ledger.account(campaign, Kind.POOL),
        amount_fen=campaign.appropriated_fen,
        cause=Cause(appropriation=money),
        by=FINANCE.user(),
        at=at,
    )


def _terms(city: DemoCity, campaign: Campaign, began_at: datetime) -> list[Terms]:
    """Five days at first, then seven, since citizens asked for it."""
    rules = {
        "most_a_day": 2,
        "most_a_week": 4,
        "most_a_round": 2,
        "most_in_all": 10,
        "least_age": 16,
        "merchant_cap_fen": 120_000_00,
        "published_by": CITY_STAFF.user(),
    }
    return [
        Terms.objects.create(
            campaign=campaign, version=1, published_at=began_at, valid_days=5, **rules
        ),
        Terms.objects.create(
            campaign=campaign,
            version=2,
            published_at=clock.at(city.today - 16 * DAY, 9 * 60),
            reason="市民反映5天太短，有效期延长为7天",
            valid_days=7,
            **rules,
        ),
    ]


def _rounds(city: DemoCity, made: DemoCampaign) -> None:
    """Four that are over, one that opens at once, and two that come."""
    today = city.today
    soon = (city.now + SOON).replace(second=0, microsecond=0)
    way = Round.Way
    plans = (
        (way.RUSH, clock.at(today - 24 * DAY, TEN), DAY, (700, 600, 240, 110)),
        (way.RUSH, clock.at(today - 17 * DAY, TEN), DAY, (700, 600, 240, 110)),
        (way.DRAW, clock.at(today - 12 * DAY, TEN), 2 * DAY, (0, 0, 100, 60)),
        (way.RUSH, clock.at(today - 4 * DAY, TEN), DAY, (400, 350, 170, 80)),
        (way.RUSH, soon, DAY, (2000, 2000, 200, 100)),
        (way.HYBRID, clock.at(today - DAY, TEN), 3 * DAY, (0, 0, 200, 150)),
        (way.RUSH, clock.at(today + 7 * DAY, TEN), DAY, (6200, 6450, 350, 390)),
    )
    for number, (how, opens_at, lasts, amounts) in enumerate(plans, start=1):
        closes_at = opens_at + lasts
        draws_on = clock.local_day(closes_at) + (DAY if how == way.HYBRID else 0 * DAY)
        draws_at = None if how == way.RUSH else clock.at(draws_on, 21 * 60 + 30)
        rest_at = draws_at + 12.5 * timedelta(hours=1) if draws_at else None
        hybrid = how == way.HYBRID
        made.rounds.append(
            Round.objects.create(
                campaign=made.campaign,
                number=number,
                way=how,
                opens_at=opens_at,
                closes_at=closes_at,
                draws_at=draws_at,
                rush_opens_at=rest_at if hybrid else None,
                rush_closes_at=rest_at + DAY if hybrid and rest_at else None,
                lobby_minutes=30,
                spread_seconds=20,
            )
        )
        made.lots[number] = Lot.objects.bulk_create(
            Lot(round=made.rounds[-1], tier=tier, amount=amount)
            for tier, amount in zip(made.tiers, amounts, strict=True)
            if amount
        )


def _participations(campaign: Campaign, at: datetime, *, most: int) -> None:
    taking_part = Merchant.objects.filter(state__in=["approved", "suspended"])
    for merchant in taking_part.order_by("pk")[:most]:
        ledger.open_merchant_accounts(campaign, merchant)
        Participation.objects.create(campaign=campaign, merchant=merchant, since=at)
