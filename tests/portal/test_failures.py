from __future__ import annotations

from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains
from pytest_django.fixtures import Settings

from tests import make

MEGABYTE = 1024 * 1024

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(settings: Settings) -> Client:
    settings.ROOT_URLCONF = "tests.portal.failing_urls"
    return Client(raise_request_exception=False)


def test_a_bug_is_a_page_without_its_detail(visitor: Client) -> None:
    response = visitor.get("/test/bug")

    assertContains(response, "We stumbled", status_code=500)
    assertNotContains(response, "secret detail", status_code=500)
    assertNotContains(response, "Traceback", status_code=500)


def test_a_bug_gives_the_number_under_which_it_was_logged(visitor: Client) -> None:
    response = visitor.get("/test/bug")
    logged = response["X-Request-ID"]

    # What is said on the telephone is the beginning of it.
    assertContains(response, f"{logged[:8]}<", status_code=500)


@pytest.mark.parametrize("what", ["no-redis", "no-database", "lost-database"])
def test_an_outage_asks_to_come_back(visitor: Client, what: str) -> None:
    response = visitor.get(f"/test/{what}")

    assertContains(response, "Time-out", status_code=503)
    assertNotContains(response, "secret detail", status_code=503)
    assert response["Retry-After"] == "10"


def test_an_error_speaks_the_readers_language(visitor: Client) -> None:
    visitor.cookies["lang"] = "zh-hans"

    response = visitor.get("/nothing/here/")

    assertContains(response, '<html lang="zh-hans"', status_code=404)


def test_an_unknown_page_keeps_the_large_view(visitor: Client) -> None:
    visitor.cookies["mode"] = "elder"

    response = visitor.get("/nothing/here/")

    assertContains(response, 'data-mode="elder"', status_code=404)


def test_a_page_that_one_may_not_open_says_so(visitor: Client) -> None:
    response = visitor.get("/test/not-allowed")

    assertContains(response, "may not open this page", status_code=403)


def test_a_form_without_its_token_is_refused_kindly(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.portal.failing_urls"
    visitor = Client(enforce_csrf_checks=True)

    response = visitor.post("/test/form", {"a": "1"})

    assertContains(response, "open for too long", status_code=403)


@pytest.mark.parametrize("path", ["/gate/admit/", "/notices/read/"])
def test_a_forms_address_that_is_opened_like_a_page_leads_on(
    client: Client, path: str
) -> None:
    client.cookies["lang"] = "zh-hans"

    response = client.get(path)

    assert response["Allow"] == "POST"
    assertContains(response, '<html lang="zh-hans"', status_code=405)
    assertContains(response, 'class="header"', status_code=405)
    assertContains(response, 'href="/me/"', status_code=405)


def test_too_many_tries_of_a_password_are_a_page_of_ours(
    client: Client, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    wrong = {"login": "nobody", "password": "wrong"}
    address = "/accounts/staff/login/"
    client.post(address, wrong)

    response = client.post(address, wrong)

    assertContains(response, "Catch your breath", status_code=429)
    assertContains(response, 'class="header"', status_code=429)


def test_a_foreign_host_is_answered_and_not_stumbled_over(visitor: Client) -> None:
    response = visitor.get("/about/", headers={"Host": "other.example"})

    assertContains(response, "could not read this", status_code=400)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/test/bug", HTTPStatus.INTERNAL_SERVER_ERROR, "server_error"),
        ("/api/test/no-redis", HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
        ("/api/test/not-allowed", HTTPStatus.FORBIDDEN, "permission_denied"),
        ("/api/v1/nothing/here", HTTPStatus.NOT_FOUND, "not_found"),
        ("/api/nothing", HTTPStatus.NOT_FOUND, "not_found"),
    ],
)
def test_the_api_fails_in_json(
    visitor: Client, path: str, status: HTTPStatus, code: str
) -> None:
    response = visitor.get(path)

    assert response.status_code == status
    assert response.json()["code"] == code
    assert set(response.json()) == {"code", "message"}


def test_the_api_says_in_json_which_methods_there_are(visitor: Client) -> None:
    response = visitor.put("/api/v1/sports/")

    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert response.json()["code"] == "method_not_allowed"
    assert "GET" in response["Allow"]


def test_a_form_of_a_thousand_fields_and_more_is_too_large(visitor: Client) -> None:
    response = visitor.post("/test/form", {f"f{n}": "" for n in range(1001)})

    assertContains(response, "Too much at once", status_code=413)


def test_a_long_form_is_too_large(visitor: Client) -> None:
    response = visitor.post(
        "/test/form",
        "a=" + "x" * (3 * MEGABYTE),
        content_type="application/x-www-form-urlencoded",
    )

    assertContains(response, "Too much at once", status_code=413)


def test_a_20_mb_upload_is_too_large(visitor: Client) -> None:
    photo = SimpleUploadedFile("photo.jpg", b"\xff" * (20 * MEGABYTE))

    response = visitor.post("/test/form", {"photo": photo})

    assertContains(response, "Too much at once", status_code=413)


def test_a_10_mb_upload_arrives(visitor: Client) -> None:
    photo = SimpleUploadedFile("photo.jpg", b"\xff" * (10 * MEGABYTE))

    response = visitor.post("/test/form", {"photo": photo, "note": "x"})

    assertContains(response, "1")


def test_a_long_json_body_is_too_large_before_anybody_parses_it(
    visitor: Client,
) -> None:
    response = visitor.post(
        "/api/test/form", "[" * (3 * MEGABYTE), content_type="application/json"
    )

    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert response.json()["code"] == "too_large"


def test_a_length_that_is_no_number_does_no_harm(visitor: Client) -> None:
    response = visitor.get("/about/", headers={"Content-Length": "many"})

    assert response.status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "address",
    [
        "accounts/consent/?kind__exact=%00",
        "accounts/consent/?given_at__year=99999999999999999999",
        "accounts/user/?date_joined__year=9223372036854775808",
    ],
)
def test_a_staff_list_is_not_broken_by_what_its_address_says(
    client: Client, address: str
) -> None:
    client.raise_request_exception = False
    client.force_login(make.user(is_staff=True, is_superuser=True))

    response = client.get(f"/admin/{address}")

    assert response.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("key", ["\0", "abc", "9" * 30])
def test_an_action_on_a_row_that_cannot_be_is_refused(client: Client, key: str) -> None:
    client.raise_request_exception = False
    client.force_login(make.user(is_staff=True, is_superuser=True))

    response = client.post(
        "/admin/accounts/token/", {"action": "sign_out", "_selected_action": key}
    )

    assert response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.FOUND}


def test_a_bug_of_the_staff_pages_is_still_a_bug(visitor: Client) -> None:
    response = visitor.get("/admin/test/bug")

    assert response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize("address", ["/venues/", "/about/", "/api/v1/venues/"])
def test_an_address_of_thousands_of_fields_is_too_large(
    visitor: Client, address: str
) -> None:
    response = visitor.get(f"{address}?" + "&".join(f"a{n}=1" for n in range(3000)))

    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
