from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import make
from tests.e2e.conftest import DESKTOP, violations
from tests.e2e.screens import Screens, sign_in_staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

PASSWORD = "a long staff password"


@pytest.fixture
def admin(screens: Screens, portal: str, settings: object) -> Page:
    settings.STAFF_MFA_REQUIRED = False  # type: ignore[attr-defined]
    chief = make.user("chief", is_staff=True, is_superuser=True)
    chief.set_password(PASSWORD)
    chief.save(update_fields=["password"])
    page = screens.open(DESKTOP, for_axe=True)
    page.clock.install()
    sign_in_staff(page, "chief", PASSWORD, to="/admin/")
    expect(page.locator("#figures")).to_be_visible()
    page.wait_for_load_state()  # the page counts its minute from here
    return page


def test_the_figures_say_their_time_and_come_anew_each_minute(admin: Page) -> None:
    people = admin.locator("#figures a", has_text="New people today")
    expect(people).to_contain_text("1")
    expect(admin.locator("#figures")).to_contain_text("anew every minute")

    make.citizen()
    admin.clock.fast_forward(61_000)

    expect(people).to_contain_text(re.compile(r"\b2\b"))


def test_figures_that_somebody_is_about_to_open_stay_under_their_finger(
    admin: Page,
) -> None:
    people = admin.locator("#figures a", has_text="New people today")
    people.focus()
    make.citizen()

    with admin.expect_response("**/admin/"):
        admin.clock.fast_forward(61_000)
    expect(people).to_be_focused()
    expect(people).to_contain_text("1")

    people.blur()
    admin.clock.fast_forward(61_000)
    expect(people).to_contain_text(re.compile(r"\b2\b"))


def test_every_field_of_a_posting_has_a_name(admin: Page, axe: Axe) -> None:
    make.district()
    admin.clock.resume()
    admin.goto("/admin/regions/posting/add/")
    expect(admin.get_by_label("District")).to_be_visible()
    names = {"select-name", "label", "button-name", "aria-input-field-name"}
    assert not [one for one in violations(axe, admin) if one["id"] in names]
