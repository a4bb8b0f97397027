"""Staff read what counters did, and refund for a merchant with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests import make as city
from tests.vouchers.counter import Counter, counter, shown
from vouchers.models import Redemption, RefusedScan

pytestmark = pytest.mark.django_db
LIST = "/admin/vouchers/redemption/"


@pytest.fixture
def at() -> Counter:
    return counter()


@pytest.fixture
def staff(admin_client: Client) -> Client:
    return admin_client


def test_the_list_finds_a_slip_a_voucher_and_a_shop(at: Counter, staff: Client) -> None:
    done, other = at.redeem(), counter().redeem()
    for typed in (str(done), done.voucher.code.lower(), at.shop.name):
        page = staff.get(LIST, {"q": typed}).content.decode()
        assert str(done) in page
        assert str(other) not in page


def test_the_list_asks_the_same_however_long(
    at: Counter, staff: Client, django_assert_max_num_queries: Any
) -> None:
    staff.get(LIST)
    for _ in range(6):
        at.redeem()
    with django_assert_max_num_queries(24):
        assert staff.get(LIST).status_code == 200


def test_nothing_is_typed_here(at: Counter, staff: Client) -> None:
    done = at.redeem()
    assert staff.get(f"{LIST}add/").status_code == 403
    page = staff.get(f"{LIST}{done.pk}/change/")
    assert page.status_code == 200
    staff.post(f"{LIST}{done.pk}/change/", {"bill_fen": 1})
    done.refresh_from_db()
    assert done.bill_fen == 530_00


def test_staff_refund_with_a_reason(at: Counter, staff: Client) -> None:
    done = at.redeem()
    address = f"{LIST}{done.pk}/refund/"
    assert staff.get(address).status_code == 200
    assert staff.post(address, {"refund": "330"}).status_code == 422
    assert staff.post(address, {"refund": "999", "reason": "x"}).status_code == 422
    answer = staff.post(address, {"refund": "330", "reason": "商家停业"}, follow=True)
    assert answer.status_code == 200
    done.refresh_from_db()
    assert (done.state, done.reason) == (Redemption.State.REFUNDED, "商家停业")


def test_staff_without_the_permission_do_not_refund(at: Counter) -> None:
    done = at.redeem()
    client = Client()
    client.force_login(city.user(is_staff=True))
    assert client.get(f"{LIST}{done.pk}/refund/").status_code in (302, 403)
    assert client.get(LIST).status_code in (302, 403)


def test_what_was_refused(at: Counter, staff: Client) -> None:
    voucher = at.voucher()
    at.redeem(voucher)
    with pytest.raises(Exception, match="used already"):
        at.redeem(text=shown(voucher))
    assert RefusedScan.objects.get().voucher == voucher
    page = staff.get("/admin/vouchers/refusedscan/").content.decode()
    assert "used already" in page
