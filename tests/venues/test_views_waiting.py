"""A taken time says why, until when, what else there is, and lets people wait."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from venues import actions
from venues.models import (
    Ballot,
    BallotSlot,
    Bookable,
    Booking,
    Occupancy,
    WaitingEntry,
)
from venues.querysets import period

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    return make.bookable(name="Court 1", venue=make.venue(phone="0537-1234567"))


@pytest.fixture
def signed_in(client: Client, citizen: User) -> Client:
    client.force_login(citizen)
    return client


def slot_url(court: Bookable, starts_at: datetime | None = None) -> str:
    start = (starts_at or make.tomorrow_at(18)).astimezone(clock.CHINA)
    return f"/venues/{court.venue.code}/slot/?slot={court.pk}@{start:%Y-%m-%dT%H:%M}"


# --- Why -------------------------------------------------------------------------


def test_a_taken_cell_of_the_grid_leads_to_its_reason(
    client: Client, court: Bookable
) -> None:
    make.confirmed(court=court)
    day = make.tomorrow_at(18).astimezone(clock.CHINA).date()
    text = client.get(f"/venues/{court.venue.code}/?on={day}").text
    assert f'href="{slot_url(court)}" aria-label="Court 1 18:00 Taken"' in text


def test_a_booked_time_says_so_and_offers_its_line(
    client: Client, court: Bookable
) -> None:
    make.confirmed(court=court)
    text = client.get(slot_url(court)).text
    assert "Somebody has booked this time." in text
    assert "Wait for Court 1" in text
    assert "Nobody waits yet." in text
    assert "0537-1234567" in text


def test_a_held_time_says_until_when(client: Client, court: Bookable) -> None:
    held = make.held(court=court)
    until = clock.at_text(make.end_of_hold(held))
    assert f"Not paid by {until}, it is free again." in client.get(slot_url(court)).text


def test_a_blocked_time_says_what_for(client: Client, court: Bookable) -> None:
    at = make.tomorrow_at(18)
    actions.block_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=at,
        ends_at=at + timedelta(hours=1),
        reason="The floor is being sanded",
        by=make.user(),
    )
    assert "Shut: The floor is being sanded" in client.get(slot_url(court)).text


def test_a_day_that_is_not_open_yet_says_when_it_opens(
    client: Client, court: Bookable
) -> None:
    late = make.tomorrow_at(18) + timedelta(days=court.venue.days_ahead)
    text = client.get(slot_url(court, late)).text
    opens = clock.at_text(clock.at(clock.today() + timedelta(days=1), 0))
    assert f"Can be booked from {opens} on." in text
    assert "Wait for" not in text


def test_a_court_kept_for_the_window_says_until_when(client: Client) -> None:
    venue = make.venue(walk_in_percent=50, walk_in_until_minutes=60)
    courts = [make.bookable(venue=venue) for _ in range(2)]
    texts = [client.get(slot_url(court)).text for court in courts]
    opens = clock.at_text(make.tomorrow_at(17))
    told = [f"Kept for the window and the telephone until {opens}." in t for t in texts]
    assert sorted(told) == [False, True]


def test_a_free_time_leads_to_booking_it(client: Client, court: Bookable) -> None:
    text = client.get(slot_url(court)).text
    assert "This time is free." in text
    assert f"/venues/{court.venue.code}/book/?slot={court.pk}@" in text


@pytest.mark.parametrize(
    "slot", ["", "x", "1@2026-13-45T00:00", "999999@2026-01-01T00:00"]
)
def test_a_time_that_no_grid_has_is_not_found(
    client: Client, court: Bookable, slot: str
) -> None:
    url = f"/venues/{court.venue.code}/slot/?slot={slot}"
    assert client.get(url).status_code == 404


# --- The line --------------------------------------------------------------------


def test_who_is_not_signed_in_comes_back_to_the_time(
    client: Client, court: Bookable
) -> None:
    make.confirmed(court=court)
    answer = client.post(slot_url(court), {"court": "this"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")
    assert "slot%3D" in answer["Location"]


def test_one_stands_in_line_for_a_court_and_sees_the_place(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    make.confirmed(court=court)
    first = make.citizen()
    actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=make.tomorrow_at(18),
        bookable=court,
        by=first,
    )
    answer = signed_in.post(slot_url(court), {"court": "this"}, follow=True)
    entry = WaitingEntry.objects.get(person=citizen)
    assert entry.bookable == court
    assert "You are in line." in answer.text
    assert "1 person before you" in answer.text
    assert "1 person is before you." in signed_in.get(slot_url(court)).text


def test_any_court_is_offered_when_all_are_taken_and_not_before(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    other = make.bookable(venue=court.venue)
    make.confirmed(court=court)
    assert "any court" not in signed_in.get(slot_url(court)).text
    make.confirmed(court=other)
    assert "any court" in signed_in.get(slot_url(court)).text
    signed_in.post(slot_url(court), {"court": "any"})
    assert WaitingEntry.objects.get(person=citizen).bookable is None


def test_waiting_for_a_family_member_is_for_them(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    child = make.dependant(citizen)
    make.confirmed(court=court)
    signed_in.post(f"{slot_url(court)}&for={child.pk}", {"court": "this"})
    assert WaitingEntry.objects.get().dependant == child
    strangers = make.dependant(make.citizen())
    url = f"{slot_url(court)}&for={strangers.pk}"
    assert signed_in.post(url, {"court": "this"}).status_code == 404


def test_waiting_for_what_is_free_is_refused_with_a_way_to_book_it(
    signed_in: Client, court: Bookable
) -> None:
    answer = signed_in.post(slot_url(court), {"court": "this"})
    assert answer.status_code == 409
    assert "This time is free. You can book it right away." in answer.text
    assert "/book/?slot=" in answer.text


def test_leaving_a_line_and_only_ones_own(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    make.confirmed(court=court)
    signed_in.post(slot_url(court), {"court": "this"})
    entry = WaitingEntry.objects.get()
    theirs = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=make.tomorrow_at(18),
        bookable=court,
        by=make.citizen(),
    )
    assert signed_in.post(f"/waiting/{theirs.pk}/leave/").status_code == 404
    answer = signed_in.post(f"/waiting/{entry.pk}/leave/", follow=True)
    assert "You have left this line." in answer.text
    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.LEFT


# --- The offer -------------------------------------------------------------------


def offered_to(person: User, court: Bookable) -> Booking:
    booking = make.confirmed(court=court)
    entry = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=booking.starts_at,
        bookable=court,
        by=person,
    )
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    entry.refresh_from_db()
    assert entry.booking
    return entry.booking


def test_an_offer_is_shown_with_its_end_and_taken_by_paying(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    offer = offered_to(citizen, court)
    text = signed_in.get(offer.get_absolute_url()).text
    assert "This time is held for you" in text
    assert "Pay ¥40" in text
    assert "Decline" in text
    assert "Yours to take" in signed_in.get("/waiting/").text


def test_a_declined_offer_goes_to_the_next(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    offer = offered_to(citizen, court)
    following = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=offer.starts_at,
        bookable=court,
        by=make.citizen(),
    )
    signed_in.post(f"/bookings/{offer.number}/decline/")
    following.refresh_from_db()
    assert following.state == WaitingEntry.State.OFFERED
    # A second tap, or a tap on a booking of one's own, declines nothing.
    mine = make.confirmed(by=citizen)
    assert signed_in.post(f"/bookings/{mine.number}/decline/").status_code == 404
    assert signed_in.post(f"/bookings/{offer.number}/decline/").status_code == 302


def test_a_free_offer_is_accepted_with_one_tap(
    signed_in: Client, citizen: User
) -> None:
    court = make.bookable()
    make.price(venue=court.venue, bookable=court, fen=0)
    taken = make.held(court=court, quoted_fen=0)
    entry = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=taken.starts_at,
        bookable=court,
        by=citizen,
    )
    actions.cancel_booking(booking=taken, by=taken.booked_by)
    entry.refresh_from_db()
    assert entry.booking
    page = signed_in.get(entry.booking.get_absolute_url()).text
    assert f"/bookings/{entry.booking.number}/accept/" in page
    answer = signed_in.post(f"/bookings/{entry.booking.number}/accept/", follow=True)
    assert "The time is yours." in answer.text
    entry.booking.refresh_from_db()
    assert entry.booking.state == Booking.State.CONFIRMED


def test_an_offer_that_ran_out_says_so(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    offer = offered_to(citizen, court)
    actions.expire_holds(at=make.end_of_hold(offer))
    answer = signed_in.post(f"/bookings/{offer.number}/accept/", follow=True)
    assert "This offer has run out." in answer.text


def test_a_court_with_an_open_session_leads_to_its_tickets(client: Client) -> None:
    session = make.session()
    court = session.bookable
    text = client.get(slot_url(court)).text
    assert "Open session “Evening swim”: come with a ticket." in text
    assert f"/venues/{court.venue.code}/sessions/{session.pk}/" in text
    assert "Wait for" not in text


def test_a_drawn_time_names_its_ballot(client: Client, court: Bookable) -> None:
    at = make.tomorrow_at(18)
    ballot = Ballot.objects.create(
        number="2026-prime",
        venue=court.venue,
        sport=court.sport,
        on=clock.local_day(at),
        opens_at=at - timedelta(hours=20),
        closes_at=at - timedelta(hours=12),
        draws_at=at - timedelta(hours=11),
        pay_until=at - timedelta(hours=5),
        set_by=make.user(),
    )
    slot = BallotSlot.objects.create(
        ballot=ballot, bookable=court, starts_at=at, ends_at=at + timedelta(hours=1)
    )
    Occupancy.objects.create(
        unit=court.units.get(),
        during=period(at, at + timedelta(hours=1)),
        kind=Occupancy.Kind.BALLOT,
        ballot_slot=slot,
    )
    until = clock.at_text(ballot.closes_at)
    text = client.get(slot_url(court)).text
    assert f"Given out by ballot 2026-prime; ask for it until {until}." in text
    assert "Wait for" not in text


def test_a_page_of_many_lines_asks_as_often_as_one_of_few(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    def wait(hour: int) -> None:
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
        actions.join_waiting_list(
            venue=court.venue,
            sport=court.sport,
            starts_at=make.tomorrow_at(hour),
            bookable=court,
            by=citizen,
        )

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert signed_in.get("/waiting/").status_code == 200
        return len(seen)

    wait(9)
    few = asked()
    for hour in (11, 13, 15):
        wait(hour)
    assert asked() == few
