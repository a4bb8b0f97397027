from __future__ import annotations

from datetime import timedelta

import pytest

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.notices.models import Notice
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.settling import Week, first_day, last_day, week
from vouchers import actions, queries
from vouchers.actions import settlement_runs
from vouchers.models import Campaign, Flag, Redemption, Settlement, SettlementRun
from vouchers.queries.settlements import hash_of_lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def w(db: None) -> Week:
    return week()


def test_pays_what_was_redeemed(w: Week) -> None:
    used = [w.redeem(), w.redeem(days_ago=3)]
    row = w.settlement()
    assert row.amount_fen == 2 * make.FACE_FEN
    assert row.count == 2
    assert set(row.lines.values_list("redemption", flat=True)) == {u.pk for u in used}
    assert row.state == Settlement.State.PREPARED
    assert (row.bank_name, row.masked_account) == (
        w.merchant.bank_name,
        w.merchant.masked_account,
    )
    assert len(row.statement_hash) == 64
    assert broken_promises(of="vouchers") == []


def test_each_merchant_gets_its_own(w: Week) -> None:
    other = make.merchant(takes_part_in=w.campaign)
    w.redeem()
    w.redeem(merchant=other)
    w.redeem(merchant=other)
    w.prepare()
    amounts = dict(Settlement.objects.values_list("merchant", "amount_fen"))
    assert amounts == {w.merchant.pk: make.FACE_FEN, other.pk: 2 * make.FACE_FEN}


def test_the_same_period_again_changes_nothing(w: Week) -> None:
    w.redeem()
    first = w.prepare()
    again = w.prepare()
    assert again.results == first.results
    assert Settlement.objects.count() == 1
    assert broken_promises(of="vouchers") == []


def test_overlapping_days_are_settled_once(w: Week) -> None:
    w.redeem()
    w.prepare()
    run = w.prepare(from_on=first_day() - timedelta(days=3))
    assert run.results == {str(w.merchant.pk): 0}
    assert Settlement.objects.count() == 1


def test_what_happens_today_waits(w: Week) -> None:
    w.redeem(days_ago=0)
    assert w.prepare().results == {str(w.merchant.pk): 0}


def test_days_are_days_in_china(w: Week) -> None:
    midnight = clock.at(clock.today(), 0)
    late, early = w.redeem(), w.redeem()
    Redemption.objects.filter(pk=late.pk).update(
        redeemed_at=midnight - timedelta(microseconds=1)
    )
    Redemption.objects.filter(pk=early.pk).update(redeemed_at=midnight)
    assert list(w.settlement().lines.values_list("redemption", flat=True)) == [late.pk]


def test_what_a_flag_holds_is_left_out_and_told_apart(w: Week) -> None:
    free, held = w.redeem(), w.redeem()
    w.flag(held)
    row = w.settlement()
    assert list(row.lines.values_list("redemption", flat=True)) == [free.pk]
    statement = queries.statement_of(row)
    assert [line.amount_fen for line in statement.held] == [make.FACE_FEN]
    assert statement.amount_fen == make.FACE_FEN


def test_its_totals_stand_in_the_order_of_the_tiers_and_of_the_names(w: Week) -> None:
    """And not in that in which somebody happened to come to the counter."""
    shops = [make.shop(w.merchant, name=name) for name in ("C", "A", "B")]
    tiers = [(400_00, 1000_00), (20_00, 20_00), (20_00, 50_00)]
    for days_ago, (shop, (face, bill)) in enumerate(zip(shops, tiers, strict=True), 1):
        lot = make.lot(make.tier(w.campaign, face_fen=face, threshold_fen=bill))
        at = clock.now() - timedelta(days=4 - days_ago)
        used = make.voucher(lot, claimed_at=at - timedelta(hours=1))
        make.redemption(used, shop=shop, redeemed_at=at)
    found = queries.statement_of(w.settlement())
    assert list(found.tiers) == ["20/20", "20/50", "400/1000"]
    assert list(found.shops) == ["A", "B", "C"]


