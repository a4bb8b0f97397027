"""The same request at the same moment, over real connections."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.audit import actions
from bureau.audit.models import IdempotentAnswer
from tests.at_once import at_once
from tests.audit.views import made

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.audit.views"),
]
TWINS = 6


def ask_at_once(user: User, *, headers: dict[str, str], seconds: float) -> list[Any]:
    def ask() -> Any:
        client = APIClient()
        client.force_authenticate(user)
        body = {"seconds": seconds}
        return client.post("/orders/", body, format="json", headers=headers)

    return at_once(*[ask] * TWINS)


def test_twins_wait_for_the_first_and_get_its_answer(citizen: User) -> None:
    answers = ask_at_once(
        citizen, headers={"Idempotency-Key": "one-order"}, seconds=0.3
    )

    assert made() == 1
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["entry"] for answer in answers}) == 1
    replays = [answer for answer in answers if "Idempotent-Replay" in answer]
    assert len(replays) == TWINS - 1


def test_control_without_the_key_each_twin_orders(citizen: User) -> None:
    ask_at_once(citizen, headers={}, seconds=0.05)
    assert made() == TWINS


def test_a_twin_that_waits_too_long_is_told_so(
    citizen: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "TWIN_SECONDS", 0.2)
    answers = ask_at_once(
        citizen, headers={"Idempotency-Key": "one-order"}, seconds=1.5
    )

    assert made() == 1
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [409] * (TWINS - 1)
    assert IdempotentAnswer.objects.count() == 1
