"""Vouchers for tests: rows that keep every promise, made without the actions' rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Group
from django.contrib.gis.geos import Point
from django.db.models import F

from bureau.accounts.models import Role, User
from bureau.common import clock, credit_codes, sealed
from tests import make as city
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.models import (
    Appropriation,
    Campaign,
    DistrictCap,
    Lot,
    Member,
    Merchant,
    Participation,
    Redemption,
    Round,
    Shop,
    StockShard,
    Terms,
    Tier,
    Voucher,
)

_serial = count(1)
FACE_FEN, THRESHOLD_FEN = 200_00, 500_00


def campaign(
    *,
    appropriated_fen: int = 1_000_000_00,
    terms: dict[str, Any] | None = None,
    **given: Any,
) -> Campaign:
    """A published campaign with money in its pool, whose vouchers serve 30 days."""
    now = clock.now()
    n = next(_serial)
    given.setdefault("slug", f"campaign-{n}")
    given.setdefault("name", f"体育消费券 {n}")
    given.setdefault("state", Campaign.State.PUBLISHED)
    made = Campaign.objects.create(
        appropriated_fen=appropriated_fen,
        published_at=None if given["state"] == "draft" else now,
        created_at=now,
        **given,
    )
    money = Appropriation.objects.create(
        campaign=made,
        document=f"济财教[2026]{n}号",
        amount_fen=appropriated_fen,
        entered_at=now,
    )
    ledger.open_accounts(made)
    ledger.move(
        Move.APPROPRIATE,
        debit=ledger.account(made, Kind.TREASURY),
        credit=ledger.account(made, Kind.POOL),
        amount_fen=appropriated_fen,
        cause=Cause(appropriation=money),
        by=None,
        at=now,
    )
    rules: dict[str, Any] = {"valid_days": 30, **(terms or {})}
    districts = rules.pop("districts", [])
    written = Terms.objects.create(campaign=made, **rules)
    written.districts.set(districts)
    if given["state"] != "draft":
        written.published_at = now  # from here on they are frozen
        written.save(update_fields=["published_at"])
    return made


def terms_of(of: Campaign) -> Terms:
    """The newest version."""
    return of.terms.order_by("-version")[0]


def tier(of: Campaign | None = None, **given: Any) -> Tier:
    """200 yuan off a bill of 500, a thousand of them."""
    of = of or campaign()
    given.setdefault("face_fen", FACE_FEN)
    given.setdefault("threshold_fen", THRESHOLD_FEN)
    given.setdefault("count", 1000)
    made = Tier.objects.create(campaign=of, **given)
    of.promised_fen += made.face_fen * made.count
    of.save(update_fields=["promised_fen"])
    ledger.open_accounts(of, [made])
    return made


def round_of(of: Campaign | None = None, **given: Any) -> Round:
    """A rush without a waiting room that opened a minute ago and goes on for a day."""
    of = of or campaign()
    now = clock.now()
    given.setdefault("number", next(_serial))
    given.setdefault("opens_at", now - timedelta(minutes=1))
    given.setdefault("closes_at", given["opens_at"] + timedelta(days=1))
    given.setdefault("lobby_minutes", 0)
    given.setdefault("spread_seconds", 0)
    return Round.objects.create(campaign=of, **given)


def lot(
    of: Tier | None = None,
    *,
    amount: int = 100,
    round: Round | None = None,  # noqa: A002
) -> Lot:
    """Vouchers on offer in a rush that is open, laid out over the shards."""
    of = of or tier()
    rush = round or round_of(of.campaign)
    rush.laid_out_at = rush.laid_out_at or clock.now()
    rush.save(update_fields=["laid_out_at"])
    made = Lot.objects.create(round=rush, tier=of, amount=amount, laid_out=amount)
    of.released += amount
    of.save(update_fields=["released"])
    each, rest = divmod(amount, StockShard.SHARDS)
    StockShard.objects.bulk_create(
        StockShard(lot=made, shard=n, remaining=each + (n < rest))
        for n in range(StockShard.SHARDS)
    )
    return made


def voucher(
    of: Lot | None = None, *, person: User | None = None, **given: Any
) -> Voucher:
    """A live voucher of a verified person; its lot has one less."""
    of = of or lot()
    person = person or city.verified()
    at: datetime = given.setdefault("claimed_at", clock.now())
    given.setdefault("usable_from", at)
    given.setdefault("expires_at", at + timedelta(days=30))
    given.setdefault(
        "number_of_person",
        Voucher.objects.filter(campaign=of.tier.campaign, person=person).count() + 1,
    )
    given.setdefault(
        "number_in_tier",
        Voucher.objects.filter(tier=of.tier, person=person).count() + 1,
    )
    given.setdefault("most_in_tier", max(of.tier.per_person, given["number_in_tier"]))
    made = Voucher.objects.create(
        campaign=of.tier.campaign,
        tier=of.tier,
        lot=of,
        terms=terms_of(of.tier.campaign),
        person=person,
        face_fen=of.tier.face_fen,
        threshold_fen=of.tier.threshold_fen,
        **given,
    )
    shard = of.shards.filter(remaining__gt=0).order_by("shard")[0]
    shard.remaining -= 1
    shard.save(update_fields=["remaining"])
    ledger.move(
        Move.CLAIM,
        debit=ledger.account(made.campaign, Kind.POOL),
        credit=ledger.account(made.campaign, Kind.LIVE, tier=made.tier),
        amount_fen=made.face_fen,
        cause=Cause(voucher=made),
        by=person,
        at=at,
    )
    return made


def credit_code() -> str:
    """A code that is well formed, and nobody else's."""
    start = f"91370800MA{next(_serial):07}"
    return start + credit_codes.check_digit(start)


