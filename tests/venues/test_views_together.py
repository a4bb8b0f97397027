"""Playing together: what the booker and those who join see and can do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from bureau.accounts.models import User
from bureau.common import clock, codes
from tests import make
from venues import actions
from venues.models import Booking, Companion, EntryPass, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking(citizen: User) -> Booking:
    made = make.confirmed(by=citizen, court=make.bookable(name="Court 1"))
    return actions.make_invite(booking=made, by=citizen)


@pytest.fixture
def booker(citizen: User) -> Client:
    client = Client()
    client.force_login(citizen)
    return client


@pytest.fixture
def friend(stranger: User) -> Client:
    client = Client()
    client.force_login(stranger)
    return client


def companion_of(booking: Booking, person: User) -> Companion:
    return actions.join_booking(code=booking.invite_code or "", by=person)


def test_a_booker_makes_renews_and_withdraws_the_link(
    booker: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    url = f"/bookings/{booking.number}/companions/"
    page = booker.get(url)
    assert "Make an invite link" in page.text
    page = booker.post(url, {"wish": "make"}, follow=True)
    booking.refresh_from_db()
    first = booking.invite_code
    assert f"{settings.PUBLIC_URL}/j/{first}/" in page.text
    picture = booker.get(f"/bookings/{booking.number}/invite.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    booker.post(url, {"wish": "make"})
    booking.refresh_from_db()
    assert booking.invite_code != first
    booker.post(url, {"wish": "withdraw"})
    booking.refresh_from_db()
    assert booking.invite_code is None
    assert booker.get(f"/bookings/{booking.number}/invite.svg").status_code == 404
    assert booker.post(url, {"wish": "dance"}).status_code == 404


def test_the_booking_page_leads_there(booker: Client, booking: Booking) -> None:
    page = booker.get(booking.get_absolute_url())
    assert f"/bookings/{booking.number}/companions/" in page.text
    assert "0 of 3 have joined" in page.text
    assert f"/bookings/{booking.number}/booking.ics" in page.text


def test_whoever_opens_the_link_sees_who_invites_before_signing_in(
    client: Client, booking: Booking, citizen: User
) -> None:
    address = f"/j/{booking.invite_code}/"
    page = client.get(address)
    assert f"{citizen.display_name} invites you to play" in page.text
    assert (citizen.phone or "?") not in page.text
    assert f"?next={address}" in page.text
    assert "Play along</button>" not in page.text
    assert page["X-Robots-Tag"] == "noindex"
    answer = client.post(address)
    assert answer["Location"].endswith(f"?next={address}")
    assert not Companion.objects.exists()


def test_the_name_of_staff_who_invite_is_no_more_open_than_others(
    client: Client, booking: Booking, citizen: User
) -> None:
    citizen.last_name, citizen.first_name, citizen.is_staff = "王", "小明", True
    citizen.save()
    assert "王小明" not in client.get(f"/j/{booking.invite_code}/").text


def test_a_link_that_was_withdrawn_says_so_to_anybody(client: Client) -> None:
    page = client.get("/j/0123456789AB/")
    assert page.status_code == 404
    assert "Sign in to play along" not in page.text


def test_the_invited_see_what_where_when_and_a_masked_name(
    friend: Client, booking: Booking, citizen: User
) -> None:
    page = friend.get(f"/j/{booking.invite_code}/")
    assert f"{citizen.display_name} invites you to play" in page.text
    assert booking.venue.name in page.text
    assert "Court 1" in page.text
    assert (citizen.phone or "?") not in page.text
    assert "¥" not in page.text


def test_to_join_leads_to_a_page_and_a_pass_of_ones_own(
    friend: Client, booking: Booking, stranger: User
) -> None:
    page = friend.post(f"/j/{booking.invite_code}/", follow=True)
    assert page.redirect_chain[-1][0] == f"/together/{booking.number}/"
    assert "You play along" in page.text
    mine = EntryPass.objects.get(companion__user=stranger)
    shown = friend.get(f"/together/{booking.number}/pass/")
    assert mine.code[:4] in shown.text
    assert "¥" not in shown.text
    picture = friend.get(f"/together/{booking.number}/pass/qr.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert len(friend.get(f"/together/{booking.number}/pass/now.json").json()["digits"])
    # The link again leads straight to it.
    again = friend.get(f"/j/{booking.invite_code}/")
    assert again["Location"] == f"/together/{booking.number}/"


def test_each_sees_only_their_own_pass(
    friend: Client, booker: Client, booking: Booking, stranger: User
) -> None:
    companion_of(booking, stranger)
    own = make.pass_of(booking).code[:4]
    joined = EntryPass.objects.get(companion__user=stranger).code[:4]
    mine = booker.get(f"/bookings/{booking.number}/pass/").text
    theirs = friend.get(f"/together/{booking.number}/pass/").text
    assert own in mine
    assert joined not in mine
    assert joined in theirs
    assert own not in theirs
    assert friend.get(f"/bookings/{booking.number}/").status_code == 404
    assert friend.get(f"/bookings/{booking.number}/pass/").status_code == 404
    assert booker.get(f"/together/{booking.number}/pass/").status_code == 404


def test_a_joined_booking_is_found_under_my_bookings_and_me(
    friend: Client, booking: Booking, stranger: User
) -> None:
    companion_of(booking, stranger)
    for page in ("/bookings/", "/me/", "/calendar/"):
        assert (
            f"/together/{booking.number}/"
            in friend.get(
                page, {"month": f"{booking.starts_at:%Y-%m}"} if "cal" in page else {}
            ).text
        ), page


def test_what_is_mine_to_pay_stands_before_what_i_only_join(
    friend: Client, booking: Booking, stranger: User
) -> None:
    companion_of(booking, stranger)
    later = booking.starts_at + timedelta(days=1)
    own = make.held(by=stranger, starts_at=later)
    text = friend.get("/bookings/").text
    assert text.index(own.number) < text.index(booking.number)


def test_who_leaves_is_gone(friend: Client, booking: Booking, stranger: User) -> None:
    companion_of(booking, stranger)
    page = friend.post(f"/together/{booking.number}/leave/", follow=True)
    assert "You do not play along any more." in page.text
    assert friend.get(f"/together/{booking.number}/").status_code == 404
    assert friend.post(f"/together/{booking.number}/leave/").status_code == 404


def test_the_booker_removes_one(
    booker: Client, friend: Client, booking: Booking, stranger: User
) -> None:
    companion = companion_of(booking, stranger)
    url = f"/bookings/{booking.number}/companions/"
    assert stranger.display_name in booker.get(url).text
    page = booker.post(url, {"wish": "remove", "companion": companion.pk}, follow=True)
    assert "Removed" in page.text
    assert friend.get(f"/together/{booking.number}/").status_code == 404
    page = booker.post(url, {"wish": "remove", "companion": companion.pk}, follow=True)
    assert "not among those who play along" in page.text


@pytest.mark.parametrize("given", ["", "x", "9" * 30, "-1"])
def test_nonsense_for_a_companion_is_not_found(
    booker: Client, booking: Booking, given: str
) -> None:
    url = f"/bookings/{booking.number}/companions/"
    answer = booker.post(url, {"wish": "remove", "companion": given})
    assert answer.status_code == 404


def test_a_strangers_booking_has_no_companions_page(
    friend: Client, booking: Booking
) -> None:
    assert friend.get(f"/bookings/{booking.number}/companions/").status_code == 404


def test_one_booking_cannot_remove_anothers_companion(
    booker: Client, booking: Booking, citizen: User
) -> None:
    other = actions.make_invite(booking=make.confirmed(), by=citizen)
    companion = companion_of(other, make.citizen())
    answer = booker.post(
        f"/bookings/{booking.number}/companions/",
        {"wish": "remove", "companion": companion.pk},
    )
    assert answer.status_code == 404


def test_a_link_that_does_not_hold_says_so(friend: Client) -> None:
    page = friend.get("/j/0000-0000-0000/")
    assert page.status_code == 404
    assert "does not hold any more" in page.text
    assert friend.post("/j/000000000000/").status_code == 404


def test_a_full_party_says_so(friend: Client, booking: Booking) -> None:
    for _ in range(3):
        companion_of(booking, make.citizen())
    assert "All places" in friend.get(f"/j/{booking.invite_code}/").text
    answer = friend.post(f"/j/{booking.invite_code}/")
    assert answer.status_code == 409
    assert "given away" in answer.text


def test_too_late_is_said_to_both(
    friend: Client, booker: Client, booking: Booking
) -> None:
    with time_machine.travel(booking.starts_at - timedelta(minutes=10), tick=False):
        assert "One could join until" in friend.get(f"/j/{booking.invite_code}/").text
        page = booker.get(f"/bookings/{booking.number}/companions/")
        assert "could be changed until" in page.text


def test_the_bookers_own_link_leads_to_the_party(
    booker: Client, booking: Booking
) -> None:
    page = booker.get(f"/j/{booking.invite_code}/")
    assert "This is your own booking" in page.text
    assert f"/bookings/{booking.number}/companions/" in page.text


def test_a_cancelled_booking_tells_who_joined(
    friend: Client, booking: Booking, stranger: User, citizen: User
) -> None:
    companion_of(booking, stranger)
    actions.cancel_booking(booking=booking, by=citizen)
    page = friend.get(f"/together/{booking.number}/")
    assert "your pass is void" in page.text
    again = friend.get(f"/together/{booking.number}/pass/")
    assert again["Location"] == f"/together/{booking.number}/"
    assert clock.now() < booking.starts_at


def test_the_gate_says_with_whom_somebody_plays(
    booking: Booking, stranger: User, citizen: User
) -> None:
    ticket = companion_of(booking, stranger).entry_pass
    gate = Client()
    gate.force_login(make.gatekeeper(booking.venue))
    with time_machine.travel(booking.starts_at, tick=False):
        step = codes.step_at(clock.now())
        digits = codes.digits_of(ticket.code, key=ticket.key, step=step)
        page = gate.post("/gate/", {"code": f"{ticket.code} {digits}"}, follow=True)
    assert stranger.display_name in page.text
    assert f"Plays along with {citizen.display_name}" in page.text


def test_nobody_comes_and_no_pass_is_left(booking: Booking, stranger: User) -> None:
    Venue.objects.filter(pk=booking.venue_id).update(no_show_minutes=15)
    companion_of(booking, stranger)
    at = booking.starts_at + timedelta(minutes=16)
    with time_machine.travel(at, tick=False):
        actions.mark_no_shows(at=at)
    booking.refresh_from_db()
    assert booking.state == Booking.State.NO_SHOW
    assert not EntryPass.objects.live().filter(booking=booking).exists()


def test_who_came_with_a_companions_pass_was_there(
    booking: Booking, stranger: User
) -> None:
    Venue.objects.filter(pk=booking.venue_id).update(no_show_minutes=15)
    ticket = companion_of(booking, stranger).entry_pass
    guard = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at, tick=False):
        actions.admit(entry_pass=ticket, venue=booking.venue, by=guard)
    at = booking.starts_at + timedelta(minutes=16)
    with time_machine.travel(at, tick=False):
        actions.mark_no_shows(at=at)
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED
