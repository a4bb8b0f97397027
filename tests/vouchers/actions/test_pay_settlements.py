from __future__ import annotations

import csv
from hashlib import sha256
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.audit.models import Entry
from bureau.common import sealed
from bureau.common.errors import DomainError
from bureau.notices.models import Notice
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.settling import Week, week
from vouchers import actions
from vouchers.models import Flag, Member, PaymentFile, Redemption, Settlement, Transfer
from vouchers.queries import balances_of

pytestmark = pytest.mark.django_db
ACCOUNT = "6222021608000000017"


@pytest.fixture
def w(db: None) -> Week:
    return week()


def code_of(refused: pytest.ExceptionInfo[DomainError]) -> str:
    return refused.value.code


# --- Two people -------------------------------------------------------------------


def test_another_person_approves(w: Week) -> None:
    w.redeem()
    row = actions.approve_settlement(settlement=w.settlement(), by=w.checker)
    assert row.state == Settlement.State.APPROVED
    assert (row.prepared_by, row.decided_by) == (w.maker, w.checker)


@pytest.mark.parametrize("decide", ["approve", "reject"])
def test_nobody_decides_on_what_they_prepared(w: Week, decide: str) -> None:
    w.redeem()
    row = w.settlement()
    given = {} if decide == "approve" else {"reason": "no"}
    with pytest.raises(DomainError) as refused:
        getattr(actions, f"{decide}_settlement")(settlement=row, by=w.maker, **given)
    assert code_of(refused) == "voucher_settlement_same_person"
    row.refresh_from_db()
    assert row.state == Settlement.State.PREPARED


def test_who_works_for_the_merchant_does_not_approve_its_money(w: Week) -> None:
    w.redeem()
    row = w.settlement()
    make.member(row.merchant, person=w.checker)
    with pytest.raises(DomainError) as refused:
        actions.approve_settlement(settlement=row, by=w.checker)
    assert code_of(refused) == "merchant_is_yours"


def test_it_is_approved_once(w: Week) -> None:
    w.redeem()
    row = actions.approve_settlement(settlement=w.settlement(), by=w.checker)
    with pytest.raises(DomainError) as refused:
        actions.approve_settlement(settlement=row, by=w.checker)
    assert code_of(refused) == "voucher_settlement_moved_on"


def test_what_was_refunded_meanwhile_is_not_approved(w: Week) -> None:
    used = w.redeem()
    row = w.settlement()
    w.refund(used)
    with pytest.raises(DomainError) as refused:
        actions.approve_settlement(settlement=row, by=w.checker)
    assert code_of(refused) == "voucher_settlement_outdated"


def test_what_was_flagged_meanwhile_is_not_approved(w: Week) -> None:
    used = w.redeem()
    row = w.settlement()
    flag = w.flag(used)
    with pytest.raises(DomainError) as refused:
        actions.approve_settlement(settlement=row, by=w.checker)
    assert code_of(refused) == "voucher_settlement_outdated"
    w.decide(flag, Flag.State.CLEARED)
    actions.approve_settlement(settlement=row, by=w.checker)


def test_what_is_rejected_can_be_settled_anew(w: Week) -> None:
    w.redeem()
    row = actions.reject_settlement(
        settlement=w.settlement(), reason=" wrong bank ", by=w.checker
    )
    assert (row.state, row.reason) == ("rejected", "wrong bank")
    again = w.settlement()
    assert again.pk != row.pk
    assert again.amount_fen == row.amount_fen
    assert broken_promises(of="vouchers") == []


def test_a_rejection_has_a_reason(w: Week) -> None:
    w.redeem()
    with pytest.raises(DomainError) as refused:
        actions.reject_settlement(settlement=w.settlement(), reason=" ", by=w.checker)
    assert code_of(refused) == "voucher_rejection_needs_reason"


def test_what_the_bank_sent_back_is_settled_anew(w: Week) -> None:
    w.redeem()
    row = actions.approve_settlement(settlement=w.settlement(), by=w.checker)
    made = actions.make_payment_file(by=w.maker)
    actions.reject_settlement(settlement=row, reason="no such account", by=w.checker)
    assert actions.note_file_paid(payment_file=made, by=w.maker) == 0
    assert w.settlement().amount_fen == make.FACE_FEN
    assert broken_promises(of="vouchers") == []


