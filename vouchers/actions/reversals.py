"""What takes a redemption back: an undo within minutes, a refund later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.money import yuan
from bureau.notices.actions import notify
from vouchers.actions import ledger
from vouchers.actions.caps import count_off_caps
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.errors.counter import (
    AccountsClosed,
    ClerkNotAtWork,
    RedemptionReversed,
    RefundBelowEarlier,
    RefundNeedsManager,
    RefundNeedsReason,
    RefundNotAnAmount,
    RefundTooMuch,
    UndoNotYours,
    UndoTooLate,
)
from vouchers.models import Campaign, Member, Redemption, Voucher


@transaction.atomic
def undo_redemption(
    *, redemption: Redemption, member: Member, at: datetime | None = None
) -> Redemption:
    """Undo a redemption that was a mistake: the voucher is as it was before.

    Who redeemed it can do so for some minutes (`Terms.undo_minutes`), a manager of the
    merchant, too. A second tap changes nothing. Raises `ClerkNotAtWork`,
    `UndoNotYours`, `UndoTooLate`, `AccountsClosed` or `RedemptionReversed` (after a
    refund).
    """
    now = at or clock.now()
    redemption, voucher = _locked(redemption)
    _refuse_stranger(redemption, member)
    if redemption.state == Redemption.State.UNDONE:
        return redemption
    if redemption.state != Redemption.State.DONE:
        raise RedemptionReversed(at=_reversed_at(redemption))
    is_manager = member.role == Member.Role.MANAGER
    if redemption.clerk_id != member.pk and not is_manager:
        raise UndoNotYours
    minutes = voucher.terms.undo_minutes
    if now >= undo_until(redemption, minutes):
        raise UndoTooLate(minutes=minutes)
    return _take_back(
        redemption,
        voucher,
        state=Redemption.State.UNDONE,
        move=Move.UNDO,
        refund_fen=None,
        by=member.person,
        at=now,
    )


@transaction.atomic
def refund_redemption(
    *,
    redemption: Redemption,
    refund_fen: int,
    reason: str = "",
    member: Member | None = None,
    by: User | None = None,
    at: datetime | None = None,
) -> Redemption:
    """Note that the customer got `refund_fen` of what was paid back, in all.

    The bureau does not pay for what was given back: the subsidy leaves what it owes the
    merchant, after a settlement, too (then the next one is so much smaller). Whether
    the voucher lives again is for its rules to say: as a rule after a full refund
    before its expiry; else it is lost. Where they say so (`keeps_subsidy`), a part that
    leaves enough of the bill is noted and nothing else: the voucher stays used.

    A manager does it, or staff (`by`, with a reason) for one. A second tap changes
    nothing. Raises `ClerkNotAtWork`, `RefundNeedsManager`, `RefundNeedsReason`,
    `RefundNotAnAmount`, `RefundTooMuch`, `RefundBelowEarlier`, `AccountsClosed` or
    `RedemptionReversed`.
    """
    now = at or clock.now()
    redemption, voucher = _locked(redemption)
    reason = reason.strip()[:200]
    if member is not None:
        _refuse_stranger(redemption, member)
        if member.role != Member.Role.MANAGER:
            raise RefundNeedsManager
        by = member.person
    elif not reason:
        raise RefundNeedsReason
    if redemption.state == Redemption.State.REFUNDED:
        if redemption.refund_fen == refund_fen:
            return redemption
        raise RedemptionReversed(at=_reversed_at(redemption))
    if redemption.state != Redemption.State.DONE:
        raise RedemptionReversed(at=_reversed_at(redemption))
    refuse_refund(redemption, refund_fen)
    redemption.reason = reason
    if keeps_subsidy(redemption, refund_fen, now):
        return _note_part(redemption, refund_fen, by=by, at=now)
    lives_again = gives_back(redemption, refund_fen, now)
    return _take_back(
        redemption,
        voucher,
        state=Redemption.State.REFUNDED,
        move=Move.GIVE_BACK if lives_again else Move.LOSE,
        refund_fen=refund_fen,
        by=by,
        at=now,
    )


def undo_until(redemption: Redemption, minutes: int) -> datetime:
    """Until when a redemption can be undone."""
    return redemption.redeemed_at + timedelta(minutes=minutes)


def gives_back(redemption: Redemption, refund_fen: int, at: datetime) -> bool:
    """Whether a refund makes the voucher live again, by the rules it was claimed under.

    Needs the voucher with its terms.
    """
    voucher = redemption.voucher
    terms = voucher.terms
    is_full = refund_fen == redemption.paid_fen
    rule = terms.full_refund_gives_back if is_full else terms.partial_refund_gives_back
    return rule and at < voucher.expires_at


def keeps_subsidy(redemption: Redemption, refund_fen: int, at: datetime) -> bool:
    """Whether a refund is a part that leaves all as it is: the rest was bill enough.

    By the rules the voucher was claimed under. Needs the voucher with its terms.
    """
    voucher = redemption.voucher
    is_enough = redemption.bill_fen - refund_fen >= voucher.threshold_fen
    is_part = refund_fen < redemption.paid_fen
    return (
        voucher.terms.partial_refund_keeps_subsidy
        and is_part
        and is_enough
        and not gives_back(redemption, refund_fen, at)
    )


_LOCK_CAMPAIGN = """
    SELECT campaign.id, campaign.state
      FROM vouchers_campaign AS campaign
      JOIN vouchers_voucher AS voucher ON voucher.campaign_id = campaign.id
     WHERE voucher.id = %s
       FOR SHARE OF campaign
