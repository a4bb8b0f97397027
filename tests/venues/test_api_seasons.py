"""Clubs over the API: register, preview, apply, withdraw, read and pay the invoice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from tests.venues.actions.test_seasons import (
    CODES,
    FIRST,
    LAST,
    TODAY,
    approve,
    approved,
    ask,
    club,
    propose,
    season,
)
from venues import actions
from venues.models import Bookable, Club, SeasonRequest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday_nine() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.at(TODAY, 9 * 60), tick=False) as traveller:
        yield traveller


@pytest.fixture
def contact(api: APIClient, citizen: User) -> User:
    api.force_authenticate(citizen)
    return citizen


def post(api: APIClient, name: str, /, *args: Any, key: str = "", **given: Any) -> Any:
    return api.post(
        reverse(f"api-{name}", args=args),
        given,
        format="json",
        headers={"Idempotency-Key": key or str(uuid4())},
    )


def weekly(court: Bookable, /, **given: Any) -> dict[str, Any]:
    return {
        "court": court.pk,
        "weekday": 2,
        "starts": 1140,
        "ends": 1260,
        "first_on": str(FIRST),
        "last_on": str(LAST),
        **given,
    }


def test_a_club_is_registered_once_and_corrected(api: APIClient, contact: User) -> None:
    given = {"name": "Shuttle", "credit_code": CODES[0], "priority": 1}
    key = str(uuid4())
    answers = [post(api, "clubs", key=key, **given) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    (row,) = api.get(reverse("api-clubs")).json()
    assert (row["name"], row["is_approved"]) == ("Shuttle", False)
    path = reverse("api-club", args=[row["id"]])
    changed = api.put(path, {**given, "name": "Shuttle 2"}, format="json")
    assert changed.json()["name"] == "Shuttle 2"
    actions.approve_club(club=Club.objects.get(), by=make.user())
    again = api.put(path, given, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "club_decided")


def test_a_wrong_credit_code_is_refused_by_name(api: APIClient, contact: User) -> None:
    answer = post(api, "clubs", name="A", credit_code="1" * 18)
    assert (answer.status_code, answer.json()["code"]) == (422, "credit_code_wrong")


def test_everybody_can_look_at_seasons(api: APIClient) -> None:
    opened = season(make.venue())
    (row,) = api.get(reverse("api-seasons")).json()
    assert (row["id"], row["is_open"]) == (opened.pk, True)
    one = api.get(reverse("api-season", args=[opened.pk]))
    assert opened.seed not in one.content.decode()


def test_from_the_preview_to_the_paid_invoice(api: APIClient, contact: User) -> None:
    court = make.bookable()
    opened = season(court.venue)
    mine = club(contact=contact)
    plan = post(api, "season-preview", opened.pk, **weekly(court)).json()
    assert len(plan["dates"]) == 5
    assert plan["total_fen"] == 10 * make.PRICE_FEN
    asked = post(api, "season-apply", opened.pk, club=mine.pk, **weekly(court))
    assert asked.status_code == 201, asked.json()
    number = asked.json()["number"]
    propose(opened)
    path = reverse("api-season-request", args=[number])
    assert api.get(path).json()["state"] == "asked"  # it is only proposed
    approve(SeasonRequest.objects.get())
    shown = api.get(path).json()
    assert (shown["state"], len(shown["bookings"])) == ("approved", 5)
    (row,) = api.get(reverse("api-invoices")).json()
    assert row["number"] == shown["invoice"]
    detail = api.get(reverse("api-invoice", args=[row["number"]])).json()
    assert sum(line["price_fen"] for line in detail["lines"]) == detail["total_fen"]
    key = str(uuid4())
    paying = [post(api, "invoice-pay", row["number"], key=key) for _ in range(2)]
    assert [one.status_code for one in paying] == [201, 201]
    assert paying[0].json()["amount_fen"] == row["total_fen"]
    assert paying[0].json()["number"] == paying[1].json()["number"]
    late = api.post(reverse("api-season-request-withdraw", args=[number]))
    assert (late.status_code, late.json()["code"]) == (409, "request_moved_on")


def test_a_request_is_withdrawn(api: APIClient, contact: User) -> None:
    court = make.bookable()
    request = ask(season(court.venue), club(contact=contact), court)
    path = reverse("api-season-request-withdraw", args=[request.number])
    assert api.post(path).json()["state"] == "withdrawn"
    (row,) = api.get(reverse("api-season-requests")).json()
    assert row["number"] == request.number


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"starts": 1260, "ends": 1140}, 400),
        ({"weekday": 0}, 400),
        ({"ends": 99999}, 400),
        ({"first_on": "x"}, 400),
        ({"first_on": "2026-12-31", "last_on": "2026-12-01"}, 400),
        ({"first_on": "0001-01-01", "last_on": "9999-12-31"}, 422),
        ({"court": 2**53}, 400),
        ({"court": 1}, 422),
        ({"wish": 0}, 400),
        ({"note": "x" * 201}, 400),
    ],
)
def test_bad_input_is_refused(
    api: APIClient, contact: User, given: dict[str, Any], status: int
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    mine = club(contact=contact)
    body = {"club": mine.pk, **weekly(court, **given)}
    answer = post(api, "season-apply", opened.pk, **body)
    assert answer.status_code == status, answer.json()


def test_what_belongs_to_others_is_not_found(api: APIClient, contact: User) -> None:
    court = make.bookable()
    invoice = approved(court)
    number = invoice.request.number
    opened = season(court.venue, name="Spring")
    paths = [
        reverse("api-season-request", args=[number]),
        reverse("api-invoice", args=[invoice.number]),
    ]
    assert [api.get(path).status_code for path in paths] == [404, 404]
    posts = [
        post(api, "season-request-withdraw", number),
        post(api, "invoice-pay", invoice.number),
        post(api, "season-apply", opened.pk, club=invoice.club_id, **weekly(court)),
    ]
    assert [answer.status_code for answer in posts] == [404, 404, 404]
    put = api.put(
        reverse("api-club", args=[invoice.club_id]),
        {"name": "Mine", "credit_code": CODES[0]},
        format="json",
    )
    assert put.status_code == 404
    assert api.get(reverse("api-invoices")).json() == []


def test_nobody_is_nobodys_contact(api: APIClient) -> None:
    assert api.get(reverse("api-clubs")).status_code == 401
    assert api.get(reverse("api-invoices")).status_code == 401
