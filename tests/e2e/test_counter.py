"""A clerk with a phone: scan, bill, green, slip, undo; by keys; without scripts."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from tests.vouchers.counter import Counter, counter, digits, shown
from vouchers.models import Redemption, Voucher

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


@pytest.fixture
def at(portal: str) -> Counter:
    return counter()


def open_counter(page: Page, at: Counter, *, manager: bool = False) -> None:
    """Sign in with the clerk's own number; the only shop needs no choosing."""
    person = (at.manager if manager else at.clerk).person
    assert person
    page.goto("/counter/")
    sign_in(page, person.phone or "")
    expect(page.get_by_role("heading", name="Counter")).to_be_visible()


def check(page: Page, text: str) -> None:
    page.get_by_label("Code and six digits").fill(text)
    page.get_by_role("button", name="Check").click()


def redeem(page: Page, bill: str) -> None:
    page.get_by_label("Bill, yuan").fill(bill)
    page.get_by_role("button", name="Redeem").click()


def green(page: Page) -> Any:
    return expect(page.locator(".verdict--yes"))


def test_from_the_scan_to_the_slip_and_back(phone: Page, at: Counter) -> None:
    open_counter(phone, at)
    check(phone, digits(at.voucher()))
    expect(phone.get_by_role("heading", name="Good here and now")).to_be_visible()

    phone.get_by_label("Bill, yuan").fill("499.99")
    expect(phone.locator("[data-counter-pays]")).to_have_text("¥0.01 more needed")
    phone.get_by_label("Bill, yuan").fill("530")
    expect(phone.locator("[data-counter-pays]")).to_have_text("¥330")
    phone.get_by_role("button", name="Redeem").click()

    green(phone).to_contain_text("¥200 off")
    green(phone).to_contain_text("¥330")
    assert no_sideways_scroll(phone)
    phone.get_by_role("link", name="Slip").click()
    expect(phone.get_by_role("article")).to_contain_text("¥530")
    phone.get_by_role("button", name="Undo").click()
    expect(phone.locator("main")).to_contain_text("can be used again")
    assert Voucher.objects.get().state == Voucher.State.LIVE


def test_the_big_keys_type_the_bill(screens: Screens, at: Counter) -> None:
    context = screens.browser.new_context(
        viewport=PHONE, base_url=screens.portal, locale="en", has_touch=True
    )
    screens.contexts.append(context)
    context.add_init_script(
        "const plain = window.matchMedia.bind(window);"
        "window.matchMedia = (query) =>"
        " (query === '(pointer: fine)' ? {matches: false} : plain(query))"
    )
    page = context.new_page()
    open_counter(page, at)
    check(page, digits(at.voucher()))
    for key in ("5", "3", "0", ".", "5"):
        page.locator(f"[data-key='{key}']").tap()
    page.locator("[data-key=back]").tap()
    expect(page.get_by_label("Bill, yuan")).to_have_value("530.")
    expect(page.locator("[data-counter-pays]")).to_have_text("¥330")
    page.locator("[data-key='5']").tap()
    page.get_by_role("button", name="Redeem").click()
    green(page).to_contain_text("¥330.50")


def test_a_typed_code_is_seen_whole_on_a_phone(phone: Page, at: Counter) -> None:
    open_counter(phone, at)
    field = phone.get_by_label("Code and six digits")
    field.fill(digits(at.voucher()))
    wide, room = field.evaluate("field => [field.scrollWidth, field.clientWidth]")
    assert wide <= room, (wide, room)


def test_one_thumb_types_and_confirms_a_bill_without_scrolling(
    screens: Screens, at: Counter
) -> None:
    # A phone of 390 × 844 within a browser that has bars of its own.
    context = screens.browser.new_context(
        viewport={"width": 390, "height": 664},
        base_url=screens.portal,
        locale="en",
        has_touch=True,
        is_mobile=True,
    )
    screens.contexts.append(context)
    page = context.new_page()
    open_counter(page, at)
    check(page, digits(at.voucher()))
    for key in "530":
        page.locator(f"[data-key='{key}']").tap()
    expect(page.locator("[data-counter-pays]")).to_have_text("¥330")
    parts = page.locator("#id_bill, [data-key], [data-counter-pays], .counter__confirm")
    boxes = parts.evaluate_all(
        "all => all.map(one => one.getBoundingClientRect())"
        ".map(({top, bottom, height}) => [top, bottom, height])"
    )
    assert all(top >= 0 and bottom <= 664 for top, bottom, _height in boxes), boxes
    assert all(height >= 24 for _top, _bottom, height in boxes), boxes
    # Nothing lies over a key: each gets its own tap.
    for key in "123456789.0":
        page.locator(f"[data-key='{key}']").tap(trial=True)
    page.get_by_role("button", name="Redeem").tap()
    green(page).to_contain_text("¥330")


def test_what_was_wrong_is_gone_when_the_bill_is_typed_anew(
    phone: Page, at: Counter
) -> None:
    open_counter(phone, at)
    check(phone, digits(at.voucher()))
    redeem(phone, "480")
    expect(phone.locator(".field__error")).to_contain_text("20 yuan short")
    phone.get_by_label("Bill, yuan").fill("530")
    expect(phone.locator("[data-counter-pays]")).to_have_text("¥330")
    expect(phone.locator(".field__error")).to_have_count(0)


