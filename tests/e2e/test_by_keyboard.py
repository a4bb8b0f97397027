"""The portal for somebody who has no mouse and no finger on the glass."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from tests import make
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.keyboard import press, skip_to_content, too_small, walk, write
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in, sign_in_staff
from tests.e2e.test_ballots_and_sessions import ballot_for
from venues.models import Bookable, Booking, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


@pytest.mark.parametrize(
    ("size", "number"),
    [
        (PHONE, "13900000046"),
        (DESKTOP, "13900000043"),
        (ViewportSize(width=320, height=450), "13900000044"),
    ],
    ids=["phone", "desktop", "magnified four times"],
)
def test_from_the_home_page_to_a_paid_court(
    screens: Screens,
    hall: Venue,
    court: Bookable,
    size: ViewportSize,
    number: str,
) -> None:
    page = screens.open(size)
    page.emulate_media(reduced_motion="reduce")  # a glide has no place to look at
    page.goto("/")
    skip_to_content(page)
    press(
        page, page.locator('main a[href^="/venues/?"], main a[href="/venues/"]').first
    )
    page.wait_for_url(re.compile(r"/venues/(\?|$)"))

    skip_to_content(page)
    press(page, page.locator("main").get_by_role("link", name=hall.display_name).first)
    page.wait_for_url(re.compile(rf"/venues/{hall.code}/"))

    # The link leads past the head of the page by itself.
    press(page, page.locator(f'main a[href*="on={make.tomorrow():%Y-%m-%d}"]').first)
    page.wait_for_url(re.compile(rf"on={make.tomorrow():%Y-%m-%d}"))
    slot = page.locator(f"input[value='{court.pk}@{make.tomorrow():%Y-%m-%d}T18:00']")
    press(page, slot, "Space")
    expect(slot).to_be_checked()
    press(page, page.get_by_role("button", name="Next"))

    write(page, page.get_by_label("Mobile number"), number)
    page.keyboard.press("Enter")
    code = page.locator("[data-demo-code]").get_attribute("data-demo-code") or ""
    write(page, page.locator("input[name=code]"), code)
    press(page, page.locator("input[name=agreed]"), "Space")
    press(page, page.get_by_role("button", name="Sign in"))

    expect(page.get_by_role("heading", name="Confirm your booking")).to_be_visible()
    press(page, page.get_by_role("button", name="Book and pay"))
    page.wait_for_url(re.compile(r"/pay/"))
    press(page, page.get_by_role("button", name="Pay", exact=True))
    page.wait_for_url(re.compile(r"/bookings/[0-9A-Z]+/$"))
    assert Booking.objects.get().state == Booking.State.CONFIRMED


# --- Every stop of the main pages ---------------------------------------------------

MAGNIFIED = ViewportSize(width=640, height=400)  # 1280 by 800 at 200 %
# name -> (window, switch, what a target must measure: WCAG 2.2 AA, and ours for elders)
LOOKS: dict[str, tuple[ViewportSize, str, int]] = {
    "magnified twice": (MAGNIFIED, "?mode=standard", 24),
    "large view": (PHONE, "?mode=elder", 44),
}


def opened(screens: Screens, look: str) -> Page:
    size, switch, _least = LOOKS[look]
    page = screens.open(size)
    page.emulate_media(reduced_motion="reduce")  # a glide has no place to look at
    page.goto(f"/{switch}")
    return page


def everything_is_reached_and_seen(page: Page, address: str, look: str) -> None:
    page.goto(address)
    expect(page.locator("#main")).to_be_visible()
    assert no_sideways_scroll(page), address
    assert too_small(page, least=LOOKS[look][2]) == [], address
    assert walk(page) == [], address


def test_a_walk_finds_what_nobody_could_use(desktop: Page) -> None:
    desktop.set_content(
        """<main><a href="/">seen</a>
        <style>.blind:focus { outline: none }</style>
        <button class="blind">without a ring</button>
        <a href="/" tabindex="-1">for the mouse alone</a>
        <button style="width: 20px; height: 20px; padding: 0">s</button></main>"""
    )

    ringless, unreached = walk(desktop)

    assert "without a ring" in ringless
    assert "for the mouse alone" in unreached
    assert len(too_small(desktop, least=24)) == 4  # links and buttons of a bare page
    assert "20 x 20" in too_small(desktop, least=21)[-1]


@pytest.mark.parametrize("look", LOOKS)
def test_every_stop_of_the_public_pages_is_reached_and_seen(
    screens: Screens, hall: Venue, court: Bookable, look: str
) -> None:
    session = make.session(bookable=hall.bookables.get(name="2"))
    ballot = ballot_for(court)
    page = opened(screens, look)

    for address in (
        "/",
        "/venues/",
        f"{hall.get_absolute_url()}?on={make.tomorrow():%Y-%m-%d}",
        f"{hall.get_absolute_url()}sessions/{session.pk}/",
        "/venues/openness/",
        f"{hall.get_absolute_url()}openness/",
        "/ballots/",
        f"/ballots/{ballot.number}/",
        "/seasons/",
        "/draws/",
        "/draws/check/",
        "/accounts/login/",
        "/accounts/staff/login/",
        "/about/",
        "/nowhere/",
    ):
        everything_is_reached_and_seen(page, address, look)


@pytest.mark.parametrize("look", LOOKS)
def test_every_stop_of_a_citizens_pages_is_reached_and_seen(
    screens: Screens, court: Bookable, look: str
) -> None:
    number = f"1390000019{list(LOOKS).index(look) + 2}"
    page = opened(screens, look)
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, number)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    person = User.objects.get(phone=number)
    held = make.held(court=court, by=person)
    mine = make.confirmed(by=person)

    for address in (
        "/me/",
        "/me/profile/",
        "/me/real-name/",
        "/me/family/",
        "/me/eligibilities/",
        "/me/data/",
        "/notices/",
        "/notices/preferences/",
        "/bookings/",
        held.get_absolute_url(),
        f"/pay/{make.payment_of(held).number}/result/",
        mine.get_absolute_url(),
        f"{mine.get_absolute_url()}pass/",
        f"{mine.get_absolute_url()}change/",
        f"{mine.get_absolute_url()}cancel/",
        f"{mine.get_absolute_url()}companions/",
        "/calendar/",
        "/favourites/",
        "/conduct/",
        "/waiting/",
        "/clubs/",
        "/clubs/register/",
    ):
        everything_is_reached_and_seen(page, address, look)


@pytest.mark.parametrize("look", LOOKS)
def test_every_stop_of_the_pages_at_the_door_is_reached_and_seen(
    screens: Screens, keeper: User, look: str
) -> None:
    page = opened(screens, look)
    sign_in_staff(page, "keeper", "a long gate password", to="/gate/")
    expect(page.get_by_role("heading", name="Gate", exact=True)).to_be_visible()

    for address in ("/gate/", "/gate/offline/", "/desk/", "/desk/cash/"):
        everything_is_reached_and_seen(page, address, look)