def test_what_a_flag_released_comes_with_the_next(w: Week) -> None:
    held = w.redeem(days_ago=5)
    flag = w.flag(held)
    w.prepare(until_on=clock.today() - timedelta(days=4))
    w.decide(flag, Flag.State.CLEARED)
    run = w.prepare(from_on=clock.today() - timedelta(days=3))
    row = Settlement.objects.get(number=run.results[str(w.merchant.pk)])
    statement = queries.statement_of(row)
    assert not statement.redeemed
    assert [line.amount_fen for line in statement.earlier] == [make.FACE_FEN]


def test_a_refund_after_payment_is_taken_back(w: Week) -> None:
    used = w.redeem(days_ago=5)
    w.redeem(days_ago=5)
    w.prepare(until_on=clock.today() - timedelta(days=4))
    row = Settlement.objects.get()
    actions.approve_settlement(settlement=row, by=w.checker)
    actions.make_payment_file(by=w.maker)
    actions.note_paid(settlement=row, by=w.maker)
    w.refund(used)
    w.redeem(days_ago=2)
    w.redeem(days_ago=2)
    run = w.prepare(from_on=clock.today() - timedelta(days=3))
    following = Settlement.objects.get(number=run.results[str(w.merchant.pk)])
    assert following.amount_fen == make.FACE_FEN
    assert following.count == 3
    assert queries.statement_of(following).taken_back_fen == -make.FACE_FEN
    assert broken_promises(of="vouchers") == []


def test_nobody_gets_less_than_nothing_it_is_carried_over(w: Week) -> None:
    used = w.redeem(days_ago=5)
    w.prepare(until_on=clock.today() - timedelta(days=4))
    row = Settlement.objects.get()
    actions.approve_settlement(settlement=row, by=w.checker)
    actions.make_payment_file(by=w.maker)
    actions.note_paid(settlement=row, by=w.maker)
    w.refund(used)
    three = clock.today() - timedelta(days=3)
    run = w.prepare(from_on=three, until_on=three)
    assert run.results == {str(w.merchant.pk): -make.FACE_FEN}
    w.redeem(days_ago=1)
    w.redeem(days_ago=1)
    run = w.prepare(from_on=three)
    row = Settlement.objects.get(number=run.results[str(w.merchant.pk)])
    assert row.amount_fen == make.FACE_FEN
    assert broken_promises(of="vouchers") == []


def test_what_is_undone_is_not_paid(w: Week) -> None:
    used = w.redeem()
    w.refund(used)
    assert w.prepare().results == {str(w.merchant.pk): 0}


def test_names_and_account_stay_as_they_were(w: Week) -> None:
    used = w.redeem()
    row = w.settlement()
    before = queries.statement_workbook(queries.statement_of(row))
    used.shop.name = "another"
    used.shop.save()
    w.merchant.name, w.merchant.bank_name = "another", "another"
    w.merchant.save()
    used.clerk.name = "another"
    used.clerk.save()
    row = Settlement.objects.get(pk=row.pk)
    assert queries.statement_workbook(queries.statement_of(row)) == before


def test_the_papers_come_out_the_same_byte_for_byte(w: Week) -> None:
    for days_ago in (1, 2, 3):
        w.redeem(days_ago=days_ago)
    statement = queries.statement_of(w.settlement())
    assert queries.statement_pdf(statement) == queries.statement_pdf(statement)
    assert queries.statement_workbook(statement) == queries.statement_workbook(
        statement
    )
    assert queries.statement_pdf(statement).startswith(b"%PDF-")


def test_the_hash_is_that_of_the_lines_as_they_are_read_later(w: Week) -> None:
    w.redeem(days_ago=5)
    w.refund(w.paid().lines.get().redemption)
    for days_ago in (1, 2, 3):
        w.redeem(days_ago=days_ago)
    run = w.prepare(from_on=last_day())
    row = Settlement.objects.get(number=run.results[str(w.merchant.pk)])
    assert row.lines.count() == row.count == 4
    assert row.statement_hash == hash_of_lines(row)


