"""The book of the money: what the database itself refuses."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from bureau.common import clock
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.models import Campaign, Tier
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
