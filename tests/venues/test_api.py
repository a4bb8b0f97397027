from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.gis.geos import Point
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.sports import Sport
from bureau.payments.models import Payment
from tests import make
from venues.models import Admission, Bookable, Booking

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


@pytest.fixture
def phone(citizen: User) -> APIClient:
    """The citizen's mini-program."""
    return client_of(citizen)


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


# --- Places ------------------------------------------------------------------------


def test_anybody_lists_venues_by_sport_district_and_words(api: APIClient) -> None:
    pool = make.venue(name="Pool of Lu", sports=[Sport.SWIMMING])
    hall = make.venue(name="Hall of Qi", address="7 Temple Street")

    def names(**asked: str) -> list[str]:
        answer = api.get("/api/v1/venues/", asked)
        assert answer.status_code == 200, answer.data
        return [row["name"] for row in answer.data["results"]]

    assert set(names()) == {"Pool of Lu", "Hall of Qi"}
    assert names(sport="swimming") == ["Pool of Lu"]
    assert names(district=hall.district.code) == ["Hall of Qi"]
    assert names(q="temple") == ["Hall of Qi"]
    assert names(q="pool", district=hall.district.code) == []
    assert pool.district.code != hall.district.code


def test_the_nearest_venue_comes_first_with_its_distance(api: APIClient) -> None:
    far = make.venue(location=Point(116.9, 35.5, srid=4326))
    near = make.venue(location=Point(116.5872, 35.4151, srid=4326))

    answer = api.get("/api/v1/venues/", {"near": "116.587,35.415"})

    assert [row["code"] for row in answer.data["results"]] == [near.code, far.code]
    assert answer.data["results"][0]["distance_m"] < 50
    assert 25_000 < answer.data["results"][1]["distance_m"] < 35_000


def test_businesses_and_closed_venues_are_not_offered(api: APIClient) -> None:
    business = make.venue(kind="business")
    closed = make.venue(closed_on=clock.today())

    assert api.get("/api/v1/venues/").data["results"] == []
    for venue in (business, closed):
        assert api.get(f"/api/v1/venues/{venue.code}/").status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sport", "chess"),
        ("district", "37"),
        ("near", "here"),
        ("near", "116.5"),
        ("near", "nan,35"),
        ("near", "inf,35"),
        ("near", "200,35"),
        ("q", "x" * 81),
        ("q", "a\x00b"),
        ("offset", "1000000000"),
    ],
)
def test_a_filter_that_makes_no_sense_is_a_400_with_the_field(
    name: str, value: str, api: APIClient
) -> None:
    answer = api.get("/api/v1/venues/", {name: value})

    assert answer.status_code == 400
    assert answer.data["code"] == "invalid"
    assert name in answer.data["fields"]


def test_a_page_is_never_longer_than_a_hundred(api: APIClient) -> None:
    district = make.district()
    for _ in range(3):
        make.venue(district=district)

    page = api.get("/api/v1/venues/", {"limit": "2"}).data
    assert (len(page["results"]), page["count"]) == (2, 3)
    assert "limit=100" in str(
        api.get("/api/v1/venues/", {"limit": "1000000000", "offset": "1"}).data[
            "previous"
        ]
    )


def test_a_venue_tells_its_rules_courts_and_days(
    api: APIClient, court: Bookable
) -> None:
    typed = "-".join(court.venue.code[i : i + 4] for i in (0, 4, 8)).lower()

    answer = api.get(f"/api/v1/venues/{typed}/")

    assert answer.status_code == 200
    assert answer.data["location"] == {
        "type": "Point",
        "coordinates": [116.587, 35.415],
    }
    assert [row["id"] for row in answer.data["courts"]] == [court.pk]
    assert answer.data["days"][0] == clock.today().isoformat()
    assert len(answer.data["days"]) == 8


def test_districts_and_sports_are_listed(api: APIClient) -> None:
    district = make.district()

    assert api.get("/api/v1/districts/").data == [
        {"code": district.code, "name": district.name, "name_en": district.name_en}
    ]
    assert {row["code"] for row in api.get("/api/v1/sports/").data} == set(Sport.values)


# --- The day -----------------------------------------------------------------------


def day_url(court: Bookable, on: Any = None) -> str:
    return f"/api/v1/venues/{court.venue.code}/days/{on or make.tomorrow()}/"