# --- The file ---------------------------------------------------------------------


def approved(w: Week) -> Settlement:
    w.redeem()
    return actions.approve_settlement(settlement=w.settlement(), by=w.checker)


def test_the_file_has_whole_accounts_and_every_opening_is_noted(w: Week) -> None:
    row = approved(w)
    made = actions.make_payment_file(by=w.maker)
    content = actions.open_payment_file(payment_file=made, by=w.maker)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    assert rows[1][1:5] == [ACCOUNT, row.account_name, row.bank_name, "200.00"]
    assert sha256(content).hexdigest() == made.sha256
    assert (made.count, made.amount_fen) == (1, make.FACE_FEN)
    opened = Entry.objects.get(event="vouchers.payment_file.opened")
    assert opened.actor == w.maker
    assert ACCOUNT not in str(opened.detail)


def test_the_workbook_says_the_same(w: Week) -> None:
    approved(w)
    made = actions.make_payment_file(by=w.maker)
    content = actions.open_payment_file(payment_file=made, by=w.maker, as_workbook=True)
    page = load_workbook(BytesIO(content)).active
    assert [cell.value for cell in page[2]][1] == ACCOUNT
    assert content == actions.open_payment_file(
        payment_file=made, by=w.maker, as_workbook=True
    )


def test_the_file_stays_the_same_when_the_merchant_moves(w: Week) -> None:
    approved(w)
    made = actions.make_payment_file(by=w.maker)
    w.merchant.bank_name = w.merchant.account_name = "another"
    w.merchant.save()
    content = actions.open_payment_file(payment_file=made, by=w.maker)
    assert sha256(content).hexdigest() == made.sha256


def test_the_file_stays_the_same_when_the_campaign_is_renamed(w: Week) -> None:
    approved(w)
    made = actions.make_payment_file(by=w.maker)
    texts = actions.Texts(name="another name")
    actions.describe_campaign(campaign=w.campaign, texts=texts, by=w.maker)
    content = actions.open_payment_file(payment_file=made, by=w.maker)
    assert sha256(content).hexdigest() == made.sha256


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_whose_accounts_were_changed_by_sql_is_not_opened(
    w: Week, kind: str
) -> None:
    row = approved(w)
    made = actions.make_payment_file(by=w.maker)
    Settlement.objects.filter(pk=row.pk).update(
        sealed_account=sealed.seal("6222020200112233445")
    )
    with pytest.raises(DomainError) as refused:
        actions.open_payment_file(
            payment_file=made, by=w.maker, as_workbook=kind == "xlsx"
        )
    assert code_of(refused) == "voucher_payment_file_altered"
    assert not Entry.objects.filter(event="vouchers.payment_file.opened").exists()


@pytest.mark.parametrize("name", ["=1+1", "+86", "-1", "@x", "\t=1"])
def test_a_name_is_no_formula(w: Week, name: str) -> None:
    w.merchant.account_name = name
    w.merchant.save()
    approved(w)
    made = actions.make_payment_file(by=w.maker)
    content = actions.open_payment_file(payment_file=made, by=w.maker)
    rows = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    assert rows[1][2] == f"'{name}"


def test_a_settlement_is_in_one_file(w: Week) -> None:
    approved(w)
    actions.make_payment_file(by=w.maker)
    with pytest.raises(DomainError) as refused:
        actions.make_payment_file(by=w.maker)
    assert code_of(refused) == "voucher_nothing_to_pay"
    assert PaymentFile.objects.count() == 1


def test_what_was_flagged_since_waits_for_the_next_file(w: Week) -> None:
    row = approved(w)
    used = Redemption.objects.get(settlement_lines__settlement=row)
    flag = w.flag(used)
    with pytest.raises(DomainError):
        actions.make_payment_file(by=w.maker)
    w.decide(flag, Flag.State.CLEARED)
    assert actions.make_payment_file(by=w.maker).count == 1


