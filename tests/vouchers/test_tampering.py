"""Whoever changes the money by SQL, past all triggers, is named by the proof."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from bureau.common import clock
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.settling import Week, last_day, week
from vouchers import actions
from vouchers.models import Round, Settlement, Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def w(db: None) -> Week:
    """Some of everything: paid, taken back, waiting, expired, lost and cancelled."""
    w = week(recycles=True, partial_refund_keeps_subsidy=False)
    other = make.merchant(takes_part_in=w.campaign)
    first = w.redeem(days_ago=6)
    w.redeem(days_ago=5)
    w.paid()
    w.refund(first)
    for merchant in (w.merchant, w.merchant, other):
        w.redeem(days_ago=3, merchant=merchant)
    w.prepare(from_on=last_day())
    w.redeem(days_ago=1)
    actions.refund_redemption(
        redemption=w.redeem(days_ago=1), refund_fen=1, reason="some", by=w.checker
    )
    actions.void_voucher(voucher=make.voucher(w.lot), reason="sold", by=w.checker)
    before = clock.now() - timedelta(hours=1)
    make.voucher(w.lot, claimed_at=before, expires_at=before + timedelta(minutes=1))
    actions.expire_vouchers(at=clock.now())
    make.voucher(w.lot)
    assert broken_promises(of="vouchers") == []
    return w


# What is done to a table, and a promise that names it.
TAMPERING = {
    "UPDATE vouchers_transfer SET amount_fen = amount_fen + 1 WHERE kind = 'claim'": (
        "money.live_is_the_face_of_live_vouchers"
    ),
    "DELETE FROM vouchers_transfer WHERE kind = 'settle'": (
        "settlement.settled_is_what_was_paid"
    ),
    "DELETE FROM vouchers_transfer WHERE kind = 'recycle'": (
        "tier.released_is_what_is_out"
    ),
    "UPDATE vouchers_transfer SET kind = 'lose' WHERE kind = 'expire'": (
        "voucher.ended_as_the_book_says"
    ),
    "UPDATE vouchers_transfer SET kind = 'undo' WHERE kind = 'give_back'": (
        "redemption.moved_its_money"
    ),
    """UPDATE vouchers_transfer SET credit_id = (SELECT max(id) FROM vouchers_account
        WHERE kind = 'payable') WHERE kind = 'redeem'""": (
        "money.owed_is_what_was_redeemed"
    ),
    """INSERT INTO vouchers_transfer
              (campaign_id, kind, debit_id, credit_id, amount_fen, at)
       SELECT debit.campaign_id, 'return', debit.id, credit.id, 100, now()
         FROM vouchers_account AS debit, vouchers_account AS credit
        WHERE debit.kind = 'pool' AND credit.kind = 'settled' LIMIT 1""": (
        "money.moves_as_its_cause_says"
    ),
    "UPDATE vouchers_appropriation SET amount_fen = amount_fen + 1": (
        "money.appropriations_add_up"
    ),
    "UPDATE vouchers_campaign SET appropriated_fen = appropriated_fen + 1": (
        "money.every_fen_is_somewhere"
    ),
    "UPDATE vouchers_campaign SET promised_fen = promised_fen - 1": (
        "money.tiers_promise_what_is_noted"
    ),
    "UPDATE vouchers_tier SET count = count + 1": "money.tiers_promise_what_is_noted",
    "UPDATE vouchers_tier SET released = released - 1": "tier.released_is_what_is_out",
    "UPDATE vouchers_stockshard SET remaining = remaining + 1": (
        "lot.gives_what_it_laid_out"
    ),
    "UPDATE vouchers_lot SET laid_out = laid_out + 1": "lot.gives_what_it_laid_out",
    "UPDATE vouchers_voucher SET face_fen = face_fen + 1 WHERE state = 'live'": (
        "voucher.is_of_its_lot"
    ),
    "UPDATE vouchers_voucher SET state = 'live' WHERE state = 'redeemed'": (
        "voucher.used_has_its_redemption"
    ),
    "UPDATE vouchers_voucher SET state = 'live' WHERE state = 'void'": (
        "money.live_is_the_face_of_live_vouchers"
    ),
    "UPDATE vouchers_voucher SET state = 'expired' WHERE state = 'lost'": (
        "voucher.ended_as_the_book_says"
    ),
    "DELETE FROM vouchers_voucher WHERE state = 'live'": "lot.gives_what_it_laid_out",
    "DELETE FROM vouchers_redemption WHERE state = 'done'": (
        "voucher.used_has_its_redemption"
    ),
    "UPDATE vouchers_redemption SET discount_fen = 1": (
        "redemption.of_the_vouchers_face"
    ),
    """UPDATE vouchers_redemption SET merchant_id =
              (SELECT max(id) FROM vouchers_merchant)""": (
        "redemption.is_of_its_merchant"
    ),
    "UPDATE vouchers_redemption SET bill_fen = bill_fen + 1": (
        "settlement.lines_are_as_they_were_signed"
    ),
    "UPDATE vouchers_redemption SET redeemed_at = redeemed_at - interval '1 day'": (
        "settlement.lines_are_as_they_were_signed"
    ),
    """UPDATE vouchers_redemption SET gave_back = NOT gave_back
        WHERE state = 'refunded'""": "redemption.moved_its_money",
    "UPDATE vouchers_participation SET redeemed_fen = 0": (
        "redemption.counted_at_its_merchant"
    ),
    "UPDATE vouchers_settlement SET amount_fen = amount_fen + 1": (
        "settlement.is_the_sum_of_its_lines"
    ),
    "UPDATE vouchers_settlement SET count = count + 1": (
        "settlement.is_the_sum_of_its_lines"
    ),
    "UPDATE vouchers_settlement SET state = 'approved' WHERE state = 'paid'": (
        "settlement.settled_is_what_was_paid"
    ),
    """UPDATE vouchers_settlement SET merchant_id =
              (SELECT max(id) FROM vouchers_merchant) WHERE state = 'paid'""": (
        "settlement.lines_are_of_its_merchant"
    ),
    "DELETE FROM vouchers_settlement WHERE state = 'paid'": (
        "payment_file.is_the_sum_of_its_settlements"
    ),
    "DELETE FROM vouchers_settlementline WHERE kind = 'claw_back'": (
        "settlement.is_the_sum_of_its_lines"
    ),
    "UPDATE vouchers_settlementline SET counts = false": (
        "settlement.rejected_counts_nothing"
    ),
    """UPDATE vouchers_settlementline SET amount_fen = amount_fen - 1
        WHERE kind = 'redeemed'""": "settlement.lines_are_of_its_merchant",
    "UPDATE vouchers_settlement SET account_name = 'x' WHERE state = 'paid'": (
        "payment_file.comes_out_as_it_was_made"
    ),
    "UPDATE vouchers_settlement SET sealed_account = 'x' WHERE state = 'paid'": (
        "payment_file.comes_out_as_it_was_made"
    ),
    "UPDATE vouchers_paymentfile SET sha256 = repeat('0', 64)": (
        "payment_file.comes_out_as_it_was_made"
    ),
    "UPDATE vouchers_paymentfile SET amount_fen = amount_fen + 1": (
        "payment_file.is_the_sum_of_its_settlements"
    ),
    "ALTER TABLE vouchers_transfer DISABLE TRIGGER USER": "money.the_book_is_guarded",
    "ALTER TABLE vouchers_settlementline DISABLE TRIGGER USER": (
        "money.the_book_is_guarded"
    ),
}


def broken_by(change: str) -> list[str]:
    """Which promises a change breaks; it is taken back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # What was written before is checked now, else no table can be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(change)
            assert cursor.rowcount, change
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        found = broken_promises(of="vouchers")
        transaction.set_rollback(True)
    return found


