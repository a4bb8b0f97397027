from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from bureau.accounts.models import Dependant, User
from bureau.common import clock, codes
from bureau.payments.models import Refund
from tests import make
from venues import actions
from venues.actions.gate import check_pass
from venues.models import Bookable, Booking, EntryPass

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    return make.bookable(name="Court 1")


@pytest.fixture
def signed_in(client: Client, citizen: User) -> Client:
    client.force_login(citizen)
    return client


def key(court: Bookable, hour: int = 18) -> str:
    return f"{court.pk}@{clock.today() + timedelta(days=1)}T{hour:02}:00"


def book_url(court: Bookable, *hours: int, **more: Any) -> str:
    query = "&".join(f"slot={key(court, hour)}" for hour in hours or (18,))
    query += "".join(f"&{name}={value}" for name, value in more.items())
    return f"/venues/{court.venue.code}/book/?{query}"


def agree(fen: int = make.PRICE_FEN, request_key: object = None) -> dict[str, str]:
    return {"quoted_fen": str(fen), "request_key": str(request_key or uuid.uuid4())}


def child_of(guardian: User) -> Dependant:
    return Dependant.objects.create(
        guardian=guardian,
        relation=Dependant.Relation.CHILD,
        sealed_name=b"",
        sealed_id_number=b"",
        fingerprint=uuid.uuid4().hex,
        masked_name="李*",
        masked_id_number="3708**********0011",
        birth_on=date(2015, 5, 5),
        sex="female",
        registered_at=clock.now(),
    )


# --- Confirming ----------------------------------------------------------------


def test_who_is_not_signed_in_keeps_the_slots_through_the_login(
    client: Client, court: Bookable
) -> None:
    answer = client.get(book_url(court, 18, 19))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")
    assert answer["Location"].count("slot%3D") == 2


def test_the_summary_shows_each_slot_and_the_total(
    signed_in: Client, court: Bookable
) -> None:
    text = signed_in.get(book_url(court, 18, 19)).text
    assert "18:00–19:00 · ¥40" in text
    assert "19:00–20:00 · ¥40" in text
    assert "¥80" in text
    assert 'name="quoted_fen" value="8000"' in text


def test_terms_whose_time_is_over_are_not_offered_any_more(
    client: Client, court: Bookable, citizen: User
) -> None:
    page = book_url(court, 18)  # tomorrow
    with time_machine.travel(make.tomorrow_at(17), tick=False):
        client.force_login(citizen)
        text = client.get(page).text
        assert "What is paid does not come back." in text
        assert "% comes back" not in text
        booking = make.confirmed(
            court=court, starts_at=clock.at(clock.today(), 18 * 60), by=citizen
        )
        text = client.get(f"/bookings/{booking.number}/").text
        assert "What is paid does not come back." in text
        assert "% comes back" not in text


