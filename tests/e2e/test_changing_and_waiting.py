"""A citizen changes a booking, gives a part back and waits in line, in a browser."""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from venues import actions
from venues.models import Bookable, Booking, BookingLine, WaitingEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

LOOKS: dict[str, tuple[Literal["light", "dark"], ViewportSize, str]] = {
    "phone": ("light", PHONE, ""),
    "elder": ("light", PHONE, "?mode=elder"),
    "dark": ("dark", PHONE, ""),
    "desktop": ("light", DESKTOP, ""),
    "narrow": ("light", {"width": 320, "height": 640}, ""),
}


def key(court: Bookable, hour: int) -> str:
    start = make.tomorrow_at(hour).astimezone(clock.CHINA)
    return f"{court.pk}@{start:%Y-%m-%dT%H:%M}"


def two_hours(court: Bookable, person: User) -> Booking:
    held = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (18, 19)],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=person,
    )
    return make.pay(held)


def offered(court: Bookable, person: User, hour: int) -> Booking:
    taken = make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    entry = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=taken.starts_at,
        bookable=court,
        by=person,
    )
    actions.cancel_booking(booking=taken, by=taken.booked_by)
    entry.refresh_from_db()
    assert entry.booking
    return entry.booking


def signed_in(page: Page, phone: str) -> User:
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, phone)
    return User.objects.get(phone=phone)


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible(
    screens: Screens, axe: Axe, court: Bookable, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    person = signed_in(page, "13900000018")
    mine = two_hours(court, person)
    offer = offered(court, person, 12)
    make.confirmed(court=court, starts_at=make.tomorrow_at(14))
    line = mine.lines.order_by("pk")[0].pk
    base = mine.get_absolute_url()
    slot = f"/venues/{court.venue.code}/slot/?slot="
    day = make.tomorrow_at(18).astimezone(clock.CHINA).date()
    addresses = [
        f"{court.venue.get_absolute_url()}?on={day}",
        f"{slot}{key(court, 14)}",
        f"{slot}{key(court, 15)}",
        f"/venues/{court.venue.code}/book/?slot={key(court, 14)}",
        "/waiting/",
        offer.get_absolute_url(),
        f"{base}change/",
        f"{base}change/?line={line}",
        f"{base}change/confirm/?line={line}&slot={key(court, 21)}",
        f"{base}cancel/",
        f"{base}cancel/?line={line}",
    ]
    for address in addresses:
        page.goto(address)
        assert violations(axe, page) == [], address
        assert no_sideways_scroll(page), address


@pytest.mark.parametrize("scripts", [True, False])
def test_one_hour_is_moved_and_the_other_given_back(
    screens: Screens, court: Bookable, *, scripts: bool
) -> None:
    page = screens.open(PHONE, scripts=scripts)
    person = signed_in(page, "13900000019")
    booking = two_hours(court, person)

    page.goto(booking.get_absolute_url())
    page.get_by_role("link", name="Change the time").click()
    page.get_by_role("checkbox").nth(1).uncheck()
    page.get_by_role("button", name="Next").click()
    # One's own hour comes ticked: move the tick.
    page.locator(f'input[value="{key(court, 18)}"]').uncheck(force=True)
    page.locator(f'input[value="{key(court, 21)}"]').check(force=True)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("The exchange happens at once")).to_be_visible()
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text("Your booking is changed.")).to_be_visible()

    page.get_by_role("link", name="Give back all or some").click()
    page.get_by_role("checkbox").nth(1).uncheck()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("¥40 of ¥40 comes back to you.")).to_be_visible()
    page.get_by_role("button", name="Give these back").click()
    expect(page.get_by_text("1 time is given back.")).to_be_visible()

    (left,) = BookingLine.objects.standing().filter(booking=booking)
    assert left.starts_at == make.tomorrow_at(21)


@pytest.mark.parametrize("scripts", [True, False])
def test_from_a_taken_cell_into_the_line_and_to_the_offer(
    screens: Screens, court: Bookable, *, scripts: bool
) -> None:
    taken = make.confirmed(court=court)
    page = screens.open(PHONE, scripts=scripts)
    signed_in(page, "13900000020")
    day = make.tomorrow_at(18).astimezone(clock.CHINA).date()

    page.goto(f"{court.venue.get_absolute_url()}?on={day}")
    page.get_by_role("link", name=f"{court.name} 18:00 Taken").click()
    page.get_by_role("button", name=f"Wait for {court.name}").click()
    expect(page.get_by_text("First in line")).to_be_visible()

    actions.cancel_booking(booking=taken, by=taken.booked_by)
    page.reload()
    page.get_by_role("link", name="Take it or leave it").click()
    expect(page.get_by_text("This time is held for you")).to_be_visible()
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("The next one in line has it now.")).to_be_visible()
    assert WaitingEntry.objects.get().state == WaitingEntry.State.LEFT
