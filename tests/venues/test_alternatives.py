"""When a time was just taken, the three nearest ways out are named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from venues import actions, queries
from venues.models import Bookable, Venue
from venues.queries import Alternative, WaysOut
from venues.queries import lately as lately_seen

pytestmark = pytest.mark.django_db

HERE = Point(116.587, 35.415, srid=4326)


def at(metres_north: int) -> Point:
    return Point(HERE.x, HERE.y + metres_north / 111_000, srid=4326)


@pytest.fixture
def venue() -> Venue:
    return make.venue(opens=9 * 60, closes=22 * 60, location=HERE)


@pytest.fixture
def court(venue: Venue) -> Bookable:
    return make.bookable(venue=venue, name="Court 1")


def ways_out(court: Bookable, *hours: int) -> list[Alternative]:
    return queries.alternatives_to(
        Venue.objects.get(pk=court.venue_id),
        [(court.pk, make.tomorrow_at(hour)) for hour in hours or (18,)],
        at=clock.now(),
    )


def told(found: list[Alternative]) -> list[tuple[str, str, int]]:
    return [
        (
            other.nearness.value,
            other.bookable.name,
            other.starts_at.astimezone(clock.CHINA).hour,
        )
        for other in found
    ]


def test_another_court_the_nearest_time_and_the_nearest_venue(
    venue: Venue, court: Bookable
) -> None:
    make.bookable(venue=venue, name="Court 2")
    near = make.bookable(venue=make.venue(location=at(900)), name="Near")
    make.bookable(venue=make.venue(location=at(5000)), name="Far")
    make.confirmed(court=court)

    found = ways_out(court)

    assert told(found) == [
        ("court", "Court 2", 18),
        ("time", "Court 1", 17),
        ("venue", "Near", 18),
    ]
    assert found[2].venue == near.venue
    assert found[2].distance_m == pytest.approx(900, abs=15)
    assert found[0].total_fen == make.PRICE_FEN


def test_a_nearer_venue_that_is_taken_shut_or_dear_in_rules_is_passed_by(
    court: Bookable,
) -> None:
    taken = make.bookable(venue=make.venue(location=at(300)))
    make.confirmed(court=taken)
    shut = make.venue(location=at(400), opens=0, closes=600)
    make.bookable(venue=shut)
    not_yet = make.venue(location=at(500), days_ahead=0)
    make.bookable(venue=not_yet)
    good = make.bookable(venue=make.venue(location=at(600)), name="Good")
    make.confirmed(court=court)

    found = [other for other in ways_out(court) if other.nearness == "venue"]

    assert [other.bookable for other in found] == [good]


def test_what_can_be_named_can_be_booked(venue: Venue, court: Bookable) -> None:
    make.bookable(venue=venue)
    make.bookable(venue=make.venue(location=at(900)))
    make.confirmed(court=court)
    for other in ways_out(court):
        booking = make.held(
            court=other.bookable,
            starts_at=other.starts_at,
            quoted_fen=other.total_fen,
        )
        assert booking.pk


def test_two_hours_in_a_row_are_replaced_by_two_hours_in_a_row(
    venue: Venue, court: Bookable
) -> None:
    second = make.bookable(venue=venue, name="Court 2")
    make.confirmed(court=court, starts_at=make.tomorrow_at(18))
    make.confirmed(court=second, starts_at=make.tomorrow_at(19))

    found = ways_out(court, 18, 19)

    # Court 2 is taken in the second hour; the same court is free an hour later.
    assert told(found)[:2] == [("time", "Court 1", 19), ("time", "Court 2", 17)]
    assert all(len(other.slots) == 2 for other in found)
    assert found[0].total_fen == 2 * make.PRICE_FEN


def test_on_a_day_that_is_full_the_next_day_is_looked_at(court: Bookable) -> None:
    staff = make.user()
    actions.block_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=make.tomorrow_at(0),
        ends_at=make.tomorrow_at(0) + timedelta(days=1),
        reason="Match",
        by=staff,
    )
    found = ways_out(court)
    assert [other.nearness.value for other in found] == ["time"] * 3
    assert clock.local_day(found[0].starts_at) == clock.today() + timedelta(days=2)


def test_the_questions_are_as_many_in_a_large_city_as_in_a_small_one(
    venue: Venue, court: Bookable
) -> None:
    make.bookable(venue=venue)
    make.bookable(venue=make.venue(location=at(500)))
    make.confirmed(court=court)
    ways_out(court)  # the rules are known

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert len(ways_out(court)) == 3
        return len(seen)

    few = asked()
    for n in range(8):
        far = make.venue(location=at(2000 + n))
        for _ in range(3):
            make.bookable(venue=far)
    assert asked() == few


# --- In a rush ------------------------------------------------------------------------


@pytest.fixture
def a_minute(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The clock of the memory, which a test turns on."""
    reading = [1000.0]
    monkeypatch.setattr(lately_seen, "monotonic", lambda: reading[0])
    lately_seen.forget_lately()
    yield reading
    lately_seen.forget_lately()


