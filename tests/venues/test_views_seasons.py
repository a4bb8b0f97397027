"""The pages of a club's contact: apply with a preview, follow it, pay."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest
import time_machine
from django.test import Client
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.personal_data import holders
from tests import make
from tests.venues.actions.test_seasons import (
    CODES,
    DECIDED,
    FIRST,
    LAST,
    TODAY,
    approve,
    approved,
    ask,
    club,
    propose,
    season,
)
from venues import actions
from venues.models import Club, Invoice, SeasonRequest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday_nine() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.at(TODAY, 9 * 60), tick=False) as traveller:
        yield traveller


@pytest.fixture
def contact(client: Client, citizen: User) -> User:
    client.force_login(citizen)
    return citizen


def text(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def form(mine: Club, court_id: int, **given: str) -> dict[str, str]:
    return {
        "club": str(mine.pk),
        "bookable": str(court_id),
        "weekday": "2",
        "starts": "1140",
        "ends": "1260",
        "first_on": str(FIRST),
        "last_on": str(LAST),
        "wish": "1",
        "note": "",
        **given,
    }


def test_a_club_is_registered_on_a_page_and_found_under_me(
    client: Client, contact: User
) -> None:
    assert "/clubs/" in text(client, "/me/")
    assert "No club yet" in text(client, "/clubs/")
    wrong = client.post(
        "/clubs/register/",
        {"name": "Shuttle", "credit_code": "123", "priority": "3"},
    )
    assert wrong.status_code == 422
    assert "18 digits" in wrong.content.decode()
    sent = client.post(
        "/clubs/register/",
        {"name": "Shuttle", "credit_code": CODES[0], "priority": "1"},
    )
    assert sent.status_code == 302
    mine = Club.objects.get()
    assert (mine.contact, mine.priority) == (contact, 1)
    assert "Being checked" in text(client, "/clubs/")


def test_a_refused_club_is_corrected(client: Client, contact: User) -> None:
    mine = actions.register_club(
        facts=actions.ClubFacts("Shuttle", CODES[0]), by=contact
    )
    actions.refuse_club(club=mine, reason="Which school?", by=make.user())
    assert "Which school?" in text(client, f"/clubs/{mine.pk}/")
    client.post(
        f"/clubs/{mine.pk}/",
        {"name": "Shuttle of School 3", "credit_code": CODES[0], "priority": "1"},
    )
    mine.refresh_from_db()
    assert (mine.name, mine.refusal) == ("Shuttle of School 3", "")


def test_the_venue_page_leads_to_an_open_season(client: Client) -> None:
    court = make.bookable()
    opened = season(court.venue)
    assert opened.get_absolute_url() in text(client, court.venue.get_absolute_url())
    page = text(client, opened.get_absolute_url())
    assert opened.seed not in page
    assert "SHA-256" in page
    assert opened.name in text(client, "/seasons/")


def test_the_seed_is_shown_with_the_proposal(client: Client) -> None:
    court = make.bookable()
    opened = season(court.venue)
    ask(opened, club(), court)
    propose(opened)
    assert opened.seed in text(client, opened.get_absolute_url())


def test_who_has_no_checked_club_is_led_to_register_one(
    client: Client, contact: User
) -> None:
    opened = season(make.bookable().venue)
    path = f"/seasons/{opened.pk}/apply/"
    assert "/clubs/register/" in text(client, path)
    club(contact=contact, is_approved=False)
    assert "being checked" in text(client, path)


def test_the_dates_are_shown_before_the_request_is_sent(
    client: Client, contact: User
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    mine = club(contact=contact)
    path = f"/seasons/{opened.pk}/apply/"
    text(client, path)
    page = client.post(path, form(mine, court.pk)).content.decode()
    assert "5 dates can be booked" in page
    assert "2026-12-29" in page
    assert not SeasonRequest.objects.exists()
    sent = client.post(path, {**form(mine, court.pk), "send": "1"})
    request = SeasonRequest.objects.get()
    assert sent.headers["Location"] == request.get_absolute_url()
    assert "Being decided" in text(client, request.get_absolute_url())
    again = client.post(path, {**form(mine, court.pk), "send": "1"})
    assert again.status_code == 409
    assert "asked for this time already" in again.content.decode()


@pytest.mark.parametrize(
    "given",
    [
        {"first_on": "0001-01-01", "last_on": "9999-12-31"},
        {"starts": "1260", "ends": "1140"},
        {"starts": "x"},
        {"weekday": "8"},
        {"wish": "0"},
        {"bookable": "999999999"},
        {"club": "999999999"},
        {"first_on": ""},
        {"note": "x" * 201},
    ],
)
def test_bad_input_is_a_form_error(
    client: Client, contact: User, given: dict[str, str]
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    mine = club(contact=contact)
    answer = client.post(
        f"/seasons/{opened.pk}/apply/", {**form(mine, court.pk, **given), "send": "1"}
    )
    assert answer.status_code == 422
    assert not SeasonRequest.objects.exists()


def test_a_club_of_somebody_else_cannot_be_named(client: Client, contact: User) -> None:
    court = make.bookable()
    opened = season(court.venue)
    club(contact=contact)
    answer = client.post(
        f"/seasons/{opened.pk}/apply/", {**form(club(), court.pk), "send": "1"}
    )
    assert answer.status_code == 422


def test_other_peoples_clubs_requests_and_invoices_are_not_there(
    client: Client, contact: User
) -> None:
    invoice = approved(make.bookable())
    request = invoice.request
    other = club(is_approved=False)
    for path in (
        f"/clubs/{other.pk}/",
        request.get_absolute_url(),
        invoice.get_absolute_url(),
        f"{invoice.get_absolute_url()}invoice.xlsx",
        f"{invoice.get_absolute_url()}invoice.pdf",
    ):
        text(client, path, status=404)
    for path in (
        f"{request.get_absolute_url()}withdraw/",
        f"{invoice.get_absolute_url()}pay/",
    ):
        assert client.post(path).status_code == 404
    assert request.number not in text(client, "/clubs/")


def test_pages_of_clubs_ask_to_sign_in(client: Client) -> None:
    opened = season(make.venue())
    for path in ("/clubs/", "/clubs/register/", f"/seasons/{opened.pk}/apply/"):
        text(client, path, status=302)


def test_a_request_is_withdrawn_and_its_page_says_so(
    client: Client, contact: User
) -> None:
    court = make.bookable()
    request = ask(season(court.venue), club(contact=contact), court)
    client.post(f"{request.get_absolute_url()}withdraw/")
    assert "Withdrawn" in text(client, request.get_absolute_url())
    client.post(f"{request.get_absolute_url()}withdraw/", follow=True)


def test_a_denied_request_shows_its_reason(client: Client, contact: User) -> None:
    court = make.bookable()
    request = ask(season(court.venue), club(contact=contact), court)
    actions.deny_request(request=request, reason="Repairs", by=make.user(), at=DECIDED)
    assert "Repairs" in text(client, request.get_absolute_url())


@pytest.fixture
def invoice(contact: User) -> Invoice:
    court = make.bookable()
    opened = season(court.venue)
    request = ask(opened, club(contact=contact, credit_code=CODES[0]), court)
    propose(opened)
    return approve(request)


def test_an_invoice_is_read_paid_and_kept_as_a_file(
    client: Client, invoice: Invoice
) -> None:
    page = text(client, invoice.get_absolute_url())
    assert "¥400" in page
    assert CODES[0] in page
    assert invoice.get_absolute_url() in text(client, "/clubs/")
    assert "Time granted" in text(client, invoice.request.get_absolute_url())
    paying = client.post(f"{invoice.get_absolute_url()}pay/")
    assert paying.status_code == 302
    assert "/pay" in paying.headers["Location"]
    file = client.get(f"{invoice.get_absolute_url()}invoice.xlsx")
    sheet = load_workbook(BytesIO(file.content)).active
    last = [cell.value for cell in sheet[sheet.max_row]]
    assert (last[0], last[-1]) == ("Total", 400)


def test_an_invoice_as_pdf_is_the_same_byte_for_byte_in_any_language(
    client: Client, invoice: Invoice
) -> None:
    path = f"{invoice.get_absolute_url()}invoice.pdf"
    assert path in text(client, invoice.get_absolute_url())

    first = client.get(path)
    again = client.get(path, headers={"accept-language": "zh-hans"})

    assert first.headers["Content-Type"] == "application/pdf"
    assert first.content.startswith(b"%PDF-")
    assert first.content == again.content


def test_a_date_is_given_back_from_the_invoice(
    client: Client, invoice: Invoice
) -> None:
    booking = invoice.bookings.order_by("starts_at")[0]
    path = f"/bookings/{booking.number}/cancel/"
    assert path in text(client, invoice.get_absolute_url())
    lines = "&".join(f"line={line.pk}" for line in booking.lines.all())
    page = text(client, f"{path}?{lines}")
    assert "comes off the invoice" in page
    client.post(path, {"expected_fen": str(2 * make.PRICE_FEN)})
    invoice.refresh_from_db()
    assert invoice.total_fen == 8 * make.PRICE_FEN
    assert "Given back" in text(client, invoice.get_absolute_url())


def test_a_paid_invoice_takes_no_more_money(client: Client, invoice: Invoice) -> None:
    actions.note_transfer(
        invoice=invoice, reference="A1", paid_on=TODAY, by=make.user()
    )
    assert "reference A1" in text(client, invoice.get_absolute_url())
    answer = client.post(f"{invoice.get_absolute_url()}pay/", follow=True)
    assert "not one that waits" in answer.content.decode()


def test_the_contact_takes_away_a_copy_and_cannot_leave_with_debts(
    contact: User, invoice: Invoice
) -> None:
    holder = next(one for one in holders() if one.name == "venues.clubs")
    (copy,) = holder.export(contact)
    assert copy["invoices"][0]["number"] == invoice.number
    (reason,) = holder.objections(contact)
    assert invoice.number in reason


def test_who_deletes_their_account_asks_for_nothing_any_more(contact: User) -> None:
    court = make.bookable()
    request = ask(season(court.venue), club(contact=contact), court)
    holder = next(one for one in holders() if one.name == "venues.clubs")
    assert request.number in "".join(holder.objections(contact))
    actions.withdraw_all_requests(contact)
    request.refresh_from_db()
    assert request.state == "withdrawn"
