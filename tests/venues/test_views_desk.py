from __future__ import annotations

import re
import secrets
from datetime import date, timedelta
from io import BytesIO
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.accounts import actions as accounts
from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments.models import CashMovement
from tests import make
from tests.accounts.conftest import live_code, new_id_number
from venues import actions
from venues.models import Bookable, Booking, EntryPass

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    return make.bookable(name="Court 1")


@pytest.fixture
def clerk(court: Bookable) -> User:
    return make.gatekeeper(court.venue)


@pytest.fixture
def desk(client: Client, clerk: User) -> Client:
    client.force_login(clerk)
    return client


@pytest.fixture
def network() -> str:
    """An address that no limit in Redis remembers."""
    return f"10.{'.'.join(str(secrets.randbelow(256)) for _ in range(3))}"


def new_phone() -> str:
    """A number that no limit in Redis remembers."""
    return f"13{secrets.randbelow(10**9):09}"


def visit_of(desk: Client, person: User) -> str:
    answer = desk.post("/desk/", {"number": person.phone})
    return str(answer["Location"])


def slot(court: Bookable, hour: int = 18) -> str:
    return f"{court.pk}@{make.tomorrow_at(hour):%Y-%m-%dT%H:%M}"


def booked(court: Bookable, person: User, clerk: User) -> Booking:
    return actions.book_at_desk(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(18))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        person=person,
        way="cash",
        by=clerk,
    )


def test_the_desk_is_for_venue_staff(client: Client, citizen: User) -> None:
    client.force_login(citizen)
    for path in ("/desk/", "/desk/cash/", "/desk/cash.xlsx", "/desk/for/x/"):
        assert client.get(path).status_code == 403
    booking = make.confirmed()
    assert client.get(f"/desk/bookings/{booking.number}/").status_code == 403


def test_a_person_is_shown_masked_and_only_for_a_while(
    desk: Client, court: Bookable
) -> None:
    citizen = make.citizen(phone="13912345678")
    page = visit_of(desk, citizen)
    text = desk.get(page).text
    assert "139****5678" in text
    assert "13912345678" not in text
    with time_machine.travel(clock.now() + timedelta(minutes=31)):
        over = desk.get(page, follow=True)
    assert "Please find the person again." in over.text


def test_an_open_visit_is_of_one_member_of_staff(
    desk: Client, court: Bookable, citizen: User
) -> None:
    page = visit_of(desk, citizen)
    colleague = Client()
    colleague.force_login(make.gatekeeper(court.venue))
    assert colleague.get(page)["Location"] == "/desk/"


def test_somebody_without_a_phone_is_served_from_the_number_to_the_paper(
    desk: Client, court: Bookable
) -> None:
    number = new_id_number(born_on=date(1950, 5, 1))
    first = desk.post("/desk/", {"number": number})
    assert "Nobody is registered with this number" in first.text
    page = desk.post(
        "/desk/register/", {"name": "孔令仪", "number": number, "agreed": "on"}
    )["Location"]
    grid = desk.get(page, {"on": f"{clock.today() + timedelta(days=1):%Y-%m-%d}"})
    assert "孔**" in grid.text
    assert number not in grid.text
    assert slot(court) in grid.text
    book = f"{page}book/?slot={slot(court)}"
    summary = desk.get(book).text
    assert "Taken ¥40 in cash" in summary
    assert "Send a link" not in summary  # there is no phone to send it to
    fields = dict(
        re.findall(r'name="(quoted_fen|request_key)" value="([^"]+)"', summary)
    )
    done = desk.post(book, {**fields, "way": "cash"}, follow=True)
    assert "Booked." in done.text
    booking = Booking.objects.get()
    assert CashMovement.objects.get().number in done.text
    paper = desk.post(f"/desk/bookings/{booking.number}/paper/", follow=True)
    assert "Good once" in paper.text
    qr = desk.get(f"/desk/bookings/{booking.number}/paper/qr.svg")
    assert qr["Content-Type"] == "image/svg+xml"
    assert EntryPass.objects.get().printed_at


def test_a_pass_that_was_not_printed_has_no_paper(
    desk: Client, court: Bookable, citizen: User, clerk: User
) -> None:
    booking = booked(court, citizen, clerk)
    for path in ("paper/", "paper/qr.svg"):
        url = f"/desk/bookings/{booking.number}/{path}"
        assert desk.get(url).status_code == 404


def test_other_venues_bookings_and_refunds_are_not_there(
    desk: Client, court: Bookable
) -> None:
    other = make.bookable()
    theirs = booked(other, make.citizen(), make.gatekeeper(other.venue))
    for path in ("", "cash/", "cancel/", "paper/"):
        url = f"/desk/bookings/{theirs.number}/{path}"
        assert desk.post(url).status_code in (404, 405)
    assert desk.get(f"/desk/bookings/{theirs.number}/").status_code == 404
    actions.cancel_booking(booking=theirs, by=theirs.booked_by)
    refund = make.payment_of(theirs).refunds.get()
    assert desk.post(f"/desk/refunds/{refund.number}/").status_code == 409


