from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import Group
from django.core.cache import cache
from pytest_django import Settings
from rest_framework.test import APIClient

from bureau.accounts.actions.second_factor import spend_code
from bureau.accounts.models import Role, Token, User, VerifiedIdentity
from tests import make
from tests.accounts.conftest import live_code, new_id_number, wrong_code

pytestmark = pytest.mark.django_db
CODES = "/api/v1/auth/codes/"
TOKENS = "/api/v1/auth/tokens/"


def sign_in(api: APIClient, phone: str, **given: Any) -> Any:
    api.post(CODES, {"phone": phone}, format="json")
    given = {"phone": phone, "code": live_code(phone), "device": "Mini-program"} | given
    return api.post(TOKENS, given, format="json")


@pytest.fixture
def signed_in(api: APIClient, phone: str) -> APIClient:
    token = sign_in(api, phone).json()["token"]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return api


def test_a_number_and_a_code_give_a_token(api: APIClient, phone: str) -> None:
    asked = api.post(CODES, {"phone": phone}, format="json")
    assert asked.status_code == HTTPStatus.CREATED
    assert asked.json() == {
        "phone": f"{phone[:3]}****{phone[-4:]}",
        "expires_in": 300,
        "resend_in": 60,
    }

    given = {"phone": phone, "code": live_code(phone), "device": "Old phone"}
    answer = api.post(TOKENS, given, format="json")

    assert answer.status_code == HTTPStatus.CREATED
    token = answer.json()["token"]
    assert answer.json()["device"] == "Old phone"
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/v1/me/").json()["phone"] == f"{phone[:3]}****{phone[-4:]}"


def test_only_a_hash_of_the_token_is_kept(api: APIClient, phone: str) -> None:
    token = sign_in(api, phone).json()["token"]

    stored = Token.objects.values().get()

    assert all(token not in str(value) for value in stored.values())


def test_the_demonstration_answers_with_the_code(
    api: APIClient, phone: str, settings: Settings
) -> None:
    settings.SMS_SENDER = "page"

    answer = api.post(CODES, {"phone": phone}, format="json")

    assert answer.json()["demo_code"] == live_code(phone)


def test_refusals_have_codes(api: APIClient, phone: str) -> None:
    def post(address: str, **body: Any) -> tuple[int, str]:
        answer = api.post(address, body, format="json")
        return answer.status_code, answer.json()["code"]

    def try_code(code: str) -> tuple[int, str]:
        return post(TOKENS, phone=phone, code=code, device="x")

    assert post(CODES, phone="123") == (400, "phone_invalid")
    assert post(CODES) == (400, "invalid")
    assert try_code("123456") == (400, "code_not_asked")
    api.post(CODES, {"phone": phone}, format="json")
    assert post(CODES, phone=phone) == (429, "code_just_sent")
    assert try_code(wrong_code(phone)) == (400, "code_wrong")
    for _ in range(8):
        assert try_code(wrong_code(phone)) == (400, "code_wrong")
    assert try_code(wrong_code(phone)) == (429, "number_locked")
    assert post(CODES, phone=phone) == (429, "number_locked")


def test_a_code_used_twice_is_a_conflict(api: APIClient, phone: str) -> None:
    sign_in(api, phone)

    given = {"phone": phone, "code": live_code(phone), "device": "x"}
    answer = api.post(TOKENS, given, format="json")

    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["code"] == "code_spent"


def test_an_old_token_does_not_keep_anyone_out(api: APIClient, phone: str) -> None:
    api.credentials(HTTP_AUTHORIZATION="Token 0123456789")

    assert sign_in(api, phone).status_code == HTTPStatus.CREATED


def test_devices_are_listed_and_signed_out(signed_in: APIClient, phone: str) -> None:
    user = User.objects.get(phone=phone)
    _, other = Token.objects.create(user, device="Lost phone")
    listed = signed_in.get(TOKENS).json()
    assert {row["device"]: row["is_current"] for row in listed} == {
        "Mini-program": True,
        "Lost phone": False,
    }
    assert "token" not in listed[0]

    lost = next(row["id"] for row in listed if row["device"] == "Lost phone")
    assert signed_in.delete(f"{TOKENS}{lost}/").status_code == HTTPStatus.NO_CONTENT
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Token {other}")
    assert found.get("/api/v1/me/").status_code == HTTPStatus.UNAUTHORIZED

    assert signed_in.delete(TOKENS).status_code == HTTPStatus.NO_CONTENT
    assert signed_in.get(TOKENS).status_code == HTTPStatus.UNAUTHORIZED


def test_a_strangers_device_does_not_exist(
    signed_in: APIClient, stranger: User
) -> None:
    row, _ = Token.objects.create(stranger, device="Theirs")

    answer = signed_in.delete(f"{TOKENS}{row.public_id}/")

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert Token.objects.filter(pk=row.pk).exists()


@pytest.mark.usefixtures("still_clock")
def test_staff_need_their_app_here_too(api: APIClient, phone: str) -> None:
    secret = "JBSWY3DPEHPK3PXP"
    staff = make.user(phone=phone, is_staff=True)
    TOTP.activate(staff, secret)

    without = sign_in(api, phone)
    assert without.status_code == HTTPStatus.FORBIDDEN
    assert without.json()["code"] == "otp_needed"
    wrong = sign_in(api, phone, otp="000000")
    assert wrong.json()["code"] == "otp_wrong"

    otp = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert sign_in(api, phone, otp=otp).status_code == HTTPStatus.CREATED


@pytest.mark.parametrize("first", ["api", "page"])
def test_a_code_of_the_app_opens_one_door_of_all(
    api: APIClient, phone: str, first: str
) -> None:
    """Half a minute later it still counts, and allauth's own mark of it is gone."""
    secret = "JBSWY3DPEHPK3PXP"
    staff = make.user(phone=phone, is_staff=True)
    TOTP.activate(staff, secret)
    with time_machine.travel(time.time(), tick=False) as moment:
        otp = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
        if first == "api":
            assert sign_in(api, phone, otp=otp).status_code == HTTPStatus.CREATED
        else:
            assert spend_code(staff, otp)
        moment.shift(31)
        app = TOTP(Authenticator.objects.get(user=staff))
        cache.delete(app._get_used_cache_key(otp))
        assert sign_in(api, phone, otp=otp).json()["code"] == "otp_wrong"
        assert not spend_code(staff, otp)


def test_an_auditor_signs_a_lost_phone_out_and_changes_nothing_else(
    api: APIClient, phone: str
) -> None:
    user = make.user(phone=phone, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=Role.AUDITOR.value)[0])
    row, token = Token.objects.create(user, device="phone")
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.post("/api/v1/me/family/", {}, format="json").status_code == 403
    gone = api.delete(f"{TOKENS}{row.public_id}/")
    assert gone.status_code == HTTPStatus.NO_CONTENT
    assert not Token.objects.filter(pk=row.pk).exists()


def test_staff_without_an_app_get_no_token(
    api: APIClient, phone: str, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    make.user(phone=phone, is_staff=True)

    assert sign_in(api, phone).json()["code"] == "otp_not_set_up"


def test_who_does_not_hold_the_code_learns_nothing_of_the_app(
    api: APIClient, phone: str
) -> None:
    TOTP.activate(make.user(phone=phone, is_staff=True), "JBSWY3DPEHPK3PXP")
    api.post(CODES, {"phone": phone}, format="json")

    given = {"phone": phone, "code": wrong_code(phone), "device": "x"}

    assert api.post(TOKENS, given, format="json").json()["code"] == "code_wrong"


def test_without_redis_signing_in_waits(
    api: APIClient, phone: str, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    answer = api.post(CODES, {"phone": phone}, format="json")

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.json()["code"] == "temporarily_unavailable"


def test_a_citizen_confirms_a_name_and_registers_a_child(
    signed_in: APIClient, phone: str
) -> None:
    number = new_id_number()
    answer = signed_in.post(
        "/api/v1/me/identity/",
        {"name": "李四", "id_number": number, "agreed": True},
        format="json",
    )
    assert answer.status_code == HTTPStatus.NO_CONTENT
    assert signed_in.get("/api/v1/me/").json()["name"] == "李*"

    child = {
        "name": "李小四",
        "id_number": new_id_number(),
        "relation": "child",
        "agreed": True,
    }
    answer = signed_in.post("/api/v1/me/family/", child, format="json")
    assert answer.status_code == HTTPStatus.CREATED
    listed = signed_in.get("/api/v1/me/family/").json()["results"]
    assert listed[0]["name"] == "李**"
    pk = listed[0]["id"]
    assert signed_in.delete(f"/api/v1/me/family/{pk}/").status_code == 204
    assert signed_in.get("/api/v1/me/family/").json()["results"] == []
    assert VerifiedIdentity.objects.get().user.phone == phone


def test_json_of_the_wrong_shape_is_told(signed_in: APIClient) -> None:
    answer = signed_in.post("/api/v1/me/identity/", ["x"], format="json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.json()["code"] == "invalid"
