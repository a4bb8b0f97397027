from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import cast

import pytest
import qrcode
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from bureau.accounts.models import User
from bureau.common import clock, codes
from tests import make
from venues import actions
from venues.models import Admission, Bookable, Booking, Venue, VenueStaff

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking(citizen: User) -> Booking:
    return make.confirmed(by=citizen, court=make.bookable(name="Court 1"))


@pytest.fixture
def at_start(booking: Booking) -> Iterator[None]:
    with time_machine.travel(booking.starts_at, tick=False):
        yield


@pytest.fixture
def keeper(booking: Booking) -> User:
    return make.gatekeeper(booking.venue)


@pytest.fixture
def gate(client: Client, keeper: User) -> Client:
    client.force_login(keeper)
    return client


def live_text(booking: Booking) -> str:
    """What a scanner reads from the pass right now."""
    shown = make.pass_of(booking)
    step = codes.step_at(clock.now())
    proof = codes.proof_of(shown.code, key=shown.key, step=step)
    return f"https://sport.example/p/{shown.code}?k={proof}"


def token_in(answer: HttpResponse) -> str:
    found = re.search(r'name="token" value="([^"]+)"', answer.text)
    return found[1] if found else ""


def check(gate: Client, text: str) -> HttpResponse:
    return cast("HttpResponse", gate.post("/gate/", {"code": text}))


# --- Who stands at a gate ------------------------------------------------------


def test_the_gate_is_for_venue_staff(client: Client, citizen: User) -> None:
    assert client.get("/gate/")["Location"].startswith("/accounts/login/")
    client.force_login(citizen)
    for answer in (
        client.get("/gate/"),
        client.post("/gate/", {"code": "x"}),
        client.post("/gate/admit/", {"token": "x"}),
        client.post("/gate/decode/"),
        client.get("/gate/venue/"),
    ):
        assert answer.status_code == 403


def test_who_works_at_several_venues_says_where_they_are(
    gate: Client, keeper: User, booking: Booking
) -> None:
    other = make.venue(name="Other Hall")
    VenueStaff.objects.create(venue=other, user=keeper)
    assert "Where are you today?" in gate.get("/gate/").text
    assert gate.post("/gate/venue/", {"venue": make.venue().code}).status_code == 404
    gate.post("/gate/venue/", {"venue": other.code})
    text = gate.get("/gate/").text
    assert "Other Hall" in text
    assert "another venue" in text


# --- Checking ------------------------------------------------------------------


@pytest.mark.usefixtures("at_start")
def test_a_live_pass_is_green_with_a_masked_name(
    gate: Client, booking: Booking, citizen: User
) -> None:
    answer = check(gate, live_text(booking))
    assert answer.status_code == 200
    assert "May come in" in answer.text
    assert citizen.display_name in answer.text
    assert str(citizen.phone) not in answer.text
    assert "Court 1" in answer.text
    assert not Admission.objects.exists()


@pytest.mark.usefixtures("at_start")
def test_the_code_and_digits_can_be_typed(gate: Client, booking: Booking) -> None:
    shown = make.pass_of(booking)
    step = codes.step_at(clock.now())
    digits = codes.digits_of(shown.code, key=shown.key, step=step)
    typed = f"{codes.grouped(shown.code).lower()} {digits[:3]} {digits[3:]}"
    assert "May come in" in check(gate, typed).text


@pytest.mark.usefixtures("at_start")
def test_an_old_screenshot_is_red(gate: Client, booking: Booking) -> None:
    text = live_text(booking)
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        answer = check(gate, text)
    assert answer.status_code == 409
    assert "Do not let in" in answer.text
    assert "This is an old picture." in answer.text


@pytest.mark.usefixtures("at_start")
@pytest.mark.parametrize("mode", ["check", "quick"])
def test_a_code_without_its_digits_waits_for_them_and_refuses_nobody(
    gate: Client, booking: Booking, mode: str
) -> None:
    gate.post("/gate/set-up/", {"mode": mode})
    code = make.pass_of(booking).code

    answer = check(gate, code)

    assert "The six digits are missing" in answer.text
    assert "Type the six digits below the code, too." in answer.text
    assert "Do not let in" not in answer.text
    assert f'value="{code} "' in answer.text  # only the digits are typed now
    assert not Admission.objects.exists()


