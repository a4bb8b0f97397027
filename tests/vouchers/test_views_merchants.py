"""The pages of businesses: apply, correct, shops, people, devices; where to redeem."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from bureau.accounts.models import User
from bureau.common import sealed
from tests import make as city
from tests.vouchers import business, make
from vouchers import actions
from vouchers.errors.merchants import DeviceBlocked
from vouchers.http import current_device, keep_device
from vouchers.models import Device, Member, Merchant, MerchantChange, Shop

pytestmark = pytest.mark.django_db
State = Merchant.State


def text(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def application(**given: Any) -> dict[str, Any]:
    return {
        "name": "Pool Ltd",
        "credit_code": make.credit_code(),
        "licence": business.photo(),
        "sports": ["badminton", "tennis"],
        "permit_number": "",
        "permit_until": "",
        "bank_name": "ICBC",
        "account_name": "Pool Ltd",
        "account_number": business.ACCOUNT,
        "shop_name": "First",
        "address": "Rencheng 1",
        "place": "35.415, 116.587",
        "datum": "wgs84",
        "shop_phone": "",
        **given,
    }


@pytest.fixture
def person(client: Client) -> User:
    city.district()
    made = city.verified()
    client.force_login(made)
    return made


@pytest.fixture
def merchant(client: Client) -> Merchant:
    made = business.approved()
    client.force_login(made.contact)
    return made


def mine(merchant: Merchant, rest: str = "") -> str:
    return f"/merchants/mine/{merchant.number}/{rest}"


# --- Applying -------------------------------------------------------------------------


def test_a_business_applies_and_follows_its_application(
    client: Client, person: User
) -> None:
    text(client, "/merchants/apply/")
    sent = client.post("/merchants/apply/", application())
    merchant = Merchant.objects.get()
    assert sent["Location"] == mine(merchant)
    page = text(client, mine(merchant))
    assert "Our staff check your business" in page
    assert text(client, "/merchants/mine/", status=302) == ""
    again = client.post(
        "/merchants/apply/", application(credit_code=merchant.credit_code)
    )
    assert again.status_code == 409
    assert "applied for this business already" in again.content.decode()


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"credit_code": "123"}, 422, "18 digits and capital letters"),
        ({"licence": ""}, 422, "required"),
        ({"sports": []}, 422, "required"),
        ({"sports": ["diving"]}, 422, "need a permit"),
        ({"place": "somewhere"}, 422, "put the pin on the map"),
        ({"place": "20.0,100.0"}, 422, "outside the city"),
        ({"account_number": "12"}, 422, "8 to 30 digits"),
        ({"datum": "mars"}, 422, "valid choice"),
        ({"permit_until": "soon", "sports": ["diving"]}, 422, "valid date"),
        ({"name": "x\x00y"}, 422, "Null characters"),
    ],
)
def test_wrong_input_stands_beside_its_field(
    client: Client, person: User, wrong: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/merchants/apply/", application(**wrong))
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert not Merchant.objects.exists()


def test_a_file_that_is_no_picture_is_refused(client: Client, person: User) -> None:
    broken = SimpleUploadedFile("licence.jpg", b"no picture")
    answer = client.post("/merchants/apply/", application(licence=broken))
    assert "not a picture" in answer.content.decode()
    assert not Merchant.objects.exists()


def test_coordinates_of_other_maps_are_converted(client: Client, person: User) -> None:
    client.post("/merchants/apply/", application(datum="gcj02"))
    shop = Shop.objects.get()
    assert shop.location.x == pytest.approx(116.5808, abs=0.002)
    assert shop.location.x != pytest.approx(116.587, abs=0.0005)


def test_first_the_real_name(client: Client) -> None:
    client.force_login(city.citizen())
    assert "First confirm your real name" in text(client, "/merchants/apply/")
    client.logout()
    assert client.get("/merchants/apply/").status_code == 302


def test_a_refused_business_corrects_what_it_said(client: Client) -> None:
    merchant = business.applied()
    client.force_login(merchant.contact)
    actions.refuse_merchant(merchant=merchant, reason="Dark photo", by=city.user())
    assert "Dark photo" in text(client, mine(merchant))
    page = text(client, mine(merchant, "correct/"))
    assert merchant.masked_account in page
    given = application(name="Right", account_number="")
    del given["licence"]
    assert client.post(mine(merchant, "correct/"), given).status_code == 302
    merchant.refresh_from_db()
    assert (merchant.state, merchant.name) == (State.APPLIED, "Right")
    assert sealed.unseal(merchant.sealed_account) == business.ACCOUNT


def test_an_approved_business_asks_for_a_change(
    client: Client, merchant: Merchant
) -> None:
    given = application(
        name=merchant.name,
        credit_code=merchant.credit_code,
        sports=merchant.sports,
        account_number="9558820200001234567",
    )
    assert client.post(mine(merchant, "correct/"), given).status_code == 302
    assert "A change is being checked" in text(client, mine(merchant))
    assert "Take it back" in text(client, mine(merchant, "correct/"))
    client.post(mine(merchant, "withdraw/"))
    assert MerchantChange.objects.get().state == "withdrawn"
    assert client.post(mine(merchant, "withdraw/")).status_code == 404


# --- Shops ----------------------------------------------------------------------------


def shop_form(**given: Any) -> dict[str, Any]:
    shop = {"shop_name": "Second", "address": "Rencheng 2", "place": "35.4,116.6"}
    more = {"datum": "wgs84", "shop_phone": "", "shop_sports": ["badminton"]}
    return {**shop, **more, **given}


def test_a_manager_adds_changes_and_closes_shops(
    client: Client, merchant: Merchant
) -> None:
    text(client, mine(merchant, "shops/add/"))
    client.post(mine(merchant, "shops/add/"), shop_form())
    second = merchant.shops.get(name="Second")
    assert second.waits_since
    assert "Being checked" in text(client, mine(merchant))
    wrong = client.post(mine(merchant, "shops/add/"), shop_form())
    assert "of this name already" in wrong.content.decode()
    first = merchant.shops.get(is_open=True)
    path = mine(merchant, f"shops/{first.number}/")
    assert first.centre in text(client, path)
    client.post(f"{path}open/", {"open": "0"})
    first.refresh_from_db()
    assert not first.is_open
    client.post(f"{path}open/", {"open": "1"})
    waiting = client.post(
        mine(merchant, f"shops/{second.number}/open/"), {"open": "1"}, follow=True
    )
    assert "Our staff check this shop first" in waiting.content.decode()


# --- People and devices ---------------------------------------------------------------


def test_a_clerk_is_invited_and_joins(client: Client, merchant: Merchant) -> None:
    form = {"phone": "13700000041", "name": "Li", "role": "clerk"}
    client.post(mine(merchant, "people/"), form)
    member = Member.objects.get(invited_phone="13700000041")
    assert "Invited" in text(client, mine(merchant, "people/"))
    page = text(client, mine(merchant, f"people/{member.pk}/"))
    assert f"/merchants/join/{member.invite_code}/" in page
    twice = client.post(mine(merchant, "people/"), form)
    assert "already, or is invited" in twice.content.decode()
    wrong = client.post(mine(merchant, "people/"), {**form, "phone": "1"})
    assert "11 digits" in wrong.content.decode()

    join = f"/merchants/join/{member.invite_code}/"
    other = text(client, join, status=403)
    assert "137****0041" in other
    assert "13700000041" not in other
    client.logout()
    assert client.get(join).status_code == 302
    client.force_login(city.citizen(phone="13700000041"))
    assert merchant.name in text(client, join)
    assert client.post(join)["Location"] == mine(merchant)
    assert client.get(join).status_code == 302
    assert text(client, "/merchants/join/000000000000/", status=410)


def test_a_clerk_reads_their_counters_and_changes_nothing(client: Client) -> None:
    merchant = business.approved()
    clerk = business.joined(merchant)
    client.force_login(business.person_of(clerk))
    page = text(client, mine(merchant))
    assert "Your counters" in page
    assert merchant.masked_account not in page
    shop = merchant.shops.get().number
    for rest in ("correct/", "shops/add/", f"shops/{shop}/", "people/", "devices/"):
        text(client, mine(merchant, rest), status=403)
        assert client.post(mine(merchant, rest)).status_code == 403
    assert (
        client.post(mine(merchant, "leave/"), {"what": "business"}).status_code == 403
    )
    assert client.post(mine(merchant, "leave/"), {"what": "me"}).status_code == 302
    text(client, mine(merchant), status=404)


def test_a_manager_changes_and_removes_people(
    client: Client, merchant: Merchant
) -> None:
    clerk = business.joined(merchant)
    path = mine(merchant, f"people/{clerk.pk}/")
    shop = merchant.shops.get()
    client.post(path, {"name": "Wang", "role": "clerk", "shops": [shop.pk]})
    clerk.refresh_from_db()
    assert (clerk.name, list(clerk.shops.all())) == ("Wang", [shop])
    foreign = {"name": "Wang", "role": "clerk", "shops": [make.shop().pk]}
    assert client.post(path, foreign).status_code == 422
    own = business.manager_of(merchant)
    alone = client.post(
        mine(merchant, f"people/{own.pk}/"), {"what": "remove"}, follow=True
    )
    assert "needs a manager" in alone.content.decode()
    client.post(path, {"what": "remove"})
    clerk.refresh_from_db()
    assert clerk.left_at
    text(client, path, status=404)


def test_a_lost_device_is_blocked(client: Client, merchant: Merchant) -> None:
    clerk = business.joined(merchant)
    device = actions.know_device(member=clerk, key="k" * 20, name="Chrome · Android")
    assert "Chrome · Android" in text(client, mine(merchant, "devices/"))
    path = mine(merchant, "devices/")
    client.post(path, {"device": device.pk, "what": "block"})
    assert "Blocked" in text(client, path)
    with pytest.raises(DeviceBlocked):
        actions.know_device(member=clerk, key="k" * 20, name="x")
    client.post(path, {"device": device.pk, "what": "unblock"})
    assert actions.know_device(member=clerk, key="k" * 20, name="x") == device
    for wrong in ("", "x", "999999", "9" * 40):
        assert client.post(path, {"device": wrong}).status_code == 404


def test_a_browser_is_known_again_by_its_cookie(rf: RequestFactory) -> None:
    clerk = business.joined(business.approved())
    agent = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/120.0 Mobile"}
    device, key = current_device(rf.get("/", headers=agent), clerk)
    assert device.name == "Chrome · Android"
    response = HttpResponse()
    keep_device(response, key)
    cookie = response.cookies["counter_device"]
    assert cookie["httponly"]
    later = rf.get("/", headers=agent)
    later.COOKIES["counter_device"] = cookie.value
    assert current_device(later, clerk)[0] == device
    forged = rf.get("/")
    forged.COOKIES["counter_device"] = f"{key}:forged"
    assert current_device(forged, clerk)[0] != device
    till = rf.get("/", headers={"X-Device-Key": "till-0123456789abcdef"})
    assert current_device(till, clerk)[0] == current_device(till, clerk)[0]
    assert Device.objects.count() == 3


# --- Other people's businesses --------------------------------------------------------


def test_another_business_is_not_there(client: Client, merchant: Merchant) -> None:
    other = business.approved()
    shop, member = other.shops.get(), business.manager_of(other)
    for rest in (
        "",
        "correct/",
        "leave/",
        "shops/add/",
        f"shops/{shop.number}/",
        "people/",
        f"people/{member.pk}/",
        "devices/",
    ):
        text(client, mine(other, rest), status=404)
        assert client.post(mine(other, rest)).status_code in (404, 405)
    for rest in ("withdraw/", f"shops/{shop.number}/open/"):
        assert client.post(mine(other, rest)).status_code == 404
    # A part of the other one under one's own.
    text(client, mine(merchant, f"shops/{shop.number}/"), status=404)
    text(client, mine(merchant, f"people/{member.pk}/"), status=404)


def test_who_left_reads_on_and_a_suspended_business_too(
    client: Client, merchant: Merchant
) -> None:
    actions.suspend_merchant(merchant=merchant, reason="Fake bills", by=city.user())
    page = text(client, mine(merchant))
    assert "Fake bills" in page
    assert (
        client.post(mine(merchant, "leave/"), {"what": "business"}).status_code == 302
    )
    assert "This business has left" in text(client, mine(merchant))
    text(client, merchant.get_absolute_url(), status=404)


# --- Where vouchers are taken ---------------------------------------------------------


def test_shops_are_found_as_a_list_and_on_a_map(client: Client) -> None:
    campaign = make.campaign()
    merchant = make.merchant(takes_part_in=campaign, name="Firm")
    shop = make.shop(merchant, name="Canal Shop")
    page = text(client, "/merchants/")
    assert "Canal Shop" in page
    assert "Canal Shop" in text(client, "/merchants/?near=35.4,116.6")
    assert "Canal Shop" in text(client, f"/merchants/?campaign={campaign.slug}")
    assert "No shop fits" in text(client, "/merchants/?sport=diving")
    assert "Canal Shop" in text(client, "/merchants/map/")
    box = "bbox=116,35,117,36&zoom=9"
    found = client.get(f"/merchants/points.geojson?{box}").json()["features"]
    assert found[0]["properties"]["name"] == "Canal Shop"
    assert "Canal Shop" in text(client, f"/merchants/nearby/?{box}")
    assert "No shop here" in text(client, "/merchants/nearby/?bbox=1,1,2,2&zoom=9")
    shown = text(client, merchant.get_absolute_url())
    assert shop.address in shown
    assert campaign.name in shown
    assert merchant.masked_account not in shown


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/merchants/?near=x", 400),
        ("/merchants/?sport=chess", 400),
        ("/merchants/?page=2", 404),
        ("/merchants/?page=x", 404),
        ("/merchants/?page=0", 404),
        ("/merchants/map/?near=99,999", 404),
        ("/merchants/points.geojson", 400),
        ("/merchants/points.geojson?bbox=1,2,3&zoom=3", 400),
        ("/merchants/nearby/?bbox=nan,1,2,3&zoom=3", 400),
        ("/merchants/000000000000/", 404),
    ],
)
def test_questions_that_nobody_asks(client: Client, path: str, status: int) -> None:
    text(client, path, status=status)


def test_the_list_takes_as_many_questions_for_one_shop_as_for_many(
    client: Client,
) -> None:
    merchant = make.merchant()
    district = city.district()
    make.shop(merchant, district=district)

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            text(client, "/merchants/")
        return len(asked)

    one = questions()
    for _ in range(12):
        make.shop(merchant, district=district)
    assert questions() == one
