"""Staff declare a draw void in the moment in which its vouchers are handed out."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import time_machine

from bureau.common import clock
from bureau.draws import actions as draws
from bureau.draws.models import Draw
from tests import make as city
from tests.at_once import at_once
from tests.promises import broken_promises
from tests.vouchers.actions.test_drawn import NOW, drawn_round, enter, run
from vouchers import actions
from vouchers.models import DrawnVoucher

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_draw_is_void_or_its_vouchers_are_with_the_people() -> None:
    for _n in range(4):
        with time_machine.travel(NOW, tick=False):
            round_ = drawn_round()
            enter(round_)
            enter(round_)
            draw, by = run(round_), city.user()
        with time_machine.travel(NOW + timedelta(days=2), tick=False):
            at_once(
                partial(actions.hand_out_draw, round=round_, at=clock.now()),
                partial(draws.void_draw, draw=draw, reason="A mistake", by=by),
            )
        is_void = Draw.objects.get(pk=draw.pk).state == Draw.State.VOID
        given = DrawnVoucher.objects.filter(entry__draw=draw).count()
        assert (is_void, given) in [(True, 0), (False, 2)]
        assert broken_promises(of="vouchers") == []
