from __future__ import annotations

import re

import pytest
import time_machine
from playwright.sync_api import Page, expect

from bureau.accounts.models import User
from bureau.common import clock, codes
from tests import make
from tests.e2e.conftest import PHONE
from tests.e2e.keyboard import press, tab_to
from tests.e2e.screens import Screens, sign_in_staff
from venues import actions
from venues.models import Admission, Bookable, Booking, Venue

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

    phone.evaluate("sessionStorage.clear()")  # else it is a scanner that read twice
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


def test_two_gates_with_the_same_pass_on_the_screen_let_one_person_in(
    screens: Screens, keeper: User, soon: Booking
) -> None:
    east, west = screens.open(PHONE), screens.open(PHONE)
    for page in (east, west):
        sign_in_staff(page, "keeper", "a long gate password", to="/gate/")
        scan(page, typed(soon))
        expect(page.locator("#answer")).to_have_text("May come in")

    for page in (east, west):
        page.get_by_role("button", name="Let in", exact=True).click()

    expect(east.locator("#answer")).to_have_text(re.compile(r"Let in at \d\d:\d\d"))
    expect(west.locator("#answer")).to_have_text("Do not let in")
    expect(west.get_by_role("alert")).to_contain_text("already used")
    assert Admission.objects.count() == 1


def test_a_code_without_digits_waits_for_them_at_the_end_of_the_field(
    desktop: Page, keeper: User, soon: Booking
) -> None:
    sign_in_staff(desktop, "keeper", "a long gate password", to="/gate/")
    code, *_ = typed(soon).split()
    read(desktop, code)
    expect(desktop.locator("#answer")).to_have_text("The six digits are missing")

    read(desktop, typed(soon).split(" ", 1)[1])

    expect(desktop.locator("#answer")).to_have_text("May come in")


def test_is_closed_to_citizens(phone: Page, hall: Venue) -> None:
    answer = phone.goto("/gate/")

    assert answer is not None
    assert "/login" in phone.url


# --- By keys alone, and with a scanner that types ------------------------------------


@pytest.fixture
def beside(hall: Venue) -> Booking:
    """The court beside it, booked at the same time by somebody else."""
    starts_at = clock.now().replace(minute=0, second=0, microsecond=0)
    with time_machine.travel(starts_at.timestamp() - 3600, tick=True):
        other = hall.bookables.get(name="2")
        return make.confirmed(court=other, starts_at=starts_at)


def read(page: Page, text: str) -> None:
    """A hand scanner types the code and Enter; the field waits for it."""
    expect(page.locator("#id_code")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def choose(page: Page, mode: str) -> None:
    press(page, page.get_by_role("button", name=mode, exact=True))
    chosen = page.get_by_role("button", name=mode, exact=True)
    expect(chosen).to_have_attribute("aria-current", "true")


def test_a_scanner_and_keys_look_first_and_let_in(
    desktop: Page, keeper: User, soon: Booking
) -> None:
    sign_in_staff(desktop, "keeper", "a long gate password", to="/gate/")
    answer = desktop.locator("#answer")

    read(desktop, typed(soon))
    expect(answer).to_have_text("May come in")
    expect(desktop.locator("#id_code")).to_be_focused()
    # The way back is short: the answer stands right before the field.
    yes = desktop.get_by_role("button", name="Let in", exact=True)
    tab_to(desktop, yes, key="Shift+Tab")
    desktop.keyboard.press("Enter")
    expect(answer).to_have_text(re.compile(r"Let in at \d\d:\d\d"))
    assert Admission.objects.get().entry_pass.booking == soon


def test_a_scanner_lets_in_at_once_refuses_an_old_picture_and_counts_out(
    desktop: Page, keeper: User, soon: Booking, beside: Booking
) -> None:
    sign_in_staff(desktop, "keeper", "a long gate password", to="/gate/")
    expect(desktop.locator("#id_code")).to_be_focused()
    answer, inside = desktop.locator("#answer"), desktop.locator("[data-gate-inside]")
    choose(desktop, "Straight in")

    read(desktop, typed(soon))
    expect(answer).to_have_text(re.compile(r"Let in at \d\d:\d\d"))
    expect(inside).to_have_text("1")
    read(desktop, typed(beside))
    expect(inside).to_have_text("2")
    read(desktop, f"{typed(soon).split()[0]} 000000")
    expect(answer).to_have_text("Do not let in")
    expect(desktop.get_by_role("alert")).to_contain_text("old picture")
    expect(inside).to_have_text("2")

    choose(desktop, "Way out")
    read(desktop, typed(beside))
    expect(answer).to_have_text("1 person counted out")
    expect(inside).to_have_text("1")


def test_keys_count_who_has_no_pass_and_say_why_beyond_the_limit(
    desktop: Page, keeper: User, hall: Venue, soon: Booking
) -> None:
    hall.most_inside = 1
    hall.save(update_fields=["most_inside"])
    sign_in_staff(desktop, "keeper", "a long gate password", to="/gate/")
    inside = desktop.locator("[data-gate-inside]")
    expect(inside).to_have_text("0/ 1")

    press(desktop, desktop.get_by_role("button", name="+1 in"))
    expect(inside).to_have_text("1/ 1")
    choose(desktop, "Straight in")
    read(desktop, typed(soon))
    expect(desktop.locator("#answer")).to_have_text("The house is full")
    why = desktop.get_by_label("Why let somebody in all the same?")
    tab_to(desktop, why, key="Shift+Tab")
    desktop.keyboard.type("The coach of the team")
    desktop.keyboard.press("Enter")

    expect(inside).to_have_text("2/ 1")
    assert Admission.objects.get().entry_pass.booking == soon