def test_given_back_changed_and_paid_out(
    desk: Client, court: Bookable, citizen: User, clerk: User
) -> None:
    booking = booked(court, citizen, clerk)
    page = f"/desk/bookings/{booking.number}/"
    shown = desk.get(page).text
    visit = re.search(r'href="(/desk/for/[^"?]+)\?change=', shown)
    assert visit
    book = f"{visit[1]}book/?change={booking.number}&slot={slot(court, 20)}"
    summary = desk.get(book).text
    fields = dict(
        re.findall(r'name="(quoted_fen|request_key)" value="([^"]+)"', summary)
    )
    assert "Change the booking" in summary
    assert desk.post(book, fields)["Location"] == page
    booking.refresh_from_db()
    assert booking.starts_at == make.tomorrow_at(20)

    stale = desk.post(f"{page}cancel/", {"expected_fen": "1"})
    assert stale.status_code == 409
    desk.post(f"{page}cancel/", {"expected_fen": str(make.PRICE_FEN)})
    refund = make.payment_of(booking).refunds.get()
    assert "To be paid out" in desk.get("/desk/cash/").text
    answer = desk.post(f"/desk/refunds/{refund.number}/", follow=True)
    assert "Paid out." in answer.text
    assert "To be paid out" not in desk.get("/desk/cash/").text


def test_the_sheet_of_a_day_is_a_spreadsheet(
    desk: Client, court: Bookable, citizen: User, clerk: User
) -> None:
    booked(court, citizen, clerk)
    answer = desk.get("/desk/cash.xlsx")
    book = load_workbook(BytesIO(answer.content))
    rows = [list(row) for row in book.active.values]
    assert [clerk.display_name, 40, 0, 40] in [row[:4] for row in rows]
    assert CashMovement.objects.get().number in [row[0] for row in rows]


@pytest.mark.parametrize("number", ["", "x", "1391234567", "a\0b"])
def test_what_is_no_number_finds_nobody(desk: Client, number: str) -> None:
    answer = desk.post("/desk/", {"number": number})
    assert answer.status_code in (200, 400)
    assert "Register and choose" not in answer.text


def test_tickets_are_sold_at_the_window_even_after_the_start(
    desk: Client, clerk: User, court: Bookable
) -> None:
    session = make.session(bookable=make.bookable(venue=court.venue))
    elder = make.citizen()
    with time_machine.travel(session.starts_at + timedelta(minutes=10), tick=False):
        page = visit_of(desk, elder)
        assert session.name in desk.get(page).text
        url = f"{page}tickets/{session.pk}/?places=2"
        shown = desk.get(url).text
        assert "Taken ¥40 in cash" in shown
        fields = dict(
            re.findall(r'name="(quoted_fen|request_key)" value="([^"]+)"', shown)
        )
        done = desk.post(url, {**fields, "way": "cash"}, follow=True)
        assert "Booked." in done.text
        assert desk.post(url, {**fields, "way": "cash"}).status_code == 302
    booking = Booking.objects.get()
    assert make.pass_of(booking).persons == 2
    assert CashMovement.objects.get().fen == 40_00


# --- A number to sign in with ---------------------------------------------------------


def test_somebody_without_a_phone_is_given_one_at_the_desk(
    desk: Client, clerk: User, network: str
) -> None:
    number, phone = new_id_number(date(1956, 3, 15)), new_phone()
    elder = accounts.register_person(
        name="孔令仪", number=number, agreed=True, by=clerk
    )
    page = str(desk.post("/desk/", {"number": number})["Location"])
    assert f"{page}phone/" in desk.get(page).content.decode()
    assert desk.get(f"{page}phone/").status_code == 200

    asked = desk.post(f"{page}phone/", {"phone": phone}, REMOTE_ADDR=network)
    assert "read it out" in asked.content.decode()
    given = {"phone": phone, "code": "000000", "id_card_seen": "on"}
    if live_code(phone) == given["code"]:
        given["code"] = "000001"
    wrong = desk.post(f"{page}phone/code/", given, REMOTE_ADDR=network)
    assert wrong.status_code == 400
    assert "not right" in wrong.content.decode()
    given["code"] = live_code(phone)
    unseen = {**given, "id_card_seen": ""}
    assert desk.post(f"{page}phone/code/", unseen).status_code == 400
    done = desk.post(f"{page}phone/code/", given, REMOTE_ADDR=network)

    assert done["Location"] == page
    elder.refresh_from_db()
    assert elder.phone == phone
    assert f"{page}phone/" not in desk.get(page).content.decode()


def test_a_number_of_another_account_is_refused_in_plain_words(
    desk: Client, clerk: User, citizen: User, network: str
) -> None:
    number = new_id_number(date(1956, 3, 15))
    accounts.register_person(name="孔令仪", number=number, agreed=True, by=clerk)
    page = str(desk.post("/desk/", {"number": number})["Location"])
    refused = desk.post(f"{page}phone/", {"phone": citizen.phone}, REMOTE_ADDR=network)
    assert refused.status_code == 409
    assert "Two accounts cannot be joined" in refused.content.decode()


def test_only_who_works_here_adds_numbers(client: Client, citizen: User) -> None:
    client.force_login(citizen)
    assert client.get("/desk/for/x/phone/").status_code == 403
    assert client.post("/desk/for/x/phone/code/").status_code == 403


def test_a_change_is_priced_without_the_hours_that_stay(
    desk: Client, clerk: User, citizen: User, court: Bookable
) -> None:
    """One of two hours is moved; the other one is neither paid nor paid back."""
    booking = actions.book_at_desk(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (18, 19)],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        person=citizen,
        way="cash",
        by=clerk,
    )
    address = (
        f"{visit_of(desk, citizen)}book/?change={booking.number}"
        f"&slot={slot(court, 18)}&slot={slot(court, 20)}"
    )
    page = desk.get(address)
    assert page.context["total_fen"] == make.PRICE_FEN
    form = page.context["form"].initial
    done = desk.post(address, {**form, "way": "cash"})
    assert done.status_code == 302
    booking.refresh_from_db()
    assert (booking.starts_at, booking.ends_at) == (
        make.tomorrow_at(18),
        make.tomorrow_at(21),
    )
    assert CashMovement.objects.count() == 1
