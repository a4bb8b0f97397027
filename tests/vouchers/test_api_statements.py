from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bureau.accounts.models import User
from tests import make as city
from tests.vouchers import make
from tests.vouchers.settling import Week, week
from vouchers.models import Member, Settlement

pytestmark = pytest.mark.django_db
LIST = "/api/v1/merchants/mine/statements/"


@pytest.fixture
def w(db: None) -> Week:
    made = week()
    made.redeem()
    return made


@pytest.fixture
def paid(w: Week) -> Settlement:
    return w.paid()


@pytest.fixture
def manager(w: Week) -> User:
    person = make.member(w.merchant, Member.Role.MANAGER).person
    assert person
    return person


def test_a_till_reads_its_statements(
    api: APIClient, paid: Settlement, manager: User
) -> None:
    api.force_authenticate(manager)
    (row,) = api.get(LIST).json()["results"]
    assert row["number"] == paid.number
    assert row["amount_fen"] == make.FACE_FEN
    whole = api.get(f"{LIST}{paid.number}/").json()
    assert whole["redeemed_fen"] == make.FACE_FEN
    assert [line["amount_fen"] for line in whole["redeemed"]] == [make.FACE_FEN]
    assert whole["taken_back"] == whole["held"] == []


def test_others_do_not(api: APIClient, w: Week, paid: Settlement) -> None:
    other = make.member(make.merchant(), Member.Role.MANAGER).person
    for person in (other, make.member(w.merchant).person, city.citizen()):
        assert person
        api.force_authenticate(person)
        assert api.get(LIST).json()["results"] == []
        assert api.get(f"{LIST}{paid.number}/").status_code == 404


def test_nobody_without_a_name(api: APIClient, paid: Settlement) -> None:
    assert api.get(LIST).status_code == 401
    assert api.get(f"{LIST}{paid.number}/").status_code == 401