@pytest.mark.usefixtures("at_start")
def test_another_venues_pass_is_red_and_says_where_to_go(client: Client) -> None:
    here = make.venue(name="This Hall")
    client.force_login(make.gatekeeper(here))
    elsewhere = make.confirmed(
        court=make.bookable(venue=make.venue(name="That Hall")),
        starts_at=clock.now() + timedelta(hours=1),
    )
    answer = check(client, live_text(elsewhere))
    assert answer.status_code == 409
    assert "This pass is for That Hall." in answer.text


def test_a_cancelled_booking_is_red(gate: Client, booking: Booking) -> None:
    text = live_text(booking)
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    assert "This booking was cancelled." in check(gate, text).text


def test_too_early_is_red_and_says_when(gate: Client, booking: Booking) -> None:
    answer = check(gate, live_text(booking))
    assert "The gate opens for it at" in answer.text


@pytest.mark.usefixtures("at_start")
@pytest.mark.parametrize("text", ["nonsense", "https://x.example/v/0123456789AB", "é"])
def test_what_is_no_pass_is_red(gate: Client, text: str) -> None:
    answer = check(gate, text)
    assert answer.status_code == 409
    assert "There is no such pass." in answer.text


@pytest.mark.parametrize("text", ["", "x" * 301, "a\0b"])
def test_what_is_no_text_at_all_is_asked_again(gate: Client, text: str) -> None:
    answer = check(gate, text)
    assert answer.status_code == 200
    assert "field__error" in answer.text


# --- Letting in ----------------------------------------------------------------


@pytest.mark.usefixtures("at_start")
def test_letting_in_is_recorded_once_however_often_it_is_tapped(
    gate: Client, booking: Booking, keeper: User
) -> None:
    token = token_in(check(gate, live_text(booking)))
    for _ in range(2):
        answer = gate.post("/gate/admit/", {"token": token}, follow=True)
        assert "Let in at 18:00" in answer.text
    admission = Admission.objects.get()
    assert admission.admitted_by == keeper
    assert booking.booked_by.display_name in gate.get("/gate/").text


@pytest.mark.usefixtures("at_start")
def test_a_used_pass_is_red_and_says_when(gate: Client, booking: Booking) -> None:
    gate.post("/gate/admit/", {"token": token_in(check(gate, live_text(booking)))})
    answer = check(gate, live_text(booking))
    assert answer.status_code == 409
    assert "already used at" in answer.text
    assert "18:00" in answer.text


@pytest.mark.usefixtures("at_start")
def test_a_colleague_who_checked_the_same_pass_is_told_that_it_is_used(
    gate: Client, booking: Booking
) -> None:
    colleague = Client()
    colleague.force_login(make.gatekeeper(booking.venue))
    theirs = token_in(check(colleague, live_text(booking)))
    gate.post("/gate/admit/", {"token": token_in(check(gate, live_text(booking)))})
    answer = colleague.post("/gate/admit/", {"token": theirs})
    assert answer.status_code == 409
    assert "already used at" in answer.text


@pytest.mark.usefixtures("at_start")
@pytest.mark.parametrize("mode", ["check", "quick"])
def test_two_gates_under_one_name_let_the_same_pass_in_once(
    gate: Client, keeper: User, booking: Booking, mode: str
) -> None:
    other = Client()
    other.force_login(keeper)
    text, admit = live_text(booking), "/gate/admit/"
    for each in (gate, other):
        each.post("/gate/set-up/", {"mode": mode})
    first, second = (check(each, text) for each in (gate, other))
    if mode == "check":  # both are green, and both are tapped
        tokens = token_in(first), token_in(second)
        first = cast("HttpResponse", gate.post(admit, {"token": tokens[0]}))
        second = cast("HttpResponse", other.post(admit, {"token": tokens[1]}))
    assert first.status_code == 302
    assert second.status_code == 409
    assert "already used at" in second.text
    assert Admission.objects.count() == 1


