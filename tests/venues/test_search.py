from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from bureau.accounts.models import Eligibility, User
from bureau.common import clock
from bureau.common.sports import Sport
from tests import make
from venues import actions
from venues.models import Bookable
from venues.queries import Wish, find_venues, free_courts, map_points, next_free

pytestmark = pytest.mark.django_db

EVENING = 19 * 60


def at_seven(**wish: Any) -> list[int]:
    """The venues that can be booked for tomorrow at seven."""
    asked = Wish(on=make.tomorrow(), since=EVENING, **wish)
    return [one.venue_id for one in find_venues(asked, at=clock.now())]


def test_who_is_full_at_seven_is_not_shown_for_seven() -> None:
    full, free = make.bookable(), make.bookable()
    make.confirmed(court=full, starts_at=make.tomorrow_at(19))

    assert at_seven() == [free.venue_id]


def test_a_lapsed_hold_is_free_before_any_sweep() -> None:
    court = make.bookable()
    held = make.held(court=court, starts_at=make.tomorrow_at(19))
    assert at_seven() == []

    with time_machine.travel(make.end_of_hold(held), tick=False):
        assert at_seven() == [court.venue_id]


def test_half_a_hall_taken_takes_the_whole_out_of_the_search() -> None:
    venue = make.venue()
    parts = [make.unit(venue=venue), make.unit(venue=venue)]
    half = make.bookable(venue=venue, units=parts[:1])
    make.bookable(venue=venue, units=parts)
    make.confirmed(court=half, starts_at=make.tomorrow_at(19))

    assert at_seven() == []


def test_two_hours_need_two_free_slots_in_a_row() -> None:
    court = make.bookable()
    assert at_seven(minutes=120) == [court.venue_id]

    make.confirmed(court=court, starts_at=make.tomorrow_at(20))

    assert at_seven(minutes=120) == []
    assert at_seven(minutes=60) == [court.venue_id]


def test_more_slots_than_one_may_book_are_not_on_offer() -> None:
    make.bookable(venue=make.venue(max_slots=1))

    assert at_seven(minutes=120) == []


def test_the_price_is_the_persons_own() -> None:
    court = make.bookable()
    make.price(venue=court.venue, fen=15_00, group="student")
    wish = Wish(on=make.tomorrow(), since=EVENING, most_fen=20_00)

    assert find_venues(wish, at=clock.now()) == []
    (found,) = find_venues(wish, groups=frozenset({"student"}), at=clock.now())

    assert (found.from_fen, found.free_courts) == (15_00, 1)


def test_the_nearest_come_first_and_the_far_can_be_left_out() -> None:
    here = Point(116.5, 35.4, srid=4326)
    far = make.bookable(venue=make.venue(location=Point(116.7, 35.4, srid=4326)))
    near = make.bookable(venue=make.venue(location=Point(116.51, 35.4, srid=4326)))

    assert at_seven(near=here) == [near.venue_id, far.venue_id]
    assert at_seven(near=here, within_m=5000) == [near.venue_id]


def test_places_are_filtered_by_what_they_have() -> None:
    roof = make.bookable(venue=make.venue(facilities=["indoor", "accessible"]))
    dear = make.bookable(venue=make.venue(is_low_fee=False))

    assert at_seven(facilities=("indoor", "accessible")) == [roof.venue_id]
    assert at_seven(is_low_fee=True) == [roof.venue_id]
    assert set(at_seven()) == {roof.venue_id, dear.venue_id}


def test_words_are_taken_literally() -> None:
    make.venue(name="Hall 100% fun")
    make.venue(name="Hall 1000 fun")

    found = find_venues(Wish(words="100% f"), at=clock.now())

    assert len(found) == 1


def test_open_now_asks_for_the_hours_and_not_for_a_court() -> None:
    day = make.bookable(venue=make.venue(opens=8 * 60, closes=20 * 60))
    night = make.bookable(venue=make.venue(opens=18 * 60, closes=26 * 60))

    def open_at(day_of: Any, minute: int) -> list[int]:
        return [
            one.venue_id
            for one in find_venues(Wish(open_now=True), at=clock.at(day_of, minute))
        ]

    assert open_at(clock.today(), 12 * 60) == [day.venue_id]
    assert open_at(clock.today(), 21 * 60) == [night.venue_id]
    assert open_at(make.tomorrow(), 60) == [night.venue_id]  # the night before goes on
    assert open_at(make.tomorrow(), 3 * 60) == []


def test_the_night_after_a_day_is_found_by_its_moment() -> None:
    court = make.bookable(venue=make.venue(opens=18 * 60, closes=26 * 60))
    make.price(venue=court.venue, starts=1440, ends=2160)
    (found,) = find_venues(Wish(on=make.tomorrow(), since=60), at=clock.now())

    assert found.venue_id == court.venue_id
    assert found.first_at == clock.at(make.tomorrow(), 60)
    assert found.first_on == clock.today()


