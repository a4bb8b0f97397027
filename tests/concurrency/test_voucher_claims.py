"""Many claim at once: nobody gets too many, and no voucher goes to two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from bureau.accounts.models import User
from bureau.common import clock
from tests import make as city
from tests.at_once import at_once, outcomes
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.claiming import another_lot, lot_under
from vouchers import actions
from vouchers.actions import claims
from vouchers.models import Lot, QueueTicket, Round, StockShard, Tier, Voucher

pytestmark = pytest.mark.django_db(transaction=True)


def gathered(lot: Lot, number: int) -> list[tuple[User, QueueTicket]]:
    people = [city.verified() for _n in range(number)]
    return [(one, actions.join_queue(round=lot.round, by=one)) for one in people]


def test_fifty_who_want_ten_get_ten() -> None:
    lot = make.lot(amount=10)
    came = gathered(lot, 50)
    answers = at_once(
        *(
            lambda one=one, ticket=ticket: actions.claim_voucher(
                lot=lot, by=one, ticket=ticket
            )
            for one, ticket in came
        )
    )
    assert outcomes(answers) == {"done": 10, "voucher_sold_out": 40}
    assert Voucher.objects.values("person").distinct().count() == 10
    lot.refresh_from_db()
    assert lot.sold_out_at == Voucher.objects.latest("claimed_at").claimed_at
    assert broken_promises(of="vouchers") == []


@contextmanager
def without_the_check() -> Iterator[None]:
    name = "vouchers_stockshard_not_oversold"
    (check,) = [one for one in StockShard._meta.constraints if one.name == name]
    with connection.schema_editor() as editor:
        editor.remove_constraint(StockShard, check)
    try:
        yield
    finally:
        StockShard.objects.filter(remaining__lt=0).update(remaining=0)
        with connection.schema_editor() as editor:
            editor.add_constraint(StockShard, check)


def test_without_the_check_they_would_get_more() -> None:
    """The control: one voucher is left, and whoever looks sees it.

    A claim holds the last one's row while the others have looked already, so that the
    outcome does not hang on who is faster.
    """
    lot = make.lot(amount=1)
    came = gathered(lot, 8)
    with without_the_check():
        sold = _claimed_while_the_row_is_held(lot, came)
    assert sold > 1
    assert "vouchers.lot.gives_what_it_laid_out" in broken_promises(of="vouchers")


def test_with_it_the_same_eight_get_one() -> None:
    lot = make.lot(amount=1)
    came = gathered(lot, 8)
    assert _claimed_while_the_row_is_held(lot, came) == 1
    assert broken_promises(of="vouchers") == []


def _claimed_while_the_row_is_held(
    lot: Lot, came: list[tuple[User, QueueTicket]]
) -> int:
    """All have seen the last voucher and wait for its row, before one can take it."""
    from threading import Thread  # noqa: PLC0415

    from django.db import transaction  # noqa: PLC0415

    answers: list[object] = []
    jobs = [
        lambda one=one, ticket=ticket: actions.claim_voucher(
            lot=lot, by=one, ticket=ticket
        )
        for one, ticket in came
    ]
    run = Thread(target=lambda: answers.extend(at_once(*jobs)), daemon=True)
    with transaction.atomic():
        list(StockShard.objects.select_for_update().filter(lot=lot))
        run.start()
        _until_waiting(len(jobs))
    run.join(60)
    assert len(answers) == len(jobs)
    return outcomes(answers)["done"]


def _until_waiting(number: int) -> None:
    from time import monotonic, sleep  # noqa: PLC0415

    until = monotonic() + 60
    while True:
        with connection.cursor() as cursor:
            # Not of pg_stat_activity, which stays the same within a transaction.
            cursor.execute(
                "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN"
                " (SELECT pid FROM pg_locks JOIN pg_database ON oid = database"
                " WHERE datname = current_database())"
            )
            if cursor.fetchone()[0] >= number:
                return
        assert monotonic() < until, "the claims never came to wait"
        sleep(0.02)


def test_two_devices_of_one_person_get_what_one_would() -> None:
    lot = lot_under(per_person=1)
    ((one, ticket),) = gathered(lot, 1)
    answers = at_once(
        *(
            lambda: actions.claim_voucher(lot=lot, by=one, ticket=ticket)
            for _n in range(8)
        )
    )
    assert outcomes(answers) == {"done": 1, "voucher_already_claimed": 7}
    assert broken_promises(of="vouchers") == []


def test_limits_over_all_tiers_hold_for_taps_at_the_same_moment() -> None:
    lot = lot_under(most_in_all=2)
    other = another_lot(lot)
    ((one, ticket),) = gathered(lot, 1)
    answers = at_once(
        *(
            lambda wanted=wanted: actions.claim_voucher(
                lot=wanted, by=one, ticket=ticket
            )
            for wanted in [lot, other] * 4
        )
    )
    assert outcomes(answers) == {"done": 2, "voucher_already_claimed": 6}
    assert broken_promises(of="vouchers") == []


def test_without_their_numbers_the_same_taps_would_get_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: each claim takes a number that no other one wants."""
    lot = lot_under(most_in_all=1, per_person=9)
    ((one, _ticket),) = gathered(lot, 1)
    loose = re.sub(
        r"chosen\.number_of_person, chosen\.number_in_tier, \$8::int",
        "(pg_backend_pid() % 30000), 1 + pg_backend_pid() % 5000, 9999",
        claims._CLAIM,
    )
    assert loose != claims._CLAIM
    monkeypatch.setattr(claims, "_CLAIM", loose)
    sold = _claimed_while_the_row_is_held(lot, _same(lot, one, 6))
    assert sold > 1


