from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from bureau.accounts.models import User
from bureau.common import clock
from bureau.notices.models import Notice

pytestmark = pytest.mark.django_db


def test_the_current_page_is_marked(client: Client) -> None:
    assertContains(client.get("/"), 'href="/" aria-current="page"', count=2)


def test_a_page_below_a_tab_marks_the_tab(client: Client) -> None:
    response = client.get("/venues/nothing-here/")

    assertContains(response, 'href="/venues/" aria-current="true"', 2, 404)


@pytest.mark.parametrize(
    ("path", "tab"),
    [
        ("/bookings/", "/me/"),
        ("/waiting/", "/me/"),
        ("/clubs/", "/me/"),
        ("/seasons/", "/venues/"),
        ("/seasons/requests/none/", "/me/"),
        ("/merchants/", "/vouchers/"),
        ("/merchants/mine/", "/me/"),
    ],
)
def test_a_page_with_an_address_of_its_own_marks_the_tab_it_belongs_to(
    client: Client, citizen: User, path: str, tab: str
) -> None:
    client.force_login(citizen)

    page = client.get(path).content.decode()

    marked = set(re.findall(r'href="([^"]*)" aria-current="(?:page|true)"', page))
    assert marked & {"/", "/venues/", "/vouchers/", "/notices/", "/me/"} == {tab}


def test_a_visitor_costs_no_question(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        client.get("/about/")


def test_waiting_messages_are_counted(client: Client, citizen: User) -> None:
    client.force_login(citizen)
    assertNotContains(client.get("/about/"), "unread")

    Notice.objects.create(
        recipient=citizen,
        kind="venues.booking_confirmed",
        context={},
        created_at=clock.now(),
    )

    assertContains(client.get("/about/"), "unread", count=2)
