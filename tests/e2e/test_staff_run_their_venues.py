from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from tests import make
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.screens import Screens, sign_in, sign_in_staff
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


def test_closes_a_court_and_who_booked_it_sees_money_and_other_times(
    admin: Page, screens: Screens, hall: Venue, court: Bookable
) -> None:
    phone = screens.open(PHONE)
    phone.goto("/accounts/login/?next=/me/")
    sign_in(phone, "13900000051")
    person = User.objects.get(phone="13900000051")
    booking = make.confirmed(court=court, by=person)
    day = booking.starts_at.astimezone(clock.CHINA).date()

    admin.goto("/admin/venues/block/")
    admin.get_by_role("link", name="Close a hall").first.click()
    admin.locator("select[name=venue]").select_option(str(hall.pk))
    admin.locator("main form [type=submit], form [type=submit]").last.click()
    shut, open_still = (
        court.units.get().pk for court in hall.bookables.order_by("name")
    )
    admin.locator(f"[name=units][value='{shut}']").check()
    admin.locator(f"[name=units][value='{open_still}']").uncheck()
    for field, value in (
        ("starts_at_0", f"{day}"),
        ("starts_at_1", "08:00"),
        ("ends_at_0", f"{day}"),
        ("ends_at_1", "22:00"),
        ("reason", "A pipe has burst"),
    ):
        admin.locator(f"[name={field}]").fill(value)
    admin.get_by_role("button", name="Show what it does").click()
    expect(admin.locator("#preview")).to_contain_text("¥40")
    booking.refresh_from_db()
    assert booking.state == "confirmed"
    admin.get_by_role("button", name="Close and refund all").click()
    admin.wait_for_url("**/admin/venues/block/**")

    phone.goto(booking.get_absolute_url())
    expect(phone.locator("main")).to_contain_text("A pipe has burst")
    expect(phone.locator("main")).to_contain_text("Refund of ¥40")
    phone.get_by_role("link", name="Find another time").click()
    instead = phone.locator("main").get_by_role("link", name=re.compile("18:00"))
    instead.first.click()
    expect(phone.get_by_role("heading", name="Confirm your booking")).to_be_visible()


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


def test_the_name_of_a_district_is_no_markup_on_the_map(
    admin: Page, hall: Venue
) -> None:
    name = "<b class=planted>North</b>"
    make.district(name=name, name_en=name)
    admin.goto(f"/admin/venues/venue/{hall.pk}/change/")
    expect(admin.locator(".pin-district", has_text=name)).to_be_attached()
    expect(admin.locator(".planted")).to_have_count(0)


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
