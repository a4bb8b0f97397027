"""Many workers, one message."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common import clock, sms
from bureau.notices import actions
from bureau.notices.models import Delivery, Notice
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 8
MESSAGES = 5


@pytest.fixture
def slow_sender(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A provider that takes its time and counts."""
    sent: list[str] = []

    def send(message: sms.Sms) -> None:
        time.sleep(0.02)
        sent.append(message.text)

    monkeypatch.setitem(sms._SENDERS, "memory", send)
    monkeypatch.setattr(Notice, "text", lambda notice, _name: f"notice {notice.pk}")
    return sent


def waiting(citizen: User) -> list[int]:
    now = clock.now() - timedelta(minutes=5)
    deliveries = []
    for _number in range(MESSAGES):
        notice = Notice.objects.create(
            recipient=citizen, kind="tests.race", created_at=now
        )
        delivery = Delivery.objects.create(
            notice=notice, channel="sms", next_try_at=now
        )
        deliveries.append(delivery.pk)
    return deliveries


def test_eight_sweeps_send_each_message_once(
    citizen: User, slow_sender: list[str]
) -> None:
    deliveries = waiting(citizen)
    at_once(
        *[actions.sweep_deliveries] * WORKERS
    )  # tasks are eager here: each sweep also sends

    assert len(slow_sender) == len(set(slow_sender)) == MESSAGES
    sent = Delivery.objects.filter(pk__in=deliveries, state="sent", tries=1)
    assert sent.count() == MESSAGES


def test_control_without_the_claim_a_message_goes_out_many_times(
    citizen: User, slow_sender: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(citizen)

    def look_only(delivery_id: int, now: Any) -> Delivery | None:
        rows = Delivery.objects.due_at(now).select_related("notice__recipient")
        return rows.filter(pk=delivery_id).first()

    monkeypatch.setattr(actions, "_claim", look_only)
    at_once(*[actions.sweep_deliveries] * WORKERS)
    assert len(slow_sender) > MESSAGES


def test_a_slow_worker_does_not_undo_the_one_that_followed(
    citizen: User, slow_sender: list[str]
) -> None:
    [first, *_rest] = waiting(citizen)
    now = clock.now()
    slow = actions._claim(first, now)
    assert slow is not None
    with time_machine.travel(now + timedelta(minutes=3)):
        assert actions.send_delivery(delivery_id=first)
    # The slow one comes back and says that it failed: the row is no longer its own.
    mine = Delivery.objects.filter(pk=first, state="waiting", tries=slow.tries)
    assert mine.update(error="late") == 0
    assert Delivery.objects.get(pk=first).state == "sent"
