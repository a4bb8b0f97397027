"""Staff see the lines and the changes of their district, and move nobody up."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from bureau.accounts.models import Role, User
from tests import make
from tests.venues.test_admin import client_of, staff, url
from venues import actions
from venues.models import Bookable, BookingChange, WaitingEntry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_second_factor(settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = False


def wait(court: Bookable, hour: int) -> WaitingEntry:
    make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    return actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=make.tomorrow_at(hour),
        bookable=court,
        by=make.citizen(),
    )


def change(court: Bookable, hour: int, person: User) -> BookingChange:
    booking = make.confirmed(court=court, starts_at=make.tomorrow_at(hour), by=person)
    return actions.change_booking(
        booking=booking,
        line_ids=[booking.lines.get().pk],
        picks=[make.pick(court, make.tomorrow_at(hour + 1))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        by=person,
    )


def test_lines_and_changes_of_the_district_are_listed_and_cannot_be_written() -> None:
    court, elsewhere = make.bookable(), make.bookable()
    mine, theirs = wait(court, 18), wait(elsewhere, 18)
    moved, away = (change(one, 8, make.citizen()) for one in (court, elsewhere))
    office = client_of(staff(Role.BUREAU_STAFF, court.venue))

    assert mine.venue.name in office.get(url("waitingentry")).text
    assert theirs.venue.name not in office.get(url("waitingentry")).text
    assert office.get(url("waitingentry", mine)).status_code == 200
    assert office.get(url("waitingentry", theirs)).status_code == 404
    assert moved.number in office.get(url("bookingchange")).text
    assert office.get(url("bookingchange", moved)).status_code == 200
    assert office.get(url("bookingchange", away)).status_code == 404
    for model in ("waitingentry", "bookingchange"):
        assert office.get(f"{url(model)}add/").status_code == 403


def test_longer_lists_ask_no_more_often() -> None:
    court = make.bookable()
    office = client_of(staff(Role.BUREAU_STAFF, court.venue))

    def asked(model: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert office.get(url(model)).status_code == 200
        return len(seen)

    wait(court, 8)
    change(court, 10, make.citizen())
    few = [asked(model) for model in ("waitingentry", "bookingchange")]
    for hour in (12, 15, 18):
        wait(court, hour)
        change(court, hour + 1, make.citizen())
    assert [asked(model) for model in ("waitingentry", "bookingchange")] == few
