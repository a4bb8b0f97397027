from __future__ import annotations

import pytest
from django.test import Client

from bureau.accounts.models import User
from bureau.common.workbooks import CONTENT_TYPE
from tests import make as city
from tests.vouchers import make
from tests.vouchers.settling import Week, week
from vouchers import actions
from vouchers.models import Member, Settlement

pytestmark = pytest.mark.django_db
LIST = "/merchants/mine/statements/"


@pytest.fixture
def w(db: None) -> Week:
    return week()


@pytest.fixture
def manager(w: Week) -> User:
    person = make.member(w.merchant, Member.Role.MANAGER).person
    assert person
    return person


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_manager_sees_what_was_paid_and_what_is_owed(w: Week, manager: User) -> None:
    w.redeem()
    row = w.paid()
    w.redeem(days_ago=0)
    page = signed_in(manager).get(LIST)
    assert page.status_code == 200
    assert row.get_absolute_url() in page.content.decode()
    assert "¥200" in page.content.decode()
    assert page.context["owed"][0].fen == make.FACE_FEN


def test_a_statement_shows_each_redemption(w: Week, manager: User) -> None:
    used, back, held = w.redeem(), w.redeem(), w.redeem()
    w.flag(held)
    row = w.paid()
    w.refund(back)
    page = signed_in(manager).get(row.get_absolute_url()).content.decode()
    assert used.shop.name in page
    assert used.voucher.code not in page
    assert used.voucher.code[:4] in page
    assert "1 redemption is still being checked" in page


@pytest.mark.parametrize(
    ("kind", "content_type", "start"),
    [("pdf", "application/pdf", b"%PDF-"), ("xlsx", CONTENT_TYPE, b"PK")],
)
def test_it_comes_as_a_file(
    w: Week, manager: User, kind: str, content_type: str, start: bytes
) -> None:
    w.redeem()
    row = w.paid()
    url = f"{row.get_absolute_url()}statement.{kind}"
    one, other = signed_in(manager).get(url), signed_in(manager).get(url)
    assert one["Content-Type"] == content_type
    assert one.content.startswith(start)
    assert one.content == other.content


def test_what_is_not_approved_is_not_there(w: Week, manager: User) -> None:
    w.redeem()
    row = w.settlement()
    assert signed_in(manager).get(row.get_absolute_url()).status_code == 404
    actions.reject_settlement(settlement=row, reason="no", by=w.checker)
    assert signed_in(manager).get(row.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("suffix", ["", "statement.pdf", "statement.xlsx"])
def test_other_merchants_do_not_see_it(w: Week, suffix: str) -> None:
    w.redeem()
    row = w.paid()
    other = make.member(make.merchant(), Member.Role.MANAGER).person
    clerk = make.member(w.merchant).person
    for person in (other, clerk, city.citizen()):
        assert person
        found = signed_in(person).get(row.get_absolute_url() + suffix)
        assert found.status_code == 404


def test_who_left_sees_it_no_more(w: Week, manager: User) -> None:
    w.redeem()
    row = w.paid()
    Member.objects.filter(person=manager).update(left_at=row.paid_at)
    assert signed_in(manager).get(LIST).status_code == 404
    assert signed_in(manager).get(row.get_absolute_url()).status_code == 404


def test_nobody_else_has_a_list(w: Week) -> None:
    assert signed_in(city.citizen()).get(LIST).status_code == 404
    assert Client().get(LIST).status_code == 302


def test_the_list_asks_as_much_for_one_as_for_many(
    w: Week, manager: User, django_assert_max_num_queries: object
) -> None:
    for merchant in (w.merchant, *(make.merchant() for _n in range(4))):
        make.take_part(merchant, w.campaign) if merchant != w.merchant else None
        Member.objects.get_or_create(
            merchant=merchant,
            person=manager,
            role=Member.Role.MANAGER,
            defaults={
                "invited_at": w.lot.round.opens_at,
                "joined_at": w.lot.round.opens_at,
            },
        )
        w.redeem(merchant=merchant)
    w.prepare()
    for row in Settlement.objects.all():
        actions.approve_settlement(settlement=row, by=w.checker)
    client = signed_in(manager)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page = client.get(LIST)
    assert len(page.context["rows"]) == 5
