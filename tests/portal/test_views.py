from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects
from pytest_django.fixtures import Settings

from bureau.accounts.models import User
from tests import make
from tests.vouchers import make as vouchers

pytestmark = pytest.mark.django_db


def test_home_counts_the_citys_courts(client: Client) -> None:
    venue = make.venue(name="Canal Hall")
    for _ in range(3):
        make.bookable(venue=venue)

    response = client.get("/")

    assertContains(response, "Canal Hall")
    assertContains(response, "Next free: ")


def test_home_without_venues_says_so(client: Client) -> None:
    assertContains(client.get("/"), "No venue takes bookings yet.")


def test_home_shows_the_nearest_first_where_the_phone_told(client: Client) -> None:
    make.venue(name="Far", location=Point(117.5, 35.4, srid=4326))
    make.venue(name="Near", location=Point(116.6, 35.4, srid=4326))

    page = client.get("/", {"near": "35.4,116.6"}).content.decode()

    assert page.index("Near</a>") < page.index("Far</a>")
    assert "Near you" in page


@pytest.mark.parametrize("near", ["", "x", "91,200", "35.4", "1e9,1e9", "٣٥,١١٦"])
def test_home_ignores_a_place_that_is_none(client: Client, near: str) -> None:
    assert client.get("/", {"near": near}).status_code == HTTPStatus.OK


def test_home_costs_the_same_for_one_venue_or_ten(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        make.bookable()

    client.get("/")  # the working calendar is read once for all
    with django_assert_num_queries(11):  # counts, sports, venues, what is free, news
        client.get("/")


def test_a_persons_page_asks_to_sign_in(client: Client) -> None:
    response = client.get("/me/")

    assertRedirects(
        response, "/accounts/login/?next=/me/", fetch_redirect_response=False
    )


def test_a_persons_page_shows_their_next_booking_only(
    client: Client, citizen: User, stranger: User
) -> None:
    mine = make.held(by=citizen)
    theirs = make.held(by=stranger)
    client.force_login(citizen)

    response = client.get("/me/")

    assertContains(response, mine.number)
    assertNotContains(response, theirs.number)


def test_a_persons_page_masks_their_number(client: Client, citizen: User) -> None:
    client.force_login(citizen)

    assert citizen.phone
    assertNotContains(client.get("/me/"), citizen.phone)


def test_the_gate_is_offered_to_those_who_work_there(client: Client) -> None:
    client.force_login(make.gatekeeper(make.venue()))

    assertContains(client.get("/me/"), 'href="/gate/"')


def test_the_counter_is_offered_to_those_who_work_for_a_merchant(
    client: Client, citizen: User
) -> None:
    client.force_login(citizen)
    assert 'href="/counter/"' not in client.get("/me/").content.decode()
    vouchers.member(vouchers.merchant(), person=citizen)

    text = client.get("/me/").content.decode()

    assert 'href="/counter/"' in text
    assert text.count('href="/merchants/mine/"') == 1


def test_the_gate_is_offered_to_nobody_else(client: Client, citizen: User) -> None:
    client.force_login(citizen)

    assertNotContains(client.get("/me/"), 'href="/gate/"')


@pytest.mark.parametrize(
    "path", ["/about/", "/accessibility/", "/privacy/", "/terms/", "/offline/"]
)
def test_texts_can_be_read_by_everybody(client: Client, path: str) -> None:
    assert client.get(path).status_code == HTTPStatus.OK


def test_the_footer_names_what_the_law_asks(client: Client, settings: Settings) -> None:
    settings.ICP_NUMBER = "鲁ICP备00000000号"
    settings.SITE_IDENTIFIER = "3708000000"

    response = client.get("/about/")

    assertContains(response, "鲁ICP备00000000号")
    assertContains(response, "Site identifier 3708000000")


def test_the_styleguide_shows_every_icon(client: Client, settings: Settings) -> None:
    settings.DEMO = True

    assertContains(client.get("/styleguide/"), "sprite.svg#badminton")


def test_the_styleguide_is_not_for_the_public(
    client: Client, settings: Settings
) -> None:
    settings.DEMO = False

    assert client.get("/styleguide/").status_code == HTTPStatus.NOT_FOUND


def test_the_phone_learns_name_and_icon(client: Client) -> None:
    manifest = client.get("/manifest.webmanifest")

    assert manifest["Content-Type"] == "application/manifest+json"
    assert manifest.json()["start_url"] == "/"


def test_the_offline_worker_rules_the_whole_site(client: Client) -> None:
    worker = client.get("/sw.js")

    assert worker["Content-Type"].startswith("text/javascript")
    assertContains(worker, "/offline/")


def test_it_is_alive(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}


def test_it_is_ready(client: Client) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "failed": []}


def test_it_is_not_ready_without_redis(client: Client, settings: Settings) -> None:
    cache = {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/redis.sock"}
    settings.CACHES = {"default": cache}

    response = client.get("/readyz")

    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response.json()["failed"] == ["redis"]


def _without_database(path: str) -> tuple[int, bytes]:
    """Ask for a page in a thread whose own connection leads nowhere."""
    connection.settings_dict = {**connection.settings_dict, "HOST": "/nowhere"}
    try:
        response = Client(raise_request_exception=False).get(path)
        return response.status_code, response.content
    finally:
        connection.close()


def test_it_is_alive_but_not_ready_without_its_database() -> None:
    with ThreadPoolExecutor(1) as thread:
        alive, _text = thread.submit(_without_database, "/healthz").result(30)
        ready, failed = thread.submit(_without_database, "/readyz").result(30)
        home, page = thread.submit(_without_database, "/").result(30)

    assert alive == HTTPStatus.OK
    assert ready == HTTPStatus.SERVICE_UNAVAILABLE
    assert b'"database"' in failed
    assert home == HTTPStatus.SERVICE_UNAVAILABLE
    assert b"Time-out" in page


def test_pages_open_without_redis(
    client: Client, settings: Settings, citizen: User
) -> None:
    client.force_login(citizen)
    cache = {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/redis.sock"}
    settings.CACHES = {"default": cache}

    assert client.get("/me/").status_code == HTTPStatus.OK
