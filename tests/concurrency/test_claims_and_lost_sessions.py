"""PostgreSQL ends a session between two requests of one thread of the web server.

A claim does not ask whether a connection lives that answered a moment ago. So the one
request that finds it dead may be answered with "not now", and no other one.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client

from bureau.accounts.models import User
from bureau.common import trusted
from tests import make as city
from tests.at_once import at_once
from tests.vouchers import make
from tests.vouchers.claiming import token_of
from vouchers.models import Lot, Voucher

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 30
GOT, NOT_NOW, SHOWN = HTTPStatus.CREATED, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK


class Browser:
    """A person's browser; what it sends goes through all of the server, signals too."""

    def __init__(self, lot: Lot) -> None:
        self.person: User = city.verified()
        self.lot = lot
        client = Client()
        client.force_login(self.person)
        self.session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.token = token_of(lot, self.person, holder=self.session)

    def claim(self) -> int:
        form = {"lot": self.lot.pk, "turn": self.token, "nth": 1}
        return self._send("POST", "/vouchers/claim", urlencode(form))

    def page(self) -> int:
        return self._send("GET", f"/vouchers/rounds/{self.lot.round_id}/")

    def _send(self, method: str, path: str, body: str = "") -> int:
        """As a WSGI server does it: Django's client holds on to dead connections."""
        said: list[str] = []

        def start(status: str, _headers: Any, _error: Any = None, /) -> Any:
            said.append(status)

        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "testserver",
            "HTTP_ACCEPT": "application/json" if method == "POST" else "text/html",
            "HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}={self.session}",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body.encode()),
            "wsgi.errors": BytesIO(),
        }
        answer = _application()(environ, start)
        for _part in answer:
            pass
        answer.close()
        return int(said[0].split()[0])

    @property
    def vouchers(self) -> int:
        return Voucher.objects.filter(person=self.person).count()


_handlers: list[WSGIHandler] = []


def _application() -> WSGIHandler:
    if not _handlers:
        _handlers.append(WSGIHandler())
    return _handlers[0]


def in_one_thread(job: Callable[[], Any]) -> Any:
    """On a connection of its own that stays open between requests."""
    (answer,) = at_once(job)
    return answer


def end_session_of_this_thread() -> None:
    """PostgreSQL closes the session, as it does when it is told to stop."""
    pid = connection.connection.info.backend_pid
    in_one_thread(lambda: _end(pid))


def _end(pid: int) -> None:
    until = monotonic() + PATIENCE
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid]
            )
            if not cursor.fetchone()[0]:
                return
            assert monotonic() < until, "the session never ended"
            sleep(0.02)


@pytest.fixture(autouse=True)
def _the_last_answer_is_always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine more than a second passes while a session is ended."""
    monkeypatch.setattr(trusted, "TRUSTED_SECONDS", PATIENCE)


def test_a_claim_behind_a_claim_is_put_off_once_and_then_given() -> None:
    lot = make.lot()
    one, other = Browser(lot), Browser(lot)

    def requests() -> list[int]:
        told = [one.claim()]
        end_session_of_this_thread()
        return [*told, other.claim(), other.claim(), other.claim()]

    told = in_one_thread(requests)
    assert told == [GOT, NOT_NOW, GOT, GOT]
    assert (one.vouchers, other.vouchers) == (1, 1)


def test_a_page_behind_a_claim_is_shown_as_if_nothing_had_been() -> None:
    lot = make.lot()
    one, other = Browser(lot), Browser(lot)

    def requests() -> list[int]:
        told = [one.claim()]
        end_session_of_this_thread()
        return [*told, other.page(), other.claim()]

    assert in_one_thread(requests) == [GOT, SHOWN, GOT]


def test_a_claim_behind_a_page_is_given_as_if_nothing_had_been() -> None:
    lot = make.lot()
    one, other = Browser(lot), Browser(lot)

    def requests() -> list[int]:
        told = [one.page()]
        end_session_of_this_thread()
        return [*told, other.claim(), other.page()]

    assert in_one_thread(requests) == [SHOWN, GOT, SHOWN]


def test_a_claim_behind_a_claim_and_a_page_is_given() -> None:
    """The page asked whether the connection lives; it dies behind that."""
    lot = make.lot()
    one, other = Browser(lot), Browser(lot)

    def requests() -> list[int]:
        told = [one.claim(), one.page()]
        end_session_of_this_thread()
        return [*told, other.claim(), other.page(), other.claim()]

    told = in_one_thread(requests)
    assert told[:2] == [GOT, SHOWN]
    assert told[2] in {GOT, NOT_NOW}
    assert told[3:] == [SHOWN, GOT]
    assert other.vouchers == 1


def test_a_statement_that_a_dead_session_does_not_know_yet_is_put_off_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The session dies between the look whether it lives and the preparing."""
    lot = make.lot()
    one, other = Browser(lot), Browser(lot)

    def requests() -> list[int]:
        told = [one.claim()]
        _forget_what_is_prepared()
        end_session_of_this_thread()
        return [*told, other.claim(), other.claim(), other.page()]

    assert in_one_thread(requests) == [GOT, NOT_NOW, GOT, SHOWN]
    assert other.vouchers == 1


def _forget_what_is_prepared() -> None:
    from bureau.common import db  # noqa: PLC0415

    db._prepared.clear()