"""


def _locked(redemption: Redemption) -> tuple[Redemption, Voucher]:
    """Campaign, account, voucher, redemption: in this order, as everywhere.

    A campaign that is being closed is waited for, and refused when it is; a settlement
    that is being made or approved is waited for, too.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CAMPAIGN, [redemption.voucher_id])
        campaign_id, state = cursor.fetchone()
    if state != Campaign.State.PUBLISHED:
        raise AccountsClosed
    ledger.share_payable(campaign_id, [redemption.merchant_id])
    voucher = (
        Voucher.objects.select_for_update(of=("self",), no_key=True)
        .select_related("terms", "campaign", "tier", "person")
        .get(pk=redemption.voucher_id)
    )
    found = (
        Redemption.objects.select_for_update(of=("self",), no_key=True)
        .select_related("shop", "merchant", "clerk__person")
        .get(pk=redemption.pk)
    )
    found.voucher = voucher
    return found, voucher


def _refuse_stranger(redemption: Redemption, member: Member) -> None:
    is_at_work = Member.objects.at_work().filter(
        pk=member.pk, merchant=redemption.merchant_id
    )
    if not is_at_work.exists():
        raise ClerkNotAtWork


def refuse_refund(redemption: Redemption, refund_fen: int) -> None:
    """Whether that sum, in all, can be given back of a redemption that stands.

    Raises `RefundNotAnAmount`, `RefundTooMuch` or `RefundBelowEarlier`.
    """
    paid = redemption.paid_fen
    # Where the voucher covered all of the bill, giving back nothing is all of it.
    if refund_fen < 0 or (refund_fen == 0 and paid > 0):
        raise RefundNotAnAmount
    if refund_fen > paid:
        raise RefundTooMuch(paid=yuan(paid))
    if refund_fen < (redemption.refund_fen or 0):
        raise RefundBelowEarlier(earlier=yuan(redemption.refund_fen or 0))


def _note_part(
    redemption: Redemption, refund_fen: int, *, by: User | None, at: datetime
) -> Redemption:
    """The bill is smaller and still enough: what was redeemed stays redeemed."""
    if redemption.refund_fen == refund_fen:
        return redemption
    redemption.refund_fen, redemption.changed_at = refund_fen, at
    redemption.save(update_fields=["refund_fen", "reason", "changed_at"])
    record(
        "vouchers.redemption.partly_refunded",
        subject=redemption,
        by=by,
        at=at,
        detail={"refund_fen": refund_fen, "reason": redemption.reason},
    )
    return redemption


def _take_back(
    redemption: Redemption,
    voucher: Voucher,
    *,
    state: Redemption.State,
    move: Move,
    refund_fen: int | None,
    by: User | None,
    at: datetime,
) -> Redemption:
    """The rows of an undo or a refund. The voucher and its redemption are locked."""
    lives_again = move != Move.LOSE
    redemption.state, redemption.refund_fen = state, refund_fen
    redemption.reversed_at, redemption.reversed_by = at, by
    redemption.gave_back, redemption.changed_at = lives_again, at
    redemption.save(
        update_fields=[
            "state",
            "refund_fen",
            "reversed_at",
            "reversed_by",
            "gave_back",
            "reason",
            "changed_at",
        ]
    )
    # Past its last moment, a voucher that lives again is taken back by the next sweep.
    voucher.state = Voucher.State.LIVE if lives_again else Voucher.State.LOST
    voucher.save(update_fields=["state"])
    campaign = voucher.campaign
    ledger.move(
        move,
        debit=ledger.account(campaign, Kind.PAYABLE, merchant=redemption.merchant),
        credit=ledger.account(campaign, Kind.LIVE, tier=voucher.tier)
        if lives_again
        else ledger.account(campaign, Kind.LAPSED),
        amount_fen=redemption.discount_fen,
        cause=Cause(voucher=voucher, redemption=redemption),
        by=by,
        at=at,
    )
    detail: dict[str, Any] = {"gave_back": lives_again}
    if refund_fen is not None:
        detail |= {"refund_fen": refund_fen, "reason": redemption.reason}
    record(
        f"vouchers.redemption.{state}", subject=redemption, by=by, at=at, detail=detail
    )
    notify(
        recipient=voucher.person,
        kind="vouchers.given_back" if lives_again else "vouchers.refunded",
        context={
            "shop": redemption.shop.name,
            "face": yuan(voucher.face_fen),
            "refund": yuan(refund_fen or 0),
            "until": clock.at_text(voucher.last_moment),
            "is_usable": voucher.is_usable_at(at),
            "at": clock.at_text(at),
        },
        subject=voucher,
        at=at,
    )
    count_off_caps(redemption)
    return redemption


def _reversed_at(redemption: Redemption) -> str:
    assert redemption.reversed_at  # noqa: S101 - a constraint says so
    return clock.at_text(redemption.reversed_at)
