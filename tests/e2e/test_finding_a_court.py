from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import make
from tests.e2e.conftest import PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from venues.models import Bookable, Booking, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def evening() -> str:
    return f"on={make.tomorrow()}&since=19:00&sport=badminton"


def test_five_taps_lead_from_a_pin_with_a_free_court_to_a_paid_one(
    phone: Page, hall: Venue, court: Bookable
) -> None:
    phone.goto("/accounts/login/?next=/me/")
    sign_in(phone, "13900000031")
    phone.wait_for_url(re.compile(r"/me/$"))
    phone.goto(f"/venues/map/?{evening()}")
    expect(phone.locator(".map__pin")).to_have_text("2")
    key = f"@{make.tomorrow()}T19:00"
    taps = (
        phone.locator("main").get_by_role("link", name=hall.display_name),
        phone.locator(f"label:has(input[value$='{key}'])"),
        phone.get_by_role("button", name="Next"),
        phone.get_by_role("button", name="Book and pay"),
        phone.get_by_role("button", name="Pay", exact=True),
    )

    for tap in taps:
        tap.first.click()

    phone.wait_for_url(re.compile(r"/bookings/[0-9A-Z]+/$"))
    assert Booking.objects.get().state == Booking.State.CONFIRMED


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_filters_and_results_are_reached_by_keyboard_alone(
    screens: Screens, hall: Venue, court: Bookable, *, scripts: bool
) -> None:
    page = screens.open(PHONE, scripts=scripts)
    page.goto(f"/venues/?on={make.tomorrow()}")
    summary = page.locator("details > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Begin from").focus()
    page.keyboard.type("19:00")
    page.get_by_role("button", name="Show what is free").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("since=19"))

    expect(page.locator("main")).to_contain_text("2 courts free")
    page.get_by_role("link", name=hall.display_name).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/venues/{hall.code}/"))


def test_who_finds_nothing_is_one_tap_from_finding_something(
    phone: Page, hall: Venue, court: Bookable
) -> None:
    phone.goto(f"/venues/?{evening()}&free=on")
    expect(phone.locator("main")).to_contain_text("Nothing is free like this.")

    phone.get_by_role("link", name="Free of charge").click()

    expect(phone.locator("main")).to_contain_text("2 courts free")


def test_the_list_follows_the_map(phone: Page, hall: Venue, court: Bookable) -> None:
    phone.goto(f"/venues/map/?{evening()}")
    expect(phone.locator("[data-map-list]")).to_contain_text(hall.display_name)

    phone.evaluate("history.replaceState(null, '', '?sport=tennis')")
    phone.locator(".leaflet-control-zoom-in").click()

    expect(phone.locator("[data-map-list]")).to_contain_text("Nothing like this here.")


@pytest.mark.parametrize("mode", ["", "&mode=elder"], ids=["normal", "elder"])
def test_searching_is_accessible_also_at_twice_the_size(
    screens: Screens, axe: Axe, hall: Venue, court: Bookable, mode: str
) -> None:
    make.bookable()
    # Half the width of a desk's screen is what 200 % of zoom leave of it.
    page = screens.open({"width": 640, "height": 450}, for_axe=True)
    for address in (
        f"/venues/?{evening()}{mode}",
        f"/venues/?{evening()}&free=on",
        f"/venues/map/?{evening()}",
        "/venues/?now=on",
    ):
        page.goto(address)
        page.locator("details > summary").first.click()
        assert violations(axe, page) == [], address
        assert no_sideways_scroll(page), address
