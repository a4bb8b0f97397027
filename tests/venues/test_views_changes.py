"""Changing a booking: choose, see both sides and the difference, agree or let it be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments.models import Refund
from tests import make
from venues import actions
from venues.models import Bookable, Booking, BookingChange, BookingLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    made = make.bookable(name="Court 1")
    # Twice the price from 20:00 on, half of it in the morning.
    for starts, ends, fen in ((1200, 1440, 80_00), (0, 600, 20_00)):
        make.price(venue=made.venue, bookable=made, fen=fen, starts=starts, ends=ends)
    return made


@pytest.fixture
def signed_in(client: Client, citizen: User) -> Client:
    client.force_login(citizen)
    return client


@pytest.fixture
def booking(court: Bookable, citizen: User) -> Booking:
    return make.confirmed(court=court, by=citizen)


def two_slots(court: Bookable, by: User) -> Booking:
    booking = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (18, 19)],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=by,
    )
    return make.pay(booking)


def line_of(booking: Booking) -> BookingLine:
    return booking.lines.order_by("pk")[0]


def confirm_url(booking: Booking, *hours: int) -> str:
    line = line_of(booking)
    day = clock.today() + timedelta(days=1)
    slots = "".join(f"&slot={line.bookable_id}@{day}T{hour:02}:00" for hour in hours)
    return f"/bookings/{booking.number}/change/confirm/?line={line.pk}{slots}"


def agree(price: int, credit: int = 40_00, **given: Any) -> dict[str, str]:
    return {
        "quoted_fen": str(price),
        "expected_fen": str(credit),
        "request_key": str(given.get("key", uuid4())),
    }


# --- Choosing --------------------------------------------------------------------


def test_one_slot_goes_straight_to_the_grid_with_ones_own_time_ticked(
    signed_in: Client, booking: Booking, court: Bookable
) -> None:
    page = signed_in.get(booking.get_absolute_url()).text
    assert f"/bookings/{booking.number}/change/" in page
    text = signed_in.get(f"/bookings/{booking.number}/change/").text
    day = clock.today() + timedelta(days=1)
    assert f'value="{court.pk}@{day}T18:00" checked' in text
    assert f'value="{court.pk}@{day}T19:00" data-fen' in text


def test_of_several_slots_one_says_which(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    booking = two_slots(court, citizen)
    url = f"/bookings/{booking.number}/change/"
    first, second = booking.lines.order_by("pk")
    assert "Which times do you change?" in signed_in.get(url).text
    text = signed_in.get(f"{url}?line={first.pk}").text
    assert f'name="line" value="{first.pk}"' in text
    assert f'name="line" value="{second.pk}"' not in text
    day = clock.today() + timedelta(days=1)
    assert f"{court.pk}@{day}T19:00" not in text  # it stays, so it is taken


def test_another_persons_booking_is_not_found(
    client: Client, booking: Booking, stranger: User
) -> None:
    client.force_login(stranger)
    for path in ("change/", "change/confirm/"):
        assert client.get(f"/bookings/{booking.number}/{path}").status_code == 404
    drop = f"/bookings/{booking.number}/change/drop/"
    assert client.post(drop).status_code == 404


def test_what_has_begun_is_not_changed(signed_in: Client, booking: Booking) -> None:
    with time_machine.travel(booking.starts_at, tick=False):
        answer = signed_in.get(f"/bookings/{booking.number}/change/", follow=True)
    assert "These times cannot be changed any more." in answer.text


@pytest.mark.parametrize("line", ["x", "9" * 30, "-1"])
def test_a_line_typed_by_hand_is_not_found(
    signed_in: Client, booking: Booking, line: str
) -> None:
    url = f"/bookings/{booking.number}/change/?line={line}"
    assert signed_in.get(url).status_code == 404


# --- Agreeing --------------------------------------------------------------------


def test_the_summary_shows_both_sides_and_the_difference(
    signed_in: Client, booking: Booking
) -> None:
    text = signed_in.get(confirm_url(booking, 20)).text
    assert "18:00–19:00" in text
    assert "20:00–21:00" in text
    assert 'name="quoted_fen" value="8000"' in text
    assert 'name="expected_fen" value="4000"' in text
    assert "Difference to pay" in text
    assert "Change and pay" in text


def test_a_dearer_time_goes_to_the_cashier_and_waits_on_the_booking_page(
    signed_in: Client, booking: Booking
) -> None:
    answer = signed_in.post(confirm_url(booking, 20), agree(80_00))
    asked = BookingChange.objects.get()
    assert asked.payment
    assert answer["Location"] == f"/pay/{asked.payment.number}/go/sandbox/"
    text = signed_in.get(booking.get_absolute_url()).text
    assert "A change waits for its payment" in text
    assert "Pay ¥40" in text

    answer = signed_in.post(f"/bookings/{booking.number}/change/drop/", follow=True)
    assert "Everything stays as it was." in answer.text
    asked.refresh_from_db()
    assert asked.state == BookingChange.State.DROPPED


def test_a_cheaper_time_says_what_comes_back_and_is_exchanged_at_once(
    signed_in: Client, booking: Booking
) -> None:
    assert "Comes back to you" in signed_in.get(confirm_url(booking, 9)).text
    answer = signed_in.post(confirm_url(booking, 9), agree(20_00), follow=True)
    assert "Your booking is changed." in answer.text
    assert Refund.objects.get().amount_fen == 20_00
    text = signed_in.get(booking.get_absolute_url()).text
    assert "09:00–10:00" in text
    assert "Given back or exchanged" in text


def test_what_is_kept_because_it_is_late_is_said(
    signed_in: Client, citizen: User
) -> None:
    court = make.bookable(venue=make.venue(bands=((1440, 100), (0, 50))))
    booking = make.confirmed(court=court, by=citizen)
    with time_machine.travel(booking.starts_at - timedelta(hours=4), tick=False):
        signed_in.force_login(citizen)
        text = signed_in.get(confirm_url_on(booking, court, 20)).text
    assert "counts for ¥20 at this notice" in text
    assert "Kept by the venue, because it is late" in text
    assert 'name="expected_fen" value="2000"' in text


def confirm_url_on(booking: Booking, court: Bookable, hour: int) -> str:
    start = booking.starts_at.astimezone(clock.CHINA).replace(hour=hour)
    key = f"{court.pk}@{start:%Y-%m-%dT%H:%M}"
    line = line_of(booking).pk
    return f"/bookings/{booking.number}/change/confirm/?line={line}&slot={key}"


def test_a_price_that_changed_is_asked_again(
    signed_in: Client, booking: Booking, court: Bookable
) -> None:
    make.price(venue=court.venue, bookable=court, fen=50_00, starts=900, ends=960)
    answer = signed_in.post(confirm_url(booking, 15), agree(40_00))
    assert answer.status_code == 409
    assert "The price is 50 yuan now." in answer.text
    assert 'name="quoted_fen" value="5000"' in answer.text


def test_a_band_that_ended_is_asked_again(signed_in: Client, booking: Booking) -> None:
    answer = signed_in.post(confirm_url(booking, 15), agree(40_00, credit=1))
    assert answer.status_code == 409
    assert "40 yuan would come back now." in answer.text
    assert not BookingChange.objects.exists()


def test_a_taken_time_is_refused_with_a_way_on(
    signed_in: Client, booking: Booking, court: Bookable
) -> None:
    make.held(court=court, starts_at=make.tomorrow_at(15))
    answer = signed_in.post(confirm_url(booking, 15), agree(40_00))
    assert answer.status_code == 409
    assert "Not changed" in answer.text
    assert "See what is free now" in answer.text


def test_the_same_form_sent_twice_is_one_change(
    signed_in: Client, booking: Booking
) -> None:
    form = agree(80_00)
    first = signed_in.post(confirm_url(booking, 20), form)
    second = signed_in.post(confirm_url(booking, 20), form)
    assert first["Location"] == second["Location"]
    assert BookingChange.objects.count() == 1


# --- Giving back some of it ------------------------------------------------------


def test_of_several_slots_one_chooses_which_go_and_sees_what_comes_back(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    booking = two_slots(court, citizen)
    url = f"/bookings/{booking.number}/cancel/"
    early, late = booking.lines.order_by("starts_at")
    text = signed_in.get(url).text
    assert "What do you give back?" in text
    assert text.count("¥40 of ¥40 comes back") == 2

    text = signed_in.get(f"{url}?line={late.pk}").text
    assert "Give these times back?" in text
    assert 'name="expected_fen" value="4000"' in text

    given = {"line": str(late.pk), "expected_fen": "4000"}
    answer = signed_in.post(url, given, follow=True)
    assert "1 time is given back. The rest stays yours." in answer.text
    booking.refresh_from_db()
    assert booking.total_fen == 40_00
    assert [line.pk for line in booking.standing_lines] == [early.pk]
    # A second tap finds it done.
    assert signed_in.post(url, given).status_code == 302
    assert Refund.objects.count() == 1


def test_giving_all_back_ends_the_booking(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    booking = two_slots(court, citizen)
    ids = [line.pk for line in booking.lines.all()]
    query = "&".join(f"line={pk}" for pk in ids)
    text = signed_in.get(f"/bookings/{booking.number}/cancel/?{query}").text
    assert "Cancel this booking?" in text
    signed_in.post(f"/bookings/{booking.number}/cancel/", {"expected_fen": "8000"})
    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED


def test_a_sum_that_changed_meanwhile_is_asked_again(
    signed_in: Client, court: Bookable, citizen: User
) -> None:
    booking = two_slots(court, citizen)
    given = {"line": str(line_of(booking).pk), "expected_fen": "1"}
    answer = signed_in.post(f"/bookings/{booking.number}/cancel/", given)
    assert answer.status_code == 409
    assert 'name="expected_fen" value="4000"' in answer.text


# --- The price -------------------------------------------------------------------


def test_the_booking_keeps_its_price_and_says_how_it_came_about(
    signed_in: Client, booking: Booking, court: Bookable
) -> None:
    make.price(venue=court.venue, bookable=court, fen=99_00, starts=900, ends=1200)
    text = signed_in.get(booking.get_absolute_url()).text
    assert "¥40 an hour" in text
    assert "¥99" not in text
