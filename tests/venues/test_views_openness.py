from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from bureau.accounts.models import Role
from bureau.common import clock
from bureau.regions.models import Posting
from tests import make
from venues import actions, queries
from venues.models import Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue() -> Venue:
    return make.bookable(venue=make.venue(opens=480, closes=1200)).venue


def test_the_city_s_page_names_the_venue_and_why_it_is_red(
    client: Client, venue: Venue
) -> None:
    actions.close_units(
        venue=venue,
        units=list(venue.units.all()),
        starts_at=clock.now() + timedelta(hours=1),
        ends_at=clock.now() + timedelta(days=2),
        reason="Repairs",
        by=make.user(),
    )

    page = client.get("/venues/openness/").content.decode()

    assert venue.name in page
    assert "broken" in page
    assert "Closures and changed hours announced 7 days ahead" in page


def test_a_venue_s_page_tells_figure_and_rule(client: Client, venue: Venue) -> None:
    page = client.get(f"/venues/{venue.code}/openness/").content.decode()

    assert "84 h" in page
    assert "at least 35 hours" in page


def test_a_year_and_another_week_can_be_asked(client: Client, venue: Venue) -> None:
    year = clock.today().year
    assert client.get(f"/venues/openness/?year={year}").status_code == 200
    assert client.get(f"/venues/{venue.code}/openness/?year={year}").status_code == 200
    monday = clock.today() + timedelta(days=7)
    assert client.get(f"/venues/openness/?week={monday}").status_code == 200
    assert client.get("/venues/openness/?week=nonsense").status_code == 200
    assert client.get("/venues/openness/?year=1999").status_code == 404
    assert client.get("/venues/openness/?week=1999-01-01").status_code == 404


def test_the_subsidy_report_is_offered_to_staff_of_the_district_only(
    client: Client, venue: Venue, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = False
    call_command("sync_roles", verbosity=0)
    path = f"/admin/venues/venue/{venue.pk}/subsidy/"
    for district, is_led in ((venue.district, True), (make.district(), False)):
        clerk = make.user(is_staff=True)
        clerk.groups.add(Group.objects.get(name=Role.BUREAU_STAFF))
        Posting.objects.create(user=clerk, district=district)
        client.force_login(clerk)

        page = client.get(f"/venues/{venue.code}/openness/").content.decode()

        assert (path in page) is is_led
        assert (client.get(path).status_code == HTTPStatus.OK) is is_led


def test_who_does_not_take_part_has_no_page(client: Client) -> None:
    other = make.bookable(venue=make.venue(is_low_fee=False)).venue

    assert client.get(f"/venues/{other.code}/openness/").status_code == 404


def test_the_booker_finds_other_times_after_a_closure(client: Client) -> None:
    court = make.bookable()
    other = make.bookable(venue=court.venue)
    booking = make.confirmed(court=court)
    block = actions.close_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=make.tomorrow_at(8),
        ends_at=make.tomorrow_at(22),
        reason="Repairs",
        by=make.user(),
    )
    actions.work_through_closure(block=block)
    client.force_login(booking.booked_by)

    page = client.get(f"/bookings/{booking.number}/instead/").content.decode()

    assert f"Same time on {other.name}" in page
    booked = client.get(f"/bookings/{booking.number}/").content.decode()
    assert f"/bookings/{booking.number}/instead/" in booked
    client.force_login(make.citizen())
    assert client.get(f"/bookings/{booking.number}/instead/").status_code == 404


def test_what_the_booker_gave_back_before_the_closure_is_not_looked_for() -> None:
    court = make.bookable()
    six, seven = make.tomorrow_at(18), make.tomorrow_at(19)
    by = make.citizen()
    held = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, six), make.pick(court, seven)],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=by,
    )
    booking = make.pay(held)
    given_back = booking.lines.get(starts_at=six)
    actions.cancel_booking(booking=booking, by=by, line_ids=[given_back.pk])
    block = actions.close_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=make.tomorrow_at(8),
        ends_at=make.tomorrow_at(22),
        reason="Repairs",
        by=make.user(),
    )
    actions.work_through_closure(block=block)

    lost = queries.closed_lines_of(booking.pk, at=clock.now())

    assert [line.starts_at for line in lost] == [seven]
