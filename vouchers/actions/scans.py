"""A scan at a counter: whose voucher it is, and whether it can be redeemed here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing

from bureau.common import clock, codes
from bureau.common.db import insert
from bureau.common.fields import clock_text
from bureau.common.money import yuan
from bureau.common.sports import Sport
from bureau.common.words import listed
from vouchers.errors.counter import (
    BillBelowThreshold,
    BillNotAnAmount,
    BillTooLarge,
    CheckedTooLongAgo,
    ClerkNotAtShop,
    ClerkNotAtWork,
    CounterRefusal,
    DeviceBlocked,
    MerchantNotTakingPart,
    MerchantSuspended,
    OutsideHours,
    PermitOutOfDate,
    ShopClosed,
    SportNeeded,
    SportNotCovered,
    SportNotHere,
    TooManyWrongCodes,
    VoucherCampaignClosed,
    VoucherExpired,
    VoucherForged,
    VoucherLost,
    VoucherNeedsDigits,
    VoucherNotYetUsable,
    VoucherStale,
    VoucherUnknown,
    VoucherUsed,
    VoucherVoid,
)
from vouchers.models import (
    HIGH_RISK,
    Campaign,
    Device,
    Member,
    Merchant,
    Redemption,
    RefusedScan,
    Shop,
    Voucher,
)
from vouchers.queries.counter import CounterFacts, counter_facts

KIND = "v"  # https://<host>/v/<code>
CHECK_LIFE = timedelta(minutes=3)
"""Between the scan and the tap somebody types the bill."""
OLD_STEPS = 120
"""How many half minutes back a proof is told from a forged one."""
MOST_BILL_FEN = 100_000_00
"""Above it a point was forgotten, and one bill would be half of the public leverage."""
WRONG_CODES, WRONG_CODES_WITHIN = 20, timedelta(minutes=10)
"""Six digits can be guessed: so many wrong ones, and only scanning goes on."""
_SALT = "vouchers.counter.check"


@dataclass(frozen=True)
class Post:
    """Who stands at which counter, with which device, and when."""

    member: Member
    shop: Shop
    device: Device | None
    now: datetime


@dataclass(frozen=True)
class Offer:
    """What a scanned voucher is worth at a counter. Nothing is spent yet."""

    voucher: Voucher
    sports: list[str]
    """Which the bill can be for; the clerk chooses where there are several."""
    token: str
    """Says for three minutes that this clerk scanned a live code here."""

    @property
    def face_fen(self) -> int:
        return self.voucher.face_fen

    @property
    def threshold_fen(self) -> int:
        return self.voucher.threshold_fen


def look_up_voucher(
    *,
    text: str,
    member: Member,
    shop: Shop,
    device: Device | None = None,
    at: datetime | None = None,
) -> Offer:
    """Read what was scanned or typed at a counter, and what it is worth there.

    Spends nothing. Raises the refusals of `redeem_voucher`, save those of the bill.
    """
    post = Post(member, shop, device, at or clock.now())
    with noting_refusals(text, post):
        facts = facts_of(text, post)
        refuse_here(facts, post.now)
        # A check is not prolonged by checking it again.
        is_check = _read(text).checked is not None
        return Offer(
            voucher=facts.voucher,
            sports=_sports(facts),
            token=text if is_check else _signed(facts.voucher, post),
        )


# --- What was shown -------------------------------------------------------------------


def facts_of(text: str, post: Post, request_key: UUID | None = None) -> CounterFacts:
    """Who scanned what; the code is proven live, or was a moment ago."""
    shown = _read(text)
    facts = counter_facts(
        code=shown.code,
        member=post.member,
        shop=post.shop,
        device=post.device,
        request_key=request_key,
    )
    if facts is None:
        raise VoucherUnknown
    _refuse_clerk(facts)
    # An answer that was lost is asked for again, when the code is long stale.
    if facts.earlier_id is None:
        _refuse_proof(facts.voucher, shown, post)
    return facts


@dataclass(frozen=True)
class _Shown:
    """What a text says: a voucher's code with its proof, or a check made before."""

    code: str
    proof: str = ""
    checked: tuple[int, int, int] | None = None
    """Which member scanned it at which shop, and at which second."""


def _read(text: str) -> _Shown:
    scanned = codes.parse(text, kind=KIND)
    if scanned is not None:
        return _Shown(scanned.code, scanned.proof)
    try:
        code, member, shop, second = signing.loads(text, salt=_SALT)
    except signing.BadSignature as wrong:
        raise VoucherUnknown from wrong
    return _Shown(code, checked=(member, shop, second))


def _signed(voucher: Voucher, post: Post) -> str:
    second = int(post.now.timestamp())
    checked = [voucher.code, post.member.pk, post.shop.pk, second]
    return signing.dumps(checked, salt=_SALT)


