"""What the page of a round says to who has to wait for what others leave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from vouchers import actions
from vouchers.models import Lot, QueueTicket
from vouchers.queries import live
from vouchers.queries.live import LiveRound
from vouchers.queries.lots import forget_lots
from vouchers.queries.offers import Phase
from vouchers.views.public import LOOKS_A_SECOND, live_json

pytestmark = pytest.mark.django_db

OPENS = datetime(2026, 12, 1, 20, tzinfo=clock.CHINA)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    forget_lots()
    yield
    live.forget()


@pytest.fixture
def at() -> Iterator[Any]:
    with time_machine.travel(OPENS - 600 * SECOND, tick=False) as travel:
        yield travel


def rush() -> Lot:
    """One voucher; turns are spread over twenty seconds."""
    tier = make.tier()
    opening = make.round_of(
        tier.campaign, opens_at=OPENS, lobby_minutes=15, spread_seconds=20
    )
    return make.lot(tier, amount=1, round=opening)


def waiting(lot: Lot, share: float) -> Client:
    client, person = Client(), city.verified()
    client.force_login(person)
    ticket = actions.join_queue(round=lot.round, by=person)
    QueueTicket.objects.filter(pk=ticket.pk).update(
        place=int(share * QueueTicket.PLACES)
    )
    return client


def see(client: Client, lot: Lot) -> str:
    live.forget()
    return client.get(lot.round.get_absolute_url()).content.decode()


KEPT = "These vouchers are kept until 20:01:05 for the people before you."


def test_who_is_called_sees_the_button_and_who_is_not_sees_until_when(at: Any) -> None:
    lot = rush()
    first, second = waiting(lot, 0.25), waiting(lot, 0.5)
    at.move_to(OPENS + 15 * SECOND)
    actions.call_queues(at=clock.now())
    assert "It is your turn" in see(first, lot)
    text = see(second, lot)
    assert KEPT in text
    assert "Please wait" in text
    assert "data-rush-claim hidden" in text
    # Without script the page looks again.
    assert 'http-equiv="refresh"' in text


def test_before_their_turn_they_are_told_already(at: Any) -> None:
    lot = rush()
    waiting(lot, 0.25)
    second = waiting(lot, 0.5)
    at.move_to(OPENS + 6 * SECOND)
    actions.call_queues(at=clock.now())
    assert KEPT in see(second, lot)


def test_when_the_first_has_left_it_the_second_is_called(at: Any) -> None:
    lot = rush()
    waiting(lot, 0.25)
    second = waiting(lot, 0.5)
    at.move_to(OPENS + 10 * SECOND)
    actions.call_queues(at=clock.now())
    at.move_to(OPENS + 65 * SECOND)
    actions.call_queues(at=clock.now())
    text = see(second, lot)
    assert "It is your turn" in text
    assert "data-rush-claim hidden" not in text


def test_the_look_that_pages_take_says_up_to_which_turn(at: Any) -> None:
    lot = rush()
    waiting(lot, 0.25)
    second = waiting(lot, 0.5)
    at.move_to(OPENS + 10 * SECOND)
    actions.call_queues(at=clock.now())
    live.forget()
    (told,) = second.get(f"{lot.round.get_absolute_url()}now.json").json()["lots"]
    opens = round(OPENS.timestamp() * 1000)
    assert told["called_until_ms"] == opens + 5_000
    assert told["held_until_ms"] == opens + 65_000


@pytest.mark.parametrize(("present", "seconds"), [(3, 5), (1000, 5), (52_339, 261)])
def test_the_more_pages_look_the_rarer_each_of_them_does(
    present: int, seconds: int
) -> None:
    told = live_json(LiveRound(1, Phase.GATHERING, None, present, {}))
    assert told["again_ms"] // 1000 == seconds
    assert present / (told["again_ms"] / 1000) <= LOOKS_A_SECOND
