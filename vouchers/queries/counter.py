"""What a counter asks: one question for all that decides a redemption."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock, codes, geo
from bureau.common.db import DrawnIds, drawing, rows_of
from bureau.common.fields import DAY
from bureau.notices.models import Notice
from vouchers.models import (
    Account,
    Device,
    Member,
    Merchant,
    Redemption,
    Shop,
    Transfer,
    Voucher,
)
from vouchers.querysets import RedemptionQuerySet

# At a counter Django would take longer to put this together than PostgreSQL takes to
# answer it (docs/adr/0010). Whose device, shop and membership is read here anew: who
# was removed a moment ago redeems nothing.
_FACTS = f"""
    SELECT voucher.id, voucher.code, voucher.campaign_id, voucher.tier_id,
           voucher.lot_id, voucher.terms_id, voucher.person_id, voucher.face_fen,
           voucher.threshold_fen, voucher.state, voucher.claimed_at,
           voucher.usable_from, voucher.expires_at,
           tier.id AS tier__id, tier.campaign_id AS tier__campaign_id,
           tier.name AS tier__name, tier.sports AS tier__sports,
           tier.face_fen AS tier__face_fen, tier.threshold_fen AS tier__threshold_fen,
           terms.id AS terms__id, terms.redeems_from AS terms__redeems_from,
           terms.redeems_until AS terms__redeems_until,
           terms.undo_minutes AS terms__undo_minutes,
           terms.merchant_cap_fen AS terms__merchant_cap_fen,
           campaign.id AS campaign__id, campaign.slug AS campaign__slug,
           campaign.name AS campaign__name, campaign.name_en AS campaign__name_en,
           campaign.state AS campaign__state,
           person.id AS person__id, person.masked_name AS person__masked_name,
           person.phone AS person__phone, person.username AS person__username,
           person.is_staff AS person__is_staff, person.language AS person__language,
           part.id AS part_id, part.since AS part_since, part.until AS part_until,
           live.id AS live_id, payable.id AS payable_id,
           merchant.state AS merchant_state, merchant.permit_until,
           coalesce(member.left_at IS NULL AND member.person_id IS NOT NULL, false)
               AS is_at_work,
           coalesce(shop.merchant_id = member.merchant_id
                    AND (NOT EXISTS (SELECT FROM vouchers_member_shops AS any_shop
                                      WHERE any_shop.member_id = member.id)
                         OR EXISTS (SELECT FROM vouchers_member_shops AS mine
                                     WHERE mine.member_id = member.id
                                       AND mine.shop_id = shop.id)),
                    false) AS is_at_shop,
           coalesce(shop.is_open, false) AS is_shop_open,
           shop.sports AS shop_sports, shop.district_id AS shop_district_id,
           coalesce(device.blocked_at IS NOT NULL OR device.member_id <> member.id,
                    false) AS is_device_blocked,
           earlier.id AS earlier_id,
           {drawing([Redemption], first_mark=6)} AS redemption_ids,
           {drawing([Transfer], first_mark=6)} AS transfer_ids,
           {drawing([Entry], first_mark=6)} AS entry_ids,
           {drawing([Notice], first_mark=6)} AS notice_ids
      FROM vouchers_voucher AS voucher
      JOIN vouchers_tier AS tier ON tier.id = voucher.tier_id
      JOIN vouchers_terms AS terms ON terms.id = voucher.terms_id
      JOIN vouchers_campaign AS campaign ON campaign.id = voucher.campaign_id
      JOIN accounts_user AS person ON person.id = voucher.person_id
      JOIN vouchers_account AS live
        ON live.campaign_id = voucher.campaign_id AND live.kind = 'live'
       AND live.tier_id = voucher.tier_id AND live.merchant_id IS NULL
      JOIN vouchers_member AS member ON member.id = $2
      JOIN vouchers_merchant AS merchant ON merchant.id = member.merchant_id
 LEFT JOIN vouchers_shop AS shop ON shop.id = $3
 LEFT JOIN vouchers_device AS device ON device.id = $4
 LEFT JOIN vouchers_participation AS part
        ON part.campaign_id = voucher.campaign_id AND part.merchant_id = merchant.id
 LEFT JOIN vouchers_account AS payable
        ON payable.campaign_id = voucher.campaign_id AND payable.kind = 'payable'
       AND payable.tier_id IS NULL AND payable.merchant_id = merchant.id
 LEFT JOIN vouchers_redemption AS earlier
        ON earlier.clerk_id = member.id AND earlier.request_key = $5
     WHERE voucher.code = $1
