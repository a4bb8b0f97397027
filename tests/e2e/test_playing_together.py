"""A booking is shared by a link; the pages of it are for everybody."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from tests import make
from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from venues import actions
from venues.models import Bookable, Companion

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

SMALL: ViewportSize = {"width": 320, "height": 640}


def signed_in(screens: Screens, phone: str, *, scripts: bool) -> Page:
    page = screens.open(PHONE, scripts=scripts)
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, phone)
    return page


@pytest.mark.parametrize("scripts", [True, False])
def test_a_friend_joins_by_the_link_and_has_a_pass(
    screens: Screens, court: Bookable, *, scripts: bool
) -> None:
    booker = signed_in(screens, "13900000021", scripts=scripts)
    person = User.objects.get(phone="13900000021")
    booking = make.confirmed(court=court, by=person)
    booker.goto("/me/")
    booker.get_by_role("link", name=court.name).first.click()
    booker.get_by_role("link", name="Play together").click()
    booker.get_by_role("button", name="Make an invite link").click()
    link = booker.locator("#invite-url").inner_text()

    friend = screens.open(PHONE, scripts=scripts)
    friend.goto(link)
    expect(friend.get_by_role("heading", level=1)).to_contain_text("invites you")
    friend.get_by_role("link", name="Sign in to play along").click()
    sign_in(friend, "13900000022")
    friend.get_by_role("button", name="Play along").click()
    friend.get_by_role("link", name="Show the entry pass").click()
    expect(friend.get_by_alt_text("QR code for the gate")).to_be_visible()

    booker.goto(f"/bookings/{booking.number}/companions/")
    expect(booker.get_by_text("1 of 3")).to_be_visible()
    booker.get_by_role("button", name="Remove").click()
    expect(booker.get_by_text("0 of 3")).to_be_visible()
    friend.reload()
    expect(friend.get_by_alt_text("QR code for the gate")).to_have_count(0)


LOOKS: dict[str, tuple[Literal["light", "dark"], ViewportSize, str]] = {
    "small": ("light", SMALL, ""),
    "elder": ("light", PHONE, "?mode=elder"),
    "dark": ("dark", PHONE, ""),
    "desktop": ("light", DESKTOP, ""),
}


@pytest.mark.parametrize("look", LOOKS)
def test_its_pages_are_accessible(
    screens: Screens, axe: Axe, court: Bookable, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, "13900000023")
    person = User.objects.get(phone="13900000023")
    mine = make.confirmed(court=court, by=person)
    others = make.confirmed(court=court, starts_at=make.tomorrow_at(20))
    for booking in (mine, others):
        actions.make_invite(booking=booking, by=booking.booked_by)
        booking.refresh_from_db()
    actions.join_booking(code=mine.invite_code or "", by=make.citizen())
    actions.add_favourite(venue=court.venue, by=person)

    def look_at(address: str) -> None:
        page.goto(address)
        assert violations(axe, page) == [], address
        assert no_sideways_scroll(page), address

    look_at(f"/j/{others.invite_code}/")
    page.get_by_role("button", name="Play along").click()
    page.wait_for_url("**/together/**")
    assert Companion.objects.filter(user=person).exists()
    for address in (
        "/me/",
        "/bookings/",
        f"/bookings/{mine.number}/",
        f"/bookings/{mine.number}/companions/",
        f"/together/{others.number}/",
        f"/together/{others.number}/pass/",
        f"/calendar/?month={mine.starts_at:%Y-%m}",
        "/favourites/",
        "/venues/",
        court.venue.get_absolute_url(),
    ):
        look_at(address)
    page.goto("/calendar/")
    page.get_by_role("button", name="Make an address").click()
    expect(page.locator("#feed-url")).to_have_text(re.compile(r"\.ics$"))
    assert no_sideways_scroll(page)
    assert violations(axe, page) == []