def test_next_free_is_the_first_slot_that_nobody_has() -> None:
    court = make.bookable(venue=make.venue(opens=9 * 60, closes=11 * 60))
    for hour in (9, 10):
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    with time_machine.travel(clock.at(clock.today(), 12 * 60), tick=False):
        found = next_free([court.venue_id], Wish(), at=clock.now())

    assert found[court.venue_id].first_at == clock.at(
        clock.today() + timedelta(days=2), 9 * 60
    )


def test_every_start_that_is_found_can_be_held_at_its_price() -> None:
    court = make.bookable(venue=make.venue(opens=8 * 60, closes=12 * 60))
    wish = Wish(on=make.tomorrow())

    for found in free_courts(court.venue_id, wish, at=clock.now()):
        make.held(court=court, starts_at=found.starts_at, quoted_fen=found.fen)

    assert free_courts(court.venue_id, wish, at=clock.now()) == []


def test_the_map_counts_free_courts_and_says_the_lowest_price() -> None:
    busy, quiet = make.bookable(), make.bookable()
    make.price(venue=quiet.venue, fen=10_00, starts=0, ends=1440, sport="badminton")
    make.confirmed(court=busy, starts_at=make.tomorrow_at(19))
    wish = Wish(on=make.tomorrow(), since=EVENING, box=(116, 35, 117, 36))

    (point,) = map_points(wish, zoom=8, at=clock.now())

    assert (point.count, point.free_courts, point.from_fen) == (1, 1, 10_00)


# --- The pages --------------------------------------------------------------------


def test_a_search_lives_in_its_address(client: Client) -> None:
    free, full = make.bookable(), make.bookable()
    make.confirmed(court=full, starts_at=make.tomorrow_at(19))

    text = client.get(f"/venues/?on={make.tomorrow()}&since=19:00&sport=badminton").text

    assert free.venue.name in text
    assert full.venue.name not in text
    assert "1 court free" in text
    assert (
        f"/venues/{free.venue.code}/?on={make.tomorrow()}&amp;sport=badminton#slots"
        in text
    )


def test_a_search_without_an_answer_says_what_to_drop(client: Client) -> None:
    make.bookable()

    text = client.get(f"/venues/?on={make.tomorrow()}&since=19:00&free=on").text

    assert "Nothing is free like this." in text
    without_the_price = f"?on={make.tomorrow()}&amp;since=19%3A00"
    without_the_time = f"?on={make.tomorrow()}&amp;free=on"
    assert f'href="{without_the_price}"' in text
    assert f'href="{without_the_time}"' in text


@pytest.mark.parametrize(
    "query",
    [
        "on=tomorrow",
        "since=19",
        "since=20:00&until=19:00",
        "minutes=61",
        "most=-1",
        "within=7",
        "on=2026-02-30",
    ],
)
def test_a_wish_that_makes_no_sense_is_a_friendly_400(
    client: Client, query: str
) -> None:
    answer = client.get(f"/venues/?{query}")

    assert answer.status_code == 400
    assert client.get(f"/venues/map/?{query}").status_code == 404


def test_the_pins_say_how_many_courts_are_free(client: Client) -> None:
    court = make.bookable()
    box = "bbox=116,35,117,36&zoom=15"

    (pin,) = client.get(
        f"/venues/points.geojson?{box}&on={make.tomorrow()}&since=19:00"
    ).json()["features"]

    assert pin["properties"]["free"] == 1
    assert pin["properties"]["from_fen"] == make.PRICE_FEN
    day = f"?on={make.tomorrow()}"
    assert pin["properties"]["url"] == f"/venues/{court.venue.code}/{day}"


def test_the_list_beside_the_map_is_what_the_map_shows(client: Client) -> None:
    inside = make.bookable().venue
    outside = make.bookable(
        venue=make.venue(location=Point(100.0, 35.4, srid=4326))
    ).venue

    text = client.get("/venues/nearby/?bbox=116,35,117,36&zoom=9").text

    assert inside.name in text
    assert outside.name not in text
    assert "Nothing like this here." in (
        client.get("/venues/nearby/?bbox=1,1,2,2&zoom=9").text
    )
    assert client.get("/venues/nearby/").status_code == 400


def test_every_card_says_when_the_next_court_is_free(client: Client) -> None:
    make.bookable()
    assert "Next free: " in client.get("/venues/").text

    full = make.bookable(venue=make.venue(days_ahead=0, opens=0, closes=60))
    with time_machine.travel(clock.at(clock.today(), 120), tick=False):
        text = client.get(f"/venues/?q={full.venue.name}").text
    assert "Nothing free in the days ahead" in text


