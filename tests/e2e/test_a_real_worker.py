"""Elsewhere tasks run at once; here a worker of its own takes them from Redis."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from bureau.celery import app
from bureau.notices.models import Delivery
from tests import make
from venues import actions
from venues.models import Booking

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 90  # seconds; a worker takes a few to start


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    queue = f"test-{connection.settings_dict['NAME']}"
    monkeypatch.setitem(app.conf, "task_always_eager", value=False)
    monkeypatch.setitem(app.conf, "task_default_queue", queue)
    url = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    process = subprocess.Popen(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "celery", "-A", "bureau", "worker"),
            *("--pool", "solo", "--queues", queue, "--loglevel", "warning"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "bureau.settings",
            "DATABASE_URL": database,
            "BUREAU_SMS_SENDER": "console",
        },
        cwd=settings.BASE_DIR,
    )
    yield
    process.terminate()
    process.wait(timeout=30)


@pytest.mark.usefixtures("worker")
def test_sends_what_an_action_put_into_the_outbox() -> None:
    booking = make.confirmed()
    actions.call_off_booking(booking=booking, reason="Storm", by=make.user())

    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not sent_to(booking):
        time.sleep(0.2)

    assert sent_to(booking)


def sent_to(booking: Booking) -> bool:
    return Delivery.objects.filter(
        notice__recipient=booking.booked_by,
        notice__kind="venues.booking_cancelled",
        state="sent",
    ).exists()
