"""Staff plan open sessions, open one for once, resize it, and call it off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bureau.accounts.models import Role
from bureau.audit.models import Entry
from bureau.common import clock
from tests import make
from tests.venues.test_admin import client_of, staff
from venues import actions
from venues.models import Bookable, Booking, OpenSession, SessionPlan

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> Client:
    return client_of(staff(Role.CITY_STAFF))


def plan_form(**given: Any) -> dict[str, str]:
    court = make.bookable()
    day = clock.today() + timedelta(days=2)
    return {
        "venue": str(court.venue.pk),
        "bookable": str(court.pk),
        "name": "Evening swim",
        "weekday": str(day.isoweekday()),
        "starts": "18:00",
        "ends": "20:00",
        "capacity": "30",
        "full_yuan": "20",
        "concession_yuan": "10.50",
        "valid_from": clock.today().isoformat(),
        "valid_until": "",
        **given,
    }


def test_a_plan_is_written_and_laid_out(city: Client) -> None:
    answer = city.post("/admin/venues/sessionplan/add/", plan_form())

    assert answer.status_code == 302, answer.text
    plan = SessionPlan.objects.get()
    assert (plan.price_fen, plan.concession_fen) == (20_00, 10_50)
    assert plan.sessions.count() == 2
    assert Entry.objects.filter(event="venues.session_plan.set").count() == 1
    assert "30 places" in city.get(
        f"/admin/venues/sessionplan/{plan.pk}/dates/"
    ).text.replace("0 of ", "")
    change = city.get(f"/admin/venues/sessionplan/{plan.pk}/change/")
    assert "10.5" in change.text
    assert city.get("/admin/venues/sessionplan/").status_code == 200


def test_the_dates_say_what_is_in_the_way(city: Client) -> None:
    form = plan_form()
    day = clock.today() + timedelta(days=2)
    plan_court = Bookable.objects.get(pk=form["bookable"])
    booking = make.held(court=plan_court, starts_at=clock.at(day, 18 * 60))
    city.post("/admin/venues/sessionplan/add/", form)
    plan = SessionPlan.objects.get()

    text = city.get(f"/admin/venues/sessionplan/{plan.pk}/dates/").text

    assert booking.number in text


@pytest.mark.parametrize(
    "wrong", [{"concession_yuan": "30"}, {"ends": "17:00"}, {"capacity": "0"}]
)
def test_a_plan_that_makes_no_sense_is_refused(
    city: Client, wrong: dict[str, str]
) -> None:
    answer = city.post("/admin/venues/sessionplan/add/", plan_form(**wrong))

    assert answer.status_code == 200
    assert not SessionPlan.objects.exists()


def session_form(starts_in: int = 2) -> dict[str, str]:
    day = (clock.today() + timedelta(days=starts_in)).isoformat()
    return {
        "name": "Open day",
        "starts_at_0": day,
        "starts_at_1": "10:00",
        "ends_at_0": day,
        "ends_at_1": "12:00",
        "capacity": "100",
        "full_yuan": "0",
        "concession_yuan": "0",
    }


def test_a_session_for_once(city: Client) -> None:
    court = make.bookable()
    assert city.get("/admin/venues/opensession/add/").status_code == 200
    address = f"/admin/venues/opensession/add/?venue={court.venue.pk}"
    assert court.name in city.get(address).text

    answer = city.post(address, session_form() | {"bookable": str(court.pk)})

    session = OpenSession.objects.get()
    assert answer["Location"] == f"/admin/venues/opensession/{session.pk}/change/"
    assert city.get(answer["Location"]).status_code == 200
    again = city.post(address, session_form() | {"bookable": str(court.pk)})
    assert again.status_code == 422


def test_resizing_and_calling_off(city: Client) -> None:
    session = make.session(capacity=9)
    booking = make.pay(make.tickets(session, places=4))
    page = f"/admin/venues/opensession/{session.pk}"

    assert city.post(f"{page}/resize/", {"capacity": "3"}).status_code == 422
    assert city.post(f"{page}/resize/", {"capacity": "5"}).status_code == 302
    preview = city.get(f"{page}/call-off/").text
    assert "1 bookings with 4 places" in preview
    assert "80 yuan" in preview
    assert city.post(f"{page}/call-off/", {"reason": ""}).status_code == 422
    assert city.post(f"{page}/call-off/", {"reason": "Storm"}).status_code == 302

    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED


def test_who_may_only_look_changes_nothing() -> None:
    session = make.session()
    watcher = client_of(staff(Role.VENUE_STAFF, session.venue))
    page = f"/admin/venues/opensession/{session.pk}"

    assert watcher.get(f"{page}/change/").status_code == 200
    assert watcher.post(f"{page}/call-off/", {"reason": "x"}).status_code == 403
    assert watcher.get("/admin/venues/opensession/add/").status_code == 403


def test_another_district_is_not_there() -> None:
    session = make.session()
    other = client_of(staff(Role.BUREAU_STAFF, make.venue()))

    page = f"/admin/venues/opensession/{session.pk}"
    assert other.get(f"{page}/change/").status_code == 404
    assert other.post(f"{page}/call-off/", {"reason": "x"}).status_code == 404
    address = f"/admin/venues/opensession/add/?venue={session.venue.pk}"
    assert other.get(address).status_code == 404


def test_staff_see_how_many_wait_for_how_many_places(city: Client) -> None:
    session = make.session(capacity=5)
    make.pay(make.tickets(session, places=5))
    for places in (2, 1):
        actions.join_session_line(session=session, places=places, by=make.citizen())

    page = city.get(f"/admin/venues/opensession/{session.pk}/change/").text
    lines = city.get("/admin/venues/waitingentry/").text

    assert "2 (3)" in page
    assert f"{session.name} × 2" in lines
