"""The counter's pages: scan, bill, green or red; the day; the slip; undo and refund."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import qrcode
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.geo import point
from tests import make as city
from tests.vouchers import make
from tests.vouchers.counter import Counter, counter, digits, shown
from vouchers import actions
from vouchers.forms.counter import YuanField
from vouchers.models import Device, Redemption, RefusedScan, Voucher
from vouchers.queries.counter import distance_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def at() -> Counter:
    return counter()


def signed_in(user: User | None) -> Client:
    client = Client()
    assert user
    client.force_login(user)
    return client


def clerk_of(at: Counter) -> Client:
    return signed_in(at.clerk.person)


def bill_of(answer: Any) -> dict[str, Any]:
    """What the form under a scanned voucher holds, ready to be sent."""
    form = answer.context["answer"].bill
    return {
        "token": form["token"].value(),
        "request_key": str(form["request_key"].value()),
        "bill": "530",
    }


def scan(client: Client, text: str) -> Any:
    return client.post("/counter/", {"code": text})


def test_who_serves_no_counter_has_no_business_here(citizen: User) -> None:
    assert Client().get("/counter/").status_code == 302
    assert signed_in(citizen).get("/counter/").status_code == 403
    assert signed_in(citizen).get("/counter/shops/").status_code == 403
    assert signed_in(citizen).post("/counter/decode/").status_code == 403


def test_scan_bill_green(at: Counter) -> None:
    client = clerk_of(at)
    voucher = at.voucher()
    answer = scan(client, shown(voucher))
    assert b"Good here and now" in answer.content
    voucher.refresh_from_db()
    assert voucher.state == Voucher.State.LIVE
    done = client.post("/counter/redeem/", bill_of(answer), follow=True)
    assert done.redirect_chain
    assert b"\xc2\xa5200 off" in done.content
    assert b"\xc2\xa5330" in done.content
    assert Redemption.objects.get().device == Device.objects.get()


def test_the_phones_own_camera_only_looks(at: Counter) -> None:
    voucher = at.voucher()
    answer = clerk_of(at).get("/counter/", {"code": shown(voucher)})
    assert answer.context["answer"].offer.voucher == voucher
    assert not Redemption.objects.exists()


def test_a_double_tap_and_the_back_button_redeem_once(at: Counter) -> None:
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher())))
    first = client.post("/counter/redeem/", bill)
    again = client.post("/counter/redeem/", bill)
    assert first["Location"] == again["Location"]
    assert Redemption.objects.count() == 1


def test_a_bill_too_small_is_put_right_without_a_new_scan(at: Counter) -> None:
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher()))) | {"bill": "499.99"}
    answer = client.post("/counter/redeem/", bill)
    assert answer.status_code == 409
    assert b"0.01 yuan short" in answer.content
    bill = bill_of(answer) | {"bill": "500"}
    assert client.post("/counter/redeem/", bill).status_code == 302


@pytest.mark.parametrize(
    "typed", ["", "-530", "530.555", "five", "1e5", "5,30", "0x10", "9" * 12, "\0"]
)
def test_a_bill_that_is_no_amount(at: Counter, typed: str) -> None:
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher()))) | {"bill": typed}
    answer = client.post("/counter/redeem/", bill)
    assert answer.status_code == 400
    assert answer.context["answer"].offer
    assert not Redemption.objects.exists()


@pytest.mark.parametrize("typed", ["0", "0.00", "100000.01"])
def test_a_bill_of_nothing_and_a_huge_one(at: Counter, typed: str) -> None:
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher()))) | {"bill": typed}
    assert client.post("/counter/redeem/", bill).status_code in (400, 409)
    assert not Redemption.objects.exists()


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("530", 530_00),
        ("530.5", 530_50),
        (" ¥530.50 ", 530_50),
        ("￥530", 530_00),
        ("530元", 530_00),
        ("５３０．５", 530_50),  # noqa: RUF001 - as keyboards write them
        ("530。5", 530_50),
        ("0.01", 1),
    ],
)
def test_amounts_as_people_type_them(typed: str, fen: int) -> None:
    assert YuanField().clean(typed) == fen


def test_red_says_why_and_the_next_scan_is_below(at: Counter) -> None:
    client = clerk_of(at)
    voucher = at.voucher()
    at.redeem(voucher)
    answer = scan(client, shown(voucher))
    assert answer.status_code == 409
    assert b"Not redeemed" in answer.content
    assert at.shop.name in answer.content.decode()
    assert b"data-counter-scan" in answer.content


def test_a_screenshot_at_the_counter(at: Counter) -> None:
    """A sample over HTTP; all steps of it are in the tests of codes."""
    client = clerk_of(at)
    voucher = at.voucher()
    for steps in (2, 3, 10, 119, 121, 2880):
        for text in (
            shown(voucher, steps_ago=steps),
            digits(voucher, steps_ago=steps),
        ):
            assert scan(client, text).status_code == 409
    voucher.refresh_from_db()
    assert voucher.state == Voucher.State.LIVE
    assert RefusedScan.objects.count() == 12


def test_several_shops_are_chosen_once(at: Counter) -> None:
    make.shop(at.merchant, name="分店")
    client = clerk_of(at)
    assert b"Which counter" in client.get("/counter/").content
    assert client.post("/counter/shops/", {"shop": "nothing"}).status_code == 404
    foreign = counter().shop
    assert client.post("/counter/shops/", {"shop": foreign.number}).status_code == 404
    client.post("/counter/shops/", {"shop": at.shop.number})
    assert at.shop.name in client.get("/counter/").content.decode()


def test_a_page_of_another_counter_looks_up_nothing(at: Counter) -> None:
    """Two windows: in one of them the clerk has gone to another shop."""
    client, other = clerk_of(at), make.shop(at.merchant, name="南城店")
    at.clerk.shops.set([other])
    text = shown(at.voucher())
    answer = client.post("/counter/", {"code": text, "shop": at.shop.number})
    assert answer.status_code == 409
    assert answer.context["answer"].offer is None
    assert "You now stand at 南城店" in answer.text
    assert f'name="shop" value="{other.number}"' in answer.text
    again = client.post("/counter/", {"code": text, "shop": other.number})
    assert again.context["answer"].offer


def test_a_bill_of_another_counter_is_not_taken_off_here(at: Counter) -> None:
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher()))) | {"shop": at.shop.number}
    at.clerk.shops.set([make.shop(at.merchant, name="南城店")])
    answer = client.post("/counter/redeem/", bill)
    assert "You now stand at 南城店" in answer.text
    assert not Redemption.objects.exists()


def test_a_lost_answer_is_found_again_from_another_counter(at: Counter) -> None:
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher()))) | {"shop": at.shop.number}
    client.post("/counter/redeem/", bill)  # its answer never arrives
    at.clerk.shops.set([make.shop(at.merchant, name="南城店")])
    green = client.post("/counter/redeem/", bill, follow=True)
    assert b"\xc2\xa5200 off" in green.content
    # And the green screen says where it was.
    assert at.shop.name in green.text
    assert Redemption.objects.get().shop == at.shop


def test_a_clerk_of_two_merchants_chooses_between_their_shops(at: Counter) -> None:
    other = counter()
    make.member(other.merchant, person=at.clerk.person)
    client = clerk_of(at)
    client.post("/counter/shops/", {"shop": other.shop.number})
    answer = scan(client, shown(other.voucher()))
    assert answer.context["answer"].offer
    assert answer.context["duty"].member.merchant == other.merchant


def test_a_blocked_device_is_told_so(at: Counter) -> None:
    client = clerk_of(at)
    client.get("/counter/")
    actions.block_device(device=Device.objects.get(), by=at.manager_person)
    answer = client.get("/counter/")
    assert answer.status_code == 403
    assert b"blocked" in answer.content


@pytest.mark.parametrize("what", ["undo", "refund"])
def test_on_a_blocked_device_nothing_is_taken_back(at: Counter, what: str) -> None:
    done = at.redeem()
    manager = signed_in(at.manager.person)
    manager.get("/counter/")
    actions.block_device(device=Device.objects.get(), by=at.manager_person)
    given = {"refund": "330", "sure": "1"}
    answer = manager.post(f"{done.get_absolute_url()}{what}/", given)
    assert answer.status_code == 403
    assert b"blocked" in answer.content
    done.refresh_from_db()
    assert done.state == Redemption.State.DONE


def test_which_sport_is_remembered() -> None:
    at = counter(sports=["badminton", "tennis"])
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher()))) | {"sport": "tennis"}
    client.post("/counter/redeem/", bill)
    assert Redemption.objects.get().sport == "tennis"
    answer = scan(client, shown(at.voucher()))
    assert answer.context["answer"].bill["sport"].value() == "tennis"


def test_only_how_far_the_phone_is_stays(at: Counter) -> None:
    client = clerk_of(at)
    bill = bill_of(scan(client, shown(at.voucher()))) | {"place": "35.415,116.590"}
    client.post("/counter/redeem/", bill)
    assert Redemption.objects.get().distance_m == 500


def test_the_distance_is_coarse() -> None:
    shop = make.shop(location=point(116.587, 35.415))
    assert distance_to(shop, "35.415,116.587") == 100
    assert distance_to(shop, "35.505,116.587") == 20_000
    assert distance_to(shop, "0,0") == 100_000
    assert distance_to(shop, "somewhere") is None


def test_the_day_and_its_sums(at: Counter) -> None:
    first = at.redeem(bill_fen=530_00)
    at.redeem(bill_fen=600_00)
    actions.undo_redemption(redemption=at.redeem(), member=at.clerk)
    client = clerk_of(at)
    page = client.get("/counter/today/")
    sums = page.context["sums"]
    assert (sums.count, sums.discount_fen, sums.paid_fen) == (2, 400_00, 730_00)
    assert len(page.context["page"].object_list) == 3
    yesterday = clock.today() - timedelta(days=1)
    empty = client.get("/counter/today/", {"on": yesterday.isoformat()})
    assert b"Nothing yet" in empty.content
    for typed in (str(first), first.voucher.code, first.number.lower()):
        found = client.get("/counter/today/", {"q": typed})
        assert list(found.context["page"]) == [first]


@pytest.mark.parametrize("on", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none(at: Counter, on: str) -> None:
    assert clerk_of(at).get("/counter/today/", {"on": on}).status_code == 200


def test_what_others_redeemed_is_not_found(at: Counter) -> None:
    done = at.redeem()
    other = counter()
    stranger = signed_in(other.manager.person)
    address = done.get_absolute_url()
    assert stranger.get(address).status_code == 404
    assert stranger.post(f"{address}undo/").status_code == 404
    refund = {"refund": "330", "sure": "1"}
    assert stranger.post(f"{address}refund/", refund).status_code == 404
    found = stranger.get("/counter/today/", {"q": done.number})
    assert list(found.context["page"]) == []
    done.refresh_from_db()
    assert done.state == Redemption.State.DONE


def test_a_clerk_who_left_sees_nothing_more(at: Counter) -> None:
    done = at.redeem()
    at.clerk.left_at = clock.now()
    at.clerk.save()
    assert clerk_of(at).get(done.get_absolute_url()).status_code == 404


def test_the_slip(at: Counter) -> None:
    done = at.redeem()
    page = clerk_of(at).get(done.get_absolute_url()).content.decode()
    for words in (str(done), at.merchant.name, "¥530", "¥200", "¥330", "10 minutes"):
        assert words in page
    assert "Refund" not in page


def test_undo_from_the_slip_twice(at: Counter) -> None:
    done = at.redeem()
    client = clerk_of(at)
    for _ in range(2):
        answer = client.post(f"{done.get_absolute_url()}undo/", follow=True)
        assert b"can be used again" in answer.content
    done.voucher.refresh_from_db()
    assert done.voucher.state == Voucher.State.LIVE


def test_undo_too_late_says_so(at: Counter) -> None:
    done = at.redeem()
    Redemption.objects.update(redeemed_at=clock.now() - timedelta(minutes=10))
    answer = clerk_of(at).post(f"{done.get_absolute_url()}undo/", follow=True)
    assert b"10 minutes only" in answer.content


def test_a_refund_says_first_what_follows(at: Counter) -> None:
    done = at.redeem()
    manager = signed_in(at.manager.person)
    address = f"{done.get_absolute_url()}refund/"
    asked = manager.post(address, {"refund": "330", "reason": "退课"})
    assert b"gets the voucher back" in asked.content
    part = manager.post(address, {"refund": "30"})
    assert b"stays used, and the bureau pays" in part.content
    more = manager.post(address, {"refund": "31"})
    assert b"does not come back" in more.content
    done.refresh_from_db()
    assert done.state == Redemption.State.DONE
    sure = {"refund": "330", "reason": "退课", "sure": "1"}
    answer = manager.post(address, sure, follow=True)
    assert b"has the voucher again" in answer.content
    done.refresh_from_db()
    assert (done.refund_fen, done.reason) == (330_00, "退课")


def test_a_part_that_is_given_back_stands_on_the_slip(at: Counter) -> None:
    done = at.redeem()
    manager = signed_in(at.manager.person)
    given = {"refund": "30", "sure": "1"}
    address = f"{done.get_absolute_url()}refund/"
    slip = manager.post(address, given, follow=True).content.decode()
    assert "stays used" in slip
    assert "¥30<" in slip
    done.refresh_from_db()
    assert (done.state, done.refund_fen) == (Redemption.State.DONE, 30_00)


@pytest.mark.parametrize("typed", ["", "-1", "331", "x"])
def test_a_refund_that_cannot_be(at: Counter, typed: str) -> None:
    done = at.redeem()
    manager = signed_in(at.manager.person)
    given = {"refund": typed, "sure": "1"}
    answer = manager.post(f"{done.get_absolute_url()}refund/", given)
    assert answer.status_code in (400, 409)
    done.refresh_from_db()
    assert done.state == Redemption.State.DONE


@pytest.mark.parametrize("typed", ["999", "330.01", "0"])
def test_a_sum_that_cannot_be_given_back_is_refused_at_the_first_step(
    at: Counter, typed: str
) -> None:
    done = at.redeem()
    manager = signed_in(at.manager.person)
    answer = manager.post(f"{done.get_absolute_url()}refund/", {"refund": typed})
    assert answer.status_code in (400, 409)
    assert 'name="sure"' not in answer.text


def test_after_a_part_was_given_back_the_form_asks_for_the_sum_of_all() -> None:
    at = counter(terms={"partial_refund_keeps_subsidy": True})
    done = at.redeem(bill_fen=600_00)
    manager = signed_in(at.manager.person)
    address = done.get_absolute_url()
    manager.post(f"{address}refund/", {"refund": "10", "sure": "1"})
    page = manager.get(address).text
    assert "¥10 of it were given back before" in page
    # A mistake is not what a customer came back with.
    assert "Undo (" not in page
    less = manager.post(f"{address}refund/", {"refund": "5"})
    assert less.status_code == 409
    mine = signed_in(done.voucher.person).get(done.voucher.get_absolute_url()).text
    assert "Given back to you" in mine
    assert "¥10" in mine


def test_a_clerk_cannot_refund(at: Counter) -> None:
    done = at.redeem()
    given = {"refund": "330", "sure": "1"}
    answer = clerk_of(at).post(f"{done.get_absolute_url()}refund/", given)
    assert answer.status_code == 403


def test_a_code_in_a_camera_frame(at: Counter) -> None:
    text = shown(at.voucher())
    picture = BytesIO()
    qrcode.make(text).save(picture, "PNG")
    frame = SimpleUploadedFile("frame.png", picture.getvalue(), "image/png")
    answer = clerk_of(at).post("/counter/decode/", {"frame": frame})
    assert answer.json() == {"text": text}


def test_a_forged_form_is_red_and_spends_nothing(at: Counter) -> None:
    client = clerk_of(at)
    for token in ("x", "a:b:c", "0" * 300):
        given = {"token": token, "request_key": uuid4(), "bill": "530"}
        assert client.post("/counter/redeem/", given).status_code in (400, 409)
    assert not Redemption.objects.exists()


def test_the_address_in_the_qr_code_leads_a_clerk_to_the_counter(at: Counter) -> None:
    voucher = at.voucher()
    answer = clerk_of(at).get(shown(voucher).removeprefix("https://tiyu.example.cn"))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/counter/?code=")


def test_how_much_a_page_asks(at: Counter, django_assert_max_num_queries: Any) -> None:
    client = clerk_of(at)
    client.get("/counter/")
    for _ in range(8):
        at.redeem()
    with django_assert_max_num_queries(14):
        client.get("/counter/")
    with django_assert_max_num_queries(14):
        client.get("/counter/today/")


def test_staff_who_serve_no_counter_are_not_let_in() -> None:
    staff = city.user(is_staff=True, is_superuser=True)
    assert signed_in(staff).get("/counter/").status_code == 403


def test_a_tap_is_ten_trips_to_the_database(
    at: Counter, django_assert_num_queries: Any
) -> None:
    client = clerk_of(at)

    def tap(used: Voucher) -> int:
        given = {"token": shown(used), "request_key": uuid4(), "bill": "530"}
        return client.post("/counter/redeem/", given).status_code

    # The first one notes the device, and plans what is prepared.
    assert tap(at.voucher()) == 302
    second = at.voucher()
    with django_assert_num_queries(10):
        assert tap(second) == 302
