"""Two members of staff settle, pay and close on the pages of the administration."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from bureau.accounts.models import Role
from bureau.audit.models import Entry
from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from tests.vouchers.settling import Week, first_day, last_day, week
from vouchers import actions
from vouchers.models import (
    Campaign,
    ClosingReport,
    Flag,
    PaymentFile,
    Round,
    Settlement,
    SettlementRun,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def w(db: None) -> Week:
    return week()


def staff(*names: str, is_of_the_city: bool = True) -> Client:
    """Signed in, with these permissions or all of vouchers."""
    person = city.user(is_staff=True)
    if is_of_the_city:
        person.groups.add(Group.objects.get_or_create(name=Role.CITY_STAFF.value)[0])
    allowed = Permission.objects.filter(content_type__app_label="vouchers")
    if names:
        allowed = allowed.filter(codename__in=names)
    person.user_permissions.set(allowed)
    client = Client()
    client.force_login(person)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"admin:vouchers_{name}", args=args)


@pytest.fixture
def maker(db: None) -> Client:
    return staff()


@pytest.fixture
def checker(db: None) -> Client:
    return staff()


def test_from_preparing_to_paid(
    w: Week,
    maker: Client,
    checker: Client,
) -> None:
    w.redeem()
    page = maker.get(url("settlement_prepare"))
    assert page.status_code == 200
    days = {"from_on": first_day(), "until_on": last_day()}
    asked = maker.post(url("settlement_prepare"), days)
    run = SettlementRun.objects.get()
    assert asked["Location"] == url("settlementrun_change", run.pk)
    actions.finish_settlement_runs()
    assert b"1 / 1" in maker.get(asked["Location"]).content
    row = Settlement.objects.get()
    assert maker.get(url("settlement_changelist")).status_code == 200
    assert b"200/500" in checker.get(url("settlement_change", row.pk)).content

    refused = maker.post(url("settlement_approve", row.pk))
    assert refused.status_code == 422
    assert b"Another person" in refused.content
    assert checker.post(url("settlement_approve", row.pk)).status_code == 302
    made = maker.post(url("settlement_pay"))
    file = PaymentFile.objects.get()
    assert made["Location"] == url("paymentfile_change", file.pk)
    assert maker.get(made["Location"]).status_code == 200

    asked_first = maker.get(url("paymentfile_csv", file.pk))
    assert b"recorded" in asked_first.content
    assert not Entry.objects.filter(event="vouchers.payment_file.opened").exists()
    opened = maker.post(url("paymentfile_csv", file.pk))
    assert b"6222021608000000017" in opened.content
    assert maker.post(url("paymentfile_xlsx", file.pk)).content.startswith(b"PK")
    assert Entry.objects.filter(event="vouchers.payment_file.opened").count() == 2

    assert maker.post(url("paymentfile_paid", file.pk)).status_code == 302
    row.refresh_from_db()
    assert row.state == Settlement.State.PAID
    money = maker.get(url("settlement_money")).content.decode()
    assert w.merchant.name in money
    assert "¥200" in money


def test_many_are_approved_at_once_and_each_refusal_is_told(
    w: Week, checker: Client
) -> None:
    other = make.merchant(takes_part_in=w.campaign)
    w.redeem()
    outdated = w.redeem(merchant=other)
    w.prepare()
    w.refund(outdated)
    rows = list(Settlement.objects.values_list("pk", flat=True))
    page = checker.post(
        url("settlement_changelist"),
        {"action": "approve_chosen", "_selected_action": rows},
        follow=True,
    ).content.decode()
    assert "1 settlement is approved." in page
    assert "Reject it and prepare it anew" in page


def test_a_rejection_says_why(w: Week, checker: Client) -> None:
    w.redeem()
    row = w.settlement()
    assert (
        checker.post(url("settlement_reject", row.pk), {"reason": " "}).status_code
        == 422
    )
    given = {"reason": "wrong account"}
    assert checker.post(url("settlement_reject", row.pk), given).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.reason) == ("rejected", "wrong account")


@pytest.mark.parametrize("kind", ["pdf", "xlsx"])
def test_staff_have_the_papers(w: Week, checker: Client, kind: str) -> None:
    w.redeem()
    answer = checker.get(url(f"settlement_{kind}", w.settlement().pk))
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]


def test_a_merchant_pays_back(w: Week, maker: Client) -> None:
    used = w.redeem()
    w.paid()
    w.refund(used)
    page = maker.get(url("closingreport_repay"))
    assert f"{w.merchant}: ¥200" in page.content.decode()
    given = {"merchant": w.merchant.pk, "yuan": "199.99", "document": "1"}
    assert maker.post(url("closingreport_repay"), given).status_code == 422
    given["yuan"] = "200.00"
    assert maker.post(url("closingreport_repay"), given).status_code == 302


def test_the_end_of_a_campaign(w: Week, maker: Client, checker: Client) -> None:
    used, wrong = w.redeem(), w.redeem()
    w.decide(w.flag(wrong), Flag.State.CONFIRMED)
    page = maker.get(url("closingreport_end")).content.decode()
    assert "cannot be closed yet" in page
    assert "Write down what is confirmed" in page
    assert maker.get(url("closingreport_write_down")).status_code == 200
    given = {"reason": "nobody paid"}
    assert maker.post(url("closingreport_write_down"), given).status_code == 302
    w.paid()
    Round.objects.update(closes_at=clock.now() - timedelta(hours=1))
    actions.end_rounds(at=clock.now())
    assert (
        "Everything is settled" in maker.get(url("closingreport_end")).content.decode()
    )
    asked = maker.post(url("closingreport_end"))
    report = ClosingReport.objects.get()
    assert asked["Location"] == url("closingreport_change", report.pk)
    close, seen = url("closingreport_close", report.pk), {"seen": report.sha256}
    assert maker.post(close, seen).status_code == 422
    assert f'value="{report.sha256}"' in checker.get(close).text
    assert checker.post(close, seen).status_code == 302
    assert Campaign.objects.get().state == Campaign.State.CLOSED
    for kind in ("pdf", "xlsx", "as_json"):
        assert checker.get(url(f"closingreport_{kind}", report.pk)).status_code == 200
    assert used.number


@pytest.mark.parametrize("seen", ["", "0" * 64])
def test_a_campaign_is_not_closed_over_figures_that_were_not_read(
    w: Week, checker: Client, seen: str
) -> None:
    """Somebody prepared the report anew while the page was open."""
    w.redeem()
    w.paid()
    Round.objects.update(closes_at=clock.now() - timedelta(hours=1))
    actions.end_rounds(at=clock.now())
    report = actions.prepare_closing_report(campaign=w.campaign, by=w.maker)
    close = url("closingreport_close", report.pk)
    assert checker.post(close, {"seen": seen}).status_code == 422
    assert Campaign.objects.get().state == Campaign.State.PUBLISHED
    assert checker.post(close, {"seen": report.sha256}).status_code == 302


@pytest.mark.parametrize(
    ("page", "permission"),
    [
        ("settlement_prepare", "add_settlement"),
        ("settlement_pay", "add_paymentfile"),
        ("closingreport_end", "close_campaign"),
        ("closingreport_repay", "add_paymentfile"),
        ("closingreport_write_down", "close_campaign"),
    ],
)
def test_only_who_may_does(w: Week, page: str, permission: str) -> None:
    assert staff("view_settlement").get(url(page)).status_code == 403
    allowed = staff("view_settlement", "view_closingreport", permission)
    assert allowed.get(url(page)).status_code == 200


def test_looking_is_not_opening(w: Week, maker: Client) -> None:
    w.redeem()
    row = actions.approve_settlement(settlement=w.settlement(), by=w.checker)
    file = actions.make_payment_file(by=w.maker)
    looker = staff("view_settlement", "view_paymentfile")
    assert looker.get(url("paymentfile_change", file.pk)).status_code == 200
    assert looker.post(url("paymentfile_csv", file.pk)).status_code == 403
    assert looker.post(url("settlement_approve", row.pk)).status_code == 403


def test_a_file_says_what_was_rejected_since_it_was_made(
    w: Week, maker: Client
) -> None:
    w.redeem()
    row = actions.approve_settlement(settlement=w.settlement(), by=w.checker)
    file = actions.make_payment_file(by=w.maker)
    assert "must not pay" not in maker.get(url("paymentfile_csv", file.pk)).text
    actions.reject_settlement(settlement=row, reason="Wrong bank", by=w.checker)
    page = maker.get(url("paymentfile_csv", file.pk)).text
    assert "The bank must not pay them by this file." in page
    assert row.number in page
    assert "Wrong bank" in page


def test_a_sum_of_nothing_is_no_yuan_and_nothing_that_is_free(
    w: Week, maker: Client
) -> None:
    w.redeem()
    money = maker.get(url("settlement_money")).text
    assert "¥0</td>" in money
    assert "Free" not in money


def test_staff_of_a_district_do_not_see_the_citys_money(w: Week) -> None:
    w.redeem()
    row = w.settlement()
    client = staff(is_of_the_city=False)
    assert client.get(url("settlement_changelist")).status_code == 403
    assert client.get(url("settlement_change", row.pk)).status_code == 403
    assert client.get(url("settlement_money")).status_code == 403
    assert client.get(url("settlement_prepare")).status_code == 403
