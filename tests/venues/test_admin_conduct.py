"""Staff answer appeals, excuse one or many, lift bans, and lay down rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from bureau.accounts.models import Role, User
from bureau.common import clock
from tests import make
from tests.venues.actions.test_conduct import banned_person, miss
from tests.venues.actions.test_seasons import club
from tests.venues.test_admin import client_of, staff
from venues import actions
from venues.models import Appeal, Ban, Bookable, Booking, ConductPoint, ConductRule

pytestmark = pytest.mark.django_db


@pytest.fixture
def court(db: None) -> Bookable:
    make.conduct_rule()
    return make.bookable(venue=make.venue(no_show_minutes=15))


def later() -> time_machine.travel:
    return time_machine.travel(make.tomorrow_at(16), tick=False)


def test_an_appeal_is_answered_once(court: Bookable, citizen: User) -> None:
    point = miss(court, citizen, make.tomorrow_at(9))
    with later():
        city = client_of(staff(Role.CITY_STAFF))
        appeal = actions.appeal_against(point=point, words="The gate broke", by=citizen)
        assert "The gate broke" in city.get("/admin/venues/appeal/").text
        assert "no_show" not in str(appeal)
        assert "nobody came" in str(appeal)
        page = f"/admin/venues/appeal/{appeal.pk}"
        assert city.get(f"{page}/change/").status_code == 200
        assert "The gate broke" in city.get(f"{page}/grant/").text
        assert city.post(f"{page}/grant/", {"answer": ""}).status_code == 422
        assert city.post(f"{page}/grant/", {"answer": "True"}).status_code == 302
        assert city.post(f"{page}/deny/", {"answer": "No"}).status_code == 422

    assert Appeal.objects.get().state == Appeal.State.GRANTED
    assert ConductPoint.objects.get().excused_at


def test_one_excuse_with_the_money(court: Bookable, citizen: User) -> None:
    point = miss(court, citizen, make.tomorrow_at(9))
    with later():
        city = client_of(staff(Role.CITY_STAFF))
        page = f"/admin/venues/conductpoint/{point.pk}"
        assert city.get(f"{page}/change/").status_code == 200
        given = {"reason": "Ill", "with_refund": "on"}
        assert city.post(f"{page}/excuse/", given).status_code == 302

    assert Booking.objects.get().state == Booking.State.CANCELLED


def test_what_is_decided_has_no_button_to_decide_it_again(
    court: Bookable, citizen: User
) -> None:
    point = miss(court, citizen, make.tomorrow_at(9))
    with later():
        city = client_of(staff(Role.CITY_STAFF))
        appeal = actions.appeal_against(point=point, words="The gate broke", by=citizen)
        excuse = f"/admin/venues/conductpoint/{point.pk}/"
        grant = f"/admin/venues/appeal/{appeal.pk}/"
        assert f"{excuse}excuse/" in city.get(f"{excuse}change/").text
        assert f"{grant}grant/" in city.get(f"{grant}change/").text
        assert city.post(f"{grant}grant/", {"answer": "True"}).status_code == 302
        assert f"{excuse}excuse/" not in city.get(f"{excuse}change/").text
        assert f"{grant}grant/" not in city.get(f"{grant}change/").text


def test_a_closure_is_looked_at_and_then_excused(court: Bookable) -> None:
    banned_person(court)
    day = clock.local_day(make.tomorrow_at(9)).isoformat()
    form = {
        "venue": str(court.venue.pk),
        "starts_at_0": day,
        "starts_at_1": "00:00",
        "ends_at_0": day,
        "ends_at_1": "13:00",
        "reason": "Rain",
    }
    with later():
        city = client_of(staff(Role.CITY_STAFF))
        address = "/admin/venues/conductpoint/excuse-many/"
        assert "excuse-many" in city.get("/admin/venues/conductpoint/").text
        assert city.get(address).status_code == 200
        preview = city.post(address, form).text
        assert "2 no-shows would be excused" in preview
        assert "80 yuan" in preview
        assert not ConductPoint.objects.exclude(excused_at=None).exists()
        assert city.post(address, form | {"confirmed": "yes"}).status_code == 302

    assert ConductPoint.objects.exclude(excused_at=None).count() == 2
    assert Ban.objects.get().lifted_at


def test_only_the_citys_staff_lift_bans_and_make_rules(court: Bookable) -> None:
    banned_person(court)
    ban = Ban.objects.get()
    page = f"/admin/venues/ban/{ban.pk}"
    with later():
        district = client_of(staff(Role.BUREAU_STAFF, court.venue))
        assert district.get(f"{page}/change/").status_code == 200
        assert district.post(f"{page}/lift/", {"reason": "x"}).status_code == 403
        assert district.get("/admin/venues/conductrule/add/").status_code == 403
        city = client_of(staff(Role.CITY_STAFF))
        assert city.post(f"{page}/lift/", {"reason": "Goodwill"}).status_code == 302

    ban.refresh_from_db()
    assert ban.lift_reason == "Goodwill"


def rule_form(days: int) -> dict[str, str]:
    return {
        "valid_from": (clock.today() + timedelta(days=days)).isoformat(),
        "no_show_points": "1",
        "late_cancel_points": "0",
        "ban_from_points": "3",
        "count_days": "90",
        "ban_days": "30",
        "appeal_days": "15",
    }


def test_a_rule_begins_tomorrow_at_the_earliest() -> None:
    city = client_of(staff(Role.CITY_STAFF))
    add = "/admin/venues/conductrule/add/"

    assert city.post(add, rule_form(0)).status_code == 200
    assert not ConductRule.objects.exists()
    assert city.post(add, rule_form(1)).status_code == 302
    rule = ConductRule.objects.get()
    assert city.get(f"/admin/venues/conductrule/{rule.pk}/change/").status_code == 200


def test_another_districts_points_are_not_there(court: Bookable, citizen: User) -> None:
    point = miss(court, citizen, make.tomorrow_at(9))
    with later():
        other: Client = client_of(staff(Role.BUREAU_STAFF, make.venue()))
        page = f"/admin/venues/conductpoint/{point.pk}"
        assert other.get(f"{page}/change/").status_code == 404
        assert other.post(f"{page}/excuse/", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    "page",
    [
        "ban/999999/lift",
        "ban/nonsense/lift",
        "appeal/999999/grant",
        "conductpoint/999999/excuse",
        "club/999999/approve",
    ],
)
def test_what_is_not_there_is_not_found(page: str) -> None:
    city = client_of(staff(Role.CITY_STAFF))
    assert city.get(f"/admin/venues/{page}/").status_code == 404
    assert city.post(f"/admin/venues/{page}/", {}).status_code == 404


def test_who_only_works_at_a_gate_reads_no_list_of_persons(
    court: Bookable,
) -> None:
    banned_person(court)
    club()
    keeper = staff(Role.VENUE_STAFF)
    district = staff(Role.BUREAU_STAFF, court.venue)
    for table in ("ban", "club"):
        page = f"/admin/venues/{table}/"
        seen = {
            person.pk: client_of(person).get(page).context["cl"].result_count
            for person in (keeper, district)
        }
        assert seen == {keeper.pk: 0, district.pk: 1}