"""  # noqa: S608 - our own text


@dataclass(frozen=True)
class CounterFacts:
    """All that decides whether a voucher is redeemed by a clerk at a counter."""

    voucher: Voucher
    """With its tier, terms, campaign and person."""
    ids: DrawnIds
    """For the rows of the redemption."""
    earlier_id: int | None
    """The redemption that this clerk's request number stands for."""
    part_id: int | None
    part_since: datetime | None
    part_until: datetime | None
    district_id: int | None
    """Where the shop is."""
    live_id: int
    payable_id: int | None
    merchant_state: str
    permit_until: date | None
    is_at_work: bool
    is_at_shop: bool
    is_shop_open: bool
    shop_sports: list[str]
    is_device_blocked: bool

    @property
    def live(self) -> Account:
        return Account(pk=self.live_id, campaign_id=self.voucher.campaign_id)

    def takes_part_at(self, moment: datetime) -> bool:
        return (
            self.part_since is not None
            and self.part_since <= moment
            and (self.part_until is None or moment < self.part_until)
        )


def counter_facts(
    *,
    code: str,
    member: Member,
    shop: Shop,
    device: Device | None,
    request_key: UUID | None = None,
) -> CounterFacts | None:
    """What is known about a voucher's code and who scanned it. One question."""
    found: list[Any] = rows_of(
        Voucher,
        "vouchers_counter_facts",
        _FACTS,
        [
            code,
            member.pk,
            shop.pk,
            device.pk if device else None,
            request_key,
            1 if request_key else 0,
        ],
    )
    if not found:
        return None
    (row,) = found
    return CounterFacts(
        voucher=row,
        ids={
            Redemption: row.redemption_ids,
            Transfer: row.transfer_ids,
            Entry: row.entry_ids,
            Notice: row.notice_ids,
        },
        earlier_id=row.earlier_id,
        part_id=row.part_id,
        part_since=row.part_since,
        part_until=row.part_until,
        district_id=row.shop_district_id,
        live_id=row.live_id,
        payable_id=row.payable_id,
        merchant_state=row.merchant_state,
        permit_until=row.permit_until,
        is_at_work=row.is_at_work,
        is_at_shop=row.is_at_shop,
        is_shop_open=row.is_shop_open,
        shop_sports=row.shop_sports or [],
        is_device_blocked=row.is_device_blocked,
    )


# --- Where a clerk works --------------------------------------------------------------


@dataclass(frozen=True)
class CounterPost:
    """A counter that a person serves."""

    member: Member
    shop: Shop


# Before every tap: put together once (docs/adr/0010). Where a shop lies is read when a
# phone says where it is.
_OF_A_SHOP = (
    "id",
    "number",
    "merchant_id",
    "name",
    "district_id",
    "address",
    "phone",
    "sports",
    "is_open",
    "waits_since",
)
_POSTS = f"""
    SELECT member.id, member.merchant_id, member.person_id, member.role, member.name,
           member.invited_phone, member.invite_code, member.invited_at,
           member.invite_until, member.joined_at, member.left_at,
           merchant.id AS merchant__id, merchant.number AS merchant__number,
           merchant.name AS merchant__name, merchant.state AS merchant__state,
           {", ".join(f"shop.{name} AS shop_{name}" for name in _OF_A_SHOP)}
      FROM vouchers_member AS member
      JOIN vouchers_merchant AS merchant ON merchant.id = member.merchant_id
      JOIN vouchers_shop AS shop ON shop.merchant_id = merchant.id
     WHERE member.person_id = $1 AND member.left_at IS NULL AND merchant.state <> 'left'
       AND (NOT EXISTS (SELECT FROM vouchers_member_shops AS any_shop
                         WHERE any_shop.member_id = member.id)
            OR EXISTS (SELECT FROM vouchers_member_shops AS mine
                        WHERE mine.member_id = member.id AND mine.shop_id = shop.id))
  ORDER BY shop.is_open DESC, shop.name, shop.id
"""  # noqa: S608 - our own text


