from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from venues import actions
from venues.models import Block, Booking, Companion, Favourite

pytestmark = pytest.mark.django_db


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def booking(citizen: User) -> Booking:
    return make.confirmed(by=citizen, court=make.bookable(name="Court 1"))


@pytest.fixture
def booker(citizen: User) -> APIClient:
    return client_of(citizen)


@pytest.fixture
def friend(stranger: User) -> APIClient:
    return client_of(stranger)


def invite(booker: APIClient, booking: Booking) -> str:
    """The code at the end of a fresh link."""
    answer = booker.post(f"/api/v1/bookings/{booking.number}/invite/")
    assert answer.status_code == 200, answer.data
    return str(answer.data["url"]).rstrip("/").rsplit("/", maxsplit=1)[-1]


def test_a_booking_is_shared_from_link_to_pass(
    booker: APIClient, friend: APIClient, booking: Booking, citizen: User
) -> None:
    code = invite(booker, booking)
    told = friend.get(f"/api/v1/invites/{code}/").data
    assert told["invited_by"] == citizen.display_name
    assert told["is_open"]
    assert told["left"] == 3
    assert [line["court_name"] for line in told["lines"]] == ["Court 1"]
    assert "price" not in str(told)

    joined = friend.post(f"/api/v1/invites/{code}/join/")
    assert joined.status_code == 201
    assert joined["Location"].endswith(f"/together/{booking.number}/")
    mine = friend.get(f"/api/v1/together/{booking.number}/pass/")
    assert mine["Cache-Control"] == "no-store"
    assert mine.data["is_open"]
    own = booker.get(f"/api/v1/bookings/{booking.number}/pass/").data
    assert own["code"] != mine.data["code"]

    party = booker.get(f"/api/v1/bookings/{booking.number}/party/").data
    assert party["left"] == 2
    assert [row["name"] for row in party["companions"]]
    rows = friend.get("/api/v1/together/").data["results"]
    assert [row["number"] for row in rows] == [booking.number]


def test_the_same_key_joins_once(
    booker: APIClient, friend: APIClient, booking: Booking
) -> None:
    code = invite(booker, booking)
    for _ in range(2):
        answer = friend.post(
            f"/api/v1/invites/{code}/join/", headers={"Idempotency-Key": "join-0001"}
        )
        assert answer.status_code == 201
    assert Companion.objects.count() == 1


def test_one_leaves_and_one_is_removed(
    booker: APIClient, friend: APIClient, booking: Booking
) -> None:
    code = invite(booker, booking)
    friend.post(f"/api/v1/invites/{code}/join/")
    assert friend.delete(f"/api/v1/together/{booking.number}/").status_code == 204
    assert friend.get(f"/api/v1/together/{booking.number}/").status_code == 404
    friend.post(f"/api/v1/invites/{code}/join/")
    (row,) = booker.get(f"/api/v1/bookings/{booking.number}/party/").data["companions"]
    url = f"/api/v1/bookings/{booking.number}/companions/{row['id']}/"
    assert friend.delete(url).status_code == 404
    assert booker.delete(url).data["companions"] == []
    assert booker.delete(url).data["code"] == "not_along"


def test_a_withdrawn_link_is_unknown(
    booker: APIClient, friend: APIClient, booking: Booking
) -> None:
    code = invite(booker, booking)
    answer = booker.delete(f"/api/v1/bookings/{booking.number}/invite/")
    assert answer.data["url"] == ""
    for answer in (
        friend.get(f"/api/v1/invites/{code}/"),
        friend.post(f"/api/v1/invites/{code}/join/"),
    ):
        assert answer.status_code == 404
        assert answer.data["code"] == "invite_unknown"


def test_strangers_reach_no_party(
    friend: APIClient, booking: Booking, api: APIClient
) -> None:
    url = f"/api/v1/bookings/{booking.number}/party/"
    assert friend.get(url).status_code == 404
    assert api.get(url).status_code == 401
    assert api.get("/api/v1/invites/000000000000/").status_code == 401


def test_favourites_are_kept_and_let_go(booker: APIClient, booking: Booking) -> None:
    url = f"/api/v1/favourites/{booking.venue.code}/"
    for _ in range(2):
        assert booker.put(url).status_code == 204
    rows = booker.get("/api/v1/favourites/").data
    assert [row["code"] for row in rows] == [booking.venue.code]
    assert booker.delete(url).status_code == 204
    assert not Favourite.objects.exists()
    assert booker.put("/api/v1/favourites/000000000000/").status_code == 404


def test_the_calendar_has_an_address_until_it_is_switched_off(
    booker: APIClient, booking: Booking
) -> None:
    answer = booker.post("/api/v1/calendar-feed/")
    assert answer["Cache-Control"] == "no-store"
    path = "/calendar/" + answer.data["url"].rsplit("/", maxsplit=1)[-1]
    assert booking.number.encode() in Client().get(path).content
    assert booker.delete("/api/v1/calendar-feed/").status_code == 204
    assert Client().get(path).status_code == 404


def test_a_venue_tells_its_hours_closures_and_pictures(
    api: APIClient, booking: Booking, citizen: User
) -> None:
    now = clock.now()
    actions.make_invite(booking=booking, by=citizen)
    Block.objects.create(
        venue=booking.venue,
        reason="New floor",
        is_closure=True,
        starts_at=now + timedelta(days=9),
        ends_at=now + timedelta(days=10),
        announced_at=now,
        set_by=citizen,
        created_at=now,
    )
    told = api.get(f"/api/v1/venues/{booking.venue.code}/").data
    assert told["photos"] == []
    assert [row["reason"] for row in told["closures"]] == ["New floor"]
    assert told["opening_hours"][0]["weekdays"] == [1, 2, 3, 4, 5, 6, 7]
    assert told["opening_hours"][0]["text"] == "00:00–24:00"