@pytest.mark.usefixtures("at_start")
def test_a_check_is_good_for_two_minutes_and_for_the_one_who_made_it(
    gate: Client, booking: Booking
) -> None:
    token = token_in(check(gate, live_text(booking)))
    colleague = Client()
    colleague.force_login(make.gatekeeper(booking.venue))
    for answer in (
        colleague.post("/gate/admit/", {"token": token}),
        gate.post("/gate/admit/", {"token": token + "x"}),
        gate.post("/gate/admit/", {}),
    ):
        assert answer.status_code == 409
        assert "Please scan the pass again." in answer.text
    with time_machine.travel(clock.now() + timedelta(seconds=121)):
        late = gate.post("/gate/admit/", {"token": token})
    assert late.status_code == 409
    assert not Admission.objects.exists()


@pytest.mark.usefixtures("at_start")
def test_a_booking_called_off_between_check_and_tap_is_refused(
    gate: Client, booking: Booking, keeper: User
) -> None:
    token = token_in(check(gate, live_text(booking)))
    actions.call_off_booking(booking=booking, reason="Power cut", by=keeper)
    answer = gate.post("/gate/admit/", {"token": token})
    assert answer.status_code == 409
    assert "This booking was cancelled." in answer.text


# --- The address in the QR code ------------------------------------------------


def test_the_holder_who_opens_the_address_sees_the_pass(
    client: Client, booking: Booking, citizen: User
) -> None:
    url = f"/p/{make.pass_of(booking).code}"
    client.force_login(citizen)
    assert client.get(url)["Location"] == f"/bookings/{booking.number}/pass/"
    actions.cancel_booking(booking=booking, by=citizen)
    assert client.get(url)["Location"] == booking.get_absolute_url()


def test_anybody_else_learns_nothing(
    client: Client, booking: Booking, stranger: User, citizen: User
) -> None:
    url = f"/p/{make.pass_of(booking).code}?k=0123456789"
    anonymous = client.get(url)
    client.force_login(stranger)
    for answer in (anonymous, client.get(url)):
        assert answer.status_code == 200
        assert "This is an entry pass" in answer.text
        for secret in (booking.number, booking.venue.name, citizen.display_name):
            assert secret not in answer.text
    assert client.get("/p/NOSUCHPASS00").status_code == 404


@pytest.mark.usefixtures("at_start")
def test_staff_who_scan_with_the_phones_own_camera_land_at_the_gate(
    gate: Client, booking: Booking
) -> None:
    path = live_text(booking).removeprefix("https://sport.example")
    answer = gate.get(path, follow=True)
    assert "May come in" in answer.text


# --- Camera frames -------------------------------------------------------------


def frame(image: Image.Image, kind: str = "JPEG") -> SimpleUploadedFile:
    out = BytesIO()
    image.save(out, kind)
    return SimpleUploadedFile("frame.jpg", out.getvalue())


def test_a_frame_with_a_code_is_read(gate: Client) -> None:
    picture = qrcode.make("https://sport.example/p/X?k=Y").get_image().convert("RGB")
    answer = gate.post("/gate/decode/", {"frame": frame(picture)})
    assert answer.json() == {"text": "https://sport.example/p/X?k=Y"}
    empty = gate.post("/gate/decode/", {"frame": frame(Image.new("L", (480, 360)))})
    assert empty.json() == {"text": ""}


def test_a_frame_that_is_missing_huge_or_no_picture_is_refused(gate: Client) -> None:
    assert gate.post("/gate/decode/").status_code == 400
    heavy = SimpleUploadedFile("frame.jpg", b"x" * (300 * 1024 + 1))
    assert gate.post("/gate/decode/", {"frame": heavy}).status_code == 413
    wide = frame(Image.new("L", (4000, 4000)), "PNG")
    assert gate.post("/gate/decode/", {"frame": wide}).status_code == 413
    for body in (b"", b"<svg></svg>", b"\xff\xd8\xff\xe0broken"):
        text = SimpleUploadedFile("frame.jpg", body)
        answer = gate.post("/gate/decode/", {"frame": text})
        assert answer.status_code in (400, 422)
        assert "code" in answer.json()