def _refuse_proof(voucher: Voucher, shown: _Shown, post: Post) -> None:
    if shown.checked is not None:
        member, shop, second = shown.checked
        age = post.now.timestamp() - second
        is_mine = (member, shop) == (post.member.pk, post.shop.pk)
        if not is_mine or age > CHECK_LIFE.total_seconds():
            raise CheckedTooLongAgo
        return
    proof = shown.proof
    if not proof:
        raise VoucherNeedsDigits
    if len(proof) < codes.PROOF_LENGTH and _guesses_too_much(post):
        raise TooManyWrongCodes(minutes=int(WRONG_CODES_WITHIN.total_seconds()) // 60)
    if codes.is_live(voucher.code, proof, key=voucher.key, at=post.now):
        return
    if _was_live(voucher, proof, post.now):
        raise VoucherStale
    raise VoucherForged


def _was_live(voucher: Voucher, proof: str, now: datetime) -> bool:
    step = codes.step_at(now)
    key = voucher.key
    return any(
        proof == of(voucher.code, key=key, step=earlier)
        for earlier in range(step - OLD_STEPS, step - 1)
        for of in (codes.proof_of, codes.digits_of)
    )


def _guesses_too_much(post: Post) -> bool:
    wrong = RefusedScan.objects.filter(
        shop=post.shop,
        clerk=post.member,
        at__gte=post.now - WRONG_CODES_WITHIN,
        code__in=[VoucherForged.code, VoucherStale.code],
    )
    return wrong.count() >= WRONG_CODES


@contextmanager
def noting_refusals(text: str, post: Post) -> Iterator[None]:
    """Keep what was refused, for help and for the radar.

    Behind the transaction, which a refusal has just rolled back.
    """
    try:
        yield
    except CounterRefusal as refusal:
        if post.shop.merchant_id == post.member.merchant_id:
            _note_refusal(text, refusal.code, post)
        raise


def _note_refusal(text: str, code: str, post: Post) -> None:
    try:
        voucher = Voucher.objects.filter(code=_read(text).code).first()
    except VoucherUnknown:
        voucher = None
    scan = RefusedScan(
        shop=post.shop, clerk=post.member, voucher=voucher, code=code, at=post.now
    )
    insert(scan)


# --- Refusals -------------------------------------------------------------------------


def _refuse_clerk(facts: CounterFacts) -> None:
    if not facts.is_at_work:
        raise ClerkNotAtWork
    if facts.is_device_blocked:
        raise DeviceBlocked
    if not facts.is_at_shop:
        raise ClerkNotAtShop


def refuse_here(facts: CounterFacts, now: datetime) -> None:
    """Whether this voucher can be redeemed at this counter at all."""
    voucher = facts.voucher
    _refuse_state(voucher, now)
    if voucher.campaign.state != Campaign.State.PUBLISHED:
        raise VoucherCampaignClosed
    if facts.merchant_state != Merchant.State.APPROVED:
        raise MerchantSuspended
    if not facts.is_shop_open:
        raise ShopClosed
    if not facts.takes_part_at(now):
        raise MerchantNotTakingPart(campaign=voucher.campaign.local_name)
    if now < voucher.usable_from:
        raise VoucherNotYetUsable(at=clock.at_text(voucher.usable_from))
    terms = voucher.terms
    local = now.astimezone(clock.CHINA)
    if not terms.redeems_from <= local.hour * 60 + local.minute < terms.redeems_until:
        raise OutsideHours(
            since=clock_text(terms.redeems_from), until=clock_text(terms.redeems_until)
        )
    covered = voucher.tier.sports
    if covered and not set(covered) & set(facts.shop_sports):
        raise SportNotCovered(sports=_named(covered))


def _refuse_state(voucher: Voucher, now: datetime) -> None:
    state = voucher.state
    if state == Voucher.State.REDEEMED:
        _refuse_used(voucher)
    if state == Voucher.State.LOST:
        raise VoucherLost
    if state == Voucher.State.VOID:
        raise VoucherVoid
    if state == Voucher.State.EXPIRED or now >= voucher.expires_at:
        raise VoucherExpired(at=clock.at_text(voucher.last_moment))


def _refuse_used(voucher: Voucher) -> None:
    used = Redemption.objects.done().select_related("shop").filter(voucher=voucher)
    if found := used.first():
        raise VoucherUsed(at=clock.at_text(found.redeemed_at), shop=found.shop.name)
    # Undone between our two questions: the next scan finds it live.
    raise CheckedTooLongAgo


def _sports(facts: CounterFacts) -> list[str]:
    """Which sports a bill of this shop can be for with this voucher."""
    covered = facts.voucher.tier.sports
    return [sport for sport in facts.shop_sports if not covered or sport in covered]


def sport_of(facts: CounterFacts, given: str, now: datetime) -> str:
    """The sport of the bill; the only one possible goes without saying."""
    can_be = _sports(facts)
    if given and given not in can_be:
        covered = facts.voucher.tier.sports
        if covered and given not in covered:
            raise SportNotCovered(sports=_named(covered))
        raise SportNotHere
    if not given and len(can_be) > 1 and facts.voucher.tier.sports:
        raise SportNeeded
    sport = given or (can_be[0] if len(can_be) == 1 else "")
    until = facts.permit_until
    is_permitted = until is not None and clock.local_day(now) <= until
    needs_permit = (
        sport in HIGH_RISK
        if sport
        else bool(can_be) and all(one in HIGH_RISK for one in can_be)
    )
    if needs_permit and not is_permitted:
        raise PermitOutOfDate
    return sport


def _named(sports: list[str]) -> str:
    return listed(Sport(sport).label for sport in sports)


def refuse_bill(voucher: Voucher, bill_fen: int) -> None:
    if type(bill_fen) is not int or bill_fen <= 0:
        raise BillNotAnAmount
    if bill_fen > MOST_BILL_FEN:
        raise BillTooLarge(most=yuan(MOST_BILL_FEN))
    if bill_fen < voucher.threshold_fen:
        raise BillBelowThreshold(
            short=yuan(voucher.threshold_fen - bill_fen),
            threshold=yuan(voucher.threshold_fen),
        )