def test_a_day_tells_each_slot_with_its_state_and_price(
    api: APIClient, court: Bookable
) -> None:
    make.confirmed(court=court, starts_at=make.tomorrow_at(9))

    answer = api.get(day_url(court))

    assert answer.status_code == 200
    slots = {slot["starts_at"][11:16]: slot for slot in answer.data["slots"]}
    assert len(slots) == 24
    assert slots["09:00"]["state"] == "booked"
    assert slots["09:00"]["reason"] == "Somebody has booked this time."
    assert slots["10:00"] == {
        "court": court.pk,
        "starts_at": f"{make.tomorrow()}T10:00:00+08:00",
        "ends_at": f"{make.tomorrow()}T11:00:00+08:00",
        "state": "free",
        "reason": "",
        "opens_at": None,
        "ballot": "",
        "session": None,
        "price_fen": make.PRICE_FEN,
        "is_peak": False,
        "group": "",
    }


@pytest.mark.parametrize("on", ["2026-02-30", "0001-01-01", "9999-12-31", "tomorrow"])
def test_a_day_that_is_none_or_far_away_is_not_found(
    on: str, api: APIClient, court: Bookable
) -> None:
    assert api.get(day_url(court, on)).status_code == 404


def test_a_day_asks_the_database_as_often_for_one_court_as_for_thirty(
    api: APIClient, court: Bookable
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(day_url(court)).status_code == 200
        return len(queries)

    one = asked()
    for _ in range(29):
        make.bookable(venue=court.venue)

    assert asked() == one


def test_a_strangers_family_gets_no_price(phone: APIClient, court: Bookable) -> None:
    answer = phone.get(day_url(court), {"dependant": "99999"})

    assert answer.status_code == 400
    assert "dependant" in answer.data["fields"]


# --- Booking -----------------------------------------------------------------------


def body(court: Bookable, hour: int = 18, **given: Any) -> dict[str, Any]:
    return {
        "venue": court.venue.code,
        "slots": [
            {"court": court.pk, "starts_at": f"{make.tomorrow()}T{hour:02}:00:00+08:00"}
        ],
        "quoted_fen": make.PRICE_FEN,
        **given,
    }


def book(client: APIClient, given: Any, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/bookings/", given, format="json", headers=headers)


def test_a_citizen_books_and_is_told_what_to_pay(
    phone: APIClient, citizen: User, court: Bookable
) -> None:
    answer = book(phone, body(court))

    assert answer.status_code == 201, answer.data
    booking = Booking.objects.get(booked_by=citizen)
    assert answer.headers["Location"] == f"/api/v1/bookings/{booking.number}/"
    assert answer.data["number"] == booking.number
    assert answer.data["state"] == "held"
    assert answer.data["total_fen"] == make.PRICE_FEN
    assert answer.data["hold_until"].endswith("+08:00")
    assert answer.data["payments"][0]["number"] == make.payment_of(booking).number
    assert answer.data["lines"][0]["court"] == court.pk


def test_the_same_key_books_once(phone: APIClient, court: Bookable) -> None:
    first = book(phone, body(court), key="key-12345678")
    again = book(phone, body(court), key="key-12345678")
    other = book(phone, body(court, hour=20), key="key-12345678")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.json() == first.json()
    assert other.status_code == 422
    assert Booking.objects.count() == 1


def test_two_citizens_may_use_the_same_key(court: Bookable) -> None:
    for hour in (18, 19):
        answer = book(
            client_of(make.citizen()), body(court, hour=hour), key="key-12345678"
        )
        assert answer.status_code == 201


def test_a_taken_slot_and_a_wrong_price_are_refused_by_code(
    phone: APIClient, court: Bookable
) -> None:
    tampered = book(phone, body(court, quoted_fen=1))
    assert (tampered.status_code, tampered.data["code"]) == (409, "price_changed")

    make.held(court=court)
    taken = book(phone, body(court))
    assert (taken.status_code, taken.data["code"]) == (409, "slot_taken")
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "non_field_errors"),
        ("booking", "non_field_errors"),
        ({"venue": {}}, "venue"),
        ({"venue": "NOWHERE00000"}, "venue"),
        ({"slots": "18:00"}, "slots"),
        ({"slots": []}, "slots"),
        ({"slots": [7]}, "slots"),
        (
            {"slots": [{"court": "x", "starts_at": "2026-11-22T18:00:00+08:00"}]},
            "slots",
        ),
        ({"slots": [{"court": 1, "starts_at": "2026-11-22T18:00:00"}]}, "slots"),
        ({"slots": [{"court": 1, "starts_at": "9999-12-31T23:59:00Z"}]}, "slots"),
        ({"slots": [{"court": 1, "starts_at": "0001-01-01T00:00:00+08:00"}]}, "slots"),
        ({"slots": [{"court": 10**30, "starts_at": "today"}]}, "slots"),
        ({"slots": [{"court": 1, "starts_at": "today"}] * 25}, "slots"),
        ({"quoted_fen": "free"}, "quoted_fen"),
        ({"quoted_fen": -1}, "quoted_fen"),
        ({"quoted_fen": None}, "quoted_fen"),
        ({"dependant": "me"}, "dependant"),
        ({"dependant": 99999}, "dependant"),
    ],
)
def test_json_of_the_wrong_shape_is_a_400_with_the_field(
    given: Any, field: str, phone: APIClient, court: Bookable
) -> None:
    if isinstance(given, dict):
        given = {**body(court), **given}

    answer = book(phone, given)

    assert answer.status_code == 400, answer.data
    assert answer.data["code"] == "invalid"
    assert field in answer.data["fields"]
    assert not Booking.objects.exists()


