from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from bureau.accounts.models import User
from bureau.audit.actions import prove
from bureau.common import clock
from bureau.portal import queries, staff
from bureau.workdays.actions import set_year
from bureau.workdays.models import CalendarYear
from tests import make
from tests.vouchers import business
from venues.queries import offered_sports

pytestmark = pytest.mark.django_db
NOT_ENTERED = "The public holidays of this year are not entered yet."


@pytest.fixture
def chief(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def test_the_first_page_tells_how_today_goes(chief: Client) -> None:
    make.held()

    response = chief.get("/admin/")

    assertContains(response, "Being paid now")
    assertContains(response, "Paid today")
    assertContains(response, "have not been checked yet")


def test_the_first_page_tells_what_the_latest_proof_found(chief: Client) -> None:
    prove()

    assertContains(chief.get("/admin/"), "promises hold, checked on")


def test_the_sidebar_groups_tables_by_domain(chief: Client) -> None:
    response = chief.get("/admin/")

    for group in ("Venues", "Money", "People", "Control"):
        assertContains(response, group)
    assertContains(response, "/admin/audit/entry/")


def test_the_many_tables_of_venues_have_groups_of_their_own(rf: RequestFactory) -> None:
    request = rf.get("/admin/")
    request.user = make.user(is_staff=True, is_superuser=True)

    groups = {
        str(group["title"]): [item["link"] for item in group["items"]]
        for group in staff.navigation(request)
        if "title" in group
    }

    assert groups["Bookings"][0] == "/admin/venues/booking/"
    assert groups["Entry"][0] == "/admin/venues/entrypass/"
    assert "/admin/venues/venue/" in groups["Venues"]
    assert "/admin/venues/block/" in groups["Venues"]
    shown = [link for links in groups.values() for link in links]
    assert len(shown) == len(set(shown))
    assert {f"/admin/venues/{name}/" for name in ("appeal", "quota", "ballot")} <= set(
        shown
    )


def test_a_group_that_nobody_may_open_is_not_shown(rf: RequestFactory) -> None:
    clerk = make.user(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_booking"))
    request = rf.get("/admin/")
    request.user = clerk

    titles = [str(group.get("title", "")) for group in staff.navigation(request)]

    assert titles == ["", "Bookings"]


def test_a_figure_leads_to_its_list(chief: Client) -> None:
    response = chief.get("/admin/")

    assertContains(response, 'href="/admin/venues/booking/?state__exact=held"')


def test_staff_see_only_what_they_may(client: Client) -> None:
    clerk = make.user(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_booking"))
    client.force_login(clerk)

    response = client.get("/admin/")

    assertContains(response, "Slots played today")
    assertNotContains(response, "Paid today")
    assertNotContains(response, "/admin/audit/entry/")


def test_the_first_page_asks_a_bounded_number_of_questions(
    chief: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        make.held()

    with django_assert_max_num_queries(20):
        chief.get("/admin/")


def test_the_day_is_the_day_in_china() -> None:
    booked = make.confirmed(starts_at=make.tomorrow_at(0))
    tomorrow = booked.starts_at

    assert queries.city_at(tomorrow).slots_today == 1
    assert queries.city_at(clock.now()).slots_today == 0


def test_the_chart_counts_each_day() -> None:
    make.confirmed()

    counts = dict(queries.slots_by_day(clock.today()))

    assert len(counts) == 15
    assert sum(counts.values()) == 1


def test_staff_of_a_district_count_their_own_bookings_only(client: Client) -> None:
    booking = make.confirmed()
    district = booking.venue.district_id

    ours = queries.staff_day_at(booking.created_at, districts={district})
    others = queries.staff_day_at(booking.created_at, districts={district + 1})

    assert (ours.bookings, others.bookings) == (1, 0)
    today = clock.today()
    assert sum(n for _, n in queries.slots_by_day(today, districts={district})) == 1
    assert sum(n for _, n in queries.slots_by_day(today, districts=set())) == 0


def test_what_belongs_to_no_district_is_told_to_the_city_only(client: Client) -> None:
    clerk = make.user(is_staff=True)
    clerk.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_payment", "view_user"])
    )
    client.force_login(clerk)

    response = client.get("/admin/")

    assertNotContains(response, "Paid today")
    assertNotContains(response, "New people today")


def test_the_sidebar_starts_with_the_venues_themselves(chief: Client) -> None:
    page = chief.get("/admin/").content.decode()

    assert page.index("/admin/venues/venue/") < page.index("/admin/venues/booking/")
    assert page.index("/admin/venues/booking/") < page.index("/admin/venues/pricerule/")


def test_only_sports_with_a_court_are_offered() -> None:
    make.bookable(sport="tennis")

    assert offered_sports() == [("tennis", "Tennis")]


def test_the_first_page_tells_how_many_businesses_wait(chief: Client) -> None:
    business.applied()

    response = chief.get("/admin/")

    assertContains(response, "Merchants to check")
    assertContains(response, "/admin/vouchers/merchant/")


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        ("2026-11-30 23:59+08:00", None),
        ("2026-12-01 00:00+08:00", 2027),
        ("2027-02-01 09:00+08:00", 2027),
    ],
)
def test_the_first_page_asks_for_the_holidays_of_a_year_that_nobody_entered(
    client: Client, moment: str, year: int | None
) -> None:
    CalendarYear.objects.filter(year=2027).delete()
    set_year(year=2026, days={}, by=None)
    clerk = make.user(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="add_calendaryear"))
    with time_machine.travel(moment, tick=False):
        client.force_login(clerk)
        page = client.get("/admin/")

    if year is None:
        assertNotContains(page, NOT_ENTERED)
    else:
        assertContains(page, NOT_ENTERED)
        assertContains(page, f'href="/admin/workdays/calendaryear/add/?year={year}"')


def test_the_first_page_does_not_ask_for_holidays_that_are_entered(
    chief: Client,
) -> None:
    today = clock.today()
    for year in (today.year, today.year + 1):
        set_year(year=year, days={date(year, 1, 1): ("holiday", "")}, by=None)

    assertNotContains(chief.get("/admin/"), NOT_ENTERED)
