"""A business applies on a phone, invites a clerk; every page is for everybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from tests import make as city
from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from tests.photos.pictures import jpeg
from tests.vouchers import business, make
from vouchers import actions
from vouchers.models import Member, Merchant

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

LOOKS: dict[str, tuple[Literal["light", "dark"], ViewportSize, str]] = {
    "elder": ("light", PHONE, "?mode=elder"),
    "dark": ("dark", DESKTOP, ""),
    "narrow": ("light", {"width": 320, "height": 640}, ""),
}
# A number gets only so many codes a day; each walk has numbers of its own.
NUMBERS = {
    True: ("13900000811", "13900000812"),
    False: ("13900000813", "13900000814"),
    "elder": ("13900000815",),
    "dark": ("13900000816",),
    "narrow": ("13900000817",),
}


def signed_in(page: Page, phone: str) -> User:
    """A verified person at this screen."""
    person = city.verified(phone=phone)
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, phone)
    return person


@pytest.mark.parametrize("scripts", [True, False])
def test_a_business_applies_and_gets_a_clerk(
    screens: Screens, tmp_path: Path, *, scripts: bool
) -> None:
    city.district()
    licence = tmp_path / "licence.jpg"
    licence.write_bytes(jpeg())
    page = screens.open(PHONE, scripts=scripts)
    manages, serves = NUMBERS[scripts]
    signed_in(page, manages)
    page.goto("/merchants/")
    page.get_by_role("link", name="Apply on line").click()
    page.get_by_label("Name on the licence").fill("Canal Badminton Ltd")
    page.get_by_label("Unified social credit code").fill(make.credit_code())
    page.get_by_label("Photo of the business licence").set_input_files(licence)
    page.get_by_text("Badminton", exact=True).click()
    page.get_by_label("Name of the shop").fill("Canal Street")
    page.get_by_label("Address").fill("Rencheng, Canal Street 1")
    if scripts:
        # A tap in the middle of the map: the city's middle, and the field says where.
        page.locator("[data-pick-map]").click()
        expect(page.get_by_label("Where it is on the map")).to_have_value(
            re.compile(r"^35\.\d{6},116\.\d{6}$")
        )
    else:
        page.get_by_label("Where it is on the map").fill("35.415,116.587")
    page.get_by_label("Bank and branch").fill("ICBC Jining")
    page.get_by_label("Name of the account").fill("Canal Badminton Ltd")
    page.get_by_label("Number of the account").fill(business.ACCOUNT)
    page.get_by_role("button", name="Send the application").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Canal Badminton")
    expect(page.get_by_text("Our staff check your business.")).to_be_visible()

    merchant = Merchant.objects.get()
    actions.approve_merchant(merchant=merchant, by=city.user())
    page.goto("/me/")
    page.get_by_role("link", name="My shops").click()
    page.get_by_role("link", name="People").click()
    page.get_by_label("Mobile number").fill(serves)
    page.get_by_label("Name at work").fill("Xiao Li")
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text("Invited", exact=True)).to_be_visible()

    member = Member.objects.get(invited_phone=serves)
    clerk = screens.open(PHONE, scripts=scripts)
    clerk.goto(f"/merchants/join/{member.invite_code}/")
    sign_in(clerk, serves)
    clerk.get_by_role("button", name="Accept").click()
    expect(clerk.get_by_text("You work for Canal Badminton Ltd now.")).to_be_visible()
    expect(clerk.get_by_text("Canal Street").first).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible(screens: Screens, axe: Axe, look: str) -> None:
    scheme, size, switch = LOOKS[look]
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    campaign = make.campaign()
    person = signed_in(page, NUMBERS[look][0])
    facts = business.swimming(permit_until=business.day_in(10))
    merchant = business.approved(by=person, facts=facts)
    actions.take_part(
        merchant=merchant, campaign=campaign, cap_fen=100_000_00, by=city.user()
    )
    actions.add_shop(merchant=merchant, facts=business.shop_facts(), by=person)
    clerk = business.joined(merchant)
    invited = business.invited(merchant)
    device = actions.know_device(member=clerk, key="k" * 20, name="Chrome · Android")
    actions.block_device(device=device, by=person)
    shop = merchant.shops.get(is_open=True)
    mine = f"/merchants/mine/{merchant.number}/"
    for address in (
        "/merchants/",
        "/merchants/map/",
        merchant.get_absolute_url(),
        "/merchants/apply/",
        mine,
        f"{mine}correct/",
        f"{mine}shops/{shop.number}/",
        f"{mine}people/",
        f"{mine}people/{invited.pk}/",
        f"{mine}devices/",
        f"{mine}leave/",
        f"/merchants/join/{invited.invite_code}/",
    ):
        check(axe, page, address)
    actions.ask_for_change(
        merchant=merchant,
        facts=business.swimming(credit_code=merchant.credit_code),
        permit=business.photo(),
        by=person,
    )
    actions.suspend_merchant(merchant=merchant, reason="Fake bills", by=city.user())
    check(axe, page, mine)
    business.applied(by=person)
    check(axe, page, "/merchants/mine/")


def check(axe: Axe, page: Page, address: str) -> None:
    page.goto(address)
    assert no_sideways_scroll(page), address
    assert violations(axe, page) == [], address