def _same(lot: Lot, one: User, times: int) -> list[tuple[User, QueueTicket]]:
    ticket = QueueTicket.objects.get(round=lot.round, person=one)
    return [(one, ticket)] * times


def test_who_comes_to_the_queue_twice_at_once_has_one_place() -> None:
    lot, one = make.lot(), city.verified()
    tickets = at_once(
        *(lambda: actions.join_queue(round=lot.round, by=one) for _n in range(8))
    )
    assert len({(ticket.pk, ticket.place) for ticket in tickets}) == 1


def test_eight_workers_lay_out_once() -> None:
    tier = make.tier()
    round_ = make.round_of(tier.campaign)
    Lot.objects.create(round=round_, tier=tier, amount=50)
    answers = at_once(
        *(lambda: actions.lay_out_rounds(at=round_.opens_at) for _n in range(8))
    )
    assert sum(answers) == 1
    assert Tier.objects.get().released == 50
    assert broken_promises(of="vouchers") == []


def test_a_round_that_ends_and_the_last_claims_share_the_stock() -> None:
    lot = make.lot(amount=40)
    came = gathered(lot, 20)
    Round.objects.update(closes_at=came[0][1].joined_at)
    lot.round.refresh_from_db()
    at = lot.round.opens_at
    for _one, ticket in came:
        QueueTicket.objects.filter(pk=ticket.pk).update(joined_at=at)
    answers = at_once(
        *(
            lambda one=one: actions.claim_voucher(lot=lot, by=one, at=at)
            for one, _ticket in came
        ),
        lambda: actions.end_rounds(at=lot.round.closes_at),
    )
    told = outcomes(answers)
    assert told["done"] + told["voucher_sold_out"] == len(came) + 1
    assert not StockShard.objects.exclude(remaining=0).exists()
    assert broken_promises(of="vouchers") == []


def test_eight_workers_expire_each_voucher_once() -> None:
    lot = make.lot(make.tier(per_person=9))
    vouchers = [make.voucher(lot) for _n in range(30)]
    at = vouchers[-1].expires_at
    answers = at_once(*(lambda: actions.expire_vouchers(at=at) for _n in range(8)))
    assert sum(answers) == 30
    assert Tier.objects.get().released == 70
    assert broken_promises(of="vouchers") == []


def test_eight_who_call_at_once_call_the_same_people() -> None:
    tier = make.tier()
    opens_at = clock.now() + timedelta(minutes=1)
    rush = make.round_of(
        tier.campaign, opens_at=opens_at, lobby_minutes=15, spread_seconds=10
    )
    lot = make.lot(tier, amount=2, round=rush)
    gathered(lot, 5)
    answers = at_once(
        *(lambda: actions.call_next(lot_id=lot.pk, at=opens_at) for _n in range(8))
    )
    assert sum(answers) == 1
    lot.refresh_from_db()
    assert lot.called == 2
