from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from bureau.accounts import actions, checks, tasks
from bureau.accounts.models import LoginCode
from bureau.common import clock, sms
from tests import make
from tests.accounts.conftest import live_code

pytestmark = pytest.mark.django_db


def test_the_code_is_sent_in_the_persons_language(
    phone: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make.citizen(phone=phone, language="en")

    with django_capture_on_commit_callbacks(execute=True):
        actions.send_code(phone=phone, network=None)

    assert sms.outbox[0].text == (
        f"{live_code(phone)} is your code to sign in. It is valid for 5 minutes."
    )
    assert sms.outbox[0].values == {"code": live_code(phone)}


def test_a_code_that_nobody_needs_any_more_is_not_sent(phone: str) -> None:
    row = actions.send_code(phone=phone, network=None)
    actions.redeem_code(phone=phone, code=live_code(phone), network=None)

    tasks.send_login_code(login_code_id=row.pk)
    tasks.send_login_code(login_code_id=0)

    assert sms.outbox == []


def test_numbers_are_forgotten_after_a_day(phone: str) -> None:
    actions.send_code(phone=phone, network=None)

    with time_machine.travel(clock.now() + timedelta(hours=23)):
        tasks.sweep_login_codes()
    assert LoginCode.objects.exists()

    with time_machine.travel(clock.now() + timedelta(hours=25)):
        tasks.sweep_login_codes()
    assert not LoginCode.objects.exists()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        ({"SMS_SENDER": "pigeon"}, ["accounts.E001"]),
        ({"SMS_SENDER": "page", "DEMO": False}, ["accounts.E002"]),
        ({"SMS_SENDER": "page", "DEMO": True}, []),
        ({"IDENTITY_PROVIDER": "oracle"}, ["accounts.E003"]),
        ({"SMS_SENDER": "aliyun"}, ["accounts.E004"]),
    ],
)
def test_a_wrong_setting_stops_the_start(
    settings: Settings, given: dict[str, object], found: list[str]
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)

    assert [message.id for message in checks.senders_are_known()] == found
