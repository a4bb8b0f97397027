from __future__ import annotations

import re

import pytest
import time_machine
from playwright.sync_api import Page, expect

from bureau.accounts.models import User
from bureau.common import clock, codes
from tests import make
from tests.e2e.screens import sign_in_staff
from venues import actions
from venues.models import Bookable, Booking, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def typed(booking: Booking) -> str:
    entry_pass = make.pass_of(booking)
    step = codes.step_at(clock.now())
    digits = codes.digits_of(entry_pass.code, key=entry_pass.key, step=step)
    return f"{codes.grouped(entry_pass.code)} {digits}"


def scan(page: Page, text: str) -> None:
    page.goto("/gate/")
    page.locator("form[data-scanner] input[type=text], #id_code").first.fill(text)
    page.get_by_role("button", name="Check").click()


@pytest.fixture
def soon(court: Bookable) -> Booking:
    """A booking that began at the full hour."""
    starts_at = clock.now().replace(minute=0, second=0, microsecond=0)
    with time_machine.travel(starts_at.timestamp() - 3600, tick=True):
        return make.confirmed(court=court, starts_at=starts_at)


def test_lets_a_person_in_once(phone: Page, keeper: User, soon: Booking) -> None:
    sign_in_staff(phone, "keeper", "a long gate password", to="/gate/")
    scan(phone, typed(soon))

    expect(phone.locator("main")).to_contain_text("May come in")
    expect(phone.locator("main")).to_contain_text("****")  # the number stays masked
    phone.get_by_role("button", name="Let in").click()
    expect(phone.locator("main")).to_contain_text(re.compile(r"Let in at \d\d:\d\d"))

    phone.wait_for_timeout(2100)  # sooner it is a scanner that read twice
    scan(phone, typed(soon))
    expect(phone.get_by_role("alert")).to_contain_text("already used")


def test_says_why_not(
    phone: Page, keeper: User, hall: Venue, court: Bookable, soon: Booking
) -> None:
    sign_in_staff(phone, "keeper", "a long gate password", to="/gate/")
    elsewhere = make.confirmed()
    cancelled = make.confirmed(court=court, starts_at=make.tomorrow_at(20))
    actions.cancel_booking(booking=cancelled, by=cancelled.booked_by)
    old = typed(soon).split()[0] + " 000000"

    for text, reason in (
        (typed(elsewhere), elsewhere.venue.name),
        (typed(cancelled), "cancelled"),
        (old, "old picture"),
        ("nonsense", "no such pass"),
        (codes.grouped(make.pass_of(soon).code), "six digits"),
    ):
        scan(phone, text)
        expect(phone.get_by_role("alert")).to_contain_text(reason)


def test_is_closed_to_citizens(phone: Page, hall: Venue) -> None:
    answer = phone.goto("/gate/")

    assert answer is not None
    assert "/login" in phone.url