def test_no_change_of_the_money_goes_unnoticed(w: Week) -> None:
    unnoticed = {}
    for change, name in TAMPERING.items():
        found = broken_by(change)
        if f"vouchers.{name}" not in found:
            unnoticed[change] = found
    assert unnoticed == {}
    assert broken_promises(of="vouchers") == []


def test_a_closed_campaign_with_another_sum_in_its_report_is_named(w: Week) -> None:
    for row in w.campaign.settlements.filter(state="prepared"):
        actions.reject_settlement(settlement=row, reason="anew", by=w.checker)
    run = w.prepare(from_on=last_day())
    for number in run.results.values():
        row = Settlement.objects.get(number=number)
        actions.approve_settlement(settlement=row, by=w.checker)
    actions.note_file_paid(
        payment_file=actions.make_payment_file(by=w.maker), by=w.maker
    )
    Voucher.objects.filter(state="live").update(expires_at=clock.now())
    actions.expire_vouchers(at=clock.now())
    Round.objects.update(closes_at=clock.now(), ended_at=clock.now())
    report = actions.prepare_closing_report(campaign=w.campaign, by=w.maker)
    actions.close_campaign(report=report, by=w.checker)
    assert broken_promises(of="vouchers.campaign") == []
    assert broken_by(
        "UPDATE vouchers_closingreport SET figures = jsonb_set(figures,"
        " '{money_fen,to_return}', '1')"
    ) == ["vouchers.campaign.closed_returned_what_was_reported"]
