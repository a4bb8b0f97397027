from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from pytest_django import Settings

from bureau.common import clock
from bureau.draws import sportdraw, tasks
from bureau.draws.actions import BeaconName
from bureau.draws.models import Draw, LogLine
from tests.draws import make as made
from tests.promises import broken_promises

pytestmark = pytest.mark.django_db
FORGED = "ab" * 48
FORGED_BYTES = bytes.fromhex(FORGED)


class Drand:
    """drand's HTTP interface on a local port; `bend` changes its answers."""

    def __init__(self) -> None:
        self.bend: dict[str, Any] = {}
        self.status = 200
        self.asked: list[str] = []

    def answer(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        randomness = sportdraw.sha256(bytes.fromhex(made.SIGNATURE)).hex()
        return {
            "round": int(path.rpartition("/")[2]),
            "randomness": randomness,
            "signature": made.SIGNATURE,
        } | self.bend


@pytest.fixture
def drand(settings: Settings) -> Iterator[Drand]:
    book = Drand()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(book.answer(self.path)).encode()
            self.send_response(book.status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.DRAND_URL = f"http://127.0.0.1:{server.server_port}/chain"
    yield book
    server.shutdown()
    server.server_close()


def waiting(**given: Any) -> Draw:
    """Frozen, and its numbers are drawn by now."""
    return made.of_round_1000(**given)


def state_of(draw: Draw) -> str:
    draw.refresh_from_db()
    return draw.state


def test_drand_is_asked_for_the_named_round_and_the_draw_is_drawn(
    drand: Drand,
) -> None:
    draw = waiting()
    tasks.advance_draws()

    assert state_of(draw) == Draw.State.DRAWN
    assert drand.asked == [f"/chain/public/{draw.beacons.get().issue}"]
    assert broken_promises(of="draws.") == []


@pytest.mark.parametrize(
    "bend",
    [
        {"round": 1},
        {"randomness": "00" * 32},
        {"signature": "zz" * 48},
        {"signature": ""},
        {"signature": FORGED, "randomness": sportdraw.sha256(FORGED_BYTES).hex()},
    ],
)
def test_an_answer_that_cannot_be_believed_is_not(
    drand: Drand, bend: dict[str, Any]
) -> None:
    drand.bend = bend
    draw = waiting()
    tasks.advance_draws()

    assert state_of(draw) == Draw.State.FROZEN


def test_where_drand_is_silent_it_is_asked_again_later(drand: Drand) -> None:
    drand.status = 500
    draw = waiting()
    tasks.advance_draws()
    assert state_of(draw) == Draw.State.FROZEN

    drand.status = 200
    tasks.advance_draws()
    assert state_of(draw) == Draw.State.DRAWN


def test_without_its_address_drand_is_not_asked() -> None:
    draw = waiting()
    tasks.advance_draws()

    assert state_of(draw) == Draw.State.FROZEN


def test_a_list_is_frozen_by_itself_and_one_too_late_is_left_to_staff() -> None:
    now = clock.now()
    punctual = made.draw(at=now - made.DAY - made.HOUR)
    late = made.draw(at=now - made.DAY - 3 * made.HOUR)
    early = made.draw()
    tasks.advance_draws()

    states = [state_of(draw) for draw in (punctual, late, early)]
    assert states == [Draw.State.FROZEN, Draw.State.OPEN, Draw.State.OPEN]


def test_when_staff_have_read_everything_it_is_drawn_by_itself() -> None:
    draw = waiting(beacons=[BeaconName("fc-kl8", "2026001")])
    made.read(draw)
    tasks.advance_draws()
    tasks.advance_draws()

    assert state_of(draw) == Draw.State.DRAWN
    assert LogLine.objects.filter(draw=draw, step="drawn").count() == 1
