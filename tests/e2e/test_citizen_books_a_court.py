from __future__ import annotations

import re

import pytest
import time_machine
from playwright.sync_api import Page, expect

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments.models import Refund
from tests import make
from tests.e2e.conftest import PHONE
from tests.e2e.screens import Screens, pay, sign_in
from venues.models import Bookable, Booking, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def choose(page: Page, venue: Venue, court: Bookable, hour: int) -> None:
    """From the home page to the confirmation of one slot of tomorrow."""
    page.goto("/")
    page.goto("/venues/?sport=badminton")
    page.get_by_role("link", name=venue.display_name).first.click()
    page.wait_for_url(f"**{venue.get_absolute_url()}**")
    page.goto(f"{page.url.split('?')[0]}?on={make.tomorrow():%Y-%m-%d}&sport=badminton")
    key = f"{court.pk}@{make.tomorrow():%Y-%m-%d}T{hour:02}:00"
    page.locator(f"label:has(input[value='{key}'])").click()
    page.get_by_role("button", name="Next").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_from_the_home_page_to_the_pass(
    screens: Screens, hall: Venue, court: Bookable, *, scripts: bool
) -> None:
    page = screens.open(PHONE, scripts=scripts)
    choose(page, hall, court, 18)

    sign_in(page, "13900000001")
    expect(page.get_by_role("heading", name="Confirm your booking")).to_be_visible()
    page.get_by_role("button", name="Book and pay").click()
    pay(page)
    page.wait_for_url(re.compile(r"/bookings/[0-9A-Z]+/$"))
    expect(page.locator("main")).to_contain_text("Booked")

    page.get_by_role("link", name="Show the entry pass").click()
    qr = page.locator("img.pass__qr")
    expect(qr).to_be_visible()
    if scripts:
        expect(qr).to_have_js_property("complete", value=True)
        assert qr.evaluate("image => image.naturalWidth")
    expect(page.locator("[data-qr-digits]")).to_have_text(re.compile(r"^\d{3} ?\d{3}$"))
    booking = Booking.objects.get()
    assert booking.state == Booking.State.CONFIRMED
    assert booking.booked_by.phone == "13900000001"


@pytest.mark.parametrize("start", ["/", "/venues/map/"], ids=["home", "map"])
def test_five_taps_lead_a_signed_in_person_to_a_paid_court(
    phone: Page, hall: Venue, court: Bookable, start: str
) -> None:
    morning = clock.at(clock.today(), 10 * 60)  # late at night nothing of today is left
    with time_machine.travel(morning, tick=True):
        phone.goto("/accounts/login/?next=/me/")
        sign_in(phone, "13900000008")
        phone.wait_for_url(re.compile(r"/me/$"))
        phone.goto(start)
        taps = (
            phone.locator("main").get_by_role("link", name=hall.display_name),
            phone.locator("label:has(input[name=slot]:not([disabled]))").last,
            phone.get_by_role("button", name="Next"),
            phone.get_by_role("button", name="Book and pay"),
            phone.get_by_role("button", name="Pay", exact=True),
        )

        for tap in taps:
            tap.first.click()

        phone.wait_for_url(re.compile(r"/bookings/[0-9A-Z]+/$"))
        assert Booking.objects.get().state == Booking.State.CONFIRMED


def test_the_page_that_waits_for_the_money_goes_on_by_itself(
    phone: Page, court: Bookable
) -> None:
    phone.goto("/accounts/login/?next=/me/")
    sign_in(phone, "13900000191")
    expect(phone.get_by_role("button", name="Sign out")).to_be_visible()
    booking = make.held(court=court, by=User.objects.get(phone="13900000191"))
    phone.goto(f"/pay/{make.payment_of(booking).number}/result/")
    waiting = phone.get_by_role("heading", name="Waiting for the confirmation")
    expect(waiting).to_be_visible()
    # It looks again in the background: under a reader's eyes nothing is loaded anew.
    with phone.expect_response(re.compile(r"/result/\?tries=\d+$")):
        pass
    expect(waiting).to_be_visible()

    make.pay(booking)

    expect(phone).to_have_url(re.compile(rf"/bookings/{booking.number}/"))


