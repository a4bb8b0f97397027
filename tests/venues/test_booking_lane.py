"""`POST /venues/…/book/`: on a short way, and as strict as behind all middleware.

A form with files, as Django's test client sends by itself, goes the long way; one like
a browser's takes the lane. Both have to come to the same.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from tests import make
from venues import middleware
from venues.actions import cancel_booking, slots
from venues.models import Bookable, Booking

pytestmark = pytest.mark.django_db

LONG_WAY = "multipart/form-data; boundary=BoUnDaRyStRiNg"
SHORT_WAY = "application/x-www-form-urlencoded"


@pytest.fixture
def court() -> Bookable:
    return make.bookable(name="Court 1")


@pytest.fixture
def in_lane(monkeypatch: pytest.MonkeyPatch) -> list[Booking]:
    """The bookings that the lane itself has answered."""
    answered: list[Booking] = []
    sent_on = middleware._sent_on

    def noted(request: Any, booking: Booking) -> Any:
        answered.append(booking)
        return sent_on(request, booking)

    monkeypatch.setattr(middleware, "_sent_on", noted)
    return answered


@pytest.fixture(autouse=True, params=["a listed device", "a device of no list"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Signing in writes a list of devices; what it says is held against the session."""
    kind: str = request.param
    monkeypatch.setattr(Browser, "is_listed", kind == "a listed device")
    return kind


class Browser:
    """A person's browser, with a token of its own; any form without it is refused."""

    is_listed = True

    def __init__(self, person: User | None) -> None:
        self.client = Client(enforce_csrf_checks=True)
        if person:
            self.client.force_login(person)
            if self.is_listed:
                self.list_as(person)
        request = RequestFactory().get("/")
        self.token = get_token(request)
        self.client.cookies[settings.CSRF_COOKIE_NAME] = request.META["CSRF_COOKIE"]

    def list_as(self, person: User) -> None:
        UserSession.objects.update_or_create(
            session_key=self.client.session.session_key,
            defaults={"user": person, "ip": "203.0.113.7", "user_agent": "tests"},
        )

    @property
    def session(self) -> Any:
        key = self.client.cookies[settings.SESSION_COOKIE_NAME].value
        return Session.objects.filter(session_key=key)

    def book(self, court: Bookable, hour: int = 18, **given: Any) -> Any:
        slot = f"{court.pk}@{clock.today() + timedelta(days=1)}T{hour:02}:00"
        query = urlencode({"slot": slot} | given.pop("query", {}))
        form = {
            "csrfmiddlewaretoken": self.token,
            "quoted_fen": str(make.PRICE_FEN),
            "request_key": str(uuid.uuid4()),
        } | given.pop("form", {})
        url = f"{reverse('venues:book', args=[court.venue.code])}?{query}"
        if given.pop("way", SHORT_WAY) == LONG_WAY:
            return self.client.post(url, form, **given)
        body = urlencode(form)
        return self.client.post(url, body, content_type=SHORT_WAY, **given)


# --- Yes ------------------------------------------------------------------------------


def test_a_form_leads_to_the_cashier(court: Bookable, in_lane: list[Booking]) -> None:
    person = make.citizen()
    answer = Browser(person).book(court)
    booking = Booking.objects.get()
    assert in_lane == [booking]
    assert booking.booked_by == person
    assert booking.state == Booking.State.HELD
    number = make.payment_of(booking).number
    assert answer.status_code == 302
    assert answer["Location"] == f"/pay/{number}/go/sandbox/"