def test_more_merchants_than_are_done_at_once_are_all_done(
    w: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement_runs, "MERCHANTS_AT_ONCE", 2)
    firms = [make.merchant(takes_part_in=w.campaign) for _n in range(4)]
    for firm in firms[:3]:
        w.redeem(merchant=firm)
    run = w.prepare()
    assert run.done == run.merchants == 5
    made = Settlement.objects.order_by("merchant")
    assert [row.merchant for row in made] == firms[:3]
    assert [row.facts["merchant"] for row in made] == [one.name for one in firms[:3]]
    assert run.results[str(firms[3].pk)] == run.results[str(w.merchant.pk)] == 0


def test_a_statement_asks_two_questions(
    w: Week, django_assert_num_queries: object
) -> None:
    used = [w.redeem() for _n in range(5)]
    w.flag(*used[:2])
    row = w.settlement()
    row = Settlement.objects.select_related("campaign").get(pk=row.pk)
    with django_assert_num_queries(2):  # type: ignore[operator]
        queries.statement_of(row)


def test_who_asked_is_told(w: Week) -> None:
    w.redeem()
    w.prepare()
    told = Notice.objects.get(kind="vouchers.settlements_prepared")
    assert told.recipient == w.maker
    assert told.context["count"] == 1
    assert Entry.objects.filter(event="vouchers.settlement.prepared").count() == 1


@pytest.mark.parametrize(
    ("from_days_ago", "until_days_ago", "code"),
    [
        (1, 2, "voucher_period_backwards"),
        (3, 0, "voucher_period_not_over"),
        (3, -1, "voucher_period_not_over"),
    ],
)
def test_refuses_days(
    w: Week, from_days_ago: int, until_days_ago: int, code: str
) -> None:
    today = clock.today()
    with pytest.raises(DomainError) as refused:
        w.prepare(
            from_on=today - timedelta(days=from_days_ago),
            until_on=today - timedelta(days=until_days_ago),
        )
    assert refused.value.code == code
    assert not SettlementRun.objects.exists()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("draft", "voucher_settlement_of_a_draft"),
        ("closed", "voucher_campaign_over"),
    ],
)
def test_refuses_a_campaign_that_is_not_running(w: Week, state: str, code: str) -> None:
    Campaign.objects.filter(pk=w.campaign.pk).update(state=state, closed_at=clock.now())
    with pytest.raises(DomainError) as refused:
        w.prepare()
    assert refused.value.code == code


def test_only_one_preparation_at_a_time(w: Week) -> None:
    actions.ask_for_settlements(
        campaign=w.campaign, from_on=first_day(), until_on=last_day(), by=w.maker
    )
    with pytest.raises(DomainError) as refused:
        w.prepare()
    assert refused.value.code == "voucher_settlements_under_way"


def test_the_sweep_goes_on_where_a_worker_died(w: Week) -> None:
    other = make.merchant(takes_part_in=w.campaign)
    w.redeem()
    w.redeem(merchant=other)
    run = actions.ask_for_settlements(
        campaign=w.campaign, from_on=first_day(), until_on=last_day(), by=w.maker
    )
    assert actions.finish_settlement_runs() == 1
    run.refresh_from_db()
    assert run.finished_at is not None
    assert run.done == run.merchants == 2
    assert actions.finish_settlement_runs() == 0
    assert Notice.objects.filter(kind="vouchers.settlements_prepared").count() == 1


def test_a_week_that_is_over_is_proposed_once(w: Week) -> None:
    from django.contrib.auth.models import Permission  # noqa: PLC0415

    w.maker.user_permissions.add(Permission.objects.get(codename="add_settlement"))
    w.redeem(days_ago=8)
    at = clock.now()
    assert actions.propose_settlements(at=at) == 1
    assert actions.propose_settlements(at=at) == 0
    told = Notice.objects.get(kind="vouchers.settlements_due")
    assert told.recipient == w.maker
