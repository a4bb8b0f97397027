from __future__ import annotations

from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from bureau.audit.models import Entry
from tests import make
from tests.e2e.conftest import DESKTOP
from tests.e2e.screens import Screens, sign_in_staff
from venues.models import Bookable, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

PASSWORD = "a long staff password"


@pytest.fixture
def admin(screens: Screens, portal: str, settings: object) -> Page:
    """The window of somebody who may do everything, without a second factor."""
    settings.STAFF_MFA_REQUIRED = False  # type: ignore[attr-defined]
    chief = make.user("chief", is_staff=True, is_superuser=True)
    chief.set_password(PASSWORD)
    chief.save(update_fields=["password"])
    page = screens.open(DESKTOP)
    sign_in_staff(page, "chief", PASSWORD, to="/admin/")
    return page


def test_finds_a_booking_by_number_and_calls_it_off(
    admin: Page, court: Bookable
) -> None:
    booking = make.confirmed(court=court)
    make.confirmed()

    admin.goto(f"/admin/venues/booking/?q={booking.number}")
    expect(admin.locator("#result_list tbody tr")).to_have_count(1)
    admin.locator("input[name=_selected_action]").first.check()
    admin.locator("select[name=action]").select_option("call_off")
    admin.get_by_role("button", name="Run").first.click()
    admin.locator("[name=reason]").fill("The roof leaks")
    admin.locator("form [type=submit]").last.click()

    expect(admin.locator("body")).to_contain_text("1 booking is called off")
    booking.refresh_from_db()
    assert booking.state == "cancelled"
    assert booking.cancel_reason == "The roof leaks"


def test_moves_a_pin_on_the_map(admin: Page, hall: Venue) -> None:
    before = hall.location.coords
    admin.goto(f"/admin/venues/venue/{hall.pk}/change/")
    pin = admin.locator(".leaflet-marker-icon").first
    pin.scroll_into_view_if_needed()
    edit = admin.locator(".leaflet-draw-edit-edit")
    if edit.count():
        edit.first.click()
    box = pin.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    admin.mouse.move(x, y)
    admin.mouse.down()
    admin.mouse.move(x + 60, y + 30, steps=8)
    admin.mouse.up()
    save = admin.get_by_role("link", name="Save", exact=True)
    if save.count() and save.first.is_visible():
        save.first.click()
    admin.locator("[name=_save]").first.click()

    admin.wait_for_url("**/admin/venues/venue/")
    hall.refresh_from_db()
    assert hall.location.coords != before
    assert Entry.objects.filter(event="venues.venue.moved").exists()


def test_the_second_factor_is_asked_for_when_it_is_required(
    screens: Screens, portal: str, settings: object
) -> None:
    settings.STAFF_MFA_REQUIRED = True  # type: ignore[attr-defined]
    clerk = make.user("clerk", is_staff=True)
    clerk.set_password(PASSWORD)
    clerk.save(update_fields=["password"])
    page = screens.open(DESKTOP)
    sign_in_staff(page, "clerk", PASSWORD, to="/admin/")

    page.goto("/admin/venues/venue/")

    assert "/mfa/totp/" in unquote(page.url)
