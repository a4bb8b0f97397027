"""One voucher from the rush to the merchant's statement, through several hands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect

from bureau.accounts.models import User
from bureau.common import clock
from tests import make as city
from tests.e2e.conftest import PHONE
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in
from tests.e2e.test_ballots_and_sessions import verified
from tests.promises import broken_promises
from tests.vouchers.counter import Counter, counter
from vouchers import actions
from vouchers.models import Campaign, Redemption, Round, Settlement, Voucher
from vouchers.queries import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


@pytest.fixture
def at(portal: str) -> Counter:
    return counter()


def claim(page: Page, rush: Round, number: str) -> Voucher:
    """A citizen comes to the rush, taps once, and opens the voucher."""
    page.goto("/accounts/login/?next=/vouchers/")
    sign_in(page, number)
    page.wait_for_url(re.compile(r"/vouchers/"))
    verified(User.objects.get(phone=number))
    page.goto(rush.get_absolute_url())
    page.get_by_role("button", name="I am here").click()
    page.get_by_role("button", name="Claim ¥200").click()
    page.get_by_role("link", name="Show my voucher").click()
    expect(page.get_by_alt_text("QR code for the counter")).to_be_visible()
    return Voucher.objects.get()


def read_aloud(page: Page) -> str:
    """What is under the QR code, for a counter that cannot scan it."""
    code = page.locator(".pass__code .num").first.inner_text()
    return f"{code} {page.locator('[data-qr-digits]').inner_text()}"


def redeem(page: Page, at: Counter, shown: str) -> None:
    person = at.clerk.person
    assert person
    page.goto("/counter/")
    sign_in(page, person.phone or "")
    page.get_by_label("Code and six digits").fill(shown)
    page.get_by_role("button", name="Check").click()
    page.get_by_label("Bill, yuan").fill("530")
    page.get_by_role("button", name="Redeem").click()
    expect(page.locator(".verdict--yes")).to_contain_text("¥330")


def settle(campaign: Campaign) -> Settlement:
    """On the next day, by two people; the bank has paid."""
    today = clock.today()
    first, second = city.user("first"), city.user("second")
    with time_machine.travel(clock.now() + timedelta(days=1), tick=True):
        actions.prepare_settlements(
            campaign=campaign, from_on=today, until_on=today, by=first
        )
        settlement = Settlement.objects.get()
        actions.approve_settlement(settlement=settlement, by=second)
        paid_by = actions.make_payment_file(campaign=campaign, by=first)
        actions.note_file_paid(payment_file=paid_by, by=second)
    return settlement


def test_from_the_rush_to_the_statement(screens: Screens, at: Counter) -> None:
    citizen, clerk, manager = (screens.open(PHONE) for _person in range(3))

    voucher = claim(citizen, at.lot.round, "13900000091")
    redeem(clerk, at, read_aloud(citizen))
    # Nobody touches the citizen's telephone: the page looks by itself.
    expect(citizen.locator("main")).to_contain_text("Used", timeout=20_000)
    expect(citizen.locator("main")).to_contain_text(at.shop.name)
    voucher.refresh_from_db()
    assert voucher.state == Voucher.State.REDEEMED

    settlement = settle(at.campaign)
    person = at.manager.person
    assert person
    manager.goto(f"/accounts/login/?next={settlement.get_absolute_url()}")
    sign_in(manager, person.phone or "")
    expect(manager.locator("h1")).to_have_text("¥200")
    done = Redemption.objects.get()
    expect(manager.locator("main")).to_contain_text(str(done))
    assert no_sideways_scroll(manager)
    with manager.expect_download() as pdf:
        manager.get_by_role("link", name="PDF").click()
    assert pdf.value.suggested_filename.endswith(".pdf")

    assert broken_promises(of="vouchers") == []