def test_text_that_is_no_json_is_a_400(phone: APIClient) -> None:
    answer = phone.post(
        "/api/v1/bookings/", "{not json", content_type="application/json"
    )

    assert (answer.status_code, answer.data["code"]) == (400, "parse_error")


@pytest.mark.parametrize("path", ["bookings/", "gate/checks/", "gate/admissions/"])
def test_who_is_not_signed_in_books_and_admits_nothing(
    path: str, api: APIClient
) -> None:
    answer = api.post(f"/api/v1/{path}", {}, format="json")

    assert answer.status_code == 401
    assert set(answer.data) >= {"code", "message"}


def test_another_citizens_child_cannot_be_booked_for(
    phone: APIClient, stranger: User, court: Bookable
) -> None:
    child = stranger.dependants.create(
        relation="child",
        sealed_name=b"",
        sealed_id_number=b"",
        fingerprint="f",
        masked_name="王*",
        masked_id_number="",
        birth_on="2016-01-01",
        sex="female",
        registered_at=clock.now(),
    )

    answer = book(phone, body(court, dependant=child.pk))

    assert answer.status_code == 400
    assert not Booking.objects.exists()


# --- My bookings -------------------------------------------------------------------


def test_a_citizen_lists_upcoming_and_past_bookings(
    phone: APIClient, citizen: User, court: Bookable
) -> None:
    coming = make.confirmed(court=court, by=citizen)
    given_back = make.confirmed(court=court, by=citizen, starts_at=make.tomorrow_at(10))
    phone.post(f"/api/v1/bookings/{given_back.number}/cancel/")
    make.confirmed(court=court, starts_at=make.tomorrow_at(12))

    def numbers(**asked: str) -> list[str]:
        answer = phone.get("/api/v1/bookings/", asked)
        return [row["number"] for row in answer.data["results"]]

    assert numbers() == [given_back.number, coming.number]
    assert numbers(show="upcoming") == [coming.number]
    assert numbers(show="over") == [given_back.number]
    assert phone.get("/api/v1/bookings/", {"show": "x"}).status_code == 400


