from __future__ import annotations

from datetime import date
from http import HTTPStatus

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from pytest_django import Settings

from bureau.accounts import actions
from bureau.accounts.models import Consent, Dependant, Token, User, VerifiedIdentity
from bureau.accounts.templatetags.people import device_name
from tests import make
from tests.accounts.actions.test_eligibility import picture
from tests.accounts.conftest import live_code, new_id_number

pytestmark = pytest.mark.django_db

PAGES = [
    "/me/profile/",
    "/me/real-name/",
    "/me/family/",
    "/me/eligibilities/",
    "/me/devices/",
    "/me/consents/",
    "/me/data/",
]


@pytest.fixture
def mine(browser: Client, citizen: User) -> Client:
    browser.force_login(citizen)
    return browser


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_the_person_alone(browser: Client, page: str) -> None:
    answer = browser.get(page)

    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"].startswith("/accounts/login/?next=/me/")


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_with_and_without_a_name(
    mine: Client, citizen: User, page: str
) -> None:
    assert mine.get(page).status_code == HTTPStatus.OK

    actions.verify_identity(
        name="张三", id_number=new_id_number(), agreed=True, by=citizen
    )
    actions.register_dependant(
        name="张小",
        id_number=new_id_number(),
        relation="other",
        agreed=True,
        by=citizen,
    )
    actions.ask_for_eligibility(
        kind="student",
        expires_on=date(2099, 1, 1),
        certificate=picture(),
        agreed=True,
        by=citizen,
    )
    Token.objects.create(citizen, device="Old phone")
    assert mine.get(page).status_code == HTTPStatus.OK


def test_staff_find_their_second_factor_and_password(
    browser: Client, citizen: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = False
    for person, is_led in ((make.user(is_staff=True), True), (citizen, False)):
        browser.force_login(person)
        page = browser.get("/me/profile/").content.decode()
        assert ('href="/accounts/mfa/"' in page) is is_led
        assert ('href="/accounts/password/change/"' in page) is is_led


def test_a_person_confirms_the_name_and_goes_on(mine: Client, citizen: User) -> None:
    number = new_id_number()

    page = mine.post(
        "/me/real-name/",
        {"name": "张三", "id_number": number, "agreed": "on", "next": "/me/family/"},
    )

    assert page["Location"] == "/me/family/"
    shown = mine.get("/me/real-name/").content.decode()
    assert "张*" in shown
    assert number not in shown


def test_a_wrong_check_digit_is_told_at_the_field(mine: Client) -> None:
    page = mine.post(
        "/me/real-name/",
        {"name": "张三", "id_number": "110105194912310021", "agreed": "on"},
    )

    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "compare it with the card" in page.content.decode()


def test_a_child_is_registered_and_removed(
    mine: Client, verified: VerifiedIdentity
) -> None:
    mine.post(
        "/me/family/",
        {
            "name": "张小",
            "id_number": new_id_number(),
            "relation": "child",
            "agreed": "on",
        },
    )
    child = Dependant.objects.of(verified.user).get()

    mine.post(f"/me/family/{child.pk}/remove/")

    assert not Dependant.objects.of(verified.user).exists()


def test_a_strangers_child_does_not_exist(
    browser: Client, verified: VerifiedIdentity, stranger: User
) -> None:
    child = actions.register_dependant(
        name="张小",
        id_number=new_id_number(),
        relation="other",
        agreed=True,
        by=verified.user,
    )
    browser.force_login(stranger)

    page = browser.post(f"/me/family/{child.pk}/remove/")

    assert page.status_code == HTTPStatus.NOT_FOUND


def test_a_certificate_is_handed_in(mine: Client, verified: VerifiedIdentity) -> None:
    page = mine.post(
        "/me/eligibilities/",
        {
            "kind": "student",
            "expires_on": "2099-12-31",
            "certificate": picture(),
            "agreed": "on",
        },
    )

    assert page.status_code == HTTPStatus.FOUND
    assert "being checked" in mine.get("/me/eligibilities/").content.decode()


def test_a_device_is_signed_out(mine: Client, citizen: User) -> None:
    row, _ = Token.objects.create(citizen, device="Lost phone")
    assert "Lost phone" in mine.get("/me/devices/").content.decode()

    mine.post(f"/me/devices/{row.public_id}/revoke/")

    assert not Token.objects.exists()


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 "
                "(KHTML, like Gecko) Chrome/131.0 Safari/537.36 MicroMessenger/8.0.50"
            ),
            "WeChat · Android",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) "
                "AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari · iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
                "(KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0"
            ),
            "Edge · Windows",
        ),
        ("Library computer", "Library computer"),
        ("", "–"),
    ],
)
def test_a_browser_is_named_as_a_person_would(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


def test_another_browser_is_signed_out(mine: Client, citizen: User, phone: str) -> None:
    elsewhere = Client(REMOTE_ADDR="10.0.0.9", HTTP_USER_AGENT="Library computer")
    citizen.phone = phone
    citizen.save()
    elsewhere.post("/accounts/login/", {"phone": phone, "send": "1"})
    elsewhere.post(
        "/accounts/login/", {"phone": phone, "code": live_code(phone), "agreed": "on"}
    )
    text = mine.get("/me/devices/").content.decode()
    assert "Library computer" in text

    row = UserSession.objects.get(user_agent="Library computer")
    mine.post(f"/me/sessions/{row.pk}/end/")

    assert elsewhere.get("/me/profile/").status_code == HTTPStatus.FOUND
    assert mine.get("/me/profile/").status_code == HTTPStatus.OK


def test_a_consent_is_withdrawn(mine: Client, citizen: User) -> None:
    actions.give_consent(user=citizen, kind=Consent.Kind.TERMS)
    row = Consent.objects.get()

    mine.post("/me/consents/", {"consent": row.pk})

    row.refresh_from_db()
    assert row.withdrawn_at is not None
    assert mine.post("/me/consents/", {"consent": "x"}).status_code == 404


def test_a_person_downloads_the_data(mine: Client, citizen: User) -> None:
    page = mine.post("/me/data/download/")

    assert page["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert page.json()["accounts"]["phone"] == citizen.phone


def test_an_account_is_deleted_only_on_purpose(mine: Client, citizen: User) -> None:
    assert mine.post("/me/data/delete/").status_code == HTTPStatus.BAD_REQUEST

    page = mine.post("/me/data/delete/", {"sure": "on"})

    assert page["Location"] == "/"
    citizen.refresh_from_db()
    assert citizen.deleted_at is not None
    assert mine.get("/me/profile/").status_code == HTTPStatus.FOUND


def test_the_language_is_kept(mine: Client, citizen: User) -> None:
    mine.post("/me/profile/", {"language": "en"})

    citizen.refresh_from_db()
    assert citizen.language == "en"