def merchant(*, takes_part_in: Campaign | None = None, **given: Any) -> Merchant:
    """An approved business."""
    now = clock.now()
    given.setdefault("name", f"健身有限公司 {next(_serial)}")
    given.setdefault("credit_code", credit_code())
    given.setdefault("sports", ["badminton"])
    given.setdefault("state", Merchant.State.APPROVED)
    given.setdefault("contact", city.verified() if "contact" not in given else None)
    made = Merchant.objects.create(
        bank_name="中国工商银行济宁分行",
        account_name=given["name"],
        sealed_account=sealed.seal("6222021608000000017"),
        masked_account="6222***********0017",
        applied_at=now,
        **given,
    )
    if takes_part_in is not None:
        take_part(made, takes_part_in)
    return made


def take_part(made: Merchant, campaign: Campaign, **given: Any) -> Participation:
    given.setdefault("since", clock.now() - timedelta(days=1))
    ledger.open_merchant_accounts(campaign, made)
    return Participation.objects.create(campaign=campaign, merchant=made, **given)


def shop(of: Merchant | None = None, **given: Any) -> Shop:
    of = of or merchant()
    given.setdefault("name", f"门店 {next(_serial)}")
    given.setdefault("sports", of.sports)
    given.setdefault("location", Point(116.587, 35.415))
    if "district" not in given:
        given["district"] = city.district()
    return Shop.objects.create(merchant=of, address="济宁市任城区", **given)


def member(of: Merchant, role: str = Member.Role.CLERK, **given: Any) -> Member:
    """A person at work for a merchant, with the role that goes with it."""
    now = clock.now()
    person = given.pop("person", None) or city.citizen()
    manages = role == Member.Role.MANAGER
    role_name = Role.MERCHANT_MANAGER if manages else Role.MERCHANT_CLERK
    person.groups.add(Group.objects.get_or_create(name=role_name.value)[0])
    return Member.objects.create(
        merchant=of,
        person=person,
        role=role,
        name=given.pop("name", "小王"),
        invited_at=now,
        joined_at=now,
        **given,
    )


def redemption(
    of: Voucher | None = None, *, clerk: Member | None = None, **given: Any
) -> Redemption:
    """A voucher that was used, and what is owed for it."""
    of = of or voucher()
    at: datetime = given.setdefault("redeemed_at", clock.now())
    shop_given: Shop | None = given.pop("shop", None)
    if clerk is None:
        firm = shop_given.merchant if shop_given else merchant()
        clerk = member(firm)
    firm = clerk.merchant
    where = shop_given or firm.shops.order_by("pk").first() or shop(firm)
    part = Participation.objects.filter(campaign=of.campaign, merchant=firm).first()
    part = part or take_part(firm, of.campaign)
    given.setdefault("bill_fen", of.threshold_fen)
    given.setdefault("sport", (where.sports or [""])[0])
    made = Redemption.objects.create(
        voucher=of,
        merchant=firm,
        shop=where,
        district=where.district,
        clerk=clerk,
        discount_fen=of.face_fen,
        request_key=uuid4(),
        changed_at=at,
        **given,
    )
    of.state = Voucher.State.REDEEMED
    of.save(update_fields=["state"])
    part.redeemed_fen += of.face_fen
    part.save(update_fields=["redeemed_fen"])
    DistrictCap.objects.filter(campaign=of.campaign, district=where.district).update(
        redeemed_fen=F("redeemed_fen") + of.face_fen
    )
    ledger.move(
        Move.REDEEM,
        debit=ledger.account(of.campaign, Kind.LIVE, tier=of.tier),
        credit=ledger.account(of.campaign, Kind.PAYABLE, merchant=firm),
        amount_fen=of.face_fen,
        cause=Cause(voucher=of, redemption=made),
        by=clerk.person,
        at=at,
    )
    return made
