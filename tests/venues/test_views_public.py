from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from bureau.accounts.models import Eligibility, User
from bureau.common import clock
from bureau.common.sports import Sport
from tests import make
from venues import actions
from venues.models import Venue

pytestmark = pytest.mark.django_db


# --- The list -----------------------------------------------


def test_the_list_shows_public_venues_by_district(client: Client) -> None:
    make.venue(name="Hall B", district=make.district(position=2))
    hall = make.venue(name="Hall A", district=make.district(position=1))
    make.bookable(venue=hall)
    make.venue(name="Pool Ltd", kind="business")
    text = client.get("/venues/").text
    assert "Pool Ltd" not in text
    assert text.index("Hall A") < text.index("Hall B")
    assert "from ¥40 an hour" in text


def test_the_list_is_nearest_first_where_the_browser_gives_a_place(
    client: Client,
) -> None:
    make.venue(name="Far", location=Point(117.0, 35.4, srid=4326))
    make.venue(name="Near", location=Point(116.51, 35.4, srid=4326))
    text = client.get("/venues/?near=35.400,116.500").text
    assert text.index(">Near<") < text.index(">Far<")
    assert "910 m" in text
    assert "45.4 km" in text


def test_the_list_is_filtered_by_sport_district_and_words(client: Client) -> None:
    here = make.district(code="370811")
    make.venue(name="Swim Hall", sports=[Sport.SWIMMING], district=here)
    make.venue(name="Tennis Park", sports=[Sport.TENNIS])
    assert "Tennis Park" not in client.get("/venues/?sport=swimming").text
    assert "Tennis Park" not in client.get("/venues/?district=370811").text
    assert "Swim Hall" not in client.get("/venues/?q=tennis").text
    assert "Swim Hall" in client.get("/venues/?q=swim&district=370811").text


def test_a_search_without_results_says_what_to_do(client: Client) -> None:
    make.venue()
    assert "Nothing fits this search." in client.get("/venues/?q=zzzz").text


@pytest.mark.parametrize(
    "query",
    [
        "sport=chess",
        "district=999999",
        "district=%00",
        "q=%00",
        "near=north,pole",
        "near=nan,nan",
        "near=91,0",
        "near=1,2,3",
        f"q={'x' * 61}",
    ],
)
def test_a_search_that_makes_no_sense_is_a_friendly_400(
    client: Client, query: str
) -> None:
    answer = client.get(f"/venues/?{query}")
    assert answer.status_code == 400
    assert "We could not read this search." in answer.text


@pytest.mark.parametrize("page", ["1000000000", "0", "-1", "x", "2", "9" * 5000])
def test_a_page_that_does_not_exist_is_a_friendly_404(
    client: Client, page: str
) -> None:
    make.venue()
    answer = client.get(f"/venues/?page={page}")
    assert answer.status_code == 404
    assert "This page does not exist." in answer.text


def test_the_list_asks_as_often_for_twenty_venues_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    place = make.district()
    make.venue(district=place)
    client.get("/venues/")  # the working calendar is read once for all
    with django_assert_num_queries(9):
        client.get("/venues/")
    for _ in range(19):
        make.venue(district=place)
    with django_assert_num_queries(9):
        client.get("/venues/")


# --- The map -----------------------------------------------


def test_the_map_page_lists_the_same_venues_for_who_has_no_script(
    client: Client,
) -> None:
    shown = make.venue(name="Hall A")
    text = client.get("/venues/map/").text
    assert 'data-map-points="/venues/points.geojson"' in text
    assert f'href="/venues/{shown.code}/"' in text
    assert "<noscript>" in text
    assert client.get("/venues/map/?sport=chess").status_code == 404


