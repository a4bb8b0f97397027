from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from icalendar import Calendar

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from venues import actions
from venues.models import Booking, CalendarFeed

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, citizen: User) -> Client:
    client.force_login(citizen)
    return client


def events_in(body: bytes) -> list[Any]:
    return list(Calendar.from_ical(body).walk("VEVENT"))


def feed_of(user: User) -> str:
    return f"/calendar/{actions.make_feed(by=user)}.ics"


def read(url: str) -> list[Any]:
    answer = Client().get(url)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/calendar")
    return events_in(answer.content)


def test_a_booking_is_a_file_for_the_calendar(signed_in: Client, citizen: User) -> None:
    booking = make.confirmed(by=citizen, court=make.bookable(name="Court 1"))
    answer = signed_in.get(f"/bookings/{booking.number}/booking.ics")
    assert f"booking-{booking.number}.ics" in answer["Content-Disposition"]
    calendar = Calendar.from_ical(answer.content)
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == [
        "Asia/Shanghai"
    ]
    (event,) = events_in(answer.content)
    assert event["DTSTART"].params["TZID"] == "Asia/Shanghai"
    assert event.decoded("DTSTART") == booking.starts_at
    assert event.decoded("DTEND") == booking.ends_at
    assert str(event["STATUS"]) == "CONFIRMED"
    assert "Court 1" in str(event["SUMMARY"])
    assert booking.number in str(event["UID"])
    assert str(event["URL"]).startswith(settings.PUBLIC_URL)
    assert (citizen.phone or "?").encode() not in answer.content
    for line in answer.content.splitlines():
        assert len(line) <= 75


def test_a_strangers_booking_is_no_file(signed_in: Client) -> None:
    booking = make.confirmed()
    answer = signed_in.get(f"/bookings/{booking.number}/booking.ics")
    assert answer.status_code == 404
    answer = signed_in.get(f"/together/{booking.number}/booking.ics")
    assert answer.status_code == 404


def test_the_feed_has_own_and_joined_bookings_and_nobody_elses(
    citizen: User, stranger: User
) -> None:
    own = make.confirmed(by=citizen)
    other = make.confirmed(by=stranger)
    make.confirmed()
    shared = actions.make_invite(booking=other, by=stranger)
    actions.join_booking(code=shared.invite_code or "", by=citizen)
    url = feed_of(citizen)
    body = Client().get(url).content
    numbers = {str(event["UID"]).split("@")[0] for event in events_in(body)}
    assert numbers == {own.number, other.number}
    assert stranger.display_name.encode() not in body


def test_a_cancelled_booking_stays_as_cancelled(citizen: User) -> None:
    booking = make.confirmed(by=citizen)
    url = feed_of(citizen)
    (before,) = read(url)
    actions.cancel_booking(booking=booking, by=citizen)
    (after,) = read(url)
    assert str(after["STATUS"]) == "CANCELLED"
    assert str(after["UID"]) == str(before["UID"])
    assert after["SEQUENCE"] > before["SEQUENCE"]


def test_what_was_never_paid_was_never_there(citizen: User) -> None:
    actions.cancel_booking(booking=make.held(by=citizen), by=citizen)
    assert read(feed_of(citizen)) == []


def test_another_time_keeps_its_uid(citizen: User) -> None:
    booking = make.confirmed(by=citizen)
    line = booking.lines.get()
    url = feed_of(citizen)
    (before,) = read(url)
    actions.change_booking(
        booking=booking,
        line_ids=[line.pk],
        picks=[make.pick(line.bookable, make.tomorrow_at(20))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        by=citizen,
    )
    (after,) = read(url)
    assert str(after["UID"]) == str(before["UID"])
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after.decoded("DTSTART") == make.tomorrow_at(20)


def test_hours_on_end_are_one_event_and_a_break_makes_two(citizen: User) -> None:
    court = make.bookable()
    booking = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (9, 10, 19)],
        quoted_fen=3 * make.PRICE_FEN,
        request_key=uuid4(),
        by=citizen,
    )
    make.pay(booking)
    morning, evening = read(feed_of(citizen))
    assert morning.decoded("DTEND") == make.tomorrow_at(11)
    assert evening.decoded("DTSTART") == make.tomorrow_at(19)
    assert str(morning["UID"]) != str(evening["UID"])


def test_an_offer_is_tentative_until_it_runs_out(citizen: User) -> None:
    booking = make.held(by=citizen)
    Booking.objects.filter(pk=booking.pk).update(channel=Booking.Channel.OFFER)
    url = feed_of(citizen)
    (event,) = read(url)
    assert str(event["STATUS"]) == "TENTATIVE"
    assert str(event["SUMMARY"]).startswith(("Offer", "待确认"))
    with time_machine.travel(make.end_of_hold(booking)):
        assert read(url) == []


def test_the_address_is_kept_as_a_hash_and_shown_once(
    signed_in: Client, citizen: User
) -> None:
    page = signed_in.post("/calendar/address/")
    feed = CalendarFeed.objects.get(user=citizen)
    assert f"{settings.PUBLIC_URL}/calendar/" in page.text
    assert feed.code_hash not in page.text
    assert ".ics" not in signed_in.get("/calendar/").text


def test_a_new_address_makes_the_old_one_useless(citizen: User) -> None:
    old = feed_of(citizen)
    new = feed_of(citizen)
    assert Client().get(old).status_code == 404
    assert Client().get(new).status_code == 200


def test_the_address_is_switched_off(signed_in: Client, citizen: User) -> None:
    url = feed_of(citizen)
    signed_in.post("/calendar/address/revoke/")
    assert Client().get(url).status_code == 404
    signed_in.post("/calendar/address/revoke/")  # nothing more happens


def test_a_feed_of_many_bookings_asks_no_more_questions(
    citizen: User, django_assert_max_num_queries: object
) -> None:
    for hour in (8, 9, 10):
        make.confirmed(by=citizen, starts_at=make.tomorrow_at(hour))
    url = feed_of(citizen)
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        assert len(read(url)) == 3


def test_the_page_shows_a_month_day_by_day(signed_in: Client, citizen: User) -> None:
    booking = make.confirmed(by=citizen)
    month = f"{booking.starts_at.astimezone(clock.CHINA):%Y-%m}"
    page = signed_in.get("/calendar/", {"month": month})
    assert booking.get_absolute_url() in page.text
    far = f"{clock.today() + timedelta(days=400):%Y-%m}"
    assert "Nothing in this month" in signed_in.get("/calendar/", {"month": far}).text


@pytest.mark.parametrize("month", ["2026-13", "x", "1999-01", "2026-1", "2026-01-01"])
def test_a_month_that_is_none_is_not_found(signed_in: Client, month: str) -> None:
    assert signed_in.get("/calendar/", {"month": month}).status_code == 404
