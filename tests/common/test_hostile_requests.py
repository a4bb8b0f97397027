"""What no client of ours sends is refused in one sentence, and is never our bug."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from django.test import Client
from rest_framework.test import APIClient

from bureau.accounts.models import User

pytestmark = pytest.mark.django_db

JSON = "application/json"
CODES = "/api/v1/auth/codes/"
LISTS = ("bookings", "notices", "me/family", "me/eligibilities")


@pytest.mark.parametrize(
    "body",
    [
        '{"a":' * 2000,
        "[" * 100_000,
        '{"phone": {"a":' + "[" * 500_000,
        '{"phone": "\\ud800"}',
        '{"\\udfff": "13800010001"}',
        '{"phone": "\\u0000"}',
        '{"phone": ["\\\\\\u0000"]}',
    ],
)
def test_json_that_cannot_be_written_again_is_refused(
    api: APIClient, body: str
) -> None:
    answer = api.post(CODES, body, content_type=JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert answer.json()["message"] == "We could not read this."


def test_what_a_parser_says_stays_beside_the_message(api: APIClient) -> None:
    answer = api.post(CODES, "{", content_type=JSON)

    assert answer.status_code == 400
    assert answer.json()["message"] == "We could not read this."
    assert "JSON parse error" in answer.json()["detail"]["problem"]


def test_a_choice_of_half_a_character_is_refused(api: APIClient, citizen: User) -> None:
    api.force_authenticate(citizen)

    answer = api.post(
        "/api/v1/me/eligibilities/", '{"kind": "\\ud800"}', content_type=JSON
    )

    assert answer.status_code == 400


def test_a_key_with_half_a_character_in_its_body_is_refused(
    api: APIClient, citizen: User
) -> None:
    api.force_authenticate(citizen)

    answer = api.post(
        "/api/v1/bookings/",
        json.dumps({"\ud800": "\udfff"}),
        content_type=JSON,
        headers={"Idempotency-Key": "a" * 16},
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_key_with_a_nul_in_its_body_is_refused(api: APIClient, citizen: User) -> None:
    api.force_authenticate(citizen)

    answer = api.post(
        "/api/v1/clubs/",
        {"name": "a", "credit_code": "b", "priority": "\0"},
        format="json",
        headers={"Idempotency-Key": "a" * 16},
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_backslash_before_u0000_is_text(api: APIClient) -> None:
    answer = api.post(CODES, '{"phone": "\\\\u0000"}', content_type=JSON)

    assert answer.json()["code"] != "parse_error"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "position", ["abc", "\0", "-1", "1e9", "9" * 30, "1.5", "NaN", "%D9%A1"]
)
def test_a_cursor_that_no_answer_gave_is_refused(
    api: APIClient, citizen: User, path: str, position: str
) -> None:
    api.force_authenticate(citizen)
    cursor = b64encode(f"p={position}".encode()).decode()

    answer = api.get(f"/api/v1/{path}/", {"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_version_of_the_schema_writes_no_header(api: APIClient) -> None:
    answer = api.get("/api/v1/schema/", {"version": "\r\nX-Evil: 1"})

    assert answer.status_code == 200
    assert "X-Evil" not in str(answer.headers)


@pytest.mark.parametrize(
    "cookie",
    [
        'bureau_session="abcdefghij\\000klmnopqrst"',
        'bureau_session="abcdefghij\\377\\376klmnop"',
        f"bureau_session={'x' * 4000}",
        "bureau_session=ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
        'csrftoken="\\000"; lang="\\000"; mode="\\000"; device="\\000"',
    ],
)
@pytest.mark.parametrize("path", ["/", "/vouchers/", "/about/"])
def test_a_cookie_that_nobody_set_is_nobodys_session(
    client: Client, cookie: str, path: str
) -> None:
    answer = client.get(path, headers={"cookie": cookie})
    assert answer.status_code == 200
