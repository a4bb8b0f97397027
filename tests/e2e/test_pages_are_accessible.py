from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in, sign_in_staff
from tests.e2e.test_ballots_and_sessions import ballot_for
from venues.models import Block, Bookable, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

PUBLIC = ["/", "/venues/", "/venues/map/", "/accounts/login/", "/about/", "/nowhere/"]
LOOKS: dict[str, tuple[Literal["light", "dark"], ViewportSize, str]] = {
    "phone": ("light", PHONE, ""),
    "elder": ("light", PHONE, "?mode=elder"),
    "dark": ("dark", PHONE, ""),
    "desktop": ("light", DESKTOP, ""),
}


def check(axe: Axe, page: Page, address: str) -> None:
    page.goto(address)
    assert violations(axe, page) == [], address
    assert no_sideways_scroll(page), address


@pytest.mark.parametrize("look", LOOKS)
def test_public_pages(
    screens: Screens, axe: Axe, court: Bookable, hall: Venue, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")

    for address in [*PUBLIC, hall.get_absolute_url()]:
        check(axe, page, address)


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_a_citizen(
    screens: Screens, axe: Axe, court: Bookable, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, "13900000008")
    person = User.objects.get(phone="13900000008")
    held = make.held(court=court, by=person)
    mine = make.confirmed(by=person)
    payment = make.payment_of(held)

    for address in (
        "/me/",
        "/me/profile/",
        "/me/real-name/",
        "/me/family/",
        "/me/eligibilities/",
        "/me/devices/",
        "/me/consents/",
        "/me/data/",
        "/notices/preferences/",
        "/notices/",
        "/bookings/",
        held.get_absolute_url(),
        f"/pay/{payment.number}/",
        f"/pay/{payment.number}/result/",
        mine.get_absolute_url(),
        f"{mine.get_absolute_url()}pass/",
        f"{mine.get_absolute_url()}cancel/",
    ):
        check(axe, page, address)


@pytest.mark.parametrize("look", ["elder", "dark"])
def test_pages_of_ballots_sessions_and_fair_play(
    screens: Screens, axe: Axe, court: Bookable, hall: Venue, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    session = make.session(bookable=hall.bookables.get(name="2"))
    ballot = ballot_for(court)
    closed = make.confirmed(by=make.citizen(phone="13900000009"))
    Block.objects.create(
        venue=hall,
        reason="The pipes are renewed",
        is_closure=True,
        announced_at=clock.now(),
        starts_at=closed.starts_at,
        ends_at=closed.ends_at,
        set_by=make.user(),
        created_at=clock.now(),
    )
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, "13900000009")
    assert ballot.draw

    for address in (
        "/",
        "/ballots/",
        f"/ballots/{ballot.number}/",
        "/draws/",
        ballot.draw.get_absolute_url(),
        "/draws/check/",
        "/draws/entries/",
        f"{hall.get_absolute_url()}sessions/{session.pk}/",
        "/venues/openness/",
        f"{hall.get_absolute_url()}openness/",
        f"{closed.get_absolute_url()}instead/",
        f"{closed.get_absolute_url()}change/",
        "/conduct/",
        "/waiting/",
        "/clubs/",
        "/seasons/",
    ):
        check(axe, page, address)


@pytest.mark.parametrize("look", ["elder", "dark"])
def test_pages_of_a_password_and_a_second_factor(
    screens: Screens, axe: Axe, keeper: User, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    sign_in_staff(page, "keeper", "a long gate password", to="/gate/")
    expect(page.get_by_role("heading", name="Gate", exact=True)).to_be_visible()

    check(axe, page, "/accounts/password/change/")
    check(axe, page, "/accounts/mfa/")
    page.goto("/accounts/mfa/totp/activate/")
    page.get_by_label("Password").fill("a long gate password")
    page.get_by_role("button", name="Confirm").click()
    picture = page.locator(".qr svg")
    expect(picture).to_be_visible()
    # A camera reads dark on light, whatever the page looks like.
    expect(picture).to_have_css("background-color", "rgb(255, 255, 255)")
    assert violations(axe, page) == []
    assert no_sideways_scroll(page)


def test_the_gate(screens: Screens, axe: Axe, keeper: User, hall: Venue) -> None:
    page = screens.open(PHONE, for_axe=True)
    sign_in_staff(page, "keeper", "a long gate password", to="/gate/")

    check(axe, page, "/gate/")


def test_the_narrowest_phone_never_scrolls_sideways(
    screens: Screens, court: Bookable, hall: Venue
) -> None:
    page = screens.open({"width": 320, "height": 640})

    for address in [*PUBLIC, hall.get_absolute_url()]:
        page.goto(address)
        assert no_sideways_scroll(page), address
