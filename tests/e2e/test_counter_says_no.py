"""Each refusal at the counter as its clerk sees it: red, why, ready for the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Page, expect

from bureau.common import clock
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from tests.e2e.test_vouchers import read_aloud
from tests.vouchers import make
from tests.vouchers.counter import Counter, counter, digits, shown
from vouchers import actions
from vouchers.models import Merchant, Redemption, RefusedScan, Voucher
from vouchers.queries import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]
MONTH = timedelta(days=31)
Lays = Callable[[], tuple[Counter, str]]
"""Makes a counter, and what a customer shows there that is not good."""


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


def expired() -> tuple[Counter, str]:
    at = counter()
    voucher = at.voucher(claimed_at=clock.now() - MONTH)
    return at, digits(voucher)


def of_another_campaign() -> tuple[Counter, str]:
    return counter(), digits(make.voucher(make.lot()))


def outside_hours() -> tuple[Counter, str]:
    now = clock.now().astimezone(clock.CHINA)
    minute = now.hour * 60 + now.minute
    # An hour that is not this one, whatever the time is now.
    hours = (0, 60) if minute >= 180 else (1200, 1260)
    at = counter(terms={"redeems_from": hours[0], "redeems_until": hours[1]})
    return at, digits(at.voucher())


def suspended() -> tuple[Counter, str]:
    at = counter()
    Merchant.objects.update(state=Merchant.State.SUSPENDED, reason="收据不实")
    return at, digits(at.voucher())


def screenshot() -> tuple[Counter, str]:
    at = counter()
    return at, shown(at.voucher(), clock.now() - timedelta(seconds=61))


def cancelled() -> tuple[Counter, str]:
    at = counter()
    voucher = at.voucher()
    Voucher.objects.filter(pk=voucher.pk).update(state=Voucher.State.VOID)
    return at, digits(voucher)


def not_ours() -> tuple[Counter, str]:
    return counter(), "https://example.cn/v/ABCDEFGHJKMN?k=0000"


def open_counter(page: Page, at: Counter) -> None:
    assert at.clerk.person
    page.goto("/counter/")
    sign_in(page, at.clerk.person.phone or "")
    expect(page.get_by_role("heading", name="Counter")).to_be_visible()


def show(page: Page, text: str) -> None:
    page.get_by_label("Code and six digits").fill(text)
    page.get_by_role("button", name="Check").click()


def red(page: Page) -> Any:
    return expect(page.locator(".verdict--no").last)


@pytest.mark.parametrize(
    ("lay", "words"),
    [
        (expired, "This voucher expired: it was good until"),
        (of_another_campaign, "does not take part in"),
        (outside_hours, r"can be redeemed from \d\d:00 to \d\d:00 each day"),
        (suspended, "may not take vouchers at present"),
        (screenshot, "too old, as that of a screenshot is"),
        (cancelled, "has cancelled this voucher"),
        (not_ours, "not a voucher of ours"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_red_says_why_and_the_next_customer_can_come(
    phone: Page, lay: Lays, words: str
) -> None:
    at, text = lay()
    before = Redemption.objects.count()
    open_counter(phone, at)
    show(phone, text)

    expect(phone.get_by_role("alert").first).to_contain_text("Not redeemed")
    red(phone).to_contain_text(re.compile(words))
    assert no_sideways_scroll(phone)
    assert Redemption.objects.count() == before
    assert RefusedScan.objects.count() == 1

    expect(phone.get_by_label("Code and six digits")).to_have_value("")


def test_a_cap_that_the_bill_would_break_says_what_is_left(phone: Page) -> None:
    at = counter(part={"cap_fen": 300_00})
    at.redeem()
    open_counter(phone, at)
    show(phone, digits(at.voucher()))
    phone.get_by_label("Bill, yuan").fill("530")
    phone.get_by_role("button", name="Redeem").click()
    red(phone).to_contain_text("100 yuan are left")
    assert no_sideways_scroll(phone)
    assert Redemption.objects.count() == 1


def test_a_page_of_another_counter_says_so_before_anything_is_redeemed(
    phone: Page,
) -> None:
    """The manager moved the clerk while the page of the old counter was open."""
    at = counter()
    text = digits(at.voucher())
    open_counter(phone, at)
    at.clerk.shops.set([make.shop(at.merchant, name="南城店")])
    show(phone, text)

    red(phone).to_contain_text("You now stand at 南城店")
    expect(phone.locator(".page-head__lead")).to_have_text("南城店")
    assert not Redemption.objects.exists()


def test_a_picture_of_the_wallet_is_no_voucher_a_minute_later(
    screens: Screens, phone: Page
) -> None:
    """The customer's page was photographed; it goes on changing, the picture not."""
    at = counter()
    voucher = at.voucher()
    phone.goto("/accounts/login/?next=" + voucher.get_absolute_url())
    sign_in(phone, voucher.person.phone or "")
    expect(phone.get_by_alt_text("QR code for the counter")).to_be_visible()
    photographed = read_aloud(phone)

    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
        till = screens.open({"width": 390, "height": 844})
        open_counter(till, at)
        show(till, photographed)
        red(till).to_contain_text("too old, as that of a screenshot is")
        phone.reload()
        show(till, read_aloud(phone))
        expect(till.get_by_label("Bill, yuan")).to_be_visible()
    assert not Redemption.objects.exists()


def test_the_wallet_says_what_ran_out_and_a_notice_said_it_before(
    phone: Page,
) -> None:
    at = counter(terms={"recycles": False})
    now = clock.now()
    gone = at.voucher(claimed_at=now - MONTH)
    soon = at.voucher(
        person=gone.person,
        claimed_at=now - MONTH,
        expires_at=now + timedelta(hours=20),
    )
    assert actions.expire_vouchers(at=now) == 1
    assert actions.remind_of_expiry(at=now) == 1

    phone.goto("/accounts/login/?next=/notices/")
    sign_in(phone, gone.person.phone or "")
    expect(phone.locator("main")).to_contain_text("20")
    phone.goto(soon.get_absolute_url())
    expect(phone.get_by_alt_text("QR code for the counter")).to_be_visible()
    phone.goto(gone.get_absolute_url())
    expect(phone.locator("main")).to_contain_text(re.compile("[Ee]xpired"))
    expect(phone.get_by_alt_text("QR code for the counter")).to_have_count(0)
    assert no_sideways_scroll(phone)
