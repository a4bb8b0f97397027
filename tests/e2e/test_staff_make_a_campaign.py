"""From an empty list to a campaign that citizens see, in a real browser."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from bureau.common import clock
from tests import make as city
from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in_staff
from tests.vouchers import make
from vouchers.models import Campaign

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
PASSWORD = "a long staff password"


def chief(
    screens: Screens, settings: object, viewport: ViewportSize, *, for_axe: bool = False
) -> Page:
    settings.STAFF_MFA_REQUIRED = False  # type: ignore[attr-defined]
    person = city.user("chief", is_staff=True, is_superuser=True)
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    page = screens.open(viewport, for_axe=for_axe)
    sign_in_staff(page, "chief", PASSWORD, to="/admin/vouchers/campaign/")
    return page


def fill(page: Page, **values: str) -> None:
    for field, value in values.items():
        page.locator(f"[name='{field.replace('__', '-')}']").fill(value)


def look_at(page: Page, name: str, viewport: ViewportSize) -> None:
    """Nothing hangs out at the side. With PICTURES=a-folder there is one to look at."""
    assert no_sideways_scroll(page), name
    if folder := os.environ.get("PICTURES"):
        path = Path(folder) / f"{name}-{viewport['width']}.png"
        page.screenshot(path=path, full_page=True)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_campaign_is_made_and_published(
    screens: Screens, settings: object, viewport: ViewportSize
) -> None:
    page = chief(screens, settings, viewport)
    page.goto("/admin/vouchers/campaign/draft/")
    fill(page, slug="sports-2026", name="体育消费券")
    page.get_by_role("button", name="Draft it").click()
    expect(page.locator("body")).to_contain_text("Nobody sees this yet")
    campaign = Campaign.objects.get()
    home = page.url.replace("change/", "")

    page.goto(f"{home}appropriate/")
    fill(page, document="济财教[2026]12号", amount_fen="1000000")
    page.get_by_role("button", name="Enter it").click()
    expect(page.locator("body")).to_contain_text("¥1,000,000 are in the pool")

    plan_tier_and_round(page, home, campaign)
    look_at(page, "plan", viewport)
    page.goto(f"{home}rules/")
    fill(page, valid_days="7", most_in_all="2")
    look_at(page, "rules", viewport)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("body")).to_contain_text("At most 2 vouchers in the whole")
    look_at(page, "campaign", viewport)
    page.goto(f"/vouchers/{campaign.slug}/preview/")
    expect(page.locator("main")).to_contain_text("nobody else sees this")
    look_at(page, "preview", viewport)

    page.goto(f"{home}check/")
    expect(page.locator("body")).to_contain_text("No merchant takes part yet.")
    look_at(page, "check", viewport)
    page.get_by_label("I have read the warnings").check()
    page.get_by_role("button", name="Publish the campaign").click()
    expect(page.locator("body")).to_contain_text("The campaign is published.")
    page.goto("/admin/vouchers/campaign/")
    look_at(page, "list", viewport)

    citizen = screens.open(PHONE)
    citizen.goto(f"/vouchers/{campaign.slug}/")
    expect(citizen.locator("main")).to_contain_text("体育消费券")


def plan_tier_and_round(page: Page, home: str, campaign: Campaign) -> None:
    page.goto(f"{home}plan/")
    fill(page, tiers__0__face_fen="200", tiers__0__threshold_fen="500")
    fill(page, tiers__0__count="5000")
    page.get_by_role("button", name="Save").click()
    # The tier is there now, and each round has a field for it.
    expect(page.locator("[name='tiers-1-count']")).to_be_visible()
    tier = campaign.tiers.get()
    day = clock.today() + timedelta(days=3)
    fill(page, rounds__0__number="1")
    fill(page, rounds__0__opens_at_0=f"{day}", rounds__0__opens_at_1="10:00")
    fill(page, rounds__0__closes_at_0=f"{day}", rounds__0__closes_at_1="20:00")
    fill(page, **{f"rounds__0__lot_{tier.pk}": "5000"})
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[name='rounds-1-number']")).to_be_visible()
    expect(page.locator("body")).to_contain_text("It is not said how long")


def test_published_rules_are_changed_after_a_look_at_the_difference(
    screens: Screens, settings: object
) -> None:
    campaign = make.redemption().voucher.campaign
    page = chief(screens, settings, DESKTOP)
    page.goto(f"/admin/vouchers/campaign/{campaign.pk}/rules/")
    fill(page, valid_days="14", reason="Many could not come within a month")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("ins")).to_contain_text("14 days after the day you claimed it")
    look_at(page, "change", DESKTOP)
    page.get_by_role("button", name="Publish these rules").click()
    expect(page.locator("body")).to_contain_text("Version 2")
    assert campaign.terms.count() == 2
    page.goto(f"/admin/vouchers/campaign/{campaign.pk}/import/")
    look_at(page, "import", DESKTOP)


def test_its_pages_are_accessible(screens: Screens, settings: object, axe: Axe) -> None:
    used = make.redemption()
    make.round_of(used.voucher.campaign)
    page = chief(screens, settings, DESKTOP, for_axe=True)
    home = f"/admin/vouchers/campaign/{used.voucher.campaign_id}/"
    for name in ("change", "plan", "rules", "check", "import", "appropriate"):
        page.goto(f"{home}{name}/")
        found = [one for one in violations(axe, page) if one["id"] != "link-name"]
        assert found == [], name