def test_agreeing_takes_the_slots_and_goes_on_to_pay(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    answer = signed_in.post(book_url(court), agree())
    booking = Booking.objects.get()
    assert booking.booked_by == citizen
    assert booking.state == Booking.State.HELD
    number = make.payment_of(booking).number
    assert answer["Location"] == f"/pay/{number}/go/sandbox/"


def test_with_several_ways_to_pay_the_person_is_asked_which(
    signed_in: Client, court: Bookable, settings: Settings
) -> None:
    settings.PAYMENT_PROVIDERS = ["wechat", "alipay"]
    answer = signed_in.post(book_url(court), agree())
    number = make.payment_of(Booking.objects.get()).number
    assert answer["Location"] == f"/pay/{number}/"


def test_what_costs_nothing_is_booked_at_once(
    signed_in: Client, court: Bookable
) -> None:
    make.price(venue=court.venue, fen=0, bookable=court)
    answer = signed_in.post(book_url(court), agree(0))
    booking = Booking.objects.get()
    assert booking.state == Booking.State.CONFIRMED
    assert answer["Location"] == booking.get_absolute_url()


def test_the_same_form_sent_twice_is_one_booking(
    signed_in: Client, court: Bookable
) -> None:
    form = agree()
    first = signed_in.post(book_url(court), form)
    second = signed_in.post(book_url(court), form)
    assert first["Location"] == second["Location"]
    assert Booking.objects.count() == 1


def test_stepping_back_after_paying_does_not_book_twice(
    signed_in: Client, court: Bookable
) -> None:
    form = agree()
    signed_in.post(book_url(court), form)
    booking = make.pay(Booking.objects.get())
    again = signed_in.post(book_url(court), form)
    assert again["Location"] == booking.get_absolute_url()
    reloaded = signed_in.get(book_url(court))
    assert reloaded.status_code == 409
    assert "This time is already yours." in reloaded.text
    assert booking.get_absolute_url() in reloaded.text
    assert Booking.objects.count() == 1


def test_a_slot_that_somebody_else_took_leads_back_to_the_same_day(
    signed_in: Client, court: Bookable
) -> None:
    make.confirmed(court=court)
    for answer in (
        signed_in.get(book_url(court)),
        signed_in.post(book_url(court), agree()),
    ):
        assert answer.status_code == 409
        assert "just taken by somebody else" in answer.text
        day = clock.today() + timedelta(days=1)
        assert f"/?on={day}&amp;sport=badminton#slots" in answer.text
    assert Booking.objects.count() == 1


def test_a_tampered_price_is_refused_and_the_real_one_shown(
    signed_in: Client, court: Bookable
) -> None:
    answer = signed_in.post(book_url(court), agree(1))
    assert answer.status_code == 409
    assert "The price is 40 yuan now." in answer.text
    assert 'name="quoted_fen" value="4000"' in answer.text
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"quoted_fen": "4000"},
        {"quoted_fen": "-1", "request_key": str(uuid.uuid4())},
        {"quoted_fen": "4e3", "request_key": str(uuid.uuid4())},
        {"quoted_fen": "9" * 40, "request_key": str(uuid.uuid4())},
        {"quoted_fen": "4000", "request_key": "1"},
    ],
)
def test_a_damaged_form_books_nothing_and_is_shown_afresh(
    signed_in: Client, court: Bookable, form: dict[str, str]
) -> None:
    answer = signed_in.post(book_url(court), form)
    assert answer.status_code == 422
    assert "The form arrived damaged." in answer.text
    assert 'name="quoted_fen" value="4000"' in answer.text
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    "slot",
    [
        "",
        "x",
        "1@2026-11-22",
        "0@2026-11-22T18:00",
        "999999999999999999@2026-11-22T18:00",
        "1@2026-02-30T18:00",
        "1@2026-11-22T18:00%00",
        "1@9999-12-31T23:00",
    ],
)
def test_a_slot_that_no_grid_had_is_refused(
    signed_in: Client, court: Bookable, slot: str
) -> None:
    url = f"/venues/{court.venue.code}/book/?slot={slot}"
    for answer in (signed_in.get(url), signed_in.post(url, agree())):
        assert answer.status_code == 422
        assert "This court is not offered at that time." in answer.text


def test_no_slot_at_all_and_too_many_are_refused(
    signed_in: Client, court: Bookable
) -> None:
    none = signed_in.get(f"/venues/{court.venue.code}/book/")
    assert none.status_code == 422
    assert "Please pick at least one time." in none.text
    many = signed_in.get(book_url(court, 14, 15, 16, 17, 18))
    assert many.status_code == 422
    assert "at most 4 times" in many.text


def test_a_slot_in_the_past_or_not_open_yet_is_refused(
    signed_in: Client, court: Bookable
) -> None:
    url = f"/venues/{court.venue.code}/book/?slot={court.pk}@"
    today = clock.today()
    past = signed_in.get(f"{url}{today - timedelta(days=1)}T18:00")
    assert "That time has already begun." in past.text
    early = signed_in.get(f"{url}{today + timedelta(days=9)}T18:00")
    assert early.status_code == 409
    assert "can be booked from" in early.text


def test_a_court_of_another_venue_is_refused(
    signed_in: Client, court: Bookable
) -> None:
    other = make.bookable()
    url = f"/venues/{court.venue.code}/book/?slot={key(other)}"
    assert signed_in.get(url).status_code == 422