# --- Counting and the ways to work ---------------------------------------------------


@pytest.mark.usefixtures("at_start")
def test_straight_in_needs_no_second_tap_and_the_way_out_counts_out(
    gate: Client, booking: Booking
) -> None:
    door = booking.venue.gates.create(name="East door")
    gate.post("/gate/set-up/", {"mode": "quick", "door": str(door.pk)})
    answer = gate.post("/gate/", {"code": live_text(booking)}, follow=True)
    assert "Let in at 18:00" in answer.text
    assert "East door" in answer.text
    gate.post("/gate/set-up/", {"mode": "out"})
    out = gate.post("/gate/", {"code": make.pass_of(booking).code})
    assert "1 person counted out" in out.text


@pytest.mark.usefixtures("at_start")
def test_a_paper_pass_asks_for_the_name_even_straight_in(
    gate: Client, booking: Booking, keeper: User
) -> None:
    actions.print_pass(booking=booking, by=keeper)
    gate.post("/gate/set-up/", {"mode": "quick"})
    answer = check(gate, make.pass_of(booking).code)
    assert "Paper pass: check the name" in answer.text
    assert not Admission.objects.exists()
    gate.post("/gate/admit/", {"token": token_in(answer)})
    assert Admission.objects.count() == 1


@pytest.mark.usefixtures("at_start")
def test_a_full_house_asks_why_and_then_lets_in(gate: Client, booking: Booking) -> None:
    Venue.objects.filter(pk=booking.venue_id).update(most_inside=1)
    key = "8f14e45f-ceea-467f-a0f2-5a3f1f0c7b11"
    gate.post("/gate/count/", {"direction": "in", "request_key": key})
    assert "Full" in gate.get("/gate/").text
    for mode in ("check", "quick"):
        gate.post("/gate/set-up/", {"mode": mode})
        answer = check(gate, live_text(booking))
        if mode == "check":
            answer = cast(
                "HttpResponse", gate.post("/gate/admit/", {"token": token_in(answer)})
            )
        assert answer.status_code == 409
        assert "The house is full" in answer.text
    asked = {"token": token_in(answer), "over_limit_because": "Has a child inside"}
    assert "Let in at" in gate.post("/gate/admit/", asked, follow=True).text


def test_the_gate_without_network_has_a_page_a_worker_and_no_names(
    gate: Client, booking: Booking, citizen: User
) -> None:
    page = gate.get("/gate/offline/").text
    assert citizen.display_name not in page
    assert "P-256" in page
    worker = gate.get("/gate/sw.js")
    assert worker["Content-Type"].startswith("text/javascript")
    assert gate.get("/gate/app.webmanifest").json()["scope"] == "/gate/"
    for body in (b"", b"[]", b"{", b'{"name": ""}'):
        answer = gate.post("/gate/offline/", body, content_type="application/json")
        assert answer.status_code == 400
    nobody = "/gate/offline/8f14e45f-ceea-467f-a0f2-5a3f1f0c7b11/"
    assert gate.get(f"{nobody}list.json").status_code == 404
    made = gate.post(
        "/gate/offline/", {"name": "Phone"}, content_type="application/json"
    ).json()
    mine = f"/gate/offline/{made['device']}/"
    assert gate.get(f"{mine}list.json").json()["csrf"]
    for scans in (b"{}", b'{"scans": [{"key": "x"}]}', b'{"scans": 1}'):
        answer = gate.post(f"{mine}scans/", scans, content_type="application/json")
        assert answer.status_code == 400


def test_a_check_asks_the_same_however_many_came_before(
    gate: Client,
    booking: Booking,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    made = [make.bookable(venue=booking.venue).pk for _n in range(3)]
    courts = Bookable.objects.filter(pk__in=made)
    others = [make.confirmed(court=court) for court in courts]
    with time_machine.travel(booking.starts_at, tick=False):
        text = live_text(booking)
        check(gate, text)  # warm
        with django_assert_num_queries(8):
            assert token_in(check(gate, text))
        for number, other in enumerate(others):
            make.let_in(other)
            if number == 0:
                continue
            with django_assert_num_queries(8):
                assert token_in(check(gate, text))