def lately(court: Bookable, hour: int = 18) -> WaysOut:
    return queries.ways_out(
        Venue.objects.get(pk=court.venue_id),
        [(court.pk, make.tomorrow_at(hour))],
        at=clock.now(),
        lately=True,
    )


def test_what_is_free_is_remembered_for_a_second(
    venue: Venue, court: Bookable, a_minute: list[float]
) -> None:
    other = make.bookable(venue=venue, name="Court 2")
    make.confirmed(court=court)
    first = told(lately(court).alternatives)
    assert ("court", "Court 2", 18) in first
    make.confirmed(court=other)
    assert told(lately(court).alternatives) == first
    a_minute[0] += lately_seen.LATELY_SECONDS
    assert ("court", "Court 2", 18) not in told(lately(court).alternatives)


def test_in_a_rush_nothing_is_asked_in_place_of_three_questions(
    venue: Venue, court: Bookable, a_minute: list[float]
) -> None:
    make.bookable(venue=venue)
    make.bookable(venue=make.venue(location=at(500)))
    make.confirmed(court=court)
    now = clock.now()
    wanted = [(court.pk, make.tomorrow_at(18))]
    hall = Venue.objects.get(pk=court.venue_id)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            queries.ways_out(hall, wanted, at=now, lately=True)
        return len(seen)

    asked()  # the rules are known
    lately_seen.forget_lately()
    assert (asked(), asked()) == (3, 0)


def test_what_was_just_taken_is_never_remembered_as_free(
    venue: Venue, court: Bookable, a_minute: list[float]
) -> None:
    make.bookable(venue=venue, name="Court 2")
    assert not lately(court).barred  # nothing is taken yet, and that is remembered
    make.confirmed(court=court)
    ways = lately(court)
    assert [court.name for court, _offer in ways.barred] == ["Court 1"]
    assert ("court", "Court 2", 18) in told(ways.alternatives)


def test_other_prices_are_other_memories(
    venue: Venue, court: Bookable, a_minute: list[float]
) -> None:
    make.bookable(venue=venue, name="Court 2")
    make.price(venue=venue, fen=1000, group="senior")
    make.confirmed(court=court)
    full = lately(court).alternatives[0].total_fen
    hall = Venue.objects.get(pk=venue.pk)
    reduced = queries.ways_out(
        hall,
        [(court.pk, make.tomorrow_at(18))],
        at=clock.now(),
        groups=frozenset({"senior"}),
        lately=True,
    )
    assert reduced.alternatives[0].total_fen == 1000 < full


# --- Where they are shown ----------------------------------------------------------


def test_the_refusal_page_leads_on(
    client: Client, citizen: User, venue: Venue, court: Bookable
) -> None:
    other = make.bookable(venue=venue, name="Court 2")
    make.confirmed(court=court)
    client.force_login(citizen)
    day = clock.today() + timedelta(days=1)
    base = f"/venues/{venue.code}"
    answer = client.get(f"{base}/book/?slot={court.pk}@{day}T18:00")
    assert answer.status_code == 409
    assert "Same time on Court 2" in answer.text
    assert f"{base}/book/?slot={other.pk}@{day}T18:00" in answer.text
    assert f"{base}/slot/?slot={court.pk}@{day}T18:00" in answer.text


def test_the_refusal_of_the_api_names_them(
    api: APIClient, citizen: User, venue: Venue, court: Bookable
) -> None:
    other = make.bookable(venue=venue, name="Court 2")
    make.confirmed(court=court)
    api.force_authenticate(citizen)
    start = make.tomorrow_at(18).isoformat()
    wish = {
        "venue": venue.code,
        "slots": [{"court": court.pk, "starts_at": start}],
        "quoted_fen": make.PRICE_FEN,
    }
    headers = {"Idempotency-Key": "one-of-many-keys"}
    answer = api.post("/api/v1/bookings/", wish, format="json", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    first = answer.json()["detail"]["alternatives"][0]
    assert first["nearness"] == "court"
    assert first["slots"][0]["court"] == other.pk

    again = {
        "venue": first["venue"]["code"],
        "slots": [
            {"court": slot["court"], "starts_at": slot["starts_at"]}
            for slot in first["slots"]
        ],
        "quoted_fen": first["total_fen"],
    }
    assert api.post("/api/v1/bookings/", again, format="json").status_code == 201


def test_no_unnamed_day_is_asked_for_an_unknown_court(court: Bookable) -> None:
    venue = Venue.objects.get(pk=court.venue_id)
    wanted = [(0, make.tomorrow_at(18))]
    assert queries.alternatives_to(venue, wanted, at=clock.now()) == []