def test_a_bill_far_above_the_threshold_is_told_to_be_wrong(
    phone: Page, at: Counter
) -> None:
    open_counter(phone, at)
    check(phone, digits(at.voucher()))
    redeem(phone, "99999999")
    expect(phone.locator(".field__error")).to_contain_text("cannot be right")
    phone.get_by_label("Bill, yuan").fill("530")
    expect(phone.locator(".field__error")).to_have_count(0)


def test_red_says_where_it_was_used(phone: Page, at: Counter) -> None:
    voucher = at.voucher()
    at.redeem(voucher)
    open_counter(phone, at)
    check(phone, shown(voucher))
    expect(phone.get_by_role("alert").first).to_contain_text("Not redeemed")
    expect(phone.locator(".verdict--no").last).to_contain_text(at.shop.name)
    expect(phone.get_by_label("Code and six digits")).to_be_visible()


def test_a_lost_network_says_so_and_the_same_tap_redeems_once(
    phone: Page, at: Counter
) -> None:
    open_counter(phone, at)
    check(phone, shown(at.voucher()))
    phone.get_by_label("Bill, yuan").fill("530")
    phone.context.set_offline(True)
    phone.get_by_role("button", name="Redeem").click()
    expect(phone.locator("[data-counter-trouble]")).to_contain_text("No network")
    expect(phone.get_by_label("Bill, yuan")).to_have_value("530")
    phone.context.set_offline(False)
    phone.get_by_role("button", name="Redeem").click()
    green(phone).to_be_visible()
    assert Redemption.objects.count() == 1


def test_an_answer_that_was_lost_is_asked_for_again(phone: Page, at: Counter) -> None:
    open_counter(phone, at)
    check(phone, shown(at.voucher()))
    phone.get_by_label("Bill, yuan").fill("530")
    lost: list[int] = []

    def lose(route: Any) -> None:
        """The portal redeems, the phone never hears of it."""
        lost.append(route.fetch(max_redirects=0).status)
        route.abort()

    phone.route("**/counter/redeem/", lose, times=1)
    phone.get_by_role("button", name="Redeem").click()
    expect(phone.locator("[data-counter-trouble]")).to_contain_text("Tap once more")
    assert lost == [302]
    assert Redemption.objects.count() == 1
    phone.get_by_role("button", name="Redeem").click()
    green(phone).to_be_visible()
    assert Redemption.objects.count() == 1


def test_a_page_from_before_signing_in_anew_says_so_and_is_loaded_anew(
    phone: Page, at: Counter
) -> None:
    """In another tab the clerk signed out and in: this form's token is of before."""
    open_counter(phone, at)
    check(phone, digits(at.voucher()))
    expect(phone.get_by_label("Bill, yuan")).to_be_visible()
    name, root = settings.CSRF_COOKIE_NAME, urljoin(phone.url, "/")
    phone.context.add_cookies([{"name": name, "value": "a" * 32, "url": root}])
    redeem(phone, "530")
    expect(phone.locator("[data-counter-trouble]")).to_contain_text("out of date")
    expect(phone.get_by_label("Code and six digits")).to_be_visible()
    check(phone, digits(at.voucher()))
    expect(phone.get_by_label("Bill, yuan")).to_be_visible()
    assert not Redemption.objects.exists()


def test_without_scripts(screens: Screens, at: Counter) -> None:
    page = screens.open(PHONE, scripts=False)
    open_counter(page, at)
    check(page, digits(at.voucher()))
    redeem(page, "499")
    expect(page.locator("main")).to_contain_text("1 yuan short")
    redeem(page, "500")
    green(page).to_contain_text("¥300")
    page.reload()
    green(page).to_be_visible()
    assert Redemption.objects.count() == 1


def test_by_keys_alone_as_a_usb_scanner_types(desktop: Page, at: Counter) -> None:
    open_counter(desktop, at)
    expect(desktop.get_by_label("Code and six digits")).to_be_focused()
    desktop.keyboard.type(shown(at.voucher()))
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_label("Bill, yuan")).to_be_focused()
    desktop.keyboard.type("530")
    desktop.keyboard.press("Enter")
    green(desktop).to_contain_text("¥330")
    expect(desktop.get_by_label("Code and six digits")).to_be_focused()


def test_a_manager_refunds(phone: Page, at: Counter) -> None:
    at.redeem()
    open_counter(phone, at, manager=True)
    phone.locator(".list__link").first.click()
    phone.get_by_label("Given back to the customer").fill("330")
    phone.get_by_role("button", name="Go on").click()
    expect(phone.locator("#refund")).to_contain_text("gets the voucher back")
    phone.get_by_role("button", name="Give ¥330 back").click()
    expect(phone.locator("main")).to_contain_text("has the voucher again")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing(screens: Screens, axe: Axe, at: Counter, size: Any) -> None:
    page = screens.open(size, for_axe=True)
    used = at.voucher()
    done = at.redeem(used)
    open_counter(page, at, manager=True)
    assert violations(axe, page) == []
    check(page, shown(used))
    expect(page.locator(".verdict--no").last).to_be_visible()
    assert violations(axe, page) == []
    check(page, shown(at.voucher()))
    expect(page.get_by_label("Bill, yuan")).to_be_visible()
    assert violations(axe, page) == []
    redeem(page, "530")
    green(page).to_be_visible()
    assert violations(axe, page) == []
    for address in ("/counter/today/", done.get_absolute_url()):
        page.goto(address)
        assert violations(axe, page) == []
        assert no_sideways_scroll(page)
    expect(page.get_by_role("article")).to_contain_text(re.compile("¥330"))