def test_the_points_are_grouped_for_the_viewport(client: Client) -> None:
    make.venue(name="West", location=Point(116.5, 35.4, srid=4326))
    east = make.venue(name="East", location=Point(116.6, 35.4, srid=4326))
    make.venue(name="Gone", location=Point(100.0, 35.4, srid=4326))
    box = "bbox=116,35,117,36"
    answer = client.get(f"/venues/points.geojson?{box}&zoom=7")
    assert answer["Content-Type"] == "application/geo+json"
    assert "no-store" in answer["Cache-Control"]  # what is free is never old
    counts = [f["properties"]["count"] for f in answer.json()["features"]]
    assert sum(counts) == 2
    features = client.get(f"/venues/points.geojson?{box}&zoom=15").json()["features"]
    assert {"count": 1, "name": "East", "url": f"/venues/{east.code}/"} in [
        feature["properties"] for feature in features
    ]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "bbox=1,2,3&zoom=9",
        "bbox=a,b,c,d&zoom=9",
        "bbox=nan,nan,nan,nan&zoom=9",
        "bbox=inf,35,117,36&zoom=9",
        "bbox=117,35,116,36&zoom=9",
        "bbox=116,35,117,36&zoom=99",
        "bbox=116,35,117,36&zoom=9&sport=chess",
    ],
)
def test_a_viewport_that_makes_no_sense_is_a_400(client: Client, query: str) -> None:
    answer = client.get(f"/venues/points.geojson?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"


# --- One venue -----------------------------------------------


def day(ahead: int) -> str:
    return (clock.today() + timedelta(days=ahead)).isoformat()


def hall(**given: Any) -> Venue:
    return make.bookable(venue=make.venue(**given), name="Court 1").venue


def test_a_venue_shows_its_facts_days_and_free_slots(client: Client) -> None:
    court = make.bookable(
        venue=make.venue(phone="0537-0000001", facilities=["shower"]), name="Court 1"
    )
    text = client.get(f"/venues/{court.venue.code}/?on={day(1)}").text
    assert "0537-0000001" in text
    assert "Showers" in text
    assert f'value="{court.pk}@{day(1)}T18:00"' in text
    assert 'aria-label="Court 1 18:00 ¥40"' in text
    assert f"on={day(7)}" in text
    assert "Not yet" in text


def test_taken_slots_say_so_in_words_and_cannot_be_chosen(client: Client) -> None:
    court = make.bookable()
    make.confirmed(court=court, starts_at=make.tomorrow_at(18))
    make.held(court=court, starts_at=make.tomorrow_at(19))
    text = client.get(f"/venues/{court.venue.code}/?on={day(1)}").text
    assert f'value="{court.pk}@{day(1)}T18:00"' not in text
    assert f'value="{court.pk}@{day(1)}T19:00"' not in text
    assert ">Taken<" in text
    assert ">Held<" in text


def test_a_day_that_opens_later_says_when(client: Client) -> None:
    shown = hall()
    text = client.get(f"/venues/{shown.code}/?on={day(8)}").text
    assert "This day can be booked from" in text
    assert 'type="checkbox"' not in text


@pytest.mark.parametrize("on", ["2020-01-01", "2099-01-01", "tomorrow", "2026-02-30"])
def test_a_day_that_is_not_shown_leads_to_today(client: Client, on: str) -> None:
    shown = hall()
    answer = client.get(f"/venues/{shown.code}/?on={on}")
    assert answer.status_code == 302
    assert answer["Location"] == f"/venues/{shown.code}/?sport=badminton"


def test_what_is_not_there_is_a_404(client: Client) -> None:
    shown = hall()
    shut = hall(closed_on=clock.today())
    business = hall(kind="business")
    assert client.get(f"/venues/{shown.code}/?sport=chess").status_code == 404
    for code in (shut.code, business.code, "NOSUCHVENUE1"):
        assert client.get(f"/venues/{code}/").status_code == 404


def test_each_sport_has_its_own_grid(client: Client) -> None:
    shown = make.venue(sports=[Sport.BADMINTON, Sport.TENNIS])
    make.bookable(venue=shown, sport=Sport.BADMINTON, name="Feather 1")
    make.bookable(venue=shown, sport=Sport.TENNIS, name="Clay 1")
    text = client.get(f"/venues/{shown.code}/?sport=tennis&on={day(1)}").text
    assert "Clay 1" in text
    assert "Feather 1" not in text


def test_a_venue_without_courts_says_so(client: Client) -> None:
    text = client.get(f"/venues/{make.venue().code}/").text
    assert "Nothing can be booked here online." in text


def test_a_person_sees_their_own_price(client: Client, citizen: User) -> None:
    court = make.bookable()
    make.price(venue=court.venue, fen=0, group="student")
    Eligibility.objects.create(
        user=citizen,
        kind=Eligibility.Kind.STUDENT,
        state=Eligibility.State.APPROVED,
        expires_on=clock.today() + timedelta(days=90),
        asked_at=clock.now(),
        decided_at=clock.now(),
        decided_by=make.user(),
    )
    url = f"/venues/{court.venue.code}/?on={day(1)}"
    assert "slot--free" not in client.get(url).text.split("<table", 1)[1]
    client.force_login(citizen)
    text = client.get(url).text
    assert "You see your own reduced prices." in text
    assert "slot--free" in text.split("<table", 1)[1]


def test_a_blocked_court_reads_shut(client: Client) -> None:
    court = make.bookable()
    actions.block_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=make.tomorrow_at(8),
        ends_at=make.tomorrow_at(12),
        reason="Floor polished",
        by=make.user(),
    )
    text = client.get(f"/venues/{court.venue.code}/?on={day(1)}").text
    assert ">Shut<" in text


def test_the_grid_asks_as_often_for_thirty_courts_as_for_one(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shown = hall()
    url = f"/venues/{shown.code}/?on={day(1)}"
    client.get(url)  # reads the rules, which are kept
    with django_assert_num_queries(7):
        client.get(url)
    for _ in range(29):
        make.bookable(venue=shown)
    client.get(url)
    with django_assert_num_queries(7):
        client.get(url)


def test_a_court_named_in_markup_is_only_text(client: Client) -> None:
    venue = make.venue()
    make.bookable(venue=venue, name='<b>"1"')

    page = client.get(f"{venue.get_absolute_url()}?on={clock.today() + timedelta(1)}")

    assertNotContains(page, "<b>&quot;")
    assertNotContains(page, '<b>"1')
    assertContains(page, "&lt;b&gt;&quot;1&quot;")