# --- The API ----------------------------------------------------------------------


def test_the_api_finds_what_the_page_finds(api: APIClient) -> None:
    free, full = make.bookable(), make.bookable()
    make.confirmed(court=full, starts_at=make.tomorrow_at(19))

    asked = {"on": str(make.tomorrow()), "since": "19:00"}
    answer = api.get("/api/v1/venues/search/", asked)

    assert answer.status_code == 200, answer.data
    (row,) = answer.data["results"]
    assert row["venue"]["code"] == free.venue.code
    assert row["free_courts"] == 1
    assert row["from_fen"] == make.PRICE_FEN
    assert row["first_on"] == str(make.tomorrow())


def test_the_api_says_what_is_free_next_and_asks_no_more_for_more_venues(
    api: APIClient,
) -> None:
    def ask() -> tuple[int, Any]:
        with CaptureQueriesContext(connection) as asked:
            answer = api.get("/api/v1/venues/search/", {"near": "116.5,35.4"})
        return len(asked), answer.data

    make.bookable()
    ask()  # the working calendar is read once for all
    few, _one = ask()
    for _ in range(2):
        make.bookable()
    make.venue()
    many, found = ask()

    assert few == many
    assert found["count"] == 4
    assert sum(row["first_at"] is not None for row in found["results"]) == 3
    assert found["results"][0]["venue"]["distance_m"] is not None


@pytest.mark.parametrize(
    "asked",
    [
        {"on": "9999-12-31"},
        {"since": "25"},
        {"since": "20:00", "until": "19:00"},
        {"bbox": "1,2,3"},
        {"bbox": "nan,nan,nan,nan"},
        {"most_fen": "-1"},
        {"sport": "chess"},
    ],
)
def test_the_api_says_what_is_wrong_with_a_search(
    api: APIClient, asked: dict[str, str]
) -> None:
    answer = api.get("/api/v1/venues/search/", asked)

    assert answer.status_code == 400
    assert set(answer.data["fields"]) <= set(asked)


def test_the_api_lists_the_free_starts_of_each_court(
    api: APIClient, citizen: User
) -> None:
    court = make.bookable(venue=make.venue(opens=600, closes=720))
    make.price(venue=court.venue, fen=10_00, group="student")
    Eligibility.objects.create(
        user=citizen,
        kind=Eligibility.Kind.STUDENT,
        state=Eligibility.State.APPROVED,
        expires_on=clock.today() + timedelta(days=30),
        asked_at=clock.now(),
        decided_at=clock.now(),
        decided_by=make.user(),
    )
    address = f"/api/v1/venues/{court.venue.code}/free/"

    everybody = api.get(address, {"on": str(make.tomorrow())}).data
    api.force_authenticate(citizen)
    own = api.get(address, {"on": str(make.tomorrow())}).data

    assert [row["price_fen"] for row in everybody] == [make.PRICE_FEN] * 2
    assert [row["price_fen"] for row in own] == [10_00] * 2
    assert {row["court"] for row in own} == {court.pk}


def quote(api: APIClient, court: Bookable, *hours: int) -> Any:
    slots = [
        {"court": court.pk, "starts_at": make.tomorrow_at(hour).isoformat()}
        for hour in hours
    ]
    return api.post(
        f"/api/v1/venues/{court.venue.code}/quote/", {"slots": slots}, format="json"
    )


def test_a_quote_tells_the_price_before_anything_is_taken(
    api: APIClient, citizen: User
) -> None:
    court = make.bookable()

    answer = quote(api, court, 18, 19)

    assert answer.status_code == 200, answer.data
    assert answer.data["quoted_fen"] == 2 * make.PRICE_FEN
    assert [slot["fen_per_hour"] for slot in answer.data["slots"]] == [4000, 4000]
    assert answer.data["slots"][0]["in_words"]
    assert [term["percent"] for term in answer.data["cancel_terms"]] == [100]
    booking = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (18, 19)],
        quoted_fen=answer.data["quoted_fen"],
        request_key=uuid4(),
        by=citizen,
    )
    assert booking.total_fen == answer.data["quoted_fen"]


def test_a_quote_refuses_what_cannot_be_booked(api: APIClient) -> None:
    court = make.bookable()
    make.confirmed(court=court, starts_at=make.tomorrow_at(18))

    answer = quote(api, court, 18)

    assert answer.status_code == 409
    assert answer.data["code"] == "slot_taken"


def test_sports_that_a_venue_does_not_offer_are_not_found() -> None:
    make.bookable(sport=Sport.TENNIS, venue=make.venue(sports=[Sport.TENNIS]))

    assert at_seven(sport="badminton") == []
    assert len(at_seven(sport="tennis")) == 1
