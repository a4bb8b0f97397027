"""Prime time by ballot, and a ticket to an open session, from first page to last."""

from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
import time_machine
from playwright.sync_api import expect

from bureau.accounts.models import User, VerifiedIdentity
from bureau.common import clock, codes, sealed
from bureau.draws.actions import BeaconName
from tests import make
from tests.draws import make as make_draws
from tests.e2e.conftest import PHONE
from tests.e2e.screens import Screens, pay, sign_in, sign_in_staff
from venues import actions
from venues.actions import BallotTimes, Pick
from venues.models import Ballot, BallotRequest, Bookable, Booking, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

HOUR = timedelta(hours=1)


def verified(person: User) -> User:
    VerifiedIdentity.objects.create(
        user=person,
        sealed_name=sealed.seal("李雷"),
        sealed_id_number=sealed.seal(f"ID{person.pk:016}"),
        fingerprint=uuid4().hex,
        masked_name="李*",
        masked_id_number="3708**********0011",
        birth_on=date(1990, 1, 1),
        sex="male",
        verified_at=clock.now(),
    )
    return person


def ballot_for(court: Bookable) -> Ballot:
    """Open for an hour more; it gives out one court in five days, at 19:00."""
    now = clock.now()
    day = clock.local_day(now) + timedelta(days=5)
    return actions.plan_ballot(
        venue=court.venue,
        sport=court.sport,
        on=day,
        picks=[Pick(court.pk, clock.at(day, 19 * 60))],
        times=BallotTimes(now - HOUR, now + HOUR, now + 4 * HOUR, now + 20 * HOUR),
        beacons=[BeaconName("fc-kl8", "2026320"), BeaconName("fc-3d", "2026320")],
        by=make.user(),
    )


def test_a_request_in_a_ballot_ends_with_a_result(
    screens: Screens, court: Bookable
) -> None:
    page = screens.open(PHONE)
    page.goto("/accounts/login/?next=/me/")
    sign_in(page, "13900000041")
    person = verified(User.objects.get(phone="13900000041"))
    ballot = ballot_for(court)

    page.goto("/")
    page.get_by_role("link", name=court.venue.display_name).first.click()
    page.goto("/ballots/")
    page.locator("main").get_by_role("link", name=court.venue.display_name).click()
    page.get_by_role("button", name="Ask for 19:00").click()
    expect(page.locator("main")).to_contain_text("You are in")

    actions.request_in_ballot(
        ballot=ballot,
        starts_at=clock.at(ballot.on, 19 * 60),
        by=verified(make.citizen()),
    )
    ballot.refresh_from_db()
    assert ballot.draw
    made = make_draws.freeze(ballot.draw)
    make_draws.read(made)
    make_draws.run(made)
    with time_machine.travel(made.draws_at + HOUR, tick=True):
        actions.hand_out_ballot(ballot=ballot)
        page.reload()
        request = BallotRequest.objects.get(ballot=ballot, person=person)
        if request.entry.outcome == "won":
            expect(page.locator("main")).to_contain_text("You won a court.")
            page.get_by_role("link", name="To the booking").click()
            expect(page.get_by_role("link", name=re.compile("^Pay "))).to_be_visible()
        else:
            expect(page.locator("main")).to_contain_text("Not drawn this time: rank 2")
            page.get_by_role("link", name="My waiting list").click()
            expect(page.locator("main")).to_contain_text("19:00")
        page.goto(f"/draws/check/?entry={request.entry.entry_id}")
        checked = page.locator("[data-draw-checked]")
        expect(checked).to_have_attribute("data-draw-checked", "true true true")


def typed(booking: Booking) -> str:
    entry_pass = make.pass_of(booking)
    step = codes.step_at(clock.now())
    digits = codes.digits_of(entry_pass.code, key=entry_pass.key, step=step)
    return f"{codes.grouped(entry_pass.code)} {digits}"


def test_a_ticket_to_an_open_session_opens_the_gate(
    screens: Screens, hall: Venue, court: Bookable, keeper: User
) -> None:
    six = clock.at(clock.today(), 18 * 60)
    with time_machine.travel(six - timedelta(minutes=10), tick=True):
        make.session(bookable=court, starts_at=six, name="Evening swim")
        page = screens.open(PHONE)
        page.goto("/accounts/login/?next=/me/")
        sign_in(page, "13900000042")
        page.goto(hall.get_absolute_url())
        page.get_by_role("link", name=re.compile("Evening swim")).first.click()
        page.get_by_role("link", name="2", exact=True).click()
        page.get_by_role("button", name="Take and pay").click()
        pay(page)
        page.wait_for_url(re.compile(r"/bookings/[0-9A-Z]+/$"))
        page.get_by_role("link", name="Show the entry pass").click()
        expect(page.get_by_alt_text("QR code for the gate")).to_be_visible()

        gate = screens.open(PHONE)
        sign_in_staff(gate, "keeper", "a long gate password", to="/gate/")
        gate.locator("#id_code").fill(typed(Booking.objects.get()))
        gate.get_by_role("button", name="Check").click()
        expect(gate.locator("main")).to_contain_text("May come in")
        gate.get_by_role("button", name="Let in").click()
        expect(gate.locator("main")).to_contain_text("Let in at 17:5")
