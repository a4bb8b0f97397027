"""People find ballots, ask for one time, keep a receipt and see what came of it."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from tests import make
from tests.venues.actions import test_ballots as drawn
from venues import actions
from venues.actions import ballots

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday_nine(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ballots, "after_commit", lambda *_args, **_kwargs: None)
    with time_machine.travel(drawn.at(0, 9), tick=False):
        yield


def address(ballot: Any) -> str:
    return reverse("venues:ballot", args=[ballot.number])


def test_the_venue_and_the_list_lead_to_a_ballot(client: Client) -> None:
    ballot = drawn.plan(drawn.two_courts())
    for page in (ballot.venue.get_absolute_url(), reverse("venues:ballots")):
        assert address(ballot) in client.get(page).content.decode()


def test_who_is_signed_out_looks_and_is_asked_to_sign_in(client: Client) -> None:
    ballot = drawn.plan(drawn.two_courts())
    assert "Ask for 19:00" in client.get(address(ballot)).content.decode()
    answer = client.post(address(ballot), {"start": "x"})
    assert answer.status_code == 302
    assert "next=" in answer["Location"]


def test_asking_gives_a_receipt_and_can_be_taken_back(client: Client) -> None:
    ballot = drawn.plan(drawn.two_courts())
    one = make.verified()
    client.force_login(one)
    start = drawn.evening(ballot.slots.all()[0].bookable).isoformat()
    assert client.post(address(ballot), {"start": start}).status_code == 302
    page = client.get(address(ballot)).content.decode()
    entry = ballot.requests.get().entry
    assert reverse("draws:entry", args=[entry.entry_id]) in page
    assert "Ask for" not in page
    listed = client.get(reverse("venues:ballots")).content.decode()
    mine = listed[listed.index("My requests") : listed.index("Coming ballots")]
    assert "Draw to come" in mine
    assert "Ask now" not in mine  # it was done

    client.post(reverse("venues:ballot-withdraw", args=[ballot.number]))
    assert not ballot.requests.exists()


@pytest.mark.parametrize(
    "start", ["", "nonsense", "2026-13-40T10:00", "2026-11-28T03:00+08:00"]
)
def test_a_start_that_is_not_drawn_is_refused(client: Client, start: str) -> None:
    ballot = drawn.plan(drawn.two_courts())
    client.force_login(make.verified())
    answer = client.post(address(ballot), {"start": start})
    assert answer.status_code >= 400
    assert not ballot.requests.exists()


def test_without_a_real_name_the_way_to_it_is_shown(client: Client) -> None:
    ballot = drawn.plan(drawn.two_courts())
    client.force_login(make.citizen())
    page = client.get(address(ballot)).content.decode()
    assert "Confirm my real name" in page
    assert "Ask for" not in page


def test_winners_and_losers_read_what_came_of_it(client: Client) -> None:
    ballot = drawn.plan(drawn.two_courts())
    for _n in range(3):
        drawn.ask(ballot)
    drawn.draw(ballot)
    drawn.hand_out(ballot)
    pages = []
    with time_machine.travel(drawn.at(1, 22), tick=False):
        for request in drawn.ranked(ballot):
            client.force_login(request.person)
            pages.append(client.get(address(ballot)).content.decode())
    assert ["You won a court." in page for page in pages] == [True, True, False]
    assert "rank 3" in pages[2]


def test_a_ballot_that_is_called_off_says_why(client: Client) -> None:
    ballot = drawn.plan(drawn.two_courts())
    actions.call_off_ballot(ballot=ballot, reason="Burst pipe", by=make.user())
    assert "Burst pipe" in client.get(address(ballot)).content.decode()
