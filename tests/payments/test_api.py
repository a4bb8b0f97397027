from __future__ import annotations

from http import HTTPStatus

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from bureau.payments.models import Payment, SandboxTransaction
from tests.payments import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(api: APIClient) -> Payment:
    made = make.payment()
    api.force_authenticate(made.payer)
    return made


def at(payment: Payment, tail: str = "") -> str:
    return f"/api/v1/payments/{payment.number}/{tail}"


def test_shows_a_payment_to_its_payer(api: APIClient, payment: Payment) -> None:
    answer = api.get(at(payment)).json()

    assert (answer["number"], answer["amount_fen"]) == (payment.number, 7000)
    assert (answer["state"], answer["providers"]) == ("due", ["sandbox"])


@pytest.mark.parametrize("tail", ["", "start/", "sandbox/"])
def test_a_stranger_finds_nothing(api: APIClient, payment: Payment, tail: str) -> None:
    api.force_authenticate(make.person())
    call = api.post if tail else api.get

    answer = call(at(payment, tail), {"provider": "sandbox"}, format="json")

    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_nobody_sees_it_without_a_token(payment: Payment) -> None:
    assert APIClient().get(at(payment)).status_code == HTTPStatus.UNAUTHORIZED


def test_starting_tells_how_to_reach_the_cashier(
    api: APIClient, payment: Payment
) -> None:
    answer = api.post(at(payment, "start/"), {"provider": "sandbox"}, format="json")

    assert answer.status_code == HTTPStatus.OK
    assert answer.json()["opening"]["url"] == f"/pay/sandbox/{payment.number}/"
    assert api.get(at(payment, "start/")).json() == answer.json()


def test_starting_twice_with_a_key_is_one_answer(
    api: APIClient, payment: Payment
) -> None:
    for _ in range(2):
        answer = api.post(
            at(payment, "start/"),
            {"provider": "sandbox"},
            format="json",
            headers={"Idempotency-Key": "start-0001"},
        )

    assert answer.headers["Idempotent-Replay"] == "true"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "provider"),
        ({"provider": "cash"}, "provider"),
        ({"provider": ["sandbox"]}, "provider"),
        ({"provider": "wechat", "channel": "mini"}, "openid"),
    ],
)
def test_refuses_json_of_the_wrong_shape(
    api: APIClient, payment: Payment, given: dict[str, object], field: str
) -> None:
    answer = api.post(at(payment, "start/"), given, format="json")

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert field in answer.json()["fields"]


def test_refuses_a_provider_that_is_not_offered(
    api: APIClient, payment: Payment
) -> None:
    answer = api.post(at(payment, "start/"), {"provider": "alipay"}, format="json")

    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["code"] == "payment_provider_not_offered"


def test_refuses_what_is_expired_or_paid(api: APIClient, payment: Payment) -> None:
    make.expire(payment)
    answer = api.post(at(payment, "start/"), {"provider": "sandbox"}, format="json")
    assert answer.json()["code"] == "payment_closed"

    make.settle(payment)
    answer = api.post(at(payment, "start/"), {"provider": "sandbox"}, format="json")
    assert answer.json()["code"] == "payment_paid"


def test_plays_the_payer_at_the_sandbox(api: APIClient, payment: Payment) -> None:
    api.post(at(payment, "start/"), {"provider": "sandbox"}, format="json")

    answer = api.post(at(payment, "sandbox/"), {"behaviour": "lost"}, format="json")

    assert answer.json()["state"] == "paid"
    assert SandboxTransaction.objects.get().behaviour == "lost"


def test_the_cashier_refuses_a_second_time(api: APIClient, payment: Payment) -> None:
    api.post(at(payment, "start/"), {"provider": "sandbox"}, format="json")
    api.post(at(payment, "sandbox/"), {"outcome": "fail"}, format="json")

    answer = api.post(at(payment, "sandbox/"), {}, format="json")

    assert answer.status_code == HTTPStatus.CONFLICT
    assert answer.json()["code"] == "sandbox_cashier_closed"


def test_polling_finds_a_lost_callback(
    api: APIClient,
    payment: Payment,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    api.post(at(payment, "start/"), {"provider": "sandbox"}, format="json")
    api.post(at(payment, "sandbox/"), {"behaviour": "lost"}, format="json")

    with django_capture_on_commit_callbacks(execute=True):
        assert api.get(at(payment)).json()["state"] == "due"

    assert api.get(at(payment)).json()["state"] == "paid"
