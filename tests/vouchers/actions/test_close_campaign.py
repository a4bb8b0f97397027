from __future__ import annotations

from datetime import timedelta

import pytest

from bureau.common import clock
from bureau.common.errors import DomainError
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.settling import Week, week
from vouchers import actions, queries
from vouchers.models import (
    Campaign,
    ClosingReport,
    DistrictCap,
    Flag,
    Participation,
    Redemption,
    Round,
    Voucher,
)
from vouchers.queries import balances_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def w(db: None) -> Week:
    return week()


def end_rounds(w: Week) -> None:
    Round.objects.filter(campaign=w.campaign).update(
        closes_at=clock.now() - timedelta(days=1)
    )
    actions.end_rounds(at=clock.now())


def expired(w: Week) -> Voucher:
    begun = clock.now() - timedelta(days=20)
    made = make.voucher(
        w.lot, claimed_at=begun, expires_at=clock.now() - timedelta(days=1)
    )
    actions.expire_vouchers(at=clock.now())
    return made


def close(w: Week) -> Campaign:
    report = actions.prepare_closing_report(campaign=w.campaign, by=w.maker)
    return actions.close_campaign(report=report, by=w.checker)


def test_what_is_left_goes_back(w: Week) -> None:
    w.redeem()
    w.paid()
    expired(w)
    end_rounds(w)
    campaign = close(w)
    assert campaign.state == Campaign.State.CLOSED
    money = balances_of(campaign)
    assert money.returned == 1_000_000_00 - make.FACE_FEN
    assert (money.pool, money.lapsed) == (0, 0)
    assert money.total == money.appropriated
    assert broken_promises(of="vouchers") == []


@pytest.mark.parametrize("recycles", [True, False])
def test_the_figures_add_up(recycles: bool) -> None:  # noqa: FBT001
    w = week(recycles=recycles)
    w.redeem()
    lost = w.redeem()
    w.paid()
    expired(w)
    make.tier(w.campaign, face_fen=10_00, threshold_fen=10_00, count=100)
    actions.refund_redemption(
        redemption=lost, refund_fen=1, reason="half of it", by=w.checker
    )
    figures = queries.closing_figures(w.campaign)
    money, left = figures["money_fen"], figures["leftover_fen"]
    assert sum(left.values()) == money["pool"] + money["lapsed"]
    assert left["lost"] == make.FACE_FEN
    assert left["expired"] == (0 if recycles else make.FACE_FEN)
    (district,) = figures["districts"]
    assert district["redemptions"] == 1
    assert money["to_return"] == money["pool"] + money["lapsed"]


def test_the_papers_come_out_the_same_byte_for_byte(w: Week) -> None:
    end_rounds(w)
    close(w)
    report = ClosingReport.objects.get(campaign=w.campaign)
    assert queries.closing_pdf(report) == queries.closing_pdf(report)
    assert queries.closing_workbook(report) == queries.closing_workbook(report)


def test_two_people_close(w: Week) -> None:
    end_rounds(w)
    report = actions.prepare_closing_report(campaign=w.campaign, by=w.maker)
    with pytest.raises(DomainError) as refused:
        actions.close_campaign(report=report, by=w.maker)
    assert refused.value.code == "voucher_settlement_same_person"
    assert Campaign.objects.get(pk=w.campaign.pk).state == Campaign.State.PUBLISHED
    assert balances_of(w.campaign).returned == 0


def test_it_is_closed_once(w: Week) -> None:
    end_rounds(w)
    close(w)
    with pytest.raises(DomainError) as refused:
        close(w)
    assert refused.value.code == "voucher_campaign_over"


def test_figures_that_changed_are_not_approved(w: Week) -> None:
    used = w.redeem()
    w.paid()
    end_rounds(w)
    report = actions.prepare_closing_report(campaign=w.campaign, by=w.maker)
    used.shop.district.name = "another"
    used.shop.district.save()
    with pytest.raises(DomainError) as refused:
        actions.close_campaign(report=report, by=w.checker)
    assert refused.value.code == "voucher_closing_report_outdated"


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("round", "1 round has not ended"),
        ("live", "1 voucher can still be used"),
        ("owed", "1 merchant has something to get"),
        ("unpaid", "1 settlement is not paid"),
        ("owing", "1 merchant owes us something"),
        ("flag", "1 flag of the radar is undecided"),
        ("confirmed", "1 redemption of a confirmed flag"),
    ],
)
def test_everything_has_to_be_at_its_end(w: Week, what: str, told: str) -> None:
    if what == "live":
        make.voucher(w.lot)
    if what in ("owed", "unpaid", "owing", "confirmed"):
        used = w.redeem()
        if what == "unpaid":
            w.prepare()
        if what == "owing":
            w.paid()
            w.refund(used)
        if what == "confirmed":
            w.decide(w.flag(used), Flag.State.CONFIRMED)
    if what == "flag":
        w.flag()
    if what != "round":
        end_rounds(w)
    with pytest.raises(DomainError) as refused:
        close(w)
    assert refused.value.code == "voucher_campaign_not_ready_to_close"
    assert told in str(refused.value)


def test_what_is_confirmed_is_written_down(w: Week) -> None:
    used = w.redeem()
    w.decide(w.flag(used), Flag.State.CONFIRMED)
    assert (
        actions.write_down_redemptions(
            campaign=w.campaign, reason="nobody paid", by=w.checker
        )
        == 1
    )
    used.refresh_from_db()
    assert (used.state, used.gave_back) == (Redemption.State.REFUNDED, False)
    assert used.voucher.state != Voucher.State.LIVE
    assert balances_of(w.campaign).lapsed == make.FACE_FEN
    assert Participation.objects.get(merchant=w.merchant).redeemed_fen == 0
    assert not DistrictCap.objects.exists()
    end_rounds(w)
    close(w)
    assert broken_promises(of="vouchers") == []


def test_what_was_paid_before_it_was_confirmed_is_taken_back(w: Week) -> None:
    used = w.redeem(days_ago=5)
    w.paid()
    w.decide(w.flag(used), Flag.State.CONFIRMED)
    actions.write_down_redemptions(campaign=w.campaign, reason="false", by=w.checker)
    w.redeem(days_ago=3)
    w.redeem(days_ago=3)
    run = w.prepare(from_on=w.lot.round.opens_at.date())
    row = w.campaign.settlements.get(number=run.results[str(w.merchant.pk)])
    assert row.amount_fen == make.FACE_FEN
    assert broken_promises(of="vouchers") == []


def test_writing_down_has_a_reason(w: Week) -> None:
    with pytest.raises(DomainError) as refused:
        actions.write_down_redemptions(campaign=w.campaign, reason="", by=w.checker)
    assert refused.value.code == "voucher_rejection_needs_reason"


def test_after_the_end_nothing_moves(w: Week) -> None:
    used = w.redeem()
    w.paid()
    end_rounds(w)
    close(w)
    before = balances_of(w.campaign)
    for act in (
        lambda: w.refund(used),
        w.prepare,
        lambda: actions.write_down_redemptions(
            campaign=w.campaign, reason="late", by=w.checker
        ),
        lambda: actions.note_repayment(
            campaign=w.campaign,
            merchant=w.merchant,
            amount_fen=1,
            document="1",
            by=w.maker,
        ),
    ):
        with pytest.raises(DomainError):
            act()
    assert balances_of(w.campaign) == before
    assert broken_promises(of="vouchers") == []
