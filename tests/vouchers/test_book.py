"""The book of the money: what the database itself refuses."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from bureau.common import clock, codes
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.models import Campaign, Settlement, SettlementLine, Tier
from vouchers.queries import balances_of

pytestmark = pytest.mark.django_db


def test_rows_made_for_tests_keep_every_promise() -> None:
    used = make.redemption()
    make.voucher(used.voucher.lot)
    assert broken_promises(of="vouchers") == []


def test_every_fen_is_somewhere() -> None:
    used = make.redemption()
    live = make.voucher(used.voucher.lot)
    money = balances_of(live.campaign)
    assert money.appropriated == money.total == 1_000_000_00
    assert money.live == {live.tier_id: make.FACE_FEN}
    assert money.payable == {used.merchant_id: make.FACE_FEN}
    assert money.pool == 1_000_000_00 - 2 * make.FACE_FEN
    account = ledger.account(live.campaign, Kind.POOL)
    assert ledger.balance_fen(account) == money.pool


@pytest.mark.parametrize(
    "change",
    ["UPDATE vouchers_transfer SET amount_fen = 1", "DELETE FROM vouchers_transfer"],
)
def test_a_transfer_is_never_changed(change: str) -> None:
    make.voucher()
    with pytest.raises(IntegrityError, match="never changed"), connection.cursor() as c:
        c.execute(change)


def test_money_does_not_leave_its_campaign() -> None:
    one, other = make.campaign(), make.campaign()
    with pytest.raises(IntegrityError, match="credit_of_its_campaign"):
        ledger.move(
            Move.RECYCLE,
            debit=ledger.account(one, Kind.LAPSED),
            credit=ledger.account(other, Kind.POOL),
            amount_fen=1,
            cause=Cause(),
            by=None,
            at=clock.now(),
        )


def test_a_voucher_is_claimed_once_in_the_book() -> None:
    voucher = make.voucher()
    with pytest.raises(IntegrityError, match="once_for_a_voucher"):
        ledger.move(
            Move.CLAIM,
            debit=ledger.account(voucher.campaign, Kind.POOL),
            credit=ledger.account(voucher.campaign, Kind.LIVE, tier=voucher.tier),
            amount_fen=voucher.face_fen,
            cause=Cause(voucher=voucher),
            by=None,
            at=clock.now(),
        )


def test_tiers_promise_no_more_than_the_campaign_holds() -> None:
    campaign = make.campaign(appropriated_fen=100_00)
    with pytest.raises(IntegrityError, match="promises_no_more_than_it_holds"):
        make.tier(campaign, face_fen=10_00, threshold_fen=10_00, count=11)


def test_stock_never_falls_below_nothing() -> None:
    lot = make.lot(amount=1)
    make.voucher(lot)
    shard = lot.shards.get(shard=0)
    shard.remaining -= 1
    with pytest.raises(IntegrityError, match="not_oversold"):
        shard.save(update_fields=["remaining"])


def test_a_threshold_covers_the_face_value() -> None:
    campaign = Campaign.objects.get(pk=make.campaign().pk)
    with pytest.raises(IntegrityError, match="threshold_covers_face"):
        Tier.objects.create(
            campaign=campaign, face_fen=20_00, threshold_fen=10_00, count=1
        )


# --- What was settled -----------------------------------------------------------------


def a_line(**given: Any) -> SettlementLine:
    used = make.redemption()
    given.setdefault("merchant", used.merchant)
    row = Settlement.objects.create(
        number=codes.new_code(),
        campaign=used.voucher.campaign,
        merchant=given["merchant"],
        from_on=clock.today(),
        until_on=clock.today(),
        amount_fen=used.discount_fen,
        count=1,
        prepared_at=clock.now(),
    )
    return SettlementLine.objects.create(
        settlement=row,
        redemption_id=given.get("redemption", used.pk),
        amount_fen=given.get("amount_fen", used.discount_fen),
    )


def test_a_line_is_a_redemption_of_the_settlements_merchant() -> None:
    assert a_line().pk
    wrong: tuple[dict[str, Any], ...] = (
        {"merchant": make.merchant()},
        {"redemption": 0},
        {"amount_fen": make.FACE_FEN - 1},
    )
    for given in wrong:
        with (
            pytest.raises(IntegrityError, match="redemption of its merchant"),
            transaction.atomic(),
        ):
            a_line(**given)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM vouchers_redemption",
        "DELETE FROM vouchers_settlement",
        "DELETE FROM vouchers_settlementline",
        "UPDATE vouchers_settlementline SET amount_fen = 1",
        "UPDATE vouchers_settlementline SET redemption_id = 1",
    ],
)
def test_what_was_settled_stays_written(change: str) -> None:
    a_line()
    with pytest.raises(IntegrityError, match="stays written"), connection.cursor() as c:
        c.execute(change)


def test_a_line_that_stopped_counting_never_counts_again() -> None:
    line = a_line()
    SettlementLine.objects.filter(pk=line.pk).update(counts=False)
    with pytest.raises(IntegrityError, match="stays written"):
        SettlementLine.objects.filter(pk=line.pk).update(counts=True)
