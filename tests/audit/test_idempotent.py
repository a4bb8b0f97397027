from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.audit import actions, api
from bureau.audit.models import IdempotentAnswer
from bureau.common import clock
from tests.audit.views import made

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.audit.views")]
KEY = "a-key-of-8"


@pytest.fixture
def signed_in(citizen: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(citizen)
    return client


def order(client: APIClient, key: str | None = KEY, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    path = body.pop("path", "/orders/")
    return client.post(path, body, format="json", headers=headers)


def test_a_repetition_gets_the_first_answer(signed_in: APIClient) -> None:
    first, again = order(signed_in, item=1), order(signed_in, item=1)

    assert made() == 1
    assert again.status_code == first.status_code == 201
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first


def test_the_order_of_fields_does_not_matter(signed_in: APIClient) -> None:
    order(signed_in, a=1, b=2)
    assert order(signed_in, b=2, a=1)["Idempotent-Replay"] == "true"


def test_without_a_key_each_request_counts(signed_in: APIClient) -> None:
    order(signed_in, key=None)
    order(signed_in, key=None)
    assert made() == 2


def test_a_key_for_another_body_is_refused(signed_in: APIClient) -> None:
    order(signed_in, item=1)
    refused = order(signed_in, item=2)
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key_reused"
    assert made() == 1


def test_a_key_for_another_address_is_refused(signed_in: APIClient) -> None:
    order(signed_in, item=1)
    assert order(signed_in, item=1, path="/other/").status_code == 422


def test_two_people_may_use_the_same_key(signed_in: APIClient, stranger: User) -> None:
    order(signed_in)
    other = APIClient()
    other.force_authenticate(stranger)
    assert "Idempotent-Replay" not in order(other)
    assert made() == 2


def test_a_refusal_is_kept_and_what_it_wrote_is_not(signed_in: APIClient) -> None:
    first, again = order(signed_in, wish="taken"), order(signed_in, wish="taken")
    assert first.status_code == again.status_code == 409
    assert again.json()["code"] == "tests_taken"
    assert again["Idempotent-Replay"] == "true"
    assert made() == 0


def test_what_may_go_well_next_time_is_not_kept(signed_in: APIClient) -> None:
    assert order(signed_in, wish="slower").status_code == 429
    assert not IdempotentAnswer.objects.exists()
    assert made() == 0


def test_a_breakdown_leaves_nothing(signed_in: APIClient) -> None:
    with pytest.raises(ZeroDivisionError):
        order(signed_in, wish="bug")
    assert not IdempotentAnswer.objects.exists()
    assert made() == 0


@pytest.mark.parametrize("key", ["short", "with space!", "x" * 129, "钥匙钥匙钥匙钥匙"])
def test_a_malformed_key_is_refused(signed_in: APIClient, key: str) -> None:
    answer = order(signed_in, key=key)
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_malformed"


def test_a_visitor_is_turned_away_before_any_key_is_kept() -> None:
    assert order(APIClient()).status_code in (401, 403)
    assert not IdempotentAnswer.objects.exists()


def test_answers_are_forgotten_after_two_days(signed_in: APIClient) -> None:
    order(signed_in)
    with time_machine.travel(clock.now() + timedelta(hours=47)):
        assert actions.forget_old_answers() == 0
    with time_machine.travel(clock.now() + timedelta(hours=49)):
        assert actions.forget_old_answers() == 1
    assert "Idempotent-Replay" not in order(signed_in)


def test_files_are_told_apart_by_their_content() -> None:
    one, same, other = (SimpleUploadedFile("a", text) for text in (b"1", b"1", b"2"))
    assert api._fingerprint({"f": one}) == api._fingerprint({"f": same})
    assert api._fingerprint({"f": one}) != api._fingerprint({"f": other})
    assert one.read() == b"1"
