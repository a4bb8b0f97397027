"""Vouchers for somebody who has no mouse and no finger on the glass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from bureau.common import clock
from tests import make as city
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.keyboard import press, skip_to_content, too_small, walk, write
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from tests.e2e.test_claiming import citizen, rush
from tests.photos.pictures import jpeg
from tests.vouchers import business, make
from tests.vouchers.counter import counter, digits
from vouchers import actions
from vouchers.models import Merchant, Redemption, Voucher
from vouchers.queries import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

ZOOMED: ViewportSize = {"width": 640, "height": 400}  # 1280 by 800 at 200 %


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


def still(page: Page) -> Page:
    """A glide has no place to look at."""
    page.emulate_media(reduced_motion="reduce")
    return page


def test_from_the_claim_to_the_wallet(screens: Screens) -> None:
    lot = rush()
    page = still(screens.open(PHONE))
    citizen(page, "13900000181", to="/vouchers/")
    page.goto(lot.tier.campaign.get_absolute_url())
    skip_to_content(page)
    press(page, page.get_by_role("link", name="Claim a voucher"))
    page.wait_for_url(re.compile(r"/vouchers/rounds/\d+/$"))
    skip_to_content(page)
    press(page, page.get_by_role("button", name="I am here"))
    button = page.get_by_role("button", name="Claim ¥200")
    expect(button).to_be_visible()
    press(page, button)
    expect(page.locator("[data-rush-answer]")).to_be_focused()
    press(page, page.get_by_role("link", name="Show my voucher"))
    expect(page.get_by_alt_text("QR code for the counter")).to_be_visible()
    skip_to_content(page)
    press(page, page.get_by_role("link", name="My vouchers"))
    expect(page.get_by_role("heading", name="My vouchers")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Spring vouchers")
    assert Voucher.objects.get().lot == lot


def test_a_code_a_bill_and_an_undo_at_the_counter(screens: Screens) -> None:
    at = counter()
    page = still(screens.open(DESKTOP))
    person = at.clerk.person
    assert person
    page.goto("/counter/")
    sign_in(page, person.phone or "")
    # The field waits for a scanner, or for fingers.
    code = page.get_by_label("Code and six digits")
    expect(code).to_be_focused()
    page.keyboard.type(digits(at.voucher()))
    press(page, page.get_by_role("button", name="Check"))
    expect(page.get_by_label("Bill, yuan")).to_be_focused()
    page.keyboard.type("530")
    expect(page.locator("[data-counter-pays]")).to_have_text("¥330")
    press(page, page.get_by_role("button", name="Redeem"))
    expect(page.locator(".verdict--yes")).to_contain_text("¥330")
    expect(code).to_be_focused()
    assert Redemption.objects.get().state == Redemption.State.DONE

    # The way back stands in front of the next voucher's field.
    undo = page.get_by_role("button", name="Undo")
    page.keyboard.press("Shift+Tab")
    while not undo.evaluate("it => it === document.activeElement"):
        expect(page.locator("#main :focus")).to_have_count(1)
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("can be used again")
    assert Voucher.objects.get().state == Voucher.State.LIVE


def test_a_business_applies(screens: Screens, tmp_path: Path) -> None:
    city.district()
    licence = tmp_path / "licence.jpg"
    licence.write_bytes(jpeg())
    page = still(screens.open(DESKTOP))
    verified(page, "13900000182")
    page.goto("/merchants/")
    skip_to_content(page)
    press(page, page.get_by_role("link", name="Apply on line"))
    write(page, page.get_by_label("Name on the licence"), "Canal Badminton Ltd")
    write(page, page.get_by_label("Unified social credit code"), make.credit_code())
    with page.expect_file_chooser() as chooser:
        press(page, page.get_by_label("Photo of the business licence"))
    chooser.value.set_files(licence)
    press(page, page.locator("input[name=sports][value=badminton]"), "Space")
    write(page, page.get_by_label("Name of the shop"), "Canal Street")
    write(page, page.get_by_label("Address"), "Rencheng, Canal Street 1")
    # Who cannot point at a map types the place.
    write(page, page.get_by_label("Where it is on the map"), "35.415,116.587")
    write(page, page.get_by_label("Bank and branch"), "ICBC Jining")
    write(page, page.get_by_label("Name of the account"), "Canal Badminton Ltd")
    write(page, page.get_by_label("Number of the account"), business.ACCOUNT)
    press(page, page.get_by_role("button", name="Send the application"))
    expect(page.get_by_text("Our staff check your business.")).to_be_visible()
    assert Merchant.objects.get().state == Merchant.State.APPLIED


def verified(page: Page, phone: str) -> User:
    person = city.verified(phone=phone)
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, phone)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello")
    return person


@pytest.mark.parametrize(
    ("size", "mode", "least", "number"),
    [
        (PHONE, "elder", 44, "13900000183"),
        (ZOOMED, "standard", 24, "13900000184"),
    ],
    ids=["large view on a phone", "magnified twice"],
)
def test_every_stop_is_reached_and_seen(
    screens: Screens, size: ViewportSize, mode: str, least: int, number: str
) -> None:
    page = still(screens.open(size))
    page.goto(f"/?mode={mode}")
    open_lot = rush()
    person = verified(page, number)
    campaign = open_lot.tier.campaign
    merchant = business.approved(by=person)
    actions.take_part(
        merchant=merchant, campaign=campaign, cap_fen=100_000_00, by=city.user()
    )
    gone = make.lot(make.tier(campaign, face_fen=10_00, threshold_fen=10_00))
    voucher = make.voucher(gone, person=person)
    actions.count_hours(campaign=campaign, at=clock.now())
    mine = f"/merchants/mine/{merchant.number}/"
    complaints = []
    for address in (
        "/vouchers/",
        campaign.get_absolute_url(),
        open_lot.round.get_absolute_url(),
        "/vouchers/mine/",
        voucher.get_absolute_url(),
        f"/vouchers/{campaign.slug}/figures/",
        "/merchants/",
        merchant.get_absolute_url(),
        "/merchants/apply/",
        mine,
        f"{mine}people/",
        "/merchants/mine/statements/",
        "/counter/",
        "/counter/today/",
    ):
        page.goto(address)
        expect(page.locator("h1").first).to_be_attached()
        found = walk(page) + too_small(page, least=least)
        if not no_sideways_scroll(page):
            found.append("hangs out at the side")
        complaints += [f"{address}: {one}" for one in found]
    assert not complaints, "\n".join(complaints)
