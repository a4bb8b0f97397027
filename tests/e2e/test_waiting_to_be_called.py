"""More people wait than there are vouchers: what the first leave is for the next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bureau.accounts.models import User
from bureau.common import clock
from tests import make as city
from tests.e2e.conftest import PHONE
from tests.e2e.screens import Screens
from tests.e2e.test_claiming import citizen, rush
from vouchers import actions
from vouchers.models import Lot, QueueTicket, Voucher
from vouchers.queries import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]


def test_the_button_comes_by_itself_when_those_before_have_left_one(
    screens: Screens,
) -> None:
    live.forget()
    lot = rush(clock.now() - timedelta(seconds=2), amount=1, spread_seconds=1)
    page = screens.open(PHONE)
    person = citizen(page, "13900000178", to="/vouchers/")
    _waits(lot, city.verified(), 0)
    _waits(lot, person, 0.9)
    actions.call_queues(at=clock.now())
    page.goto(lot.round.get_absolute_url())
    lead = page.locator("[data-rush-lead]")
    expect(lead).to_contain_text("are kept until")
    button = page.get_by_role("button", name="Claim ¥200")
    expect(button).to_be_hidden()
    page.evaluate("window.notLoadedAnew = true")

    lot.refresh_from_db()
    assert lot.held_until
    actions.call_queues(at=lot.held_until)  # nobody came
    expect(button).to_be_visible(timeout=40_000)
    expect(page.locator("h1")).to_have_text("It is your turn")
    assert page.evaluate("window.notLoadedAnew") is True
    button.click()
    expect(page.locator("[data-rush-answer]")).to_contain_text("You have it.")
    assert Voucher.objects.get().person == person


def _waits(lot: Lot, person: User, share: float) -> None:
    """In the waiting room since before the opening."""
    QueueTicket.objects.create(
        round=lot.round,
        person=person,
        place=int(share * QueueTicket.PLACES),
        joined_at=lot.round.opens_at - timedelta(seconds=1),
    )
