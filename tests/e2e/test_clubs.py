"""The contact of a club applies on a phone, and pays; every page is for everybody."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from tests.e2e.conftest import PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from venues import actions
from venues.models import Bookable, Club, Invoice, Season, SeasonRequest, SkippedDate
from venues.queries.seasons import WeeklyTime

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

LOOKS: dict[str, tuple[Literal["light", "dark"], ViewportSize, str]] = {
    "elder": ("light", PHONE, "?mode=elder"),
    "dark": ("dark", PHONE, ""),
    "narrow": ("light", {"width": 320, "height": 640}, ""),
}
DAY = timedelta(days=1)


@pytest.fixture
def season(court: Bookable) -> Season:
    first_on = clock.today() + 20 * DAY
    return actions.open_season(
        venue=court.venue,
        name="Winter",
        first_on=first_on,
        last_on=first_on + 27 * DAY,
        applies_until=clock.now() + DAY,
        by=make.user(),
    )


def contact(page: Page, phone: str) -> Club:
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, phone)
    return Club.objects.create(
        name="Shuttle Club",
        credit_code="91350100M000100Y43",
        contact=User.objects.get(phone=phone),
        is_approved=True,
    )


def approve(request: SeasonRequest) -> Invoice:
    decided_at = clock.now() + 2 * DAY
    actions.propose_allocation(season=request.season, by=make.user(), at=decided_at)
    return actions.approve_request(request=request, by=make.user(), at=decided_at)


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_venue_to_the_cashier(
    screens: Screens, season: Season, *, scripts: bool
) -> None:
    page = screens.open(PHONE, scripts=scripts)
    contact(page, "13900000061")

    page.goto(season.venue.get_absolute_url())
    page.get_by_role("link", name="Winter").click()
    page.get_by_role("link", name="Apply for a weekly time").click()
    page.get_by_label("Weekday").select_option("3")
    page.get_by_role("button", name="Look at the dates").click()
    expect(page.get_by_text("4 dates can be booked")).to_be_visible()
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Wednesday")
    expect(page.get_by_text("Being decided")).to_be_visible()

    approve(SeasonRequest.objects.get())
    page.goto("/me/")
    page.get_by_role("link", name="My clubs").click()
    page.get_by_role("link", name="¥320").click()
    page.get_by_role("button", name="Pay ¥320").click()
    expect(page).to_have_url(re.compile("/pay"))


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible(
    screens: Screens, axe: Axe, court: Bookable, season: Season, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    club = contact(page, "13900000062")
    first, second = (
        actions.ask_for_season(
            season=season,
            club=club,
            weekly=WeeklyTime(
                court.pk, day, 19 * 60, 21 * 60, season.first_on, season.last_on
            ),
            by=club.contact,
        )
        for day in (2, 4)
    )

    for address in (
        "/clubs/register/",
        season.get_absolute_url(),
        f"{season.get_absolute_url()}apply/",
        first.get_absolute_url(),
    ):
        check(axe, page, address)
    page.goto(f"{season.get_absolute_url()}apply/")
    page.get_by_role("button", name="Look at the dates").click()
    expect(page.get_by_text("dates can be booked")).to_be_visible()
    assert no_sideways_scroll(page)
    assert violations(axe, page) == []

    invoice = approve(first)
    actions.deny_request(request=second, reason="Full", by=make.user())
    SkippedDate.objects.create(request=first, on=season.last_on, reason="Repairs")
    booking = invoice.bookings.order_by("starts_at")[0]
    actions.cancel_booking(booking=booking, by=club.contact)
    for address in (
        "/clubs/",
        season.get_absolute_url(),
        first.get_absolute_url(),
        second.get_absolute_url(),
        invoice.get_absolute_url(),
    ):
        check(axe, page, address)


def check(axe: Axe, page: Page, address: str) -> None:
    page.goto(address)
    assert no_sideways_scroll(page), address
    assert violations(axe, page) == [], address
