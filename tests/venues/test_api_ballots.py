"""Ballots over the API: look, ask once, take it back, read the result."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse
from rest_framework.test import APIClient

from tests import make
from tests.venues.actions import test_ballots as drawn
from venues.actions import ballots

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday_nine(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ballots, "after_commit", lambda *_args, **_kwargs: None)
    with time_machine.travel(drawn.at(0, 9), tick=False):
        yield


def ask(api: APIClient, ballot: Any, starts_at: str) -> Any:
    return api.post(
        reverse("api-ballot-request", args=[ballot.number]),
        {"starts_at": starts_at},
        format="json",
        headers={"Idempotency-Key": str(uuid4())},
    )


def test_everybody_can_look(api: APIClient) -> None:
    ballot = drawn.plan(drawn.two_courts(), hours=(19, 20))
    (row,) = api.get(reverse("api-ballots")).json()
    assert (row["number"], row["state"]) == (ballot.number, "open")
    one = api.get(reverse("api-ballot", args=[ballot.number])).json()
    assert [len(start["courts"]) for start in one["starts"]] == [2, 2]


def test_asking_and_taking_back(api: APIClient) -> None:
    ballot = drawn.plan(drawn.two_courts())
    api.force_authenticate(make.verified())
    starts_at = ballot.slots.all()[0].starts_at.isoformat()
    answer = ask(api, ballot, starts_at)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["entry"].startswith("T1900")
    assert len(api.get(reverse("api-ballot-requests")).json()) == 1
    gone = api.post(reverse("api-ballot-withdraw", args=[ballot.number]))
    assert gone.status_code == 204
    assert api.get(reverse("api-ballot-requests")).json() == []


def test_a_refusal_has_its_name(api: APIClient, citizen: Any) -> None:
    ballot = drawn.plan(drawn.two_courts())
    api.force_authenticate(citizen)
    starts_at = ballot.slots.all()[0].starts_at.isoformat()
    answer = ask(api, ballot, starts_at)
    assert (answer.status_code, answer.json()["code"]) == (403, "identity_needed")
    api.force_authenticate(make.verified())
    assert ask(api, ballot, "tomorrow").status_code == 400
    assert ask(api, ballot, make.tomorrow_at(9).isoformat()).status_code >= 400


def test_a_winner_reads_the_booking(api: APIClient) -> None:
    ballot = drawn.plan(drawn.two_courts())
    one = make.verified()
    drawn.ask(ballot, one)
    drawn.draw(ballot)
    drawn.hand_out(ballot)
    api.force_authenticate(one)
    (row,) = api.get(reverse("api-ballot-requests")).json()
    assert (row["outcome"], row["rank"]) == ("won", 1)
    assert row["booking"] == one.bookings.get().number
