"""The ticket page, from the venue's page to the pass."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from tests.venues.actions.test_open_sessions import entitle
from venues import actions
from venues.actions import Prices
from venues.models import Booking, OpenSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> OpenSession:
    return make.session(capacity=6)


@pytest.fixture
def signed_in(client: Client, citizen: User) -> Client:
    client.force_login(citizen)
    return client


def page_of(session: OpenSession, query: str = "") -> str:
    return f"/venues/{session.venue.code}/sessions/{session.pk}/{query}"


def agree(fen: int) -> dict[str, str]:
    return {"quoted_fen": str(fen), "request_key": str(uuid.uuid4())}


def test_the_venue_page_shows_the_sessions_of_the_day(
    client: Client, session: OpenSession
) -> None:
    tomorrow = clock.local_day(session.starts_at)

    text = client.get(f"/venues/{session.venue.code}/?on={tomorrow}").text

    assert page_of(session) in text
    assert "6 places left" in text
    assert "¥20" in text
    today = client.get(f"/venues/{session.venue.code}/").text
    assert page_of(session) not in today


def test_who_is_entitled_sees_the_own_price(
    signed_in: Client, citizen: User, session: OpenSession
) -> None:
    entitle(citizen)
    tomorrow = clock.local_day(session.starts_at)

    text = signed_in.get(f"/venues/{session.venue.code}/?on={tomorrow}").text

    assert "reduced ¥10" in text


def test_a_venue_that_only_has_sessions_shows_them(client: Client) -> None:
    session = make.session(bookable=make.bookable(is_open=False))
    tomorrow = clock.local_day(session.starts_at)

    text = client.get(f"/venues/{session.venue.code}/?on={tomorrow}").text

    assert page_of(session) in text


def test_who_is_not_signed_in_keeps_the_number_of_places(
    client: Client, session: OpenSession
) -> None:
    answer = client.get(page_of(session, "?places=3"))

    assert answer.status_code == 302
    assert "places%3D3" in answer["Location"]


def test_the_page_tells_the_breakdown_and_sells(
    signed_in: Client, citizen: User, session: OpenSession
) -> None:
    entitle(citizen)
    address = page_of(session, "?places=3")

    text = signed_in.get(address).text
    assert "1 × ¥10" in text
    assert "2 × ¥20" in text
    assert 'value="5000"' in text
    answer = signed_in.post(address, agree(50_00))

    booking = Booking.objects.get()
    number = make.payment_of(booking).number
    assert answer["Location"] == f"/pay/{number}/go/sandbox/"
    booking_page = signed_in.get(booking.get_absolute_url()).text
    assert "Evening swim" in booking_page
    assert "2 × ¥20" in booking_page


def test_a_free_session_is_one_tap(signed_in: Client) -> None:
    session = make.session(prices=Prices(0, 0))

    answer = signed_in.post(page_of(session), agree(0))

    booking = Booking.objects.get()
    assert answer["Location"] == booking.get_absolute_url()
    assert booking.state == Booking.State.CONFIRMED
    assert signed_in.get(page_of(session)).text.count("You have 1 place") == 1


def test_a_lost_place_is_a_question_with_fewer_places(
    signed_in: Client, session: OpenSession
) -> None:
    make.tickets(session, places=5)

    answer = signed_in.post(page_of(session, "?places=3"), agree(60_00))

    assert answer.status_code == 409
    assert "1 can still be had" in answer.text
    assert 'value="2000"' in answer.text


@pytest.mark.parametrize("places", ["0", "9", "x", "-1", "٣", "11"])
def test_odd_numbers_of_places_break_nothing(
    signed_in: Client, session: OpenSession, places: str
) -> None:
    assert signed_in.get(page_of(session, f"?places={places}")).status_code == 200


def test_a_damaged_form_is_asked_again(signed_in: Client, session: OpenSession) -> None:
    answer = signed_in.post(page_of(session), {})

    assert answer.status_code == 422
    assert not Booking.objects.exists()


def test_what_cannot_be_had_says_why(signed_in: Client) -> None:
    full = make.session(capacity=1)
    make.tickets(full)
    assert "All places are taken" in signed_in.get(page_of(full)).text

    later = make.session(starts_at=make.tomorrow_at(9) + timedelta(days=8))
    assert "Tickets can be had from" in signed_in.get(page_of(later)).text

    gone = make.session()
    actions.cancel_session(session=gone, reason="Storm", by=make.user())
    assert "This session is cancelled" in signed_in.get(page_of(gone)).text

    with time_machine.travel(later.starts_at, tick=False):
        assert "has begun" in signed_in.get(page_of(later)).text


def test_another_venues_address_finds_nothing(
    signed_in: Client, session: OpenSession
) -> None:
    other = make.venue()

    assert signed_in.get(
        f"/venues/{other.code}/sessions/{session.pk}/"
    ).status_code == (404)


# --- Waiting for places ---------------------------------------------------------------


def sell_out(session: OpenSession) -> Booking:
    """All but one place to some people, the last one to a person of its own."""
    while session.left > 1:
        make.pay(make.tickets(session, places=min(5, session.left - 1)))
        session.refresh_from_db()
    return make.pay(make.tickets(session))


def test_a_full_session_lets_one_stand_in_line_and_take_what_is_given_back(
    signed_in: Client, citizen: User, session: OpenSession
) -> None:
    last = sell_out(session)

    page = signed_in.get(page_of(session)).text
    assert "All places are taken." in page
    assert f'formaction="{page_of(session, "wait/")}"' in page
    joined = signed_in.post(page_of(session, "wait/"), {"wait_places": "1"})

    assert joined["Location"] == "/waiting/"
    line = signed_in.get("/waiting/").text
    assert "First in line" in line
    assert session.name in line
    assert "You are the first." in signed_in.get(page_of(session)).text

    last.refresh_from_db()
    actions.cancel_booking(booking=last, by=last.booked_by)
    assert "Yours to take" in signed_in.get("/waiting/").text
    offer = Booking.objects.get(booked_by=citizen)
    assert signed_in.get(offer.get_absolute_url()).status_code == 200
    signed_in.post(f"/bookings/{offer.number}/decline/")
    session.refresh_from_db()
    assert session.left == 1


def test_a_family_can_wait_for_more_places_than_are_left(
    signed_in: Client, citizen: User, session: OpenSession
) -> None:
    make.pay(make.tickets(session, places=4))

    page = signed_in.get(page_of(session)).text
    assert "How many places" in page
    signed_in.post(page_of(session, "wait/"), {"wait_places": "3"})

    assert citizen.waiting_entries.get().places == 3
    assert f"{session.name}</a> × 3" in signed_in.get("/waiting/").text


def test_who_asks_for_places_that_are_left_is_told_to_take_them(
    signed_in: Client, session: OpenSession
) -> None:
    said = signed_in.post(page_of(session, "wait/"), {"wait_places": "2"})

    assert said.status_code == 409
    assert "You can take them right away." in said.text
    assert signed_in.get(page_of(session, "wait/")).status_code == 302


def test_a_session_that_has_begun_or_is_cancelled_offers_no_line(
    signed_in: Client, session: OpenSession
) -> None:
    sell_out(session)
    with time_machine.travel(session.starts_at, tick=False):
        assert "wait/" not in signed_in.get(page_of(session)).text
    actions.cancel_session(session=session, reason="Pump", by=make.user())
    assert "wait/" not in signed_in.get(page_of(session)).text


def test_who_asks_to_wait_after_the_start_is_told_why_not(
    signed_in: Client, session: OpenSession
) -> None:
    sell_out(session)
    with time_machine.travel(session.starts_at, tick=False):
        said = signed_in.post(page_of(session, "wait/"), {"wait_places": "1"})

    assert said.status_code == 409
    assert "This session has begun. Ask for a ticket at the window." in said.text
    assert not session.line.exists()