def test_a_longer_list_of_bookings_asks_no_more_often(
    phone: APIClient, citizen: User, court: Bookable
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert phone.get("/api/v1/bookings/").status_code == 200
        return len(queries)

    make.confirmed(court=court, by=citizen, starts_at=make.tomorrow_at(8))
    one = asked()
    for hour in range(9, 14):
        other = make.bookable()
        make.confirmed(court=other, by=citizen, starts_at=make.tomorrow_at(hour))

    assert asked() == one


@pytest.mark.parametrize("page", ["", "cancel/", "pass/"])
def test_a_strangers_booking_is_not_found(page: str, phone: APIClient) -> None:
    booking = make.confirmed()
    address = f"/api/v1/bookings/{booking.number}/{page}"

    answer = phone.post(address) if page == "cancel/" else phone.get(address)

    assert (answer.status_code, answer.data["code"]) == (404, "not_found")
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_a_citizen_cancels_and_the_money_goes_back(
    phone: APIClient, citizen: User, court: Bookable
) -> None:
    booking = make.confirmed(court=court, by=citizen)

    answer = phone.post(f"/api/v1/bookings/{booking.number}/cancel/")

    assert (answer.status_code, answer.data["state"]) == (200, "cancelled")
    assert answer.data["payments"][0]["refunded_fen"] == make.PRICE_FEN
    again = phone.post(f"/api/v1/bookings/{booking.number}/cancel/")
    assert (again.status_code, again.data["code"]) == (409, "not_cancellable")


def test_a_lapsed_hold_reads_expired(
    phone: APIClient, citizen: User, court: Bookable
) -> None:
    held = make.held(court=court, by=citizen)

    with time_machine.travel(held.hold_until, tick=False):
        answer = phone.get(f"/api/v1/bookings/{held.number}/")

    assert answer.data["state"] == "expired"


# --- The pass and the gate ---------------------------------------------------------


def shown_pass(booking: Booking) -> Any:
    client = client_of(booking.booked_by)
    return client.get(f"/api/v1/bookings/{booking.number}/pass/").data


def test_a_held_booking_has_no_pass(
    phone: APIClient, citizen: User, court: Bookable
) -> None:
    held = make.held(court=court, by=citizen)

    assert phone.get(f"/api/v1/bookings/{held.number}/pass/").status_code == 404


def test_a_pass_shows_the_proof_of_this_half_minute(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    entry_pass = make.pass_of(booking)

    shown = shown_pass(booking)

    assert shown["is_open"]
    assert 1 <= shown["seconds_left"] <= 30
    assert shown["url"].endswith(f"/p/{entry_pass.code}?k={shown['proof']}")
    for proof in (shown["proof"], shown["digits"]):
        assert codes.is_live(entry_pass.code, proof, key=entry_pass.key, at=clock.now())


def check(client: APIClient, text: str, court: Bookable) -> Any:
    given = {"text": text, "venue": court.venue.code}
    return client.post("/api/v1/gate/checks/", given, format="json")


def admit(client: APIClient, token: str) -> Any:
    return client.post("/api/v1/gate/admissions/", {"token": token}, format="json")


def test_a_gatekeeper_checks_a_pass_and_lets_in_once(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    gate = client_of(make.gatekeeper(court.venue))

    with time_machine.travel(booking.starts_at, tick=False):
        checked = check(gate, shown_pass(booking)["url"], court)
        assert checked.status_code == 200, checked.data
        assert checked.data["booking"]["number"] == booking.number
        assert not Admission.objects.exists()

        first = admit(gate, checked.data["token"])
        second = admit(gate, checked.data["token"])
        later = check(gate, f"{make.pass_of(booking).code} 000000", court)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.data == second.data
    assert Admission.objects.count() == 1
    assert later.status_code == 409


def test_a_colleagues_token_and_an_old_one_let_nobody_in(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    gate = client_of(make.gatekeeper(court.venue))
    colleague = client_of(make.gatekeeper(court.venue))

    with time_machine.travel(booking.starts_at, tick=False) as clock_hand:
        token = check(gate, shown_pass(booking)["url"], court).data["token"]
        stolen = admit(colleague, token)
        forged = admit(gate, token[:-2] + "xx")
        clock_hand.shift(timedelta(seconds=121))
        late = admit(gate, token)

    for answer in (stolen, forged, late):
        assert (answer.status_code, answer.data["code"]) == (409, "check_too_old")
    assert not Admission.objects.exists()


def test_who_does_not_work_there_checks_nothing(
    phone: APIClient, court: Bookable
) -> None:
    booking = make.confirmed(court=court)
    other_gate = client_of(make.gatekeeper(make.venue()))
    url = shown_pass(booking)["url"]

    assert check(phone, url, court).status_code == 404
    assert check(other_gate, url, court).status_code == 404


def test_a_pass_for_another_venue_is_refused_by_code(court: Bookable) -> None:
    booking = make.confirmed()
    gate = client_of(make.gatekeeper(court.venue))

    answer = check(gate, shown_pass(booking)["url"], court)

    assert (answer.status_code, answer.data["code"]) == (409, "pass_of_other_venue")


def test_nothing_is_charged_without_a_confirmation(
    phone: APIClient, court: Bookable
) -> None:
    book(phone, body(court))

    assert Payment.objects.get().state == Payment.State.DUE
