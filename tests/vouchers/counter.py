"""A counter for tests: a shop that takes part, its clerk, and what a customer shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from bureau.accounts.models import User
from bureau.common import clock, codes
from tests.vouchers import make
from vouchers import actions
from vouchers.models import (
    Campaign,
    Lot,
    Member,
    Merchant,
    Redemption,
    Shop,
    Tier,
    Voucher,
)


@dataclass(frozen=True)
class Counter:
    """A campaign's only shop, open and taking part."""

    campaign: Campaign
    lot: Lot
    merchant: Merchant
    shop: Shop
    clerk: Member
    manager: Member

    @property
    def manager_person(self) -> User:
        assert self.manager.person
        return self.manager.person

    def voucher(self, **given: Any) -> Voucher:
        """Live, of a new citizen; 200 off a bill of 500."""
        return make.voucher(self.lot, **given)

    def redeem(self, voucher: Voucher | None = None, **given: Any) -> Redemption:
        if "text" not in given:
            given["text"] = shown(voucher or self.voucher(), given.get("at"))
        given.setdefault("bill_fen", 530_00)
        given.setdefault("member", self.clerk)
        given.setdefault("shop", self.shop)
        given.setdefault("request_key", uuid4())
        return actions.redeem_voucher(**given)

    def look_up(self, text: str, **given: Any) -> actions.Offer:
        given.setdefault("member", self.clerk)
        given.setdefault("shop", self.shop)
        return actions.look_up_voucher(text=text, **given)


def counter(
    *,
    terms: dict[str, Any] | None = None,
    tier: dict[str, Any] | None = None,
    shop: dict[str, Any] | None = None,
    part: dict[str, Any] | None = None,
    amount: int = 100,
    **given: Any,
) -> Counter:
    """A counter of a merchant (`given`) in a campaign of one tier."""
    campaign = make.campaign(terms=terms)
    lot = make.lot(make.tier(campaign, **(tier or {})), amount=amount)
    merchant = make.merchant(**given)
    make.take_part(merchant, campaign, **(part or {}))
    return Counter(
        campaign=campaign,
        lot=lot,
        merchant=merchant,
        shop=make.shop(merchant, **(shop or {})),
        clerk=make.member(merchant),
        manager=make.member(merchant, Member.Role.MANAGER, name="张经理"),
    )


def shown(voucher: Voucher, at: datetime | None = None, *, steps_ago: int = 0) -> str:
    """The address in the QR code as the customer's phone shows it."""
    step = codes.step_at(at or clock.now()) - steps_ago
    proof = codes.proof_of(voucher.code, key=voucher.key, step=step)
    return f"https://tiyu.example.cn/v/{voucher.code}?k={proof}"


def digits(voucher: Voucher, at: datetime | None = None, *, steps_ago: int = 0) -> str:
    """What the customer reads aloud: the code and six digits."""
    step = codes.step_at(at or clock.now()) - steps_ago
    proof = codes.digits_of(voucher.code, key=voucher.key, step=step)
    return f"{codes.grouped(voucher.code)} {proof}"


def works_at(user: User, merchant: Merchant) -> Member:
    return Member.objects.of(user).get(merchant=merchant)


def other_tier(of: Counter, **given: Any) -> Tier:
    return make.tier(of.campaign, **given)
