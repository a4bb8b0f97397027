"""The counter's API: a till looks up, redeems once, undoes, refunds, adds up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock
from tests.vouchers.counter import Counter, counter, shown
from vouchers import actions
from vouchers.models import Device, Redemption, RefusedScan, Voucher

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/counter/"


@pytest.fixture
def at() -> Counter:
    return counter()


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.default_format = "json"
    return client


@pytest.fixture
def till(at: Counter, api: APIClient) -> APIClient:
    api.force_authenticate(at.clerk.person)
    return api


def asked(at: Counter, **given: Any) -> dict[str, Any]:
    given.setdefault("shop", at.shop.number)
    given.setdefault("bill_fen", 530_00)
    given.setdefault("request_key", str(uuid4()))
    if "text" not in given:
        given["text"] = shown(at.voucher())
    return given


def test_nobody_without_a_token(api: APIClient) -> None:
    for path in ("shops/", "redemptions/", "sums/"):
        assert api.get(ROOT + path).status_code == 401
    for path in ("look-ups/", "redemptions/"):
        assert api.post(ROOT + path).status_code == 401


def test_the_counters_of_the_caller(at: Counter, till: APIClient) -> None:
    (row,) = till.get(f"{ROOT}shops/").json()
    assert (row["shop"], row["role"]) == (at.shop.number, "clerk")


def test_who_serves_none_finds_none(at: Counter, api: APIClient, citizen: User) -> None:
    api.force_authenticate(citizen)
    assert api.get(f"{ROOT}shops/").json() == []
    assert api.post(f"{ROOT}redemptions/", asked(at)).status_code == 404


def test_look_up_then_redeem_with_its_token(at: Counter, till: APIClient) -> None:
    given = asked(at)
    offer = till.post(f"{ROOT}look-ups/", given).json()
    assert (offer["face_fen"], offer["threshold_fen"]) == (200_00, 500_00)
    assert offer["sports"] == ["badminton"]
    answer = till.post(f"{ROOT}redemptions/", given | {"text": offer["token"]})
    assert answer.status_code == 201
    assert answer.json()["paid_fen"] == 330_00
    number = answer.json()["number"]
    assert till.get(f"{ROOT}redemptions/{number}/").json()["state"] == "done"


def test_the_same_request_gets_the_same_answer(at: Counter, till: APIClient) -> None:
    given = asked(at)
    first = till.post(f"{ROOT}redemptions/", given)
    again = till.post(f"{ROOT}redemptions/", given)
    assert (first.status_code, first.json()) == (201, again.json())
    assert Redemption.objects.count() == 1


def test_the_header_is_as_good_as_a_request_key(at: Counter, till: APIClient) -> None:
    given = asked(at)
    del given["request_key"]
    assert till.post(f"{ROOT}redemptions/", given).status_code == 400
    head = {"Idempotency-Key": "till-1-0001"}
    first = till.post(f"{ROOT}redemptions/", given, headers=head)
    again = till.post(f"{ROOT}redemptions/", given, headers=head)
    assert first.json() == again.json()
    assert Redemption.objects.count() == 1
    other = till.post(f"{ROOT}redemptions/", asked(at) | given | {"bill_fen": 600_00})
    assert other.json()["code"] == "voucher_used"
    reused = given | {"bill_fen": 600_00}
    answer = till.post(f"{ROOT}redemptions/", reused, headers=head)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_key_reused")


def test_replayed_request_numbers_change_nothing(at: Counter, till: APIClient) -> None:
    given = asked(at)
    done = till.post(f"{ROOT}redemptions/", given).json()
    till.post(f"{ROOT}redemptions/{done['number']}/undo/")
    again = till.post(f"{ROOT}redemptions/", given)
    assert again.json()["state"] == "undone"
    assert Voucher.objects.get().state == "live"


def test_a_refusal_has_its_code_and_values_and_is_noted(
    at: Counter, till: APIClient
) -> None:
    answer = till.post(f"{ROOT}redemptions/", asked(at, bill_fen=499_99))
    assert answer.status_code == 409
    assert answer.json()["code"] == "bill_below_threshold"
    assert answer.json()["detail"] == {"short": "0.01", "threshold": "500"}
    assert RefusedScan.objects.get().code == "bill_below_threshold"


@pytest.mark.parametrize(
    "bill", [0, -1, 530.5, "530.50", "many", None, 10**30, True, [], {}]
)
def test_a_bill_that_cannot_be(at: Counter, till: APIClient, bill: Any) -> None:
    given = asked(at, bill_fen=bill)
    answer = till.post(f"{ROOT}redemptions/", given)
    assert answer.status_code in (400, 409)
    assert not Redemption.objects.exists()


@pytest.mark.parametrize("text", ["", "\0", "x" * 301, "字", None, 5, ["a"]])
def test_a_text_that_is_no_voucher(at: Counter, till: APIClient, text: Any) -> None:
    for path in ("look-ups/", "redemptions/"):
        answer = till.post(ROOT + path, asked(at, text=text))
        assert answer.status_code in (400, 409)


def test_a_shop_of_others_is_not_there(at: Counter, till: APIClient) -> None:
    other = counter()
    given = asked(at, shop=other.shop.number)
    assert till.post(f"{ROOT}redemptions/", given).status_code == 404
    assert till.post(f"{ROOT}look-ups/", given).status_code == 404
    query = {"shop": other.shop.number}
    assert till.get(f"{ROOT}redemptions/", query).status_code == 404
    assert till.get(f"{ROOT}sums/", query).status_code == 404


def test_a_redemption_of_others_is_not_there(at: Counter, till: APIClient) -> None:
    other = counter()
    done = other.redeem()
    address = f"{ROOT}redemptions/{done.number}/"
    assert till.get(address).status_code == 404
    assert till.post(f"{address}undo/").status_code == 404
    assert till.post(f"{address}refund/", {"refund_fen": 1}).status_code == 404


def test_the_day(at: Counter, till: APIClient) -> None:
    at.redeem()
    actions.undo_redemption(redemption=at.redeem(), member=at.clerk)
    query = {"shop": at.shop.number}
    rows = till.get(f"{ROOT}redemptions/", query).json()["results"]
    assert [row["state"] for row in rows] == ["undone", "done"]
    sums = till.get(f"{ROOT}sums/", query).json()
    assert (sums["count"], sums["paid_fen"]) == (1, 330_00)
    for on in ("0001-01-01", "9999-12-31"):
        assert till.get(f"{ROOT}sums/", query | {"on": on}).status_code == 200
    assert till.get(f"{ROOT}sums/", query | {"on": "never"}).status_code == 400


def test_undo_is_safe_to_repeat(at: Counter, till: APIClient) -> None:
    done = at.redeem()
    for _ in range(2):
        answer = till.post(f"{ROOT}redemptions/{done.number}/undo/")
        assert (answer.status_code, answer.json()["gave_back"]) == (200, True)


def test_undo_too_late(at: Counter, till: APIClient) -> None:
    done = at.redeem()
    Redemption.objects.update(redeemed_at=clock.now() - timedelta(minutes=11))
    answer = till.post(f"{ROOT}redemptions/{done.number}/undo/")
    assert (answer.status_code, answer.json()["code"]) == (409, "undo_too_late")


def test_a_refund_by_the_manager_only(at: Counter, till: APIClient) -> None:
    done = at.redeem()
    address = f"{ROOT}redemptions/{done.number}/refund/"
    given = {"refund_fen": 40_00}  # what is left of 530 is less than the threshold
    assert till.post(address, given).json()["code"] == "refund_needs_manager"
    till.force_authenticate(at.manager.person)
    answer = till.post(address, given).json()
    assert (answer["state"], answer["gave_back"]) == ("refunded", False)


def test_a_till_is_known_by_its_key_and_can_be_blocked(
    at: Counter, till: APIClient
) -> None:
    head = {"X-Device-Key": "till-0123456789abcdef"}
    assert till.post(f"{ROOT}redemptions/", asked(at), headers=head).status_code == 201
    device = Device.objects.get()
    assert Redemption.objects.get().device == device
    actions.block_device(device=device, by=at.manager_person)
    answer = till.post(f"{ROOT}redemptions/", asked(at), headers=head)
    assert (answer.status_code, answer.json()["code"]) == (403, "device_blocked")
    number = Redemption.objects.get().number
    answer = till.post(f"{ROOT}redemptions/{number}/undo/", headers=head)
    assert (answer.status_code, answer.json()["code"]) == (403, "device_blocked")
    assert Redemption.objects.get().state == Redemption.State.DONE
