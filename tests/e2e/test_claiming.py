"""A citizen gets a voucher: by taps, by keys, without script, in two tabs at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from bureau.accounts.models import User
from bureau.common import clock
from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.keyboard import press, skip_to_content
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from tests.e2e.test_ballots_and_sessions import verified
from tests.vouchers import make
from vouchers.models import Lot, QueueTicket, Round, Voucher
from vouchers.queries import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

LOOKS: dict[str, tuple[Literal["light", "dark"], ViewportSize, str]] = {
    "phone": ("light", PHONE, ""),
    "elder": ("light", PHONE, "?mode=elder"),
    "dark": ("dark", PHONE, ""),
    "desktop": ("light", DESKTOP, ""),
}


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


def rush(opens_at: datetime | None = None, *, amount: int = 10, **given: Any) -> Lot:
    campaign = make.campaign(name="春季体育消费券", name_en="Spring vouchers")
    firm = make.merchant(takes_part_in=campaign)
    make.shop(firm, name="任城羽毛球馆")
    opening = make.round_of(
        campaign,
        number=1,
        opens_at=opens_at or clock.now() - timedelta(minutes=1),
        lobby_minutes=15,
        **given,
    )
    return make.lot(make.tier(campaign), amount=amount, round=opening)


def citizen(page: Page, phone: str, to: str = "/") -> User:
    page.goto(f"/accounts/login/?next={to}")
    sign_in(page, phone)
    page.wait_for_url(re.compile(rf"{re.escape(to)}(\?|$)"))
    return verified(User.objects.get(phone=phone))


def test_four_taps_from_the_home_page_to_a_voucher(screens: Screens) -> None:
    lot = rush()
    page = screens.open(PHONE)
    person = citizen(page, "13900000161")
    page.goto("/")
    page.locator("main").get_by_role("link", name="Spring vouchers").click()
    page.get_by_role("button", name="I am here").click()
    page.get_by_role("button", name="Claim ¥200").click()
    answer = page.locator("[data-rush-answer]")
    expect(answer).to_contain_text("You have it.")
    expect(answer).to_contain_text("off ¥500 or more")
    expect(answer).to_contain_text("It can be used at once.")
    expect(page.locator("h1")).to_have_text("You have a voucher")
    expect(page.get_by_role("button", name="Claim ¥200")).to_be_hidden()
    page.get_by_role("link", name="Show my voucher").click()
    expect(page.get_by_alt_text("QR code for the counter")).to_be_visible()
    voucher = Voucher.objects.get()
    assert (voucher.person, voucher.lot) == (person, lot)

    page.go_back()
    expect(page.locator("main")).to_contain_text("You have a voucher")
    assert Voucher.objects.count() == 1


def test_the_button_comes_by_itself_when_it_is_ones_turn(screens: Screens) -> None:
    lot = rush(clock.now() + timedelta(seconds=12), spread_seconds=1)
    page = screens.open(PHONE)
    citizen(page, "13900000162", to="/vouchers/")
    page.goto(lot.round.get_absolute_url())
    page.get_by_role("button", name="I am here").click()
    page.evaluate("window.notLoadedAnew = true")
    button = page.get_by_role("button", name="Claim ¥200")
    expect(button).to_be_visible(timeout=40_000)
    expect(page.locator("h1")).to_have_text("It is your turn")
    expect(page.locator("[data-rush-lead]")).to_contain_text("One tap is enough.")
    assert page.evaluate("window.notLoadedAnew") is True
    button.click()
    expect(page.locator("[data-rush-answer]")).to_contain_text("You have it.")
    assert Voucher.objects.count() == 1


def test_two_tabs_and_a_reload_are_one_voucher(screens: Screens) -> None:
    lot = rush()
    page = screens.open(PHONE)
    citizen(page, "13900000163", to="/vouchers/")
    page.goto(lot.round.get_absolute_url())
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("button", name="Claim ¥200")).to_be_visible()
    other = page.context.new_page()
    other.goto(lot.round.get_absolute_url())
    for tab in (page, other):
        tab.get_by_role("button", name="Claim ¥200").click()
        expect(tab.locator("[data-rush-answer]")).to_contain_text("You have it.")
    page.reload()
    expect(page.locator("main")).to_contain_text("You have a voucher")
    assert Voucher.objects.count() == 1


def test_who_is_too_late_is_told_so_in_the_same_page(screens: Screens) -> None:
    lot = rush(amount=1)
    page = screens.open(PHONE)
    citizen(page, "13900000164", to="/vouchers/")
    page.goto(lot.round.get_absolute_url())
    page.get_by_role("button", name="I am here").click()
    button = page.get_by_role("button", name="Claim ¥200")
    expect(button).to_be_visible()
    # The look that the page takes every few seconds says so, too; this is before it.
    page.route("**/now.json", lambda route: route.abort())
    make.voucher(lot)
    button.click()
    expect(page.locator("[data-rush-answer]")).to_contain_text(
        "All vouchers of this kind have been claimed."
    )
    expect(page.get_by_role("button", name="All claimed")).to_be_disabled()


def test_without_script_the_forms_do_the_same(screens: Screens) -> None:
    lot = rush()
    page = screens.open(PHONE)
    citizen(page, "13900000165", to="/vouchers/")
    plain = screens.open(PHONE, scripts=False)
    plain.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    plain.goto(lot.tier.campaign.get_absolute_url())
    plain.get_by_role("link", name="Claim a voucher").click()
    plain.get_by_role("button", name="I am here").click()
    plain.get_by_role("button", name="Claim ¥200").click()
    expect(plain.get_by_alt_text("QR code for the counter")).to_be_visible()
    plain.goto("/vouchers/mine/")
    expect(plain.locator("main")).to_contain_text("Spring vouchers")
    assert Voucher.objects.count() == 1


def test_by_keys_alone(screens: Screens) -> None:
    lot = rush()
    page = screens.open(PHONE)
    page.emulate_media(reduced_motion="reduce")
    citizen(page, "13900000166")
    page.goto("/")
    skip_to_content(page)
    press(page, page.locator("main").get_by_role("link", name="Spring vouchers"))
    page.wait_for_url(re.compile(r"/vouchers/rounds/\d+/$"))
    skip_to_content(page)
    press(page, page.get_by_role("button", name="I am here"))
    button = page.get_by_role("button", name="Claim ¥200")
    expect(button).to_be_visible()
    press(page, button)
    expect(page.locator("[data-rush-answer]")).to_be_focused()
    press(page, page.get_by_role("link", name="Show my voucher"))
    expect(page.get_by_alt_text("QR code for the counter")).to_be_visible()
    assert Voucher.objects.get().lot == lot


def test_the_open_voucher_says_by_itself_that_it_was_used(screens: Screens) -> None:
    page = screens.open(PHONE)
    person = citizen(page, "13900000167", to="/vouchers/")
    voucher = make.voucher(rush(), person=person)
    page.goto(voucher.get_absolute_url())
    expect(page.get_by_alt_text("QR code for the counter")).to_be_visible()
    used = make.redemption(voucher, bill_fen=680_00)
    expect(page.locator("main")).to_contain_text("Used. Have fun!")
    expect(page.locator("main")).to_contain_text(used.shop.name)
    expect(page.locator("main")).to_contain_text("¥480")


def test_the_campaign_page_counts_down_its_stock(screens: Screens) -> None:
    lot = rush()
    page = screens.open(DESKTOP)
    page.goto(lot.tier.campaign.get_absolute_url())
    left = page.locator("[data-stock-left]")
    expect(left).to_have_text("10")
    make.voucher(lot)
    expect(left).to_have_text("9", timeout=20_000)  # asked for every five seconds


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_vouchers_can_be_read_by_everybody(
    screens: Screens, axe: Axe, look: str
) -> None:
    scheme, size, switch = LOOKS[look]
    now = clock.now()
    open_lot = rush()
    coming = make.round_of(
        open_lot.tier.campaign, number=2, opens_at=now + timedelta(days=1)
    )
    gone = make.lot(make.tier(face_fen=10_00, threshold_fen=10_00), amount=1)
    Lot.objects.filter(pk=gone.pk).update(sold_out_at=now)
    waiting = rush(now + timedelta(minutes=10))
    drawn = make.round_of(
        way="draw",
        opens_at=now - timedelta(hours=1),
        closes_at=now + timedelta(days=1),
        draws_at=now + timedelta(days=2),
    )
    page = screens.open(size, for_axe=True)
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/{switch}")
    check(axe, page, "/vouchers/")
    check(axe, page, open_lot.round.get_absolute_url())
    check(axe, page, drawn.campaign.get_absolute_url())
    # A number of its own for each look: codes are only sent so often to one.
    number = f"1390000017{list(LOOKS).index(look)}"
    person = citizen(page, number, to="/vouchers/")
    live_one = make.voucher(gone, person=person)
    used = make.redemption(make.voucher(person=person)).voucher

    for address in (
        "/",
        "/me/",
        "/vouchers/",
        open_lot.tier.campaign.get_absolute_url(),
        coming.get_absolute_url(),
        open_lot.round.get_absolute_url(),
        gone.round.get_absolute_url(),
        "/vouchers/mine/",
        "/vouchers/mine/?show=used",
        "/vouchers/mine/?show=ended",
        live_one.get_absolute_url(),
        used.get_absolute_url(),
        "/v/0123456789AB",
    ):
        check(axe, page, address)
    for shown in (waiting.round, open_lot.round):
        come(shown, person)
        check(axe, page, shown.get_absolute_url())


def test_what_was_refused_can_be_read_on_the_dark_head_of_a_page(
    screens: Screens, axe: Axe
) -> None:
    shown = rush().round
    page = screens.open(PHONE, for_axe=True)
    citizen(page, "13900000175")
    page.goto(shown.get_absolute_url())
    expect(page.get_by_role("button", name="I am here")).to_be_visible()
    # Over by the time of the tap.
    Round.objects.filter(pk=shown.pk).update(
        closes_at=clock.now() - timedelta(seconds=1)
    )
    page.get_by_role("button", name="I am here").click()
    expect(page.locator(".hero .notice")).to_contain_text("This round is over")
    assert violations(axe, page) == []


def come(shown: Round, person: User) -> None:
    joined = shown.opens_at - timedelta(minutes=5)
    QueueTicket.objects.create(round=shown, person=person, place=1, joined_at=joined)
    live.forget()


def check(axe: Axe, page: Page, address: str) -> None:
    page.goto(address)
    assert violations(axe, page) == [], address
    assert no_sideways_scroll(page), address
