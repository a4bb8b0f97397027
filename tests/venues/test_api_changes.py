"""Everything that a citizen changes on a page can be changed by the mini-program."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from bureau.accounts.models import User
from tests import make
from venues import actions
from venues.models import Bookable, Booking, WaitingEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def phone(citizen: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(citizen)
    return client


@pytest.fixture
def court() -> Bookable:
    made = make.bookable()
    make.price(venue=made.venue, bookable=made, fen=80_00, starts=1200, ends=1440)
    return made


@pytest.fixture
def booking(court: Bookable, citizen: User) -> Booking:
    return make.confirmed(court=court, by=citizen)


def post(phone: APIClient, path: str, body: Any = None, **headers: str) -> Any:
    return phone.post(f"/api/v1/{path}", body, format="json", headers=headers)


def exchange(booking: Booking, court: Bookable, hour: int) -> dict[str, Any]:
    start = make.tomorrow_at(hour).isoformat()
    return {
        "lines": [booking.lines.order_by("pk")[0].pk],
        "slots": [{"court": court.pk, "starts_at": start}],
    }


# --- Changes -----------------------------------------------------------------------


def test_a_change_is_quoted_made_shown_and_dropped(
    phone: APIClient, booking: Booking, court: Bookable
) -> None:
    base = f"bookings/{booking.number}/changes/"
    wish = exchange(booking, court, 20)
    quote = post(phone, f"{base}quote/", wish)
    assert quote.status_code == 200
    assert (quote.data["price_fen"], quote.data["credit_fen"]) == (80_00, 40_00)
    assert (quote.data["pay_fen"], quote.data["retained_fen"]) == (40_00, 0)

    wish |= {"quoted_fen": 80_00, "expected_fen": 40_00}
    key = {"Idempotency-Key": "change-number-one"}
    made = post(phone, base, wish, **key)
    assert (made.status_code, made.data["state"]) == (201, "held")
    assert made.data["payment"]["amount_fen"] == 40_00
    assert post(phone, base, wish, **key).data["number"] == made.data["number"]

    shown = phone.get(f"/api/v1/bookings/{booking.number}/").data
    assert shown["change"]["number"] == made.data["number"]
    assert sorted(line["state"] for line in shown["lines"]) == ["pending", "standing"]
    second = post(phone, base, wish | {"quoted_fen": 80_00})
    assert (second.status_code, second.data["code"]) == (409, "change_under_way")

    dropped = post(phone, f"{base}{made.data['number']}/drop/")
    assert dropped.status_code == 200
    assert dropped.data["change"] is None
    assert phone.get(f"/api/v1/{base}").data[0]["state"] == "dropped"


def test_wrong_sums_are_refused_with_the_right_ones(
    phone: APIClient, booking: Booking, court: Bookable
) -> None:
    base = f"bookings/{booking.number}/changes/"
    wish = exchange(booking, court, 20)
    price = post(phone, base, wish | {"quoted_fen": 1})
    assert price.data["code"] == "price_changed"
    credit = post(phone, base, wish | {"quoted_fen": 80_00, "expected_fen": 1})
    assert credit.data["code"] == "refund_changed"
    gone = post(phone, base, wish | {"lines": [1], "quoted_fen": 80_00})
    assert gone.data["code"] == "booking_moved_on"


def test_a_strangers_booking_is_not_found(
    api: APIClient, stranger: User, booking: Booking, court: Bookable
) -> None:
    api.force_authenticate(stranger)
    base = f"bookings/{booking.number}"
    wish = exchange(booking, court, 20) | {"quoted_fen": 80_00}
    assert post(api, f"{base}/changes/", wish).status_code == 404
    assert post(api, f"{base}/changes/quote/", wish).status_code == 404
    assert post(api, f"{base}/accept/").status_code == 404
    assert api.get(f"/api/v1/{base}/changes/").status_code == 404


def test_some_slots_are_given_back(
    phone: APIClient, court: Bookable, citizen: User
) -> None:
    wish = {
        "venue": court.venue.code,
        "slots": [
            {"court": court.pk, "starts_at": make.tomorrow_at(hour).isoformat()}
            for hour in (18, 19)
        ],
        "quoted_fen": 80_00,
    }
    number = post(phone, "bookings/", wish).data["number"]
    make.pay(Booking.objects.get(number=number))
    line = phone.get(f"/api/v1/bookings/{number}/").data["lines"][0]["id"]
    path = f"bookings/{number}/cancel/"
    told = post(phone, path, {"lines": [line], "expected_fen": 1})
    assert told.data["code"] == "refund_changed"
    left = post(phone, path, {"lines": [line], "expected_fen": 40_00})
    assert (left.status_code, left.data["total_fen"]) == (200, 40_00)
    assert left.data["state"] == "confirmed"


# --- Waiting -----------------------------------------------------------------------


def wait(phone: APIClient, court: Bookable, start: datetime, **given: Any) -> Any:
    wish = {"venue": court.venue.code, "starts_at": start.isoformat()}
    return post(phone, "waiting/", wish | (given or {"court": court.pk}))


def test_a_taken_time_tells_its_line_and_one_joins_and_leaves_it(
    phone: APIClient, court: Bookable
) -> None:
    taken = make.confirmed(court=court)
    query = {"court": str(court.pk), "starts_at": taken.starts_at.isoformat()}
    url = f"/api/v1/venues/{court.venue.code}/slot/"
    shown = phone.get(url, query).data
    assert (shown["state"], shown["waiting"]) == ("booked", 0)
    assert shown["alternatives"][0]["nearness"] == "time"

    joined = wait(phone, court, taken.starts_at)
    assert (joined.status_code, joined.data["state"]) == (201, "waiting")
    assert joined.data["ahead"] == 0
    twice = wait(phone, court, taken.starts_at)
    assert (twice.status_code, twice.data["code"]) == (409, "already_in_line")
    assert phone.get(url, query).data["waiting"] == 1

    (row,) = phone.get("/api/v1/waiting/").data
    left = post(phone, f"waiting/{row['id']}/leave/")
    assert (left.status_code, left.data["state"]) == (200, "left")
    assert phone.get("/api/v1/waiting/").data == []
    assert len(phone.get("/api/v1/waiting/", {"show": "all"}).data) == 1
    assert post(phone, f"waiting/{row['id']}/leave/").data["code"] == "not_in_line"


def test_any_court_of_a_sport_is_waited_for_without_naming_one(
    phone: APIClient, court: Bookable
) -> None:
    taken = make.confirmed(court=court)
    assert wait(phone, court, taken.starts_at, dependant=None).status_code == 400
    joined = wait(phone, court, taken.starts_at, sport=court.sport)
    assert (joined.status_code, joined.data["court"]) == (201, None)


def test_an_offer_is_seen_and_declined(phone: APIClient, court: Bookable) -> None:
    taken = make.confirmed(court=court)
    wait(phone, court, taken.starts_at)
    actions.cancel_booking(booking=taken, by=taken.booked_by)

    (row,) = phone.get("/api/v1/waiting/").data
    assert row["state"] == "offered"
    assert row["held_until"]
    number = row["booking"]
    assert phone.get(f"/api/v1/bookings/{number}/").data["channel"] == "offer"
    # One that costs something is taken by paying.
    refused = post(phone, f"bookings/{number}/accept/")
    assert (refused.status_code, refused.data["code"]) == (409, "offer_over")
    declined = post(phone, f"bookings/{number}/decline/")
    assert (declined.status_code, declined.data["state"]) == (200, "cancelled")
    assert WaitingEntry.objects.get().state == WaitingEntry.State.LEFT


def test_a_strangers_place_in_line_is_not_found(
    phone: APIClient, court: Bookable, stranger: User
) -> None:
    taken = make.confirmed(court=court)
    theirs = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=taken.starts_at,
        bookable=court,
        by=stranger,
    )
    assert post(phone, f"waiting/{theirs.pk}/leave/").status_code == 404
    assert phone.get("/api/v1/waiting/").data == []
