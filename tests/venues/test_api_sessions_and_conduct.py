"""Open sessions and conduct over the API."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from tests.venues.actions.test_conduct import miss
from tests.venues.actions.test_open_sessions import entitle
from tests.venues.test_api import client_of
from venues import actions
from venues.models import Appeal, Booking, OpenSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> OpenSession:
    return make.session(capacity=6)


def buy(client: APIClient, session: OpenSession, key: str = "", **given: Any) -> Any:
    body = {"places": 2, "quoted_fen": 40_00, **given}
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(
        f"/api/v1/sessions/{session.pk}/tickets/", body, format="json", headers=headers
    )


def test_the_sessions_of_a_day_are_public(api: APIClient, session: OpenSession) -> None:
    tomorrow = clock.local_day(session.starts_at)
    address = f"/api/v1/venues/{session.venue.code}/sessions/"

    (found,) = api.get(address, {"on": tomorrow.isoformat()}).data

    assert (found["id"], found["left"], found["own_fen"]) == (session.pk, 6, 20_00)
    assert found["can_buy"]
    assert api.get(address).data == []


def test_one_stands_in_line_for_places_and_reads_where(
    citizen: User, session: OpenSession
) -> None:
    sold = [make.pay(make.tickets(session, places=n)) for n in (5, 1)]
    client = client_of(citizen)
    address = f"/api/v1/sessions/{session.pk}/"

    joined = client.post(f"{address}waiting/", {"places": 1}, format="json")

    assert joined.status_code == 201
    shown = joined.data
    assert (shown["session"], shown["session_name"]) == (session.pk, session.name)
    assert (shown["places"], shown["ahead"], shown["state"]) == (1, 0, "waiting")
    assert client.get(address).data["waiting"] == 1
    again = client.post(f"{address}waiting/", {"places": 1}, format="json")
    assert (again.status_code, again.data["code"]) == (409, "already_in_line")

    sold[1].refresh_from_db()
    actions.cancel_booking(booking=sold[1], by=sold[1].booked_by)
    (mine,) = client.get("/api/v1/waiting/").data
    assert (mine["state"], bool(mine["held_until"])) == ("offered", True)
    assert Booking.objects.get(number=mine["booking"]).booked_by == citizen


def test_a_quote_has_its_breakdown(citizen: User, session: OpenSession) -> None:
    entitle(citizen)

    found = client_of(citizen).get(f"/api/v1/sessions/{session.pk}/", {"places": 3})

    assert found.data["own_fen"] == 10_00
    assert found.data["quote"] == {
        "fen": 50_00,
        "reduced": 1,
        "reduced_fen": 10_00,
        "full": 2,
        "full_fen": 20_00,
    }
    assert found.data["venue"]["code"] == session.venue.code


def test_buying_twice_with_one_key_is_one_booking(
    citizen: User, session: OpenSession
) -> None:
    phone = client_of(citizen)

    first = buy(phone, session, "buy-tickets-1")
    again = buy(phone, session, "buy-tickets-1")

    assert first.status_code == 201, first.data
    assert first.data == again.data
    assert first.data["lines"][0]["places"] == 2
    assert first.data["payments"][0]["amount_fen"] == 40_00
    session.refresh_from_db()
    assert session.taken == 2


def test_refusals_have_codes(citizen: User, session: OpenSession) -> None:
    phone = client_of(citizen)

    assert buy(phone, session, quoted_fen=1).data["code"] == "price_changed"
    make.tickets(session, places=5)
    assert buy(phone, session).data["code"] == "session_full"
    assert buy(phone, session, places=9).status_code == 400
    assert not Booking.objects.visible_to(citizen).exists()
    assert phone.get("/api/v1/sessions/999999/").status_code == 404


def test_nobody_buys_without_signing_in(api: APIClient, session: OpenSession) -> None:
    assert buy(api, session).status_code == 401


def test_my_conduct_and_an_appeal(citizen: User, stranger: User) -> None:
    make.conduct_rule()
    court = make.bookable(venue=make.venue(no_show_minutes=15))
    point = miss(court, citizen, make.tomorrow_at(9))
    address = f"/api/v1/conduct/points/{point.pk}/appeal/"
    with time_machine.travel(make.tomorrow_at(16), tick=False):
        phone = client_of(citizen)
        standing = phone.get("/api/v1/conduct/").data
        assert standing["points"] == 1
        assert standing["rule"]["ban_from_points"] == 3
        assert standing["rows"][0]["can_appeal"]
        assert standing["rows"][0]["appeal"] is None

        words = {"words": "The gate broke"}
        others = client_of(stranger).post(address, words, format="json")
        assert others.status_code == 404
        assert phone.post(address, words, format="json").status_code == 201
        again = phone.post(address, words, format="json")
        assert again.data["code"] == "already_appealed"
        row = phone.get("/api/v1/conduct/").data["rows"][0]

    assert row["appeal"]["state"] == "open"
    assert Appeal.objects.count() == 1
