"""Businesses over the API: apply, correct, shops, people, devices; shops near me."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.gis.geos import Point
from django.urls import reverse
from rest_framework.test import APIClient

from bureau.accounts.models import User
from tests import make as city
from tests.vouchers import business, make
from vouchers import actions
from vouchers.models import Member, Merchant, Shop

pytestmark = pytest.mark.django_db


def address(name: str, *args: Any) -> str:
    return reverse(f"api-{name}", args=args)


def application(**given: Any) -> dict[str, Any]:
    return {
        "name": "Pool Ltd",
        "credit_code": make.credit_code(),
        "sports": ["badminton", "tennis"],
        "bank_name": "ICBC",
        "account_name": "Pool Ltd",
        "account_number": business.ACCOUNT,
        "licence": business.photo(),
        "shop_name": "First",
        "address": "Rencheng",
        "latitude": 35.415,
        "longitude": 116.587,
        **given,
    }


def facts(merchant: Merchant, **given: Any) -> dict[str, Any]:
    return {
        "name": merchant.name,
        "credit_code": merchant.credit_code,
        "sports": merchant.sports,
        "bank_name": merchant.bank_name,
        "account_name": merchant.account_name,
        **given,
    }


def shop_input(**given: Any) -> dict[str, Any]:
    place = {"latitude": 35.415, "longitude": 116.587}
    return {"shop_name": "Second", "address": "Rencheng 2", **place, **given}


@pytest.fixture
def merchant() -> Merchant:
    return business.approved()


@pytest.fixture
def manager(api: APIClient, merchant: Merchant) -> User:
    api.force_authenticate(merchant.contact)
    return merchant.contact


def test_a_person_applies_once_even_if_the_answer_was_lost(api: APIClient) -> None:
    city.district()
    person = city.verified()
    api.force_authenticate(person)
    key = {"Idempotency-Key": str(uuid4())}
    code = make.credit_code()
    for _ in range(2):
        answer = api.post(
            address("my-merchants"),
            application(credit_code=code),
            format="multipart",
            headers=key,
        )
        assert answer.status_code == 201, answer.data
    merchant = Merchant.objects.get()
    assert merchant.sports == ["badminton", "tennis"]
    assert answer.data["masked_account"] == merchant.masked_account
    assert business.ACCOUNT not in answer.content.decode()
    mine = api.get(address("my-merchants")).data
    assert [(row["number"], row["role"]) for row in mine] == [
        (merchant.number, "manager")
    ]


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"credit_code": "1"}, 422, "credit_code_wrong"),
        ({"sports": ["diving"]}, 422, "permit_missing"),
        ({"sports": ["chess"]}, 400, None),
        ({"latitude": 91}, 400, None),
        ({"latitude": "NaN"}, 400, None),
        ({"longitude": 100}, 422, "shop_outside_city"),
        ({"account_number": "1"}, 422, "account_number_wrong"),
        ({"shop_sports": ["diving"]}, 422, "shop_sport_unknown"),
        ({"name": "x" * 121}, 400, None),
    ],
)
def test_wrong_input_is_told(
    api: APIClient, wrong: dict[str, Any], status: int, code: str | None
) -> None:
    city.district()
    api.force_authenticate(city.verified())
    answer = api.post(address("my-merchants"), application(**wrong), format="multipart")
    assert answer.status_code == status, answer.data
    if code:
        assert answer.data["code"] == code
    assert not Merchant.objects.exists()


def test_who_is_not_verified_or_not_signed_in_does_not_apply(api: APIClient) -> None:
    city.district()
    path = address("my-merchants")
    assert api.post(path, application(), format="multipart").status_code == 401
    api.force_authenticate(city.citizen())
    refused = api.post(path, application(), format="multipart")
    assert (refused.status_code, refused.data["code"]) == (403, "identity_needed")


def test_a_manager_asks_for_a_change_and_takes_it_back(
    api: APIClient, merchant: Merchant, manager: User
) -> None:
    path = address("my-merchant", merchant.number)
    answer = api.put(path, facts(merchant, bank_name="CCB"), format="json")
    assert (answer.status_code, answer.data["change"]) == (200, "asked")
    assert answer.data["bank_name"] == merchant.bank_name
    again = api.put(path, facts(merchant, bank_name="ABC"), format="json")
    assert again.data["code"] == "merchant_change_waiting"
    change = address("my-merchant-change", merchant.number)
    assert api.delete(change).status_code == 204
    assert api.delete(change).status_code == 404
    assert api.get(path).data["change"] == ""


def test_shops_are_added_changed_and_closed(
    api: APIClient, merchant: Merchant, manager: User
) -> None:
    path = address("my-shops", merchant.number)
    made = api.post(path, shop_input(), format="json")
    assert (made.status_code, made.data["is_waiting"]) == (201, True)
    assert api.post(path, shop_input(), format="json").data["code"] == "shop_named"
    assert len(api.get(path).data) == 2
    own = merchant.shops.get(is_open=True)
    one = address("my-shop", merchant.number, own.number)
    assert api.patch(one, {"is_open": False}, format="json").data["is_open"] is False
    moved = api.put(one, shop_input(shop_name="Moved"), format="json")
    assert (moved.data["name"], moved.data["is_waiting"]) == ("Moved", True)
    refused = api.patch(one, {"is_open": True}, format="json")
    assert refused.data["code"] == "shop_waits"


def test_people_are_invited_changed_and_removed(
    api: APIClient, merchant: Merchant, manager: User
) -> None:
    person = city.citizen(phone="13700000031")
    path = address("my-people", merchant.number)
    number = merchant.shops.get().number
    made = api.post(
        path,
        {"phone": "13700000031", "name": "Li", "shops": [number]},
        format="json",
    )
    assert (made.status_code, made.data["is_invited"]) == (201, True)
    assert made.data["person"] == "137****0031"
    one = address("my-person", merchant.number, made.data["id"])
    again = address("my-person-again", merchant.number, made.data["id"])
    assert api.post(again).status_code == 200
    code = Member.objects.get(pk=made.data["id"]).invite_code
    join = address("merchant-join", code)
    assert api.get(join).data["code"] == "invitation_of_another"

    api.force_authenticate(person)
    assert api.get(join).data["has_joined"] is False
    assert api.post(join).data["has_joined"] is True
    assert api.post(join).status_code == 200
    # A clerk reads their counters, and no more.
    assert len(api.get(address("my-shops", merchant.number)).data) == 1
    for name in ("my-people", "my-devices", "my-merchant"):
        assert api.get(address(name, merchant.number)).status_code == 403

    api.force_authenticate(manager)
    changed = api.put(
        one, {"name": "Li", "role": "manager", "shops": []}, format="json"
    )
    assert changed.data["role"] == "manager"
    foreign = {"name": "Li", "shops": [make.shop().number]}
    assert api.put(one, foreign, format="json").data["code"] == "shop_unknown"
    assert api.delete(one).status_code == 204
    assert api.delete(one).status_code == 404


def test_a_device_is_blocked_and_let_in_again(
    api: APIClient, merchant: Merchant, manager: User
) -> None:
    clerk = business.joined(merchant)
    device = actions.know_device(member=clerk, key="k" * 20, name="Till")
    rows = api.get(address("my-devices", merchant.number)).data
    assert [row["name"] for row in rows] == ["Till"]
    one = address("my-device", merchant.number, device.pk)
    assert api.patch(one, {"is_blocked": True}, format="json").data["blocked_at"]
    assert not api.patch(one, {"is_blocked": False}, format="json").data["blocked_at"]


def test_somebody_leaves_and_a_business_leaves(
    api: APIClient, merchant: Merchant, manager: User
) -> None:
    path = address("my-merchant-leave", merchant.number)
    alone = api.post(path, {"what": "me"}, format="json")
    assert alone.data["code"] == "last_manager"
    clerk = business.joined(merchant)
    api.force_authenticate(business.person_of(clerk))
    assert api.post(path, {"what": "business"}, format="json").status_code == 403
    assert api.post(path, {"what": "me"}, format="json").status_code == 204
    assert api.post(path, {"what": "me"}, format="json").status_code == 404
    api.force_authenticate(manager)
    assert api.post(path, {"what": "business"}, format="json").status_code == 204
    merchant.refresh_from_db()
    assert merchant.state == "left"


def test_another_business_is_not_there(api: APIClient, merchant: Merchant) -> None:
    other = business.approved()
    api.force_authenticate(other.contact)
    shop = merchant.shops.get().number
    member = business.manager_of(merchant)
    device = actions.know_device(member=member, key="k" * 20, name="Till")
    number = merchant.number
    for method, path in (
        ("get", address("my-merchant", number)),
        ("put", address("my-merchant", number)),
        ("delete", address("my-merchant-change", number)),
        ("post", address("my-merchant-leave", number)),
        ("get", address("my-shops", number)),
        ("post", address("my-shops", number)),
        ("put", address("my-shop", number, shop)),
        ("get", address("my-people", number)),
        ("put", address("my-person", number, member.pk)),
        ("delete", address("my-person", number, member.pk)),
        ("get", address("my-devices", number)),
        ("patch", address("my-device", number, device.pk)),
        # Their own business, and a part of the other one.
        ("patch", address("my-shop", other.number, shop)),
        ("delete", address("my-person", other.number, member.pk)),
        ("patch", address("my-device", other.number, device.pk)),
    ):
        given = {"what": "business", "is_open": False, "is_blocked": True}
        answer = getattr(api, method)(path, given, format="json")
        assert answer.status_code == 404, (method, path)


def test_everybody_finds_shops(api: APIClient) -> None:
    campaign = make.campaign()
    merchant = make.merchant(takes_part_in=campaign)
    near = make.shop(merchant)
    far = make.shop(merchant, location=Point(116.9, 35.9))
    make.shop(make.merchant(state="suspended", reason="x"))
    found = api.get(address("voucher-shops"), {"near": "35.9,116.9"}).data
    assert found["count"] == 2
    assert [row["number"] for row in found["results"]] == [far.number, near.number]
    one = api.get(f"{address('voucher-shops')}?campaign={campaign.slug}&limit=1")
    assert len(one.data["results"]) == 1
    page = api.get(address("merchant", merchant.number)).data
    assert len(page["shops"]) == 2
    assert page["campaigns"] == [campaign.slug]
    assert "masked_account" not in page
    for wrong in ("near=x", "near=99,1", "limit=0", "sport=chess", "offset=-1"):
        assert api.get(f"{address('voucher-shops')}?{wrong}").status_code == 400
    assert Shop.objects.count() == 3
    suspended = Merchant.objects.get(state="suspended")
    assert api.get(address("merchant", suspended.number)).status_code == 404
