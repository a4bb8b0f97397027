"""A gate that loses its network in the middle of an evening."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect

from bureau.accounts.models import User
from bureau.common import clock, codes
from tests import make
from tests.e2e.conftest import PHONE
from tests.e2e.screens import Screens, sign_in_staff
from venues.models import Admission, Bookable, Booking, EntryPass, OfflineScan, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def typed(booking: Booking, *, ago: timedelta = timedelta()) -> str:
    entry_pass = make.pass_of(booking)
    step = codes.step_at(clock.now() - ago)
    proof = codes.proof_of(entry_pass.code, key=entry_pass.key, step=step)
    return f"https://sport.example/p/{entry_pass.code}?k={proof}"


def scan(page: Page, text: str) -> None:
    page.locator("[data-gate-form] input[name=code]").fill(text)
    page.locator("[data-gate-form]").get_by_role(
        "button", name="Check and let in"
    ).click()


def answer(page: Page) -> str:
    return page.locator("[data-gate-answer]").inner_text()


@pytest.fixture
def running(hall: Venue) -> list[Booking]:
    """Two bookings that began at the full hour, on two courts."""
    starts_at = clock.now().replace(minute=0, second=0, microsecond=0)
    with time_machine.travel(starts_at.timestamp() - 3600, tick=True):
        return [
            make.confirmed(court=court, starts_at=starts_at)
            for court in hall.bookables.order_by("name")
        ]


def open_gate(screens: Screens, name: str) -> Page:
    page = screens.open(PHONE)
    sign_in_staff(page, "keeper", "a long gate password", to="/gate/offline/")
    page.get_by_label("Name of this device").fill(name)
    page.get_by_role("button", name="Register").click()
    expect(page.locator("[data-gate-list]")).to_contain_text("passes, good until")
    page.wait_for_selector("[data-kept='1']", state="attached")
    return page


def test_checks_without_network_and_tells_it_afterwards(
    screens: Screens, keeper: User, court: Bookable, running: list[Booking]
) -> None:
    first, second = running
    page = open_gate(screens, "Phone 1")
    scan(page, typed(first))  # with network: the portal answers
    expect(page.locator("[data-gate-answer]")).to_contain_text("Let in at")
    assert Admission.objects.count() == 1

    page.context.set_offline(True)
    page.goto("/gate/offline/")  # the page itself comes from this device
    expect(page.locator("[data-gate-net]")).to_contain_text("Without network since")
    scan(page, typed(second, ago=timedelta(seconds=61)))
    expect(page.locator("[data-gate-answer]")).to_contain_text("This is an old picture")
    scan(page, typed(second))
    expect(page.locator("[data-gate-answer]")).to_contain_text("Let in at")
    expect(page.locator("[data-gate-answer]")).to_contain_text("****")
    expect(page.locator("[data-gate-queue]")).to_contain_text("1 to send")
    page.wait_for_timeout(2100)  # not a scanner's double read: shown again
    scan(page, typed(second))
    expect(page.locator("[data-gate-answer]")).to_contain_text("already used here")
    scan(page, typed(first))  # let in on line before
    expect(page.locator("[data-gate-answer]")).to_contain_text("already used")
    page.wait_for_timeout(100)
    scan(page, f"{codes.grouped(make.pass_of(second).code)}")
    expect(page.locator("[data-gate-answer]")).to_contain_text("six digits")
    assert Admission.objects.count() == 1

    page.context.set_offline(False)
    expect(page.locator("[data-gate-queue]")).to_be_hidden(timeout=30_000)
    expect(page.locator("[data-gate-net]")).to_contain_text("Online")
    assert OfflineScan.objects.get().outcome == "admitted"
    assert Admission.objects.count() == 2
    assert make.pass_of(second).state == EntryPass.State.USED


def test_a_pass_at_two_gates_without_network_is_found_afterwards(
    screens: Screens, keeper: User, court: Bookable, running: list[Booking]
) -> None:
    east, west = open_gate(screens, "East"), open_gate(screens, "West")
    for page in (east, west):
        page.context.set_offline(True)
        scan(page, typed(running[0]))
        expect(page.locator("[data-gate-answer]")).to_contain_text("Let in at")
    for page in (east, west):
        page.context.set_offline(False)
        expect(page.locator("[data-gate-queue]")).to_be_hidden(timeout=30_000)
    expect(west.locator("[data-gate-conflicts]")).to_contain_text("used twice")
    outcomes = OfflineScan.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["admitted", "twice"]


def test_a_list_of_yesterday_lets_nobody_in(
    screens: Screens, keeper: User, court: Bookable, running: list[Booking]
) -> None:
    page = open_gate(screens, "Phone")
    page.context.set_offline(True)
    text = typed(running[0])
    page.evaluate(
        """() => { const real = Date.now; Date.now = () => real() + 8.1 * 3600e3; }"""
    )
    scan(page, text)
    expect(page.locator("[data-gate-answer]")).to_contain_text("too old")
    assert not OfflineScan.objects.exists()
