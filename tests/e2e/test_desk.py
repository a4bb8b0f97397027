"""Somebody without a phone is served at the window, from the number to the paper."""

from __future__ import annotations

from datetime import date

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from bureau.accounts.models import User
from tests.accounts.conftest import new_id_number
from tests.e2e.conftest import PHONE, violations
from tests.e2e.keyboard import press
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in_staff
from venues.models import Bookable, Booking, EntryPass

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
MOST_TAPS, MOST_FIELDS = 9, 2  # what fits into half a minute of a practised clerk


class Hands:
    """Counts what a clerk has to do."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps, self.fields = page, 0, 0

    def tap(self, selector: str) -> None:
        self.taps += 1
        self.page.locator(selector).first.click()

    def type(self, name: str, text: str) -> None:
        self.fields += 1
        self.page.locator(f"input[name={name}]").first.fill(text)


def test_cash_and_a_printed_pass_in_half_a_minute(
    screens: Screens, keeper: User, court: Bookable
) -> None:
    page = screens.open(PHONE)
    sign_in_staff(page, "keeper", "a long gate password", to="/desk/")
    hands = Hands(page)

    hands.type("number", new_id_number(born_on=date(1948, 2, 3)))
    hands.tap("button:has-text('Find')")
    hands.type("name", "孔令仪")
    hands.tap("input[name=agreed]")
    hands.tap("button:has-text('Register and choose a court')")
    hands.tap("a.day:nth-child(2)")
    hands.tap(".slot:has(input)")
    hands.tap("[data-slot-submit]")
    hands.tap("button:has-text('in cash')")
    hands.tap("button:has-text('Print the pass')")
    expect(page.locator(".paper")).to_contain_text("Good once")

    assert hands.taps <= MOST_TAPS
    assert hands.fields <= MOST_FIELDS
    assert Booking.objects.get().state == Booking.State.CONFIRMED
    assert EntryPass.objects.get().printed_at


def test_the_same_by_keys_alone(desktop: Page, keeper: User, court: Bookable) -> None:
    sign_in_staff(desktop, "keeper", "a long gate password", to="/desk/")
    number = desktop.locator("input[name=number]").first
    expect(number).to_be_focused()

    desktop.keyboard.type(new_id_number(born_on=date(1948, 2, 3)))
    desktop.keyboard.press("Enter")
    expect(desktop.locator("input[name=name]")).to_be_focused()
    desktop.keyboard.type("孔令仪")
    press(desktop, desktop.locator("input[name=agreed]"), "Space")
    press(desktop, desktop.get_by_role("button", name="Register and choose a court"))
    days = desktop.get_by_role("navigation", name="Day")
    press(desktop, days.get_by_role("link").nth(1))
    expect(days.get_by_role("link").nth(1)).to_have_attribute("aria-current", "date")
    slot = desktop.locator(".slot input").first
    press(desktop, slot, "Space")
    expect(slot).to_be_checked()
    press(desktop, desktop.get_by_role("button", name="Next"))
    press(desktop, desktop.get_by_role("button", name="in cash"))
    press(desktop, desktop.get_by_role("button", name="Print the pass"))

    expect(desktop.locator(".paper")).to_contain_text("Good once")
    assert Booking.objects.get().state == Booking.State.CONFIRMED
    assert EntryPass.objects.get().printed_at


@pytest.mark.parametrize("mode", ["", "?mode=elder"])
def test_the_pages_of_the_desk_are_accessible(
    screens: Screens, axe: Axe, keeper: User, court: Bookable, mode: str
) -> None:
    page = screens.open(PHONE, for_axe=True)
    page.goto(f"/{mode}")
    sign_in_staff(page, "keeper", "a long gate password", to="/desk/")

    def look() -> None:
        assert violations(axe, page) == [], page.url
        assert no_sideways_scroll(page), page.url

    look()
    page.locator("input[name=number]").fill("13900000055")
    page.keyboard.press("Enter")
    page.locator("input[name=name]").fill("孟子")
    look()
    page.locator("input[name=agreed]").check()
    page.locator("button:has-text('Register')").click()
    page.locator("a.day:nth-child(2)").click()
    page.locator(".slot:has(input)").first.click()
    look()
    page.locator("[data-slot-submit]").click()
    expect(page.locator("button:has-text('in cash')")).to_be_visible()
    look()
    page.locator("button:has-text('in cash')").click()
    page.locator("button:has-text('Print the pass')").wait_for()
    look()
    page.locator("button:has-text('Print the pass')").click()
    page.locator(".paper").wait_for()
    look()
    for address in ("/desk/cash/", "/gate/", "/gate/offline/"):
        page.goto(address)
        look()
