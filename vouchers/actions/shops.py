"""Shops of a merchant: added, changed, closed and opened by its managers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, geo
from bureau.common.db import constraint_errors
from bureau.regions.queries import district_of
from vouchers.actions.members import WORKING, lock_merchant
from vouchers.errors.merchants import (
    MerchantNotApproved,
    ShopNamed,
    ShopOutsideCity,
    ShopSportUnknown,
    ShopWaits,
)
from vouchers.models import Merchant, Shop

MOVED_METRES = 50
"""A pin that is put right moves less; a shop that moves, farther."""


@dataclass(frozen=True)
class ShopFacts:
    """A place with a counter; no `sports` are all sports of its business.

    The district follows from `location` (WGS-84).
    """

    name: str
    address: str
    location: Point
    phone: str = ""
    sports: tuple[str, ...] = ()


def create_shop(merchant: Merchant, facts: ShopFacts, *, at: datetime) -> Shop:
    """A shop that staff have not seen yet.

    Raises `ShopNamed`, `ShopOutsideCity` or `ShopSportUnknown`.
    """
    with constraint_errors(vouchers_shop_name_once=ShopNamed):
        return Shop.objects.create(
            merchant=merchant,
            is_open=False,
            waits_since=at,
            **_columns(merchant, facts),
        )


def _columns(merchant: Merchant, facts: ShopFacts) -> dict[str, Any]:
    district = district_of(facts.location)
    if district is None:
        raise ShopOutsideCity
    if set(facts.sports) - set(merchant.sports):
        raise ShopSportUnknown
    return {
        "name": facts.name,
        "address": facts.address,
        "location": facts.location,
        "district": district,
        "phone": facts.phone,
        "sports": sorted(set(facts.sports)) or list(merchant.sports),
    }


@transaction.atomic
def add_shop(*, merchant: Merchant, facts: ShopFacts, by: User) -> Shop:
    """A manager adds a shop; it takes vouchers when staff have looked at it.

    Raises `MerchantNotApproved` for a business that left, `ShopNamed`,
    `ShopOutsideCity` or `ShopSportUnknown`.
    """
    now = clock.now()
    merchant = lock_merchant(merchant.pk)
    if merchant.state == Merchant.State.LEFT:
        raise MerchantNotApproved
    shop = create_shop(merchant, facts, at=now)
    if merchant.state == Merchant.State.APPLIED:
        _look_again(merchant, at=now)
    record("vouchers.shop.added", subject=shop, by=by, at=now)
    return shop


@transaction.atomic
def change_shop(*, shop: Shop, facts: ShopFacts, by: User) -> Shop:
    """A manager corrects a shop. Where it moves, staff look at it again.

    Raises `MerchantNotApproved`, `ShopNamed`, `ShopOutsideCity` or `ShopSportUnknown`.
    """
    now = clock.now()
    merchant = lock_merchant(shop.merchant_id)
    if merchant.state == Merchant.State.LEFT:
        raise MerchantNotApproved
    shop = Shop.objects.get(pk=shop.pk)
    columns = _columns(merchant, facts)
    moves = (
        facts.address != shop.address
        or geo.metres_between(facts.location, shop.location) > MOVED_METRES
    )
    for name, value in columns.items():
        setattr(shop, name, value)
    if moves:
        shop.is_open, shop.waits_since = False, now
    with constraint_errors(vouchers_shop_name_once=ShopNamed):
        shop.save(update_fields=[*columns, "is_open", "waits_since"])
    if merchant.state == Merchant.State.APPLIED:
        _look_again(merchant, at=now)
    detail = {"moved": moves}
    record("vouchers.shop.changed", subject=shop, by=by, at=now, detail=detail)
    return shop


@transaction.atomic
def open_shop(*, shop: Shop, is_open: bool, by: User) -> Shop:
    """A manager lets a shop take vouchers, or takes it out for a while.

    Raises `MerchantNotApproved` or `ShopWaits`.
    """
    now = clock.now()
    merchant = lock_merchant(shop.merchant_id)
    if merchant.state not in WORKING:
        raise MerchantNotApproved
    shop = Shop.objects.get(pk=shop.pk)
    if is_open and shop.waits_since:
        raise ShopWaits
    shop.is_open = is_open
    shop.save(update_fields=["is_open"])
    what = "opened" if is_open else "closed"
    record(f"vouchers.shop.{what}", subject=shop, by=by, at=now)
    return shop


def _look_again(merchant: Merchant, *, at: datetime) -> None:
    """What staff are reading has changed: their click finds that it did."""
    merchant.applied_at = at
    merchant.save(update_fields=["applied_at"])
