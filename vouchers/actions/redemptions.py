"""A voucher taken off a bill at a counter, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import insert, one_trip, prepared
from bureau.common.money import yuan
from bureau.notices.actions import notify
from vouchers.actions import ledger
from vouchers.actions.caps import count_towards_caps
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.actions.scans import (
    Post,
    facts_of,
    noting_refusals,
    refuse_bill,
    refuse_here,
    sport_of,
)
from vouchers.errors.counter import (
    CheckedTooLongAgo,
    RequestKeyReused,
)
from vouchers.models import (
    Account,
    Device,
    Member,
    Merchant,
    Redemption,
    Shop,
    Voucher,
)
from vouchers.queries.counter import CounterFacts


@dataclass(frozen=True)
class _Asked:
    """What a counter asks for, once."""

    text: str
    bill_fen: int
    sport: str
    request_key: UUID
    distance_m: int | None


def redeem_voucher(
    *,
    text: str,
    bill_fen: int,
    member: Member,
    shop: Shop,
    request_key: UUID,
    sport: str = "",
    device: Device | None = None,
    distance_m: int | None = None,
    at: datetime | None = None,
) -> Redemption:
    """Take a voucher off a bill of `bill_fen`; the merchant is owed its face value.

    `text` is what was scanned or typed, or the token of `look_up_voucher`. The same
    `request_key` of the same clerk is the same redemption, however often it is asked
    for. `distance_m` is how far the clerk's phone was from the shop, in steps.

    Raises a `CounterRefusal` that says what is wrong with the code, the voucher, the
    shop or the bill (errors/counter.py), and notes it for the radar; or
    `RequestKeyReused`.
    """
    asked = _Asked(text, bill_fen, sport, request_key, distance_m)
    post = Post(member, shop, device, at or clock.now())
    with noting_refusals(text, post):
        try:
            with transaction.atomic():
                return _redeem(asked, post)
        except _Raced:
            return _the_same(asked, post)


class _Raced(Exception):
    """Somebody redeemed it in between; perhaps the same tap, twice."""


# One request number for two vouchers at once, or one voucher by two of them.
_ONCE = ("vouchers_redemption_asked_once", "vouchers_redemption_voucher_used_once")


def _constraint(broken: IntegrityError) -> str:
    diagnostics = getattr(broken.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", "") or ""


def _redeem(asked: _Asked, post: Post) -> Redemption:
    facts = facts_of(asked.text, post, asked.request_key)
    if facts.earlier_id is not None:
        return _earlier(facts.earlier_id, facts.voucher, asked)
    refuse_here(facts, post.now)
    sport = sport_of(facts, asked.sport, post.now)
    voucher = facts.voucher
    refuse_bill(voucher, asked.bill_fen)
    if not _move_voucher(voucher, post.now):
        raise _Raced
    redemption = Redemption(
        voucher=voucher,
        merchant_id=post.member.merchant_id,
        shop=post.shop,
        district_id=facts.district_id,
        clerk=post.member,
        device=post.device,
        sport=sport,
        bill_fen=asked.bill_fen,
        discount_fen=voucher.face_fen,
        redeemed_at=post.now,
        request_key=asked.request_key,
        distance_m=asked.distance_m,
        changed_at=post.now,
    )
    _write(redemption, facts, post)
    count_towards_caps(
        redemption,
        part_id=facts.part_id or 0,
        merchant_cap_fen=voucher.terms.merchant_cap_fen,
    )
    return redemption


def _write(redemption: Redemption, facts: CounterFacts, post: Post) -> None:
    """The redemption, what it moved, who did it, and word of it: in one trip."""
    by = post.member.person
    try:
        with one_trip(facts.ids):
            insert(redemption)
            ledger.move(
                Move.REDEEM,
                debit=facts.live,
                credit=_payable(facts, post.member.merchant),
                amount_fen=redemption.discount_fen,
                cause=Cause(voucher=facts.voucher, redemption=redemption),
                by=by,
                at=post.now,
            )
            record("vouchers.voucher.redeemed", subject=redemption, by=by, at=post.now)
            _tell(redemption, post)
    except IntegrityError as broken:
        if _constraint(broken) not in _ONCE:
            raise
        raise _Raced from broken


def _tell(redemption: Redemption, post: Post) -> None:
    voucher = redemption.voucher
    notify(
        recipient=voucher.person,
        kind="vouchers.redeemed",
        context={
            "shop": post.shop.name,
            "face": yuan(voucher.face_fen),
            "bill": yuan(redemption.bill_fen),
            "at": clock.at_text(post.now),
        },
        subject=voucher,
        at=post.now,
    )


_MOVE_VOUCHER = """
    UPDATE vouchers_voucher SET state = 'redeemed'
     WHERE id = $1 AND state = 'live' AND usable_from <= $2 AND expires_at > $2
"""


def _move_voucher(voucher: Voucher, now: datetime) -> bool:
    """Compare and set: of fifty counters one moves it, the others wait and see."""
    with connection.cursor() as cursor:
        call = prepared("vouchers_counter_redeem", _MOVE_VOUCHER, 2)
        cursor.execute(call, [voucher.pk, now])
        is_ours = bool(cursor.rowcount == 1)
    if is_ours:
        voucher.state = Voucher.State.REDEEMED
    return is_ours


def _the_same(asked: _Asked, post: Post) -> Redemption:
    """Who came second: the first one's redemption if it is the same request."""
    facts = facts_of(asked.text, post, asked.request_key)
    if facts.earlier_id is not None:
        return _earlier(facts.earlier_id, facts.voucher, asked)
    refuse_here(facts, post.now)
    # Live again already: an undo was faster than this request.
    raise CheckedTooLongAgo


def _earlier(redemption_id: int, voucher: Voucher, asked: _Asked) -> Redemption:
    earlier = Redemption.objects.select_related("shop", "merchant", "clerk").get(
        pk=redemption_id
    )
    if (earlier.voucher_id, earlier.bill_fen) != (voucher.pk, asked.bill_fen):
        raise RequestKeyReused
    earlier.voucher = voucher
    return earlier


def _payable(facts: CounterFacts, merchant: Merchant) -> Account:
    campaign_id = facts.voucher.campaign_id
    if facts.payable_id is not None:
        return Account(pk=facts.payable_id, campaign_id=campaign_id)
    campaign = facts.voucher.campaign
    ledger.open_merchant_accounts(campaign, merchant)
    return ledger.account(campaign, Kind.PAYABLE, merchant=merchant)
