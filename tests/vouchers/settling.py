"""A week of a campaign with two merchants, for tests of settlements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bureau.accounts.models import User
from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from vouchers import actions
from vouchers.models import (
    Campaign,
    Flag,
    Lot,
    Merchant,
    Redemption,
    Settlement,
    SettlementRun,
)

DAYS = 7


def first_day() -> date:
    """Of the seven days that ended yesterday."""
    return clock.today() - timedelta(days=DAYS)


def last_day() -> date:
    return clock.today() - timedelta(days=1)


@dataclass
class Week:
    """Two people of the bureau, a campaign and a merchant in it."""

    campaign: Campaign
    lot: Lot
    merchant: Merchant
    maker: User
    checker: User

    def redeem(self, *, days_ago: int = 2, **given: Any) -> Redemption:
        """A voucher that was used at the merchant's, so many days ago."""
        at: datetime = clock.now() - timedelta(days=days_ago)
        merchant = given.pop("merchant", self.merchant)
        shop = merchant.shops.order_by("pk").first() or make.shop(merchant)
        used = make.voucher(self.lot, claimed_at=at - timedelta(hours=1))
        return make.redemption(used, shop=shop, redeemed_at=at, **given)

    def prepare(self, **given: Any) -> SettlementRun:
        given.setdefault("campaign", self.campaign)
        given.setdefault("from_on", first_day())
        given.setdefault("until_on", last_day())
        return actions.prepare_settlements(by=self.maker, **given)

    def settlement(self) -> Settlement:
        """Prepared anew, of this merchant."""
        run = self.prepare()
        return Settlement.objects.get(number=run.results[str(self.merchant.pk)])

    def paid(self) -> Settlement:
        row = actions.approve_settlement(settlement=self.settlement(), by=self.checker)
        actions.make_payment_file(by=self.maker)
        return actions.note_paid(settlement=row, by=self.maker)

    def refund(self, redemption: Redemption) -> Redemption:
        redemption.refresh_from_db()
        return actions.refund_redemption(
            redemption=redemption,
            refund_fen=redemption.paid_fen,
            reason="returned",
            by=self.checker,
        )

    def flag(self, *held: Redemption, **given: Any) -> Flag:
        """What the radar found, not looked at yet."""
        given.setdefault("raised_at", clock.now())
        made = Flag.objects.create(
            campaign=self.campaign,
            merchant=self.merchant,
            rule=given.pop("rule", "threshold"),
            day=given.pop("day", last_day()),
            score=1.0,
            evidence={},
            **given,
        )
        made.redemptions.add(*held)
        return made

    def decide(self, flag: Flag, state: Flag.State) -> None:
        Flag.objects.filter(pk=flag.pk).update(
            state=state,
            decided_at=clock.now(),
            decided_by=self.checker,
            reason="looked at",
        )


def week(**terms: Any) -> Week:
    campaign = make.campaign(terms=terms)
    campaign.published_at = clock.now() - timedelta(days=30)
    campaign.save(update_fields=["published_at"])
    rush = make.round_of(campaign, opens_at=clock.now() - timedelta(days=29))
    lot = make.lot(make.tier(campaign), round=rush)
    merchant = make.merchant(takes_part_in=campaign)
    return Week(campaign, lot, merchant, city.user(), city.user())
