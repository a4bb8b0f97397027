"""Where more people wait than there are vouchers, chance says whose they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from vouchers import actions
from vouchers.errors.claiming import KeptForOthers, SoldOut, TurnForged
from vouchers.models import Lot, QueueTicket, Round, Terms
from vouchers.queries import Turn, turn_of, turn_token
from vouchers.queries.lots import LotFacts, forget_lots

pytestmark = pytest.mark.django_db

SPREAD = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
HELD = timedelta(seconds=60)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    forget_lots()


def rush(amount: int, *, per_person: int = 1, **given: Any) -> Lot:
    """It opens in a minute; turns are spread over another one."""
    opens_at = clock.now() + timedelta(minutes=1)
    given = {"opens_at": opens_at, "lobby_minutes": 15, "spread_seconds": 60, **given}
    tier = make.tier(per_person=per_person)
    return make.lot(tier, amount=amount, round=make.round_of(tier.campaign, **given))


def gather(lot: Lot, number: int) -> list[User]:
    """People whose places are evenly spread; in the order of their places."""
    return [come(lot, n / number) for n in range(number)]


def come(lot: Lot, share: float, *, late: timedelta | None = None) -> User:
    """Before the opening, or so long after it."""
    person, opens_at = city.verified(), lot.round.opens_at
    QueueTicket.objects.create(
        round=lot.round,
        person=person,
        place=int(share * QueueTicket.PLACES),
        joined_at=opens_at - SECOND if late is None else opens_at + late,
    )
    return person


def claim(lot: Lot, person: User, at: datetime) -> None:
    forget_lots()
    actions.claim_voucher(lot=lot, by=person, at=at)


def refused(lot: Lot, person: User, at: datetime) -> bool:
    try:
        claim(lot, person, at)
    except KeptForOthers:
        return True
    return False


def test_who_stands_before_the_number_of_vouchers_gets_one_however_slow() -> None:
    lot = rush(3)
    people = gather(lot, 6)
    turns_are_over = lot.round.opens_at + SPREAD
    for quick in people[3:]:
        assert refused(lot, quick, turns_are_over)
    for slow in people[:3]:
        claim(lot, slow, turns_are_over + 10 * SECOND)
    with pytest.raises(SoldOut):
        claim(lot, people[3], turns_are_over + 10 * SECOND)


def test_tapping_often_and_at_the_right_moment_gains_nothing() -> None:
    lot = rush(2)
    first, second, script = gather(lot, 3)
    taps = [lot.round.opens_at + n * SECOND for n in range(40, 80)]
    assert all(refused(lot, script, at) for at in taps)
    claim(lot, first, taps[-1])
    claim(lot, second, taps[-1])


def test_without_calls_the_script_would_take_it_from_the_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: whose tap comes first gets it."""
    monkeypatch.setattr(LotFacts, "calls_next_at", lambda *_asked: False)
    lot = rush(1)
    slow, script = gather(lot, 2)
    claim(lot, script, lot.round.opens_at + SPREAD)
    with pytest.raises(SoldOut):
        claim(lot, slow, lot.round.opens_at + SPREAD)


def test_what_was_not_taken_is_offered_to_the_next() -> None:
    lot = rush(4)
    people = gather(lot, 8)
    opens_at = lot.round.opens_at
    claim(lot, people[0], opens_at + 30 * SECOND)
    claim(lot, people[2], opens_at + 30 * SECOND)
    lot.refresh_from_db()
    # The turn of the fourth is 22.5 seconds behind the opening.
    assert lot.called == 4
    assert lot.held_until == opens_at + timedelta(seconds=22.5) + HELD
    assert refused(lot, people[4], lot.held_until - SECOND)
    over = lot.held_until
    claim(lot, people[5], over)  # who taps first calls them
    assert refused(lot, people[6], over)
    lot.refresh_from_db()
    assert (lot.called, lot.held_until) == (6, over + HELD)
    # Who was called before may still come, as long as there are some.
    claim(lot, people[1], over)


def test_the_rules_in_force_say_for_how_long_it_is_kept() -> None:
    lot = rush(1)
    gather(lot, 3)
    opens_at = lot.round.opens_at
    campaign = lot.tier.campaign
    Terms.objects.create(
        campaign=campaign,
        version=2,
        reason="For older people",
        valid_days=7,
        held_seconds=200,
        published_at=clock.now(),
    )
    assert actions.call_next(lot_id=lot.pk, at=opens_at)
    lot.refresh_from_db()
    assert lot.held_until == opens_at + 200 * SECOND


