"""The price that a person was shown holds; another is asked about, never charged."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments.models import Payment
from tests import make
from venues import actions
from venues.models import Bookable, Booking, PriceRule

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


def new_price(court: Bookable, fen: int) -> None:
    """Staff raise the price of the whole venue while people are checking out."""
    PriceRule.objects.filter(venue=court.venue).update(price_fen=fen)
    court.venue.refresh_from_db()


def book_url(court: Bookable, **more: object) -> str:
    start = make.tomorrow_at(18).astimezone(clock.CHINA)
    query = f"slot={court.pk}@{start:%Y-%m-%dT%H:%M}"
    query += "".join(f"&{name}={value}" for name, value in more.items())
    return f"/venues/{court.venue.code}/book/?{query}"


def agree(fen: int) -> dict[str, str]:
    return {"quoted_fen": str(fen), "request_key": str(uuid4())}


def test_a_price_that_rose_while_one_looked_is_asked_again(
    client: Client, citizen: User, court: Bookable
) -> None:
    client.force_login(citizen)
    assert "¥40" in client.get(book_url(court)).text
    new_price(court, 60_00)

    answer = client.post(book_url(court), agree(40_00))

    assert answer.status_code == 409
    assert "The price is 60 yuan now." in answer.text
    assert 'name="quoted_fen" value="6000"' in answer.text
    assert not Booking.objects.exists()
    client.post(book_url(court), agree(60_00))
    assert Booking.objects.get().total_fen == 60_00


def test_what_is_held_is_paid_at_the_price_at_which_it_was_held(
    client: Client, citizen: User, court: Bookable
) -> None:
    held = make.held(court=court, by=citizen)
    new_price(court, 60_00)
    client.force_login(citizen)

    assert "Pay ¥40" in client.get(held.get_absolute_url()).text
    paid = make.pay(held)

    assert (paid.state, paid.total_fen) == (Booking.State.CONFIRMED, 40_00)
    assert Payment.objects.for_owner(paid).get().amount_fen == 40_00
    text = client.get(paid.get_absolute_url()).text
    assert "¥40 an hour" in text
    assert "¥60" not in text


def test_what_is_given_back_counts_at_the_price_that_was_paid(
    citizen: User, court: Bookable
) -> None:
    booking = make.confirmed(court=court, by=citizen)
    new_price(court, 60_00)
    actions.cancel_booking(booking=booking, by=citizen, expected_fen=40_00)
    assert Payment.objects.for_owner(booking).get().refunded_fen == 40_00


def test_a_child_is_booked_at_the_childs_price_which_is_shown_before(
    client: Client, citizen: User, court: Bookable
) -> None:
    make.price(venue=court.venue, fen=15_00, group="minor")
    child = make.dependant(citizen)
    client.force_login(citizen)

    text = client.get(book_url(court, **{"for": child.pk})).text
    assert "under 18" in text
    assert 'name="quoted_fen" value="1500"' in text
    assert 'name="quoted_fen" value="4000"' in client.get(book_url(court)).text

    # The price of the one is not the price of the other.
    answer = client.post(book_url(court), agree(15_00))
    assert (answer.status_code, Booking.objects.count()) == (409, 0)
    client.post(book_url(court, **{"for": child.pk}), agree(15_00))
    booking = Booking.objects.get()
    assert (booking.dependant, booking.total_fen) == (child, 15_00)
    assert booking.lines.get().quote["group"] == "minor"
    assert "under 18" in client.get(booking.get_absolute_url()).text