def test_the_answer_is_that_of_the_view_header_by_header(
    court: Bookable, in_lane: list[Booking]
) -> None:
    answers = [
        Browser(make.citizen()).book(court, hour, way=way)
        for hour, way in ((18, LONG_WAY), (19, SHORT_WAY))
    ]
    assert len(in_lane) == 1
    own = {"X-Request-ID", "Location", "Expires", "Content-Security-Policy", "Vary"}
    first, second = ({**answer.headers} for answer in answers)
    assert first.keys() == second.keys()
    assert {name: first[name] for name in first if name not in own} == {
        name: second[name] for name in second if name not in own
    }
    for name in ("Content-Security-Policy", "Vary"):
        apart = "; " if "; " in first[name] else ", "
        assert set(first[name].split(apart)) == set(second[name].split(apart))
    assert first["X-Frame-Options"] == "DENY"
    assert "no-store" in first["Cache-Control"]
    assert not answers[1].content
    assert answers[0].cookies.keys() == answers[1].cookies.keys()


def test_what_is_written_is_what_the_view_writes(
    court: Bookable, in_lane: list[Booking]
) -> None:
    person = make.citizen()
    rows = []
    for hour, way in ((18, LONG_WAY), (19, SHORT_WAY)):
        Browser(person).book(court, hour, way=way, REMOTE_ADDR="203.0.113.7")
        booking = Booking.objects.latest("pk")
        payment = make.payment_of(booking)
        entries = Entry.objects.filter(
            subject_id__in=[booking.pk, payment.pk], actor=person
        )
        told = entries.order_by("event").values_list(
            "event", "actor_name", "actor_role", "ip", "detail"
        )
        rows.append((list(told), payment.amount_fen, payment.title[:-5], booking.state))
        assert entries.values("request_id").distinct().count() == 1
    assert len(in_lane) == 1
    assert rows[0] == rows[1]
    assert len(rows[0][0]) == 2


def test_the_audit_knows_who_and_which_request(court: Bookable) -> None:
    person = make.citizen()
    answer = Browser(person).book(court, REMOTE_ADDR="203.0.113.7")
    noted = Entry.objects.get(event="venues.booking.held")
    assert noted.actor == person
    assert noted.actor_name == str(person)
    assert noted.ip == "203.0.113.7"
    assert noted.request_id == answer["X-Request-ID"]


def test_two_tabs_with_the_same_form_are_one_booking(
    court: Bookable, in_lane: list[Booking]
) -> None:
    browser = Browser(make.citizen())
    form = {"request_key": str(uuid.uuid4())}
    first, second = (browser.book(court, form=form) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Booking.objects.count() == len(set(in_lane)) == 1


def test_staff_book_like_everybody(court: Bookable) -> None:
    clerk = make.user("clerk", is_staff=True)
    assert Browser(clerk).book(court).status_code == 302
    assert Booking.objects.get().booked_by == clerk


def test_without_redis_bookings_go_on(
    court: Bookable, in_lane: list[Booking], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(make.citizen())

    def gone(*_args: Any, **_given: Any) -> None:
        raise AssertionError("the lane asks Redis nothing")

    for name in ("get", "set", "add", "incr", "delete"):
        monkeypatch.setattr(type(caches["default"]), name, gone)
    assert browser.book(court).status_code == 302
    assert in_lane


def test_a_booking_is_two_questions(
    court: Bookable, device: str, django_assert_num_queries: Any
) -> None:
    """Three where the list of devices does not say whose the session is."""
    Browser(make.citizen()).book(court, 10)  # statements and rules are known
    browser = Browser(make.citizen())
    savepoint = 2  # inside of the test's transaction
    questions = 2 if device == "a listed device" else 3
    with django_assert_num_queries(questions + savepoint):
        assert browser.book(court).status_code == 302


def test_the_list_of_devices_lends_nobody_an_account(
    court: Bookable, in_lane: list[Booking]
) -> None:
    person, other = make.citizen(), make.citizen()
    browser = Browser(person)
    browser.list_as(other)
    assert browser.book(court).status_code == 302
    assert [booking.booked_by for booking in in_lane] == [person]


def test_what_is_free_is_booked_at_once(court: Bookable) -> None:
    make.price(venue=court.venue, fen=0, bookable=court)
    answer = Browser(make.citizen()).book(court, form={"quoted_fen": "0"})
    booking = Booking.objects.get()
    assert booking.state == Booking.State.CONFIRMED
    assert answer["Location"] == booking.get_absolute_url()


def test_a_lapsed_hold_is_taken_over(court: Bookable, in_lane: list[Booking]) -> None:
    lapsed = make.held(court=court)
    Booking.objects.filter(pk=lapsed.pk).update(
        hold_until=clock.now() - timedelta(seconds=1)
    )
    lapsed.lines.get().occupancies.update(hold_until=clock.now() - timedelta(seconds=1))
    assert Browser(make.citizen()).book(court).status_code == 302
    lapsed.refresh_from_db()
    assert lapsed.state == Booking.State.EXPIRED
    assert in_lane


# --- No -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"form": {"csrfmiddlewaretoken": ""}},
        {"form": {"csrfmiddlewaretoken": "b" * 32}},
        {"HTTP_ORIGIN": "https://other.example"},
        {"HTTP_ORIGIN": "null"},
        {"secure": True},  # over TLS without a Referer
        {"secure": True, "HTTP_REFERER": "https://other.example/"},
    ],
)
def test_a_form_of_another_site_is_refused(
    court: Bookable, in_lane: list[Booking], given: dict[str, Any]
) -> None:
    answer = Browser(make.citizen()).book(court, **given)
    assert answer.status_code == 403
    assert "open for too long" in answer.text
    assert not in_lane
    assert not Booking.objects.exists()