# --- Paid -------------------------------------------------------------------------


def test_what_was_paid_leaves_what_we_owe(w: Week) -> None:
    row = approved(w)
    manager = make.member(w.merchant, Member.Role.MANAGER)
    made = actions.make_payment_file(by=w.maker)
    assert actions.note_file_paid(payment_file=made, by=w.maker) == 1
    money = balances_of(w.campaign)
    assert money.payable == {w.merchant.pk: 0}
    assert money.settled == {w.merchant.pk: make.FACE_FEN}
    row.refresh_from_db()
    assert row.state == Settlement.State.PAID
    told = Notice.objects.get(kind="vouchers.settlement_paid")
    assert told.recipient == manager.person
    assert row.get_absolute_url() in told.context["url"]
    assert broken_promises(of="vouchers") == []


def test_it_is_paid_once(w: Week) -> None:
    row = approved(w)
    made = actions.make_payment_file(by=w.maker)
    actions.note_paid(settlement=row, by=w.maker)
    with pytest.raises(DomainError) as refused:
        actions.note_paid(settlement=row, by=w.maker)
    assert code_of(refused) == "voucher_settlement_moved_on"
    assert actions.note_file_paid(payment_file=made, by=w.maker) == 0
    assert Transfer.objects.filter(kind="settle").count() == 1


def test_nothing_is_paid_without_a_file(w: Week) -> None:
    row = approved(w)
    with pytest.raises(DomainError) as refused:
        actions.note_paid(settlement=row, by=w.maker)
    assert code_of(refused) == "voucher_settlement_not_in_a_file"


def test_what_was_paid_is_not_rejected(w: Week) -> None:
    w.redeem()
    row = w.paid()
    with pytest.raises(DomainError) as refused:
        actions.reject_settlement(settlement=row, reason="late", by=w.checker)
    assert code_of(refused) == "voucher_settlement_moved_on"


# --- Paid back --------------------------------------------------------------------


def test_a_merchant_pays_back_and_is_not_charged_twice(w: Week) -> None:
    used = w.redeem()
    w.paid()
    w.refund(used)
    assert balances_of(w.campaign).payable == {w.merchant.pk: -make.FACE_FEN}
    rows = actions.note_repayment(
        campaign=w.campaign,
        merchant=w.merchant,
        amount_fen=make.FACE_FEN,
        document="20261122-7",
        by=w.maker,
    )
    assert rows == [used]
    money = balances_of(w.campaign)
    assert money.payable == money.settled == {w.merchant.pk: 0}
    assert w.prepare(from_on=w.lot.round.opens_at.date()).results == {
        str(w.merchant.pk): 0
    }
    assert broken_promises(of="vouchers") == []


def test_only_what_is_owed_is_paid_back(w: Week) -> None:
    def repay(fen: int) -> None:
        actions.note_repayment(
            campaign=w.campaign,
            merchant=w.merchant,
            amount_fen=fen,
            document="1",
            by=w.maker,
        )

    used = w.redeem()
    with pytest.raises(DomainError) as refused:
        repay(make.FACE_FEN)
    assert code_of(refused) == "voucher_nothing_owed"
    w.paid()
    w.refund(used)
    with pytest.raises(DomainError) as refused:
        repay(make.FACE_FEN - 1)
    assert code_of(refused) == "voucher_repayment_differs"
    repay(make.FACE_FEN)
    with pytest.raises(DomainError) as refused:
        repay(make.FACE_FEN)
    assert code_of(refused) == "voucher_nothing_owed"


def test_what_was_taken_off_is_not_paid_back_too(w: Week) -> None:
    used = w.redeem(days_ago=5)
    w.paid()
    w.refund(used)
    w.redeem(days_ago=3)
    w.redeem(days_ago=3)
    w.prepare(from_on=w.lot.round.opens_at.date())
    with pytest.raises(DomainError) as refused:
        actions.note_repayment(
            campaign=w.campaign,
            merchant=w.merchant,
            amount_fen=make.FACE_FEN,
            document="1",
            by=city.user(),
        )
    assert code_of(refused) == "voucher_nothing_owed"
