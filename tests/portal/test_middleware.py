from __future__ import annotations

from http import HTTPStatus

import pytest
from django.http import QueryDict
from django.test import Client
from pytest_django import Settings

from bureau.accounts.models import User

pytestmark = pytest.mark.django_db


def test_the_large_view_is_remembered_and_the_page_stays(client: Client) -> None:
    response = client.get("/about/", {"mode": "elder", "page": "2"})

    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"] == "/about/?page=2"
    assert 'data-mode="elder"' in client.get("/about/").content.decode()


def test_the_standard_view_comes_back(client: Client) -> None:
    client.get("/", {"mode": "elder"})
    client.get("/", {"mode": "standard"})

    assert "data-mode" not in client.get("/about/").content.decode()


def test_the_language_is_remembered(client: Client) -> None:
    response = client.get("/about/", {"lang": "zh-hans"})

    assert response["Location"] == "/about/"
    assert '<html lang="zh-hans"' in client.get("/about/").content.decode()


@pytest.mark.parametrize(
    "query", [{"mode": "dark"}, {"lang": "xx"}, {"lang": "../../etc"}, {"mode": ""}]
)
def test_an_unknown_wish_is_ignored(client: Client, query: dict[str, str]) -> None:
    response = client.get("/about/", query)

    assert response.status_code == HTTPStatus.OK
    assert not response.cookies


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "///evil"])
def test_the_way_back_is_never_another_site(client: Client, path: str) -> None:
    response = client.get("/", {"mode": "elder"}, PATH_INFO=path)

    assert response["Location"].startswith("/")
    assert not response["Location"].startswith(("//", "/\\"))


def test_the_api_takes_no_such_wish(client: Client) -> None:
    response = client.get("/api/v1/schema/", {"lang": "en"})

    assert response.status_code == HTTPStatus.OK


def test_public_pages_allow_no_inline_script_or_style(client: Client) -> None:
    policy = client.get("/")["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy


def test_staff_pages_allow_what_their_framework_needs(
    client: Client, admin_user: User
) -> None:
    client.force_login(admin_user)

    policy = client.get("/admin/")["Content-Security-Policy"]

    assert "'unsafe-eval'" in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_staff_pages_keep_the_origins_of_map_tiles(
    client: Client, admin_user: User, settings: Settings
) -> None:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    pictures = [*directives["img-src"], "https://t0.tianditu.gov.cn"]
    settings.CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": {**directives, "img-src": pictures}
    }
    client.force_login(admin_user)

    policy = client.get("/admin/")["Content-Security-Policy"]

    assert "img-src 'self' blob: https://t0.tianditu.gov.cn data:" in policy


@pytest.mark.parametrize(
    ("sent_from", "back"),
    [
        ("http://testserver/venues/?sport=tennis", "/venues/?sport=tennis"),
        ("http://elsewhere.example/venues/", "/counter/redeem/"),
        ("javascript:alert(1)", "/counter/redeem/"),
        ("", "/counter/redeem/"),
    ],
)
@pytest.mark.django_db
def test_who_sends_a_form_signed_out_comes_back_to_the_page_it_was_on(
    sent_from: str, back: str
) -> None:
    """And not to its own address, which nobody can open."""
    given = {"Referer": sent_from} if sent_from else {}
    answer = Client().post("/counter/redeem/", {"bill": "60"}, headers=given)
    door, _mark, query = answer["Location"].partition("?")
    assert door == "/accounts/login/"
    assert QueryDict(query)["next"] == back


@pytest.mark.django_db
def test_what_is_refused_early_speaks_the_citys_language(settings: Settings) -> None:
    """And not that of who was served by the same thread before."""
    settings.LANGUAGE_CODE = "zh-hans"
    client = Client()
    assert 'lang="en"' in client.get("/about/?lang=en", follow=True).text
    fields = "&".join(f"a{n}=1" for n in range(2000))
    early = Client().get(f"/venues/?{fields}")
    assert early.status_code in (400, 413)
    assert 'lang="zh-hans"' in early.text