def test_who_has_no_token_cookie_is_refused(court: Bookable) -> None:
    browser = Browser(make.citizen())
    del browser.client.cookies[settings.CSRF_COOKIE_NAME]
    assert browser.book(court).status_code == 403
    assert not Booking.objects.exists()


def to_the_login(answer: Any) -> bool:
    return bool(
        answer.status_code == 302
        and answer["Location"].startswith("/accounts/login/?next=")
    )


def test_who_is_not_signed_in_signs_in_first(court: Bookable) -> None:
    assert to_the_login(Browser(None).book(court))
    assert not Booking.objects.exists()


def test_who_has_signed_out_signs_in_again(court: Bookable) -> None:
    browser = Browser(make.citizen())
    key = browser.session.get().session_key
    browser.client.session.delete(key)
    assert to_the_login(browser.book(court))
    assert not Booking.objects.exists()


def test_a_session_that_ran_out_is_none(
    court: Bookable, in_lane: list[Booking]
) -> None:
    browser = Browser(make.citizen())
    browser.session.update(expire_date=clock.now() - timedelta(seconds=1))
    caches["default"].clear()
    assert to_the_login(browser.book(court))
    assert not in_lane


def test_a_session_that_nobody_signed_is_none(
    court: Bookable, in_lane: list[Booking]
) -> None:
    browser = Browser(make.citizen())
    browser.session.update(session_data="e30:forged:forged")
    caches["default"].clear()
    assert to_the_login(browser.book(court))
    assert not in_lane


