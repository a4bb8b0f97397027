from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from bureau.common import clock
from tests import make
from tests.venues.actions.test_seasons import approved, monday_nine
from venues.models import Block, Bookable, Booking, Unit

__all__ = ["monday_nine"]
pytestmark = pytest.mark.django_db
CLOSE = "admin:venues_block_close_hall"


@pytest.fixture
def office() -> Client:
    client = Client()
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


def given(court: Bookable) -> dict[str, object]:
    day = clock.today() + timedelta(days=1)
    return {
        "units": [part.pk for part in court.units.all()],
        "starts_at_0": day,
        "starts_at_1": "08:00",
        "ends_at_0": day,
        "ends_at_1": "22:00",
        "reason": "A pipe has burst",
    }


def test_staff_see_what_a_closure_does_before_it_does_it(
    office: Client, court: Bookable
) -> None:
    booking = make.confirmed(court=court)

    answer = office.post(f"{reverse(CLOSE)}?venue={court.venue.pk}", given(court))

    page = answer.content.decode()
    assert "What this closure does" in page
    assert "must be announced 7 days ahead" in page
    assert "40" in page
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED
    assert not Block.objects.exists()


def test_the_preview_has_a_row_for_the_invoices_of_clubs(
    office: Client, court: Bookable
) -> None:
    invoice = approved(court)
    line = invoice.bookings.order_by("starts_at")[0].lines.order_by("pk")[0]
    day = clock.local_day(line.starts_at)
    asked = {**given(court), "starts_at_0": day, "ends_at_0": day}

    page = office.post(f"{reverse(CLOSE)}?venue={court.venue.pk}", asked)

    preview = page.context["preview"]
    assert preview.invoice_fen == 2 * make.PRICE_FEN
    assert preview.refund_fen == 0
    assert "Free" not in page.text
    assert "Taken off invoices of clubs" in page.content.decode()


def test_a_hall_that_is_open_again_has_no_button_to_open_it(
    office: Client, court: Bookable
) -> None:
    url = f"{reverse(CLOSE)}?venue={court.venue.pk}"
    office.post(url, {**given(court), "confirmed": "1"})
    block = Block.objects.get()
    page = reverse("admin:venues_block_change", args=[block.pk])
    lift = f"/admin/venues/block/{block.pk}/lift/"
    assert lift in office.get(page).text
    Block.objects.filter(pk=block.pk).update(lifted_at=clock.now())
    assert lift not in office.get(page).text


def test_the_second_button_closes_and_shows_how_far_it_is(
    office: Client, court: Bookable
) -> None:
    make.confirmed(court=court)
    url = f"{reverse(CLOSE)}?venue={court.venue.pk}"

    answer = office.post(url, {**given(court), "confirmed": "1"}, follow=True)

    assert Block.objects.get().is_closure
    assert "1 slots are still to be called off" in answer.content.decode()


def test_a_wrong_form_says_so(office: Client, court: Bookable) -> None:
    url = f"{reverse(CLOSE)}?venue={court.venue.pk}"

    backwards = {**given(court), "ends_at_1": "07:00", "confirmed": "1"}

    assert office.post(url, backwards).status_code == 422
    assert office.post(url, {}).status_code == 200
    assert not Block.objects.exists()


def test_it_asks_for_the_venue_first_and_for_the_right(
    office: Client, court: Bookable
) -> None:
    assert court.venue.name in office.get(reverse(CLOSE)).content.decode()
    clerk = Client()
    clerk.force_login(make.user(is_staff=True))
    assert clerk.get(reverse(CLOSE)).status_code in {302, 403}


def test_courts_stand_in_the_order_in_which_people_count(
    office: Client, court: Bookable
) -> None:
    hall = make.venue(name="Ten Courts")
    names = ["Court 10", "Court 2", "Court 1", "Hall 2 Court 1", "Hall 1 Court 12"]
    for name in names:
        Unit.objects.create(venue=hall, name=name)

    page = office.get(f"{reverse(CLOSE)}?venue={hall.pk}").content.decode()

    boxes = re.findall(
        r"<label[^>]*>\s*<input[^>]*name=\"units\".*?</label>", page, re.DOTALL
    )
    assert [re.sub(r"<[^>]*>", "", box).strip() for box in boxes] == [
        "Court 1",
        "Court 2",
        "Court 10",
        "Hall 1 Court 12",
        "Hall 2 Court 1",
    ]
