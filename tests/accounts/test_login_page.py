from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from bureau.accounts.models import User
from bureau.common import sms
from tests import make
from tests.accounts.conftest import live_code, wrong_code

pytestmark = pytest.mark.django_db
DOOR = "/accounts/login/"


def ask(browser: Client, phone: str, following: str = "") -> Any:
    return browser.post(DOOR, {"phone": phone, "send": "1", "next": following})


def enter(browser: Client, phone: str, code: str, following: str = "") -> Any:
    return browser.post(
        DOOR, {"phone": phone, "code": code, "agreed": "on", "next": following}
    )


def test_a_citizen_signs_in_and_goes_on_to_where_they_wanted(
    browser: Client,
    phone: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    following = "/venues/3/?day=2026-11-24"
    page: Any = browser.get(DOOR, {"next": following})
    assert 'value="/venues/3/?day=2026-11-24"' in page.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        page = ask(browser, phone, following)
    assert page.status_code == HTTPStatus.OK
    assert 'value="/venues/3/?day=2026-11-24"' in page.content.decode()
    assert live_code(phone) not in page.content.decode()
    assert live_code(phone) in sms.outbox[0].text

    done = enter(browser, phone, live_code(phone), following)

    assert done.status_code == HTTPStatus.FOUND
    assert done["Location"] == following
    assert browser.session["_auth_user_id"] == str(User.objects.get(phone=phone).pk)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_to_another_host(
    browser: Client, phone: str, elsewhere: str
) -> None:
    ask(browser, phone, elsewhere)

    done = enter(browser, phone, live_code(phone), elsewhere)

    assert done["Location"] == "/me/"


def test_a_wrong_code_keeps_the_way_and_says_what_is_wrong(
    browser: Client, phone: str
) -> None:
    ask(browser, phone, "/venues/3/")

    page = enter(browser, phone, wrong_code(phone), "/venues/3/")

    assert page.status_code == HTTPStatus.BAD_REQUEST
    text = page.content.decode()
    assert "The code is not right. You can try 9 more times." in text
    assert 'value="/venues/3/"' in text
    assert "_auth_user_id" not in browser.session


def test_a_bad_number_is_told_at_the_field(browser: Client) -> None:
    page = ask(browser, "12345")

    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "11 digits" in page.content.decode()


def test_a_code_used_twice_is_told(browser: Client, network: str, phone: str) -> None:
    ask(browser, phone)
    enter(browser, phone, live_code(phone))

    page = enter(Client(REMOTE_ADDR=network), phone, live_code(phone))

    assert page.status_code == HTTPStatus.CONFLICT
    assert "already been used" in page.content.decode()


def test_ten_wrong_codes_lock_and_say_how_long(browser: Client, phone: str) -> None:
    ask(browser, phone)
    for _ in range(9):
        enter(browser, phone, wrong_code(phone))

    page = enter(browser, phone, wrong_code(phone))

    assert page.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert "locked for 30 minutes" in page.content.decode()


def test_asking_again_at_once_leads_to_the_code_with_the_honest_wait(
    browser: Client, phone: str
) -> None:
    ask(browser, phone)

    page = ask(browser, phone)

    assert page.status_code == HTTPStatus.TOO_MANY_REQUESTS
    text = page.content.decode()
    assert "A code is on its way." in text
    assert 'autocomplete="one-time-code"' in text
    assert 'inputmode="numeric"' in text


def test_consent_is_asked_for(browser: Client, phone: str) -> None:
    ask(browser, phone)

    page = browser.post(DOOR, {"phone": phone, "code": live_code(phone)})

    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert not User.objects.filter(phone=phone).exists()


def test_the_demonstration_shows_the_code(
    browser: Client, phone: str, settings: Settings
) -> None:
    settings.SMS_SENDER = "page"

    page = ask(browser, phone)

    assert f"Demonstration: your code is {live_code(phone)}" in page.content.decode()


@pytest.mark.parametrize("damaged", ["\0", "1" * 30, ""])
def test_a_damaged_number_beside_the_code_leads_back_to_the_number(
    browser: Client, damaged: str
) -> None:
    page = enter(browser, damaged, "123456")

    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "Mobile number" in page.content.decode()


def test_a_form_without_its_token_is_refused(phone: str) -> None:
    page = Client(enforce_csrf_checks=True).post(DOOR, {"phone": phone, "send": "1"})

    assert page.status_code == HTTPStatus.FORBIDDEN


def test_who_is_in_is_sent_on(browser: Client) -> None:
    browser.force_login(make.citizen())

    assert browser.get(DOOR, {"next": "/venues/"})["Location"] == "/venues/"


@pytest.mark.parametrize(
    "following", ["1", "a,b", "venues", "a\0b", "//evil.example/", "javascript:1"]
)
def test_who_is_in_is_not_sent_to_what_is_no_path(
    browser: Client, following: str
) -> None:
    browser.force_login(make.citizen())

    assert browser.get(DOOR, {"next": following})["Location"] == "/me/"


def test_without_redis_signing_in_waits(
    browser: Client, phone: str, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    page = ask(browser, phone)

    assert page.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Try again in a minute" in page.content.decode()
    assert browser.get(DOOR).status_code == HTTPStatus.OK


def test_a_session_survives_without_redis(browser: Client, settings: Settings) -> None:
    browser.force_login(make.citizen())
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    assert browser.get("/me/profile/").status_code == HTTPStatus.OK
