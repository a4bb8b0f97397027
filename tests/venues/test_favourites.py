from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bureau.accounts.models import User
from tests import make
from venues import actions, queries
from venues.models import Favourite, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue() -> Venue:
    return make.bookable().venue


@pytest.fixture
def signed_in(client: Client, citizen: User) -> Client:
    client.force_login(citizen)
    return client


def test_a_heart_keeps_a_venue_and_lets_it_go(
    signed_in: Client, citizen: User, venue: Venue
) -> None:
    url = f"/venues/{venue.code}/favourite/"
    answer = signed_in.post(url, {"keep": "yes", "next": "/venues/?page=1"})
    assert answer["Location"] == "/venues/?page=1"
    signed_in.post(url, {"keep": "yes"})
    assert Favourite.objects.filter(user=citizen, venue=venue).count() == 1
    assert 'aria-pressed="true"' in signed_in.get(venue.get_absolute_url()).text
    signed_in.post(url, {"keep": "no"})
    assert not Favourite.objects.exists()
    assert 'aria-pressed="false"' in signed_in.get(venue.get_absolute_url()).text


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", ""])
def test_a_heart_leads_nowhere_else(signed_in: Client, venue: Venue, away: str) -> None:
    answer = signed_in.post(f"/venues/{venue.code}/favourite/", {"next": away})
    assert answer["Location"] == venue.get_absolute_url()


def test_a_visitor_signs_in_and_comes_back_to_the_venue(
    client: Client, venue: Venue
) -> None:
    answer = client.post(f"/venues/{venue.code}/favourite/")
    assert "login" in answer["Location"]
    assert venue.code in answer["Location"]


def test_kept_venues_are_on_their_page_on_me_and_at_home(
    signed_in: Client, citizen: User, venue: Venue
) -> None:
    assert "No favourites yet" in signed_in.get("/favourites/").text
    actions.add_favourite(venue=venue, by=citizen)
    for page in ("/favourites/", "/me/", "/"):
        assert venue.name in signed_in.get(page).text, page


def test_a_page_of_hearts_asks_once(signed_in: Client, citizen: User) -> None:
    def questions() -> int:
        signed_in.get("/venues/")
        with CaptureQueriesContext(connection) as asked:
            signed_in.get("/venues/")
        return sum("venues_favourite" in query["sql"] for query in asked)

    for _ in range(4):
        actions.add_favourite(venue=make.bookable().venue, by=citizen)
    assert questions() == 1


def test_an_account_that_goes_takes_its_bookmarks_along(
    citizen: User, venue: Venue
) -> None:
    actions.add_favourite(venue=venue, by=citizen)
    actions.make_feed(by=citizen)
    copy = queries.together_data_of(citizen)
    assert copy["favourite_venues"] == [venue.name]
    assert copy["calendar_address_made_at"]
    actions.forget_person(citizen)
    assert queries.together_data_of(citizen) == {
        "joined_bookings": [],
        "favourite_venues": [],
        "calendar_address_made_at": None,
    }


def test_whoever_plays_along_tomorrow_keeps_the_account(
    citizen: User, stranger: User
) -> None:
    booking = actions.make_invite(booking=make.confirmed(by=citizen), by=citizen)
    companion = actions.join_booking(code=booking.invite_code or "", by=stranger)
    (reason,) = queries.reasons_to_stay_along(stranger)
    assert booking.number in reason
    actions.leave_booking(companion=companion, by=stranger)
    assert queries.reasons_to_stay_along(stranger) == []
