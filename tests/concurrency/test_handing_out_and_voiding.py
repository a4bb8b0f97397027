"""Staff declare a draw void in the moment in which its vouchers are handed out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
import time_machine

from bureau.common import clock
from bureau.draws import actions as draws
from bureau.draws.models import Draw
from tests import make as city
from tests.at_once import SECONDS, at_once
from tests.promises import broken_promises
from tests.vouchers.actions.test_drawn import NOW, drawn_round, enter, run
from vouchers import actions
from vouchers.actions import drawn
from vouchers.models import DrawnVoucher, Round

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_hands_out_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word to the worker, that the draw is done, has not come yet."""
    monkeypatch.setattr(drawn, "after_commit", lambda *_, **_given: None)


def a_drawn_round() -> Round:
    with time_machine.travel(NOW, tick=False):
        round_ = drawn_round()
        enter(round_)
        enter(round_)
        run(round_)
    assert Round.objects.to_hand_out().filter(pk=round_.pk).exists()
    return round_


def both_at_once(
    round_: Round, *, before_voiding: Callable[[], Any] = lambda: None
) -> tuple[bool, int]:
    """Whether the draw is void then, and how many have a voucher of it."""
    draw, by = round_.draw, city.user()
    assert draw

    def void() -> None:
        before_voiding()
        draws.void_draw(draw=draw, reason="A mistake", by=by)

    with time_machine.travel(NOW + timedelta(days=2), tick=False):
        at_once(partial(actions.hand_out_draw, round=round_, at=clock.now()), void)
    is_void = Draw.objects.get(pk=draw.pk).state == Draw.State.VOID
    return is_void, DrawnVoucher.objects.filter(entry__draw=draw).count()


def test_a_draw_is_void_or_its_vouchers_are_with_the_people() -> None:
    for _n in range(4):
        assert both_at_once(a_drawn_round()) in [(True, 0), (False, 2)]
        assert broken_promises(of="vouchers") == []


def test_control_who_hands_out_without_the_lock_gives_what_a_void_draw_drew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, voided = Event(), Event()

    def unguarded(round_id: int) -> bool:
        still = Round.objects.to_hand_out().filter(pk=round_id).exists()
        looked.set()
        voided.wait(SECONDS / 2)
        return still

    monkeypatch.setattr(drawn, "_still_to_hand_out", unguarded)
    void_draw = draws.void_draw

    def and_say_so(**given: Any) -> None:
        void_draw(**given)
        voided.set()

    monkeypatch.setattr(draws, "void_draw", and_say_so)
    met = both_at_once(
        a_drawn_round(), before_voiding=partial(looked.wait, SECONDS / 2)
    )
    assert met == (True, 2)


def test_control_who_voids_without_the_lock_voids_what_people_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, handed_out = Event(), Event()

    def unguarded(*, draw: Draw) -> None:
        assert not DrawnVoucher.objects.filter(entry__draw=draw).exists()
        looked.set()
        handed_out.wait(SECONDS / 2)

    monkeypatch.setattr(actions, "refuse_void_of_round", unguarded)
    hand_out_draw = actions.hand_out_draw

    def meanwhile(**given: Any) -> None:
        looked.wait(SECONDS / 2)
        hand_out_draw(**given)
        handed_out.set()

    monkeypatch.setattr(actions, "hand_out_draw", meanwhile)
    assert both_at_once(a_drawn_round()) == (True, 2)
