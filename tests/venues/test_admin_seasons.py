"""Staff check clubs, open a season, allocate, approve, and note transfers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from bureau.accounts.models import Role
from bureau.common import clock
from tests import make
from tests.venues.actions.test_seasons import (
    CODES,
    DECIDED,
    TODAY,
    approved,
    ask,
    club,
    season,
)
from tests.venues.test_admin import client_of, staff
from venues import actions
from venues.models import Club, Invoice, Season, SeasonRequest, TransferBack

pytestmark = pytest.mark.django_db
ADMIN = "/admin/venues"


@pytest.fixture(autouse=True)
def no_second_factor(settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture(autouse=True)
def monday_nine() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.at(TODAY, 9 * 60), tick=False) as traveller:
        yield traveller


@pytest.fixture
def city() -> Client:
    return client_of(staff(Role.CITY_STAFF))


def text(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(f"{ADMIN}{path}")
    assert answer.status_code == status
    return answer.content.decode()


def test_what_was_corrected_since_staff_looked_is_not_approved(city: Client) -> None:
    one = club(is_approved=False, credit_code=CODES[0])
    seen = {"name": one.name, "credit_code": CODES[0], "priority": one.priority}
    shown = text(city, f"/club/{one.pk}/approve/")
    assert f'name="name" value="{one.name}"' in shown
    Club.objects.filter(pk=one.pk).update(priority=Club.Priority.YOUTH)
    answer = city.post(f"{ADMIN}/club/{one.pk}/approve/", seen)
    assert answer.status_code == 422
    assert "look at it again" in answer.text
    one.refresh_from_db()
    assert not one.is_approved


def test_a_club_is_approved_or_refused_with_a_reason(city: Client) -> None:
    first, second = (club(is_approved=False, credit_code=code) for code in CODES[:2])
    text(city, f"/club/{first.pk}/approve/")
    seen = {"name": first.name, "credit_code": CODES[0], "priority": first.priority}
    city.post(f"{ADMIN}/club/{first.pk}/approve/", seen)
    assert city.post(f"{ADMIN}/club/{second.pk}/refuse/", {"x": "x"}).status_code == 422
    city.post(f"{ADMIN}/club/{second.pk}/refuse/", {"reason": "Which one?"})
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.is_approved
    assert second.refusal == "Which one?"
    assert CODES[0] in text(city, "/club/")


def test_a_club_is_handed_to_another_contact_by_number(city: Client) -> None:
    held, new = club(), make.verified()
    path = f"{ADMIN}/club/{held.pk}/hand-over/"
    given = {"number": new.phone or "", "reason": "Has moved away"}
    assert "bookings to come move" in text(city, f"/club/{held.pk}/hand-over/")
    assert city.post(path, {**given, "reason": ""}).status_code == 422
    stranger = {**given, "number": "13900000000"}
    refused = city.post(path, stranger).content.decode()
    assert "Nobody with this number" in refused
    assert city.post(path, given).status_code == 302
    held.refresh_from_db()
    assert held.contact == new


def test_only_who_checks_clubs_hands_them_over() -> None:
    held = club()
    clerk = client_of(staff(Role.VENUE_STAFF))
    assert clerk.get(f"{ADMIN}/club/{held.pk}/hand-over/").status_code in {403, 404}


def test_a_season_is_opened_for_a_venue(city: Client) -> None:
    venue = make.venue()
    assert "which venue" in text(city, "/season/add/")
    path = f"{ADMIN}/season/add/?venue={venue.pk}"
    given = {
        "name": "Winter",
        "first_on": "2026-12-01",
        "last_on": "2026-12-31",
        "applies_until_0": "2026-11-25",
        "applies_until_1": "18:00",
    }
    assert city.get(path).status_code == 200
    assert city.post(path, {**given, "last_on": "2026-11-01"}).status_code == 422
    assert city.post(path, given).status_code == 302
    opened = Season.objects.get()
    assert opened.applies_until == clock.at(date(2026, 11, 25), 18 * 60)
    page = text(city, f"/season/{opened.pk}/change/")
    assert opened.seed not in page


def test_the_table_of_an_allocation_proposes_and_approves(
    city: Client, monday_nine: time_machine.Traveller
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    for _ in range(2):
        ask(opened, club(), court)
    path = f"/season/{opened.pk}/allocation/"
    early = city.post(f"{ADMIN}{path}", {"propose": "1"})
    assert early.status_code == 422
    assert "decide after that" in early.content.decode()
    monday_nine.move_to(DECIDED)
    city.post(f"{ADMIN}{path}", {"propose": "1"})
    assert "collides with" in text(city, path)
    city.post(f"{ADMIN}{path}", {"approve": "1"})
    states = SeasonRequest.objects.order_by("state").values_list("state", flat=True)
    assert list(states) == ["approved", "asked"]
    assert actions.finish_approvals(at=DECIDED) == 1
    assert Invoice.objects.get().bookings.count() == 5
    table = text(city, path)
    assert "Propose afresh" not in table
    assert "Free" not in table  # a request whose dates are all taken costs no money


def test_a_request_is_moved_approved_and_denied_on_its_page(
    city: Client, monday_nine: time_machine.Traveller
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    moved, denied = (ask(opened, club(), court) for _ in range(2))
    monday_nine.move_to(DECIDED)
    path = f"{ADMIN}/seasonrequest/{moved.pk}"
    given = {
        "bookable": str(court.pk),
        "weekday": "3",
        "starts": "19:00",
        "ends": "21:00",
        "first_on": "2026-12-01",
        "last_on": "2026-12-31",
        "reason": "Tuesday is full",
    }
    assert city.get(f"{path}/move/").status_code == 200
    assert city.post(f"{path}/move/", {**given, "reason": ""}).status_code == 422
    assert city.post(f"{path}/move/", given).status_code == 302
    city.post(f"{path}/approve/", {"x": "x"})
    moved.refresh_from_db()
    assert (moved.state, moved.weekday) == ("approved", 3)
    city.post(f"{ADMIN}/seasonrequest/{denied.pk}/deny/", {"reason": "Full"})
    denied.refresh_from_db()
    assert denied.state == "denied"
    assert moved.number in text(city, "/seasonrequest/")
    text(city, f"/seasonrequest/{moved.pk}/change/")


def test_a_transfer_is_noted_and_one_back_too(city: Client) -> None:
    invoice = approved(make.bookable())
    path = f"{ADMIN}/invoice/{invoice.pk}/note-transfer/"
    assert "400" in text(city, f"/invoice/{invoice.pk}/note-transfer/")
    assert city.post(path, {"paid_on": "2026-11-23"}).status_code == 422
    city.post(path, {"paid_on": "2026-11-23", "reference": "A1"})
    invoice.refresh_from_db()
    assert (invoice.state, invoice.transfer_reference) == ("paid", "A1")
    booking = invoice.bookings.order_by("starts_at")[0]
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    back = TransferBack.objects.get()
    assert invoice.number in text(city, "/transferback/")
    city.post(f"{ADMIN}/transferback/{back.pk}/done/", {"reference": "B2"})
    back.refresh_from_db()
    assert back.reference == "B2"
    assert "B2" in text(city, f"/invoice/{invoice.pk}/change/")


@pytest.mark.parametrize("paid_on", ["0001-01-01", "2025-11-23", "9999-12-31"])
def test_a_transfer_of_another_year_is_a_slip(city: Client, paid_on: str) -> None:
    invoice = approved(make.bookable())
    path = f"{ADMIN}/invoice/{invoice.pk}/note-transfer/"
    answer = city.post(path, {"paid_on": paid_on, "reference": "A1"})
    assert answer.status_code == 422
    invoice.refresh_from_db()
    assert invoice.state == "open"


def test_a_season_at_the_end_of_time_is_refused(city: Client) -> None:
    given = {
        "name": "Winter",
        "first_on": "9999-12-30",
        "last_on": "9999-12-31",
        "applies_until_0": "2026-11-25",
        "applies_until_1": "18:00",
    }
    path = f"{ADMIN}/season/add/?venue={make.venue().pk}"
    for first_on in ("0001-01-01", "9999-12-30"):
        answer = city.post(path, {**given, "first_on": first_on})
        assert answer.status_code == 422


def test_a_filter_that_is_half_a_range_is_refused(city: Client) -> None:
    assert city.get(f"{ADMIN}/season/?state__range=open").status_code == 400


def test_another_districts_seasons_are_not_there() -> None:
    invoice = approved(make.bookable())
    request = invoice.request
    elsewhere = client_of(staff(Role.BUREAU_STAFF, make.venue()))
    for path in (
        f"/season/{request.season_id}/change/",
        f"/season/{request.season_id}/allocation/",
        f"/seasonrequest/{request.pk}/approve/",
        f"/invoice/{invoice.pk}/note-transfer/",
    ):
        text(elsewhere, path, status=404)


def test_venue_staff_look_but_do_not_decide() -> None:
    invoice = approved(make.bookable())
    looker = client_of(staff(Role.VENUE_STAFF, invoice.request.season.venue))
    text(looker, f"/invoice/{invoice.pk}/change/")
    answer = looker.post(
        f"{ADMIN}/invoice/{invoice.pk}/note-transfer/",
        {"reference": "A1", "paid_on": "2026-11-23"},
    )
    assert answer.status_code == 403


def test_the_first_page_names_clubs_to_check_and_sums_to_transfer(
    city: Client,
) -> None:
    club(is_approved=False)
    invoice = approved(make.bookable())
    actions.note_transfer(
        invoice=invoice, reference="A1", paid_on=TODAY, by=make.user()
    )
    booking = invoice.bookings.order_by("starts_at")[0]
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    page = city.get("/admin/").content.decode()
    assert "Clubs to check" in page
    assert "Transfers back" in page


def test_who_may_not_open_people_reads_a_contact_without_a_link(city: Client) -> None:
    one = club()
    page = f"/club/{one.pk}/change/"
    link = f'href="/admin/accounts/user/{one.contact_id}/change/"'
    hall = client_of(staff(Role.VENUE_STAFF, make.venue()))
    assert hall.get(f"/admin/accounts/user/{one.contact_id}/change/").status_code == 403

    assert link in text(city, page)
    shown = text(hall, page)
    assert "/admin/accounts/user/" not in shown
    assert str(one.contact) in shown
