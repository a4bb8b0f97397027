"""PostgreSQL ends a session between two bookings of one thread, or in one's middle.

The lane does not ask whether a connection lives that answered a moment ago. Where it
died, the view behind it asks a new one; the form's own key keeps the booking single.
"""

from __future__ import annotations

import uuid
from io import BytesIO
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.test import Client

from bureau.common import trusted
from bureau.common.db import advisory_locks
from tests import make
from tests.at_once import at_once
from venues.models import Bookable, Booking, Occupancy

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 30
TOKEN = "b" * 32


def handle(environ: dict[str, Any]) -> tuple[int, str]:
    """Status and address; as a WSGI server does it, signals too."""
    said: list[tuple[str, dict[str, str]]] = []

    def start(status: str, headers: Any, _error: Any = None) -> Any:
        said.append((status, dict(headers)))

    answer = WSGIHandler()(environ, start)
    for _part in answer:
        pass
    answer.close()
    ((status, headers),) = said
    return int(status.split()[0]), headers.get("Location", "")


def request_for(court: Bookable, hour: int) -> dict[str, Any]:
    """A person's form for a slot tomorrow."""
    client = Client()
    client.force_login(make.citizen())
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    form = {
        "csrfmiddlewaretoken": TOKEN,
        "quoted_fen": make.PRICE_FEN,
        "request_key": uuid.uuid4(),
    }
    body = urlencode(form).encode()
    starts_at = make.tomorrow_at(hour)
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/venues/{court.venue.code}/book/",
        "QUERY_STRING": f"slot={court.pk}@{starts_at:%Y-%m-%dT%H:%M}",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "testserver",
        "HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}={session};"
        f" {settings.CSRF_COOKIE_NAME}={TOKEN}",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
    }


def wait_for(question: str, given: list[Any]) -> Any:
    """The first row that it finds."""
    until = monotonic() + PATIENCE
    while True:
        with connection.cursor() as cursor:
            cursor.execute(question, given)
            if found := cursor.fetchone():
                return found
        assert monotonic() < until, "it never came about"
        sleep(0.02)


def end(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    wait_for(
        "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)",
        [pid],
    )


@pytest.fixture(autouse=True)
def _the_last_answer_is_always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine more than a second passes while a session is ended."""
    monkeypatch.setattr(trusted, "TRUSTED_SECONDS", PATIENCE)


def test_a_booking_behind_a_booking_is_made_as_if_nothing_had_been() -> None:
    court = make.bookable()
    requests = [request_for(court, hour) for hour in (9, 10, 11)]

    def send() -> list[int]:
        told = [handle(requests[0])[0]]
        pid = connection.connection.info.backend_pid
        at_once(lambda: end(pid))
        return [*told, handle(requests[1])[0], handle(requests[2])[0]]

    assert at_once(send) == [[302, 302, 302]]
    assert Booking.objects.count() == Occupancy.objects.count() == 3


def test_a_booking_that_loses_its_session_in_the_middle_is_made_once() -> None:
    court = make.bookable()
    warm, request = request_for(court, 9), request_for(court, 10)
    at_once(lambda: handle(warm))
    unit_id = court.units.get().pk
    floor = (unit_id, make.tomorrow_at(10).date().toordinal())
    told: list[tuple[int, str]] = []

    def send() -> None:
        try:
            told.append(handle(request))
        finally:
            connection.close()

    sender = Thread(target=send, daemon=True)
    with transaction.atomic():
        advisory_locks([floor])
        sender.start()
        waiting = (
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND classid = %s AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        (pid,) = wait_for(waiting, [unit_id])
        at_once(lambda: end(pid))
        # The view asks again, on a new connection, and waits as well.
        wait_for(waiting, [unit_id])
    sender.join(PATIENCE)
    ((status, address),) = told
    booking = Booking.objects.get(starts_at=make.tomorrow_at(10))
    assert status == 302
    assert address == f"/pay/{make.payment_of(booking).number}/go/sandbox/"
    assert Occupancy.objects.filter(line__booking=booking).count() == 1