@pytest.mark.parametrize("seconds", [19, 601])
def test_nobody_has_less_than_a_breath_and_nobody_waits_forever(seconds: int) -> None:
    with pytest.raises(IntegrityError, match="vouchers_terms_held_for_a_while"):
        make.campaign(state="draft", terms={"held_seconds": seconds})


def test_the_scheduler_calls_where_nobody_taps() -> None:
    lot = rush(1)
    people = gather(lot, 3)
    opens_at = lot.round.opens_at
    assert actions.call_queues(at=opens_at - SECOND) == 0
    assert actions.call_queues(at=opens_at) == 1
    assert actions.call_queues(at=opens_at + HELD - SECOND) == 0
    assert actions.call_queues(at=opens_at + HELD) == 1
    claim(lot, people[1], opens_at + HELD)
    noted = Entry.objects.filter(event="vouchers.lot.called").order_by("pk")
    assert [entry.detail["called"] for entry in noted] == [1, 2]


def test_after_the_last_call_everybody_may_claim_and_late_comers_too() -> None:
    lot = rush(2)
    people = gather(lot, 3)
    late = come(lot, 0, late=10 * SECOND)
    opens_at = lot.round.opens_at
    claim(lot, people[0], opens_at + SPREAD)
    assert refused(lot, late, opens_at + SPREAD)
    second = opens_at + SPREAD + HELD
    assert refused(lot, late, second)  # the third of them is called
    third = second + HELD
    claim(lot, late, third)
    lot.refresh_from_db()
    assert (lot.called, lot.called_until, lot.held_until) == (3, None, None)


def test_late_comers_take_nothing_from_who_was_there_before() -> None:
    """Fewer waited than there are vouchers; many come after the opening."""
    lot = rush(3)
    first, slow = gather(lot, 2)
    late = [come(lot, 0, late=SECOND * n) for n in range(1, 5)]
    at = lot.round.opens_at + SPREAD
    claim(lot, first, at)
    assert all(refused(lot, one, at) for one in late)
    claim(lot, slow, at + HELD / 2)
    at += HELD
    claim(lot, late[2], at)
    with pytest.raises(SoldOut):
        claim(lot, late[0], at)


def test_where_there_is_enough_for_everybody_nobody_waits() -> None:
    lot = rush(5)
    people = gather(lot, 4)
    late = come(lot, 0, late=10 * SECOND)
    claim(lot, late, lot.round.opens_at + SPREAD)
    claim(lot, people[3], lot.round.opens_at + SPREAD)
    lot.refresh_from_db()
    assert lot.called is None


def test_who_may_take_two_counts_twice() -> None:
    lot = rush(4, per_person=2)
    people = gather(lot, 4)
    at = lot.round.opens_at + SPREAD
    assert refused(lot, people[2], at)
    for one in people[:2]:
        claim(lot, one, at)
        claim(lot, one, at)
    with pytest.raises(SoldOut):
        claim(lot, people[2], at)


def test_of_a_hybrid_as_many_are_called_as_the_draw_left_vouchers() -> None:
    now = clock.now()
    lot = rush(
        5,
        way="hybrid",
        opens_at=now - timedelta(days=2),
        closes_at=now - timedelta(days=1),
        draws_at=now - timedelta(hours=2),
        rush_opens_at=now,
        rush_closes_at=now + timedelta(days=1),
    )
    for _n in range(3):
        make.voucher(lot, way="draw")
    people = []
    for n in range(3):
        person = city.verified()
        QueueTicket.objects.create(
            round=lot.round,
            person=person,
            place=n * QueueTicket.PLACES // 3,
            joined_at=now - SECOND,
        )
        people.append(person)
    at = now + SPREAD
    assert refused(lot, people[2], at)
    claim(lot, people[1], at)
    claim(lot, people[0], at)


def test_without_turns_it_is_first_come_first_served() -> None:
    lot = rush(1, spread_seconds=0)
    _first, last = gather(lot, 2)
    claim(lot, last, lot.round.opens_at)


def test_of_an_opening_that_was_put_off_an_old_turn_is_worth_nothing() -> None:
    lot = rush(1)
    person = gather(lot, 1)[0]
    ticket = QueueTicket.objects.get(person=person)
    old = turn_of(ticket, lot.round)
    later = lot.round.opens_at + timedelta(hours=1)
    Round.objects.filter(pk=lot.round_id).update(opens_at=later)
    forget_lots()
    with pytest.raises(TurnForged):
        _by_token(lot, old, at=later)
    new = turn_of(ticket, Round.objects.get(pk=lot.round_id))
    assert _by_token(lot, new, at=later).code


def _by_token(lot: Lot, turn: Turn, *, at: datetime) -> Any:
    return actions.claim_by_token(
        token=turn_token(turn, holder="me"), lot_id=lot.pk, holder="me", at=at
    )