def test_a_third_unpaid_booking_leads_to_the_first_two(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    make.held(by=citizen)
    make.held(by=citizen)
    answer = signed_in.post(book_url(court), agree())
    assert answer.status_code == 409
    assert "2 bookings waiting for payment" in answer.text
    assert 'href="/bookings/"' in answer.text


def test_a_guardian_books_for_a_child_at_the_childs_price(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    make.price(venue=court.venue, fen=1000, group="minor")
    child = child_of(citizen)
    text = signed_in.get(book_url(court)).text
    assert "李*" in text
    assert f"for={child.pk}" in text
    url = book_url(court, **{"for": child.pk})
    assert 'name="quoted_fen" value="1000"' in signed_in.get(url).text
    signed_in.post(url, agree(1000))
    booking = Booking.objects.get()
    assert booking.dependant == child
    assert booking.total_fen == 1000


def test_somebody_elses_child_is_a_404(
    signed_in: Client, court: Bookable, stranger: User
) -> None:
    child = child_of(stranger)
    for who in (child.pk, "x", "-1", "9" * 30):
        url = book_url(court, **{"for": who})
        assert signed_in.get(url).status_code == 404
        assert signed_in.post(url, agree()).status_code == 404


def test_a_form_without_its_token_is_refused(court: Bookable, citizen: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(citizen)
    assert client.post(book_url(court), agree()).status_code == 403
    assert not Booking.objects.exists()


# --- My bookings ---------------------------------------------------------------


def test_my_bookings_are_mine_ahead_or_past(
    signed_in: Client, citizen: User, stranger: User
) -> None:
    ahead = make.confirmed(by=citizen)
    foreign = make.confirmed(by=stranger)
    gone = actions.cancel_booking(booking=make.confirmed(by=citizen), by=citizen)
    coming = signed_in.get("/bookings/").text
    assert ahead.number in coming
    assert gone.number not in coming
    past = signed_in.get("/bookings/?show=over").text
    assert gone.number in past
    assert ahead.number not in past
    assert foreign.number not in coming + past
    assert signed_in.get("/bookings/?page=1000000000").status_code == 404


def test_my_bookings_show_the_sport_that_was_booked_and_not_the_venues_first(
    signed_in: Client, citizen: User
) -> None:
    park = make.venue(sports=["football", "tennis"])
    make.confirmed(by=citizen, court=make.bookable(venue=park, sport="tennis"))
    for page in ("/bookings/", "/me/"):
        text = signed_in.get(page).text
        assert "court-tennis" in text, page
        assert "court-football" not in text, page


def test_my_bookings_ask_as_often_for_ten_as_for_one(
    signed_in: Client, citizen: User, django_assert_max_num_queries: Any
) -> None:
    court = make.bookable()
    for hour in range(8, 18):
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour), by=citizen)
    with django_assert_max_num_queries(9):
        signed_in.get("/bookings/")


def test_a_held_booking_counts_down_and_can_be_paid(
    signed_in: Client, citizen: User
) -> None:
    booking = make.held(by=citizen)
    text = signed_in.get(booking.get_absolute_url()).text
    assert "To be paid" in text
    assert "data-countdown=" in text
    assert f'href="/pay/{make.payment_of(booking).number}/go/sandbox/"' in text


def test_a_hold_that_ran_out_says_so(signed_in: Client, citizen: User) -> None:
    booking = make.held(by=citizen)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        text = signed_in.get(booking.get_absolute_url()).text
    assert "was not paid in time" in text
    assert "/pay/" not in text


def test_a_paid_booking_leads_to_its_pass(signed_in: Client, citizen: User) -> None:
    booking = make.confirmed(by=citizen)
    text = signed_in.get(booking.get_absolute_url()).text
    assert f'href="/bookings/{booking.number}/pass/"' in text
    assert "Cancel this booking" in text


@pytest.mark.parametrize(
    "page", ["", "cancel/", "pass/", "pass/qr.svg", "pass/now.json"]
)
def test_a_strangers_booking_is_a_404(
    signed_in: Client, stranger: User, page: str
) -> None:
    booking = make.confirmed(by=stranger)
    assert signed_in.get(f"/bookings/{booking.number}/{page}").status_code == 404


def test_a_stranger_cannot_cancel(signed_in: Client, stranger: User) -> None:
    booking = make.confirmed(by=stranger)
    assert signed_in.post(f"/bookings/{booking.number}/cancel/").status_code == 404
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


# --- Cancelling ----------------------------------------------------------------


def test_cancelling_says_first_what_comes_back(
    signed_in: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    text = signed_in.get(f"/bookings/{booking.number}/cancel/").text
    assert "¥40 comes back to you" in text
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_cancelling_gives_the_court_and_the_money_back(
    signed_in: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    url = f"/bookings/{booking.number}/cancel/"
    answer = signed_in.post(url)
    assert answer["Location"] == booking.get_absolute_url()
    text = signed_in.get(booking.get_absolute_url()).text
    assert "Your booking is cancelled." in text
    assert "Refund of ¥40" in text
    assert Refund.objects.get().amount_fen == 4000
    # A second tap, and the page opened again.
    assert signed_in.post(url)["Location"] == booking.get_absolute_url()
    assert signed_in.get(url)["Location"] == booking.get_absolute_url()
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("due", "Refund is being sent"),
        ("sent", "Refund is on its way to you"),
        ("done", "Refund has arrived"),
        ("failed", "Refund is stuck"),
    ],
)
def test_a_refund_is_shown_as_it_stands(
    signed_in: Client, citizen: User, state: str, words: str
) -> None:
    booking = make.confirmed(by=citizen)
    actions.cancel_booking(booking=booking, by=citizen)
    done_at = clock.now() if state == "done" else None
    Refund.objects.update(state=state, done_at=done_at)
    assert words in signed_in.get(booking.get_absolute_url()).text


def test_what_comes_back_is_said_before_it_is_given_up(
    signed_in: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    url = f"/bookings/{booking.number}/cancel/"
    with time_machine.travel(booking.starts_at - timedelta(minutes=121)):
        told = signed_in.get(url)
    assert "of ¥40 comes back" in told.text
    with time_machine.travel(booking.starts_at - timedelta(minutes=119)):
        answer = signed_in.post(url, {"expected_fen": "4000"})
        assert answer.status_code == 409
        assert "0 yuan would come back now" in answer.text
        assert "Nothing of what you paid comes back" in signed_in.get(url).text


def test_too_late_to_cancel_is_refused_with_the_rule(
    signed_in: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    url = f"/bookings/{booking.number}/cancel/"
    with time_machine.travel(booking.starts_at):
        answer = signed_in.post(url)
        assert "could be cancelled until" in answer.text
    assert answer.status_code == 409
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_an_unpaid_booking_is_cancelled_without_a_refund(
    signed_in: Client, citizen: User
) -> None:
    booking = make.held(by=citizen)
    url = f"/bookings/{booking.number}/cancel/"
    assert "nothing has to come back" in signed_in.get(url).text
    signed_in.post(url)
    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED
    assert not Refund.objects.exists()


# --- The pass ------------------------------------------------------------------


def test_the_pass_shows_code_digits_and_a_qr_that_nobody_stores(
    signed_in: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    entry_pass = make.pass_of(booking)
    page = signed_in.get(f"/bookings/{booking.number}/pass/")
    assert "no-store" in page["Cache-Control"]
    assert codes.grouped(entry_pass.code) in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    picture = signed_in.get(f"/bookings/{booking.number}/pass/qr.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert "no-store" in picture["Cache-Control"]


def test_the_digits_shown_open_the_gate(signed_in: Client, citizen: User) -> None:
    booking = make.confirmed(by=citizen)
    with time_machine.travel(booking.starts_at, tick=False):
        now = signed_in.get(f"/bookings/{booking.number}/pass/now.json").json()
        typed = f"{codes.grouped(make.pass_of(booking).code)} {now['digits']}"
        assert check_pass(text=typed, venue=booking.venue).booking == booking
        assert 1 <= now["left"] <= 30


def test_the_qr_holds_the_address_with_the_proof_of_this_half_minute(
    signed_in: Client, citizen: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = make.confirmed(by=citizen)
    entry_pass = make.pass_of(booking)
    with time_machine.travel(booking.starts_at, tick=False):
        step = codes.step_at(clock.now())
        proof = codes.proof_of(entry_pass.code, key=entry_pass.key, step=step)
        text = f"{settings.PUBLIC_URL}/p/{entry_pass.code}?k={proof}"
        shown = signed_in.get(f"/bookings/{booking.number}/pass/qr.svg").text
        assert shown == codes.qr_svg(text)
        assert check_pass(text=text, venue=booking.venue).booking == booking


def test_a_used_pass_says_when_and_shows_no_code(
    signed_in: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    entry_pass = make.pass_of(booking)
    with time_machine.travel(booking.starts_at, tick=False):
        keeper = make.gatekeeper(booking.venue)
        actions.admit(entry_pass=entry_pass, venue=booking.venue, by=keeper)
        text = signed_in.get(f"/bookings/{booking.number}/pass/").text
        assert "Used at 18:00" in text
        assert codes.grouped(entry_pass.code) not in text
        picture = signed_in.get(f"/bookings/{booking.number}/pass/qr.svg")
        assert picture.status_code == 404
        now = signed_in.get(f"/bookings/{booking.number}/pass/now.json")
        assert now.json() == {"over": True}
        assert "Let in at 18:00" in signed_in.get(booking.get_absolute_url()).text


def test_who_opens_the_pass_of_a_cancelled_booking_reads_that_it_is_cancelled(
    signed_in: Client, citizen: User
) -> None:
    booking = make.confirmed(by=citizen)
    actions.cancel_booking(booking=booking, by=citizen)
    page = signed_in.get(f"/bookings/{booking.number}/pass/", follow=True)
    assert page.redirect_chain == [(booking.get_absolute_url(), 302)]
    assert "Cancelled" in page.text
    picture = signed_in.get(f"/bookings/{booking.number}/pass/qr.svg")
    assert picture.status_code == 404
    assert EntryPass.objects.filter(booking=booking, state="revoked").exists()