def counters_of_person(user: User) -> list[CounterPost]:
    """All counters that a person serves, of every merchant; the open ones first.

    One question, however many there are.
    """
    found: list[Any] = rows_of(Member, "vouchers_counter_posts", _POSTS, [user.pk])
    posts = []
    for row in found:
        row.person = user
        shop = Shop.from_db(
            DEFAULT_DB_ALIAS,
            _OF_A_SHOP,
            [getattr(row, f"shop_{name}") for name in _OF_A_SHOP],
        )
        shop.merchant = row.merchant
        posts.append(CounterPost(row, shop))
    return posts


_DEVICES = """
    SELECT device.id, device.member_id, device.key_hash, device.name,
           device.first_seen_at, device.last_seen_at, device.blocked_at
      FROM vouchers_device AS device
      JOIN vouchers_member AS member ON member.id = device.member_id
     WHERE device.key_hash = $2 AND member.merchant_id = $1
"""


def devices_known_by(merchant_id: int, key_hash: str) -> list[Device]:
    """The rows of one thing, one for each member of the merchant who worked on it."""
    return rows_of(Device, "vouchers_counter_device", _DEVICES, [merchant_id, key_hash])


STEPS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)


def distance_to(shop: Shop, text: str) -> int | None:
    """How far a phone that says `35.40,116.60` is from a shop, in coarse steps.

    Where it is itself is not kept.
    """
    place = geo.parse_place(text)
    if place is None:
        return None
    metres = geo.metres_between(place, shop.location)
    return next((step for step in STEPS if metres <= step), STEPS[-1])


# --- What a counter did ---------------------------------------------------------------


@dataclass(frozen=True)
class DaySums:
    """Redemptions that stand, added up, in fen."""

    count: int
    bill_fen: int
    discount_fen: int

    @property
    def paid_fen(self) -> int:
        return self.bill_fen - self.discount_fen


def redemptions_of_day(shop: Shop, on: date) -> RedemptionQuerySet:
    """What a shop redeemed on a day in China, the newest first."""
    rows = Redemption.objects.filter(
        shop=shop,
        redeemed_at__gte=clock.at(on, 0),
        redeemed_at__lt=clock.at(on, DAY),
    )
    return rows.with_names().order_by("-redeemed_at", "-pk")


def sums_of_day(shop: Shop, on: date) -> DaySums:
    found = redemptions_of_day(shop, on).done().order_by()
    sums = found.aggregate(
        count=Count("pk"),
        bill=Sum("bill_fen", default=0),
        discount=Sum("discount_fen", default=0),
    )
    return DaySums(sums["count"], sums["bill"], sums["discount"])


def redemptions_by_code(merchant: Merchant, typed: str) -> RedemptionQuerySet:
    """Those of a merchant with this number on the slip, or of this voucher."""
    code = codes.normalise(typed)
    rows = Redemption.objects.filter(merchant=merchant)
    rows = rows.filter(Q(number=code) | Q(voucher__code=code))
    return rows.with_names().order_by("-redeemed_at", "-pk")


def refund_in_words(back: Redemption) -> str:
    """What became of a voucher by a refund, for who noted it."""
    if back.state == Redemption.State.DONE:
        return _("Noted: the voucher stays used, and the bureau pays for it.")
    if back.gave_back:
        return _("Noted: the customer has the voucher again.")
    return _("Noted: the voucher is lost by this refund.")