def test_cancels_in_time_and_sees_the_money_come_back(
    phone: Page, hall: Venue, court: Bookable
) -> None:
    choose(phone, hall, court, 18)
    sign_in(phone, "13900000002")
    phone.get_by_role("button", name="Book and pay").click()
    pay(phone)
    phone.wait_for_url(re.compile(r"/bookings/"))

    phone.goto("/me/")
    phone.goto("/bookings/")
    phone.locator("main article a").first.click()
    phone.get_by_role("link", name="Cancel this booking").click()
    phone.get_by_role("button", name="Cancel the booking").click()

    expect(phone.locator("main")).to_contain_text("Refund of ¥40")
    assert Refund.objects.get().amount_fen == make.PRICE_FEN


def test_the_back_button_after_paying_books_nothing_twice(
    phone: Page, hall: Venue, court: Bookable
) -> None:
    choose(phone, hall, court, 18)
    sign_in(phone, "13900000003")
    confirm = phone.url
    phone.get_by_role("button", name="Book and pay").click()
    pay(phone)
    phone.wait_for_url(re.compile(r"/bookings/"))

    phone.goto(confirm)

    expect(phone.locator("main")).to_contain_text("already yours")
    assert Booking.objects.count() == 1


def test_two_tabs_want_one_slot_and_the_slower_hears_why(
    screens: Screens, hall: Venue, court: Bookable
) -> None:
    quick, slow = screens.open(PHONE), screens.open(PHONE)
    for page, number in ((quick, "13900000004"), (slow, "13900000005")):
        choose(page, hall, court, 18)
        sign_in(page, number)

    quick.get_by_role("button", name="Book and pay").click()
    quick.wait_for_url(re.compile(r"/pay/"))
    slow.get_by_role("button", name="Book and pay").click()

    expect(slow.get_by_role("alert")).to_contain_text("just taken")
    assert Booking.objects.count() == 1


def test_a_wrong_code_says_so_and_a_right_one_still_works(
    phone: Page, hall: Venue
) -> None:
    phone.goto("/accounts/login/?next=/bookings/")
    phone.get_by_label("Mobile number").fill("13900000006")
    phone.get_by_role("button", name="Get a code").click()
    code = phone.locator("[data-demo-code]").get_attribute("data-demo-code") or ""
    wrong = f"{(int(code) + 1) % 10**6:06}"
    field = phone.locator("input[name=code]")
    field.fill(wrong)
    phone.locator("input[name=agreed]").check()
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.locator("main")).to_contain_text("code")

    phone.locator("input[name=code]").fill(code)
    agreed = phone.locator("input[name=agreed]")
    if agreed.count():
        agreed.check()
    phone.get_by_role("button", name="Sign in").click()

    phone.wait_for_url(re.compile(r"/bookings/$"))


def test_a_strangers_booking_is_not_there(phone: Page, court: Bookable) -> None:
    booking = make.confirmed(court=court)
    phone.goto("/accounts/login/?next=/me/")
    sign_in(phone, "13900000007")
    phone.wait_for_url(re.compile(r"/me/$"))

    for address in ("", "cancel/", "pass/", "pass/qr.svg"):
        answer = phone.goto(f"/bookings/{booking.number}/{address}")
        assert answer is not None
        assert answer.status == 404


def test_the_map_shows_the_hall_and_leads_to_it(phone: Page, hall: Venue) -> None:
    phone.goto("/venues/map/")
    pin = phone.locator(".map__pin").first
    expect(pin).to_be_visible()
    pin.focus()
    pin.press("Enter")  # as a keyboard does it; a map may still be gliding

    expect(phone.locator(".leaflet-popup")).to_contain_text(hall.display_name)


def test_elder_mode_stays_and_makes_the_text_larger(phone: Page, hall: Venue) -> None:
    phone.goto("/venues/")
    size = "parseFloat(getComputedStyle(document.body).fontSize)"
    before = phone.evaluate(size)

    phone.goto("/venues/?mode=elder")

    assert phone.evaluate(size) > before
    phone.goto("/")
    assert phone.locator("html").get_attribute("data-mode") == "elder"


def test_the_page_speaks_chinese_by_default(screens: Screens, hall: Venue) -> None:
    page = screens.open(PHONE, locale="fr")
    page.context.add_cookies(
        [{"name": "lang", "value": "zh-hans", "url": screens.portal}]
    )
    page.goto("/venues/")

    assert (page.locator("html").get_attribute("lang") or "").startswith("zh")
    expect(page.locator("main")).to_contain_text("任城羽毛球馆")
