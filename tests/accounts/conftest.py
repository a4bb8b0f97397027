from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import date
from itertools import count

import pytest
import time_machine
from django.test import Client
from rest_framework.test import APIClient

from bureau.accounts import actions
from bureau.accounts.models import LoginCode, User, VerifiedIdentity
from bureau.accounts.signals import happened
from bureau.common import id_numbers, sms

_serial = count(random.SystemRandom().randrange(10**6))


def new_id_number(born_on: date = date(1990, 1, 1), *, is_male: bool = True) -> str:
    """A right number that no other test has used."""
    order = next(_serial) % 500 * 2 + is_male
    county = 370800 + next(_serial) % 90 + 1
    first = f"{county}{born_on:%Y%m%d}{order % 1000:03}"
    return first + id_numbers.check_digit(first)


@pytest.fixture
def still_clock() -> Iterator[None]:
    """An authenticator's code holds for its half minute: the clock waits for us."""
    with time_machine.travel(time.time(), tick=False):
        yield


@pytest.fixture
def phone() -> str:
    """A number that no limit in Redis remembers."""
    return f"13{random.SystemRandom().randrange(10**9):09}"


@pytest.fixture
def network() -> str:
    """An address that no limit in Redis remembers."""
    return f"10.{'.'.join(str(random.SystemRandom().randrange(256)) for _ in range(3))}"


@pytest.fixture
def browser(network: str) -> Client:
    return Client(REMOTE_ADDR=network, raise_request_exception=False)


@pytest.fixture
def api(network: str) -> APIClient:
    return APIClient(REMOTE_ADDR=network)


@pytest.fixture(autouse=True)
def _empty_outbox() -> Iterator[None]:
    sms.outbox.clear()
    yield
    sms.outbox.clear()


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The events that accounts told the audit trail."""
    events: list[str] = []

    def hear(event: str, **_: object) -> None:
        events.append(event)

    happened.connect(hear, weak=False, dispatch_uid="tests")
    yield events
    happened.disconnect(dispatch_uid="tests")


@pytest.fixture
def verified(citizen: User) -> VerifiedIdentity:
    return actions.verify_identity(
        name="张三丰", id_number=new_id_number(), agreed=True, by=citizen
    )


def live_code(phone: str) -> str:
    """The six digits that the phone would show."""
    return LoginCode.objects.get(phone=phone).code


def wrong_code(phone: str) -> str:
    return f"{(int(live_code(phone)) + 1) % 10**6:06}"