def test_who_was_shut_out_books_nothing(court: Bookable) -> None:
    person = make.citizen()
    browser = Browser(person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert to_the_login(browser.book(court))
    assert not Booking.objects.exists()


def test_a_new_password_ends_old_sessions(court: Bookable) -> None:
    person = make.citizen()
    browser = Browser(person)
    person.set_password("quite another one")
    person.save(update_fields=["password"])
    assert to_the_login(browser.book(court))
    assert not Booking.objects.exists()


def test_somebody_elses_court_is_refused_in_words(
    court: Bookable, in_lane: list[Booking]
) -> None:
    make.held(court=court)
    answers = [
        Browser(make.citizen()).book(court, way=way) for way in (LONG_WAY, SHORT_WAY)
    ]
    assert not in_lane
    assert [answer.status_code for answer in answers] == [409, 409]
    assert "was just taken" in answers[1].text
    assert len(answers[0].content) == len(answers[1].content)


def test_a_refusal_is_not_asked_for_twice(
    court: Bookable, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.held(court=court)
    asked = []
    resolve = slots.resolve_picks

    def noted(*args: Any, **given: Any) -> Any:
        asked.append(args)
        return resolve(*args, **given)

    monkeypatch.setattr("venues.actions.bookings.resolve_picks", noted)
    assert Browser(make.citizen()).book(court).status_code == 409
    assert len(asked) == 1


def test_what_was_refused_is_booked_as_soon_as_it_is_free(court: Bookable) -> None:
    booking = make.held(court=court)
    assert Browser(make.citizen()).book(court).status_code == 409
    cancel_booking(booking=booking, by=booking.booked_by)
    assert Browser(make.citizen()).book(court).status_code == 302


def test_refusals_are_told_in_the_language_of_the_reader(court: Bookable) -> None:
    make.held(court=court)
    browser = Browser(make.citizen())
    browser.client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    answer = browser.book(court)
    assert answer["Content-Language"] == "zh-hans"
    assert '<html lang="zh-hans"' in answer.text


def test_another_price_than_the_one_agreed_to_is_asked_about(court: Bookable) -> None:
    answer = Browser(make.citizen()).book(court, form={"quoted_fen": "1"})
    assert answer.status_code == 409
    assert "The price is 40 yuan now" in answer.text
    assert not Booking.objects.exists()


def test_a_third_unpaid_booking_is_refused(court: Bookable) -> None:
    person = make.citizen()
    answers = [Browser(person).book(court, hour) for hour in (9, 10, 11)]
    assert [answer.status_code for answer in answers] == [302, 302, 409]
    assert "waiting for payment" in answers[2].text


@pytest.mark.parametrize(
    "form", [{"quoted_fen": "x"}, {"request_key": "1"}, {"quoted_fen": "-1"}]
)
def test_a_damaged_form_is_shown_again(court: Bookable, form: dict[str, str]) -> None:
    answer = Browser(make.citizen()).book(court, form=form)
    assert answer.status_code == 422
    assert not Booking.objects.exists()


def test_a_slot_that_no_grid_had_is_refused(court: Bookable) -> None:
    answer = Browser(make.citizen()).book(court, query={"slot": "x"})
    assert answer.status_code == 422


def test_an_unknown_venue_is_not_found(court: Bookable) -> None:
    browser = Browser(make.citizen())
    Bookable.objects.filter(pk=court.pk).update(is_open=False)
    court.venue.code = "ZZZZZZZZ"
    assert browser.book(court).status_code == 404


def test_who_books_for_their_family_goes_the_long_way(
    court: Bookable, in_lane: list[Booking]
) -> None:
    guardian = make.citizen()
    child = make.dependant(guardian)
    Browser(guardian).book(court, query={"for": str(child.pk)})
    assert Booking.objects.get().dependant == child
    stranger = Browser(make.citizen()).book(court, 19, query={"for": str(child.pk)})
    assert stranger.status_code == 404
    assert not in_lane


def test_a_host_that_is_not_ours_is_refused(court: Bookable) -> None:
    answer = Browser(make.citizen()).book(court, HTTP_HOST="other.example")
    assert answer.status_code == 400
    assert not Booking.objects.exists()


def test_a_large_body_goes_the_long_way(
    court: Bookable, in_lane: list[Booking]
) -> None:
    answer = Browser(make.citizen()).book(court, form={"more": "x" * 10_000})
    assert answer.status_code == 302
    assert not in_lane


def test_requests_are_counted_by_their_view(
    court: Bookable, settings: Settings, in_lane: list[Booking]
) -> None:
    settings.METRICS_TOKEN = "secret"
    answer = Browser(make.citizen()).book(court)
    assert in_lane
    assert answer.resolver_match.view_name == "venues:book"


def test_the_lane_knows_the_address_of_the_form(court: Bookable) -> None:
    url = reverse("venues:book", args=[court.venue.code])
    found = middleware._ADDRESS.fullmatch(url)
    assert found
    assert found[1] == court.venue.code
