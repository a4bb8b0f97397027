"""Claims of one moment go to the database together; each is answered for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from django.conf import settings
from django.db import Error, connection, transaction
from django.test import Client

from bureau.accounts.models import User, VerifiedIdentity
from bureau.common import clock
from tests import make as city
from tests.at_once import at_once, outcomes
from tests.concurrency.test_voucher_claims import _until_waiting, without_the_check
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.claiming import facts_of, first_claim, lot_under, token_of
from vouchers import actions
from vouchers.actions import claims, together
from vouchers.models import Lot, StockShard, Voucher
from vouchers.queries.lots import forget_lots

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 60


@pytest.fixture(autouse=True)
def _a_process_of_our_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(together, "_company", together._Company())
    monkeypatch.setattr(together, "PATIENCE", SECONDS)  # a busy machine is slow
    forget_lots()
    claims._gone.seen.clear()
    claims._tries.counts.clear()
    yield
    forget_lots()


def tap(lot: Lot, person: User, *, nth: int = 0) -> Callable[[], actions.Claimed]:
    """What a browser of the person sends."""
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    token = token_of(lot, person, holder=session)
    return lambda: actions.claim_by_token(
        token=token,
        lot_id=lot.pk,
        holder=session,
        session=session,
        nth=nth,
        at=clock.now(),
    )


def all_behind_one(taps: list[Callable[[], Any]]) -> list[Any]:
    """All of them come while one is on its way."""
    answers: list[Any] = []
    run = Thread(target=lambda: answers.extend(at_once(*taps)), daemon=True)
    with one_on_its_way():
        run.start()
        _until(lambda: len(together._company.waiting) == len(taps))
    run.join(SECONDS)
    assert len(answers) == len(taps)
    return answers


@contextmanager
def one_on_its_way() -> Iterator[None]:
    """Somebody is out already; at the end they are back."""
    company = together._company
    assert not company.somebody_is_out
    company.somebody_is_out = True
    try:
        yield
    finally:
        company.call_the_next()


def _until(is_so: Callable[[], bool]) -> None:
    until = monotonic() + SECONDS
    while not is_so():
        assert monotonic() < until, "it never came to that"
        sleep(0.02)


def transactions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM vouchers_voucher")
        return int(cursor.fetchone()[0])


def test_who_comes_while_one_is_on_its_way_goes_with_all_who_wait() -> None:
    lot = make.lot(amount=160)
    people = [city.verified() for _n in range(8)]
    answers = all_behind_one([tap(lot, one) for one in people])
    stored = {one.code: one for one in Voucher.objects.select_related("person")}
    assert [stored[said.code].person for said in answers] == people
    assert [stored[said.code].pk for said in answers] == [
        said.voucher_id for said in answers
    ]
    assert transactions() == 1
    assert not together._company.waiting
    assert broken_promises(of="vouchers") == []


def test_no_more_go_together_than_are_good_for_anybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(together, "MOST_TOGETHER", 3)
    lot = make.lot(amount=160)
    all_behind_one([tap(lot, city.verified()) for _n in range(7)])
    assert Voucher.objects.count() == 7
    assert transactions() == 3


def test_whoever_finds_no_company_leaves_the_way_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error before anything is asked is that one's own, and the next one goes."""
    company = together._company
    lot = make.lot(amount=160)
    first, second = (first_claim(facts_of(lot), city.verified()) for _n in range(2))
    assert first
    assert second

    def fail(_mine: object) -> list[together.First]:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(company, "_with", fail)
        with pytest.raises(MemoryError):
            company.give(first)
    company.give(second)
    assert second.voucher_id
    assert not company.somebody_is_out


def test_each_hears_their_own_refusal() -> None:
    lot = make.lot(amount=160)
    holder, stranger = city.verified(), city.verified()
    taps = [tap(lot, city.verified()) for _n in range(3)]
    taps += [tap(lot, holder), tap(lot, stranger)]
    make.voucher(lot, person=holder)
    VerifiedIdentity.objects.filter(user=stranger).delete()
    answers = all_behind_one(taps)
    assert outcomes(answers) == {
        "done": 3,
        "voucher_already_claimed": 1,
        "voucher_not_eligible": 1,
    }
    assert broken_promises(of="vouchers") == []


def test_two_taps_of_one_person_do_not_go_together() -> None:
    lot = lot_under(amount=160, most_in_all=1)
    one = city.verified()
    answers = all_behind_one([tap(lot, one), tap(lot, one), tap(lot, city.verified())])
    assert outcomes(answers) == {"done": 2, "voucher_already_claimed": 1}
    assert broken_promises(of="vouchers") == []


def test_the_same_tap_sent_twice_is_answered_twice_with_one_voucher() -> None:
    lot, one = make.lot(amount=160), city.verified()
    answers = all_behind_one([tap(lot, one, nth=1), tap(lot, one, nth=1)])
    assert len({said.code for said in answers}) == 1
    assert Voucher.objects.count() == 1


def test_claims_from_two_lots_go_apart() -> None:
    lots = [make.lot(amount=160), make.lot(amount=160)]
    taps = [tap(lot, city.verified()) for lot in lots for _n in range(3)]
    all_behind_one(taps)
    assert [lot.vouchers.count() for lot in lots] == [3, 3]
    assert transactions() == 2
    assert broken_promises(of="vouchers") == []


def test_twenty_who_want_ten_get_ten() -> None:
    lot = make.lot(amount=10)
    answers = all_behind_one([tap(lot, city.verified()) for _n in range(20)])
    assert outcomes(answers) == {"done": 10, "voucher_sold_out": 10}
    lot.refresh_from_db()
    assert lot.sold_out_at == Voucher.objects.latest("claimed_at").claimed_at
    assert broken_promises(of="vouchers") == []


def test_who_waits_too_long_for_others_goes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those before hang; nobody behind them has to hang with them."""
    monkeypatch.setattr(together, "PATIENCE", 0.01)
    lot, person = make.lot(amount=160), city.verified()
    with one_on_its_way():
        (said,) = at_once(tap(lot, person))
    assert Voucher.objects.get().code == said.code
    assert not together._company.waiting


def _two_parties_want_the_last_ones(lot: Lot) -> int:
    """Two servers have both seen them, and wait for their row; how many are given."""
    sessions = [_parted(lot) for _n in range(2)]
    run = Thread(target=lambda: at_once(*sessions), daemon=True)
    with transaction.atomic():
        list(StockShard.objects.select_for_update().filter(lot=lot))
        run.start()
        _until_waiting(2)
    run.join(SECONDS)
    assert not run.is_alive()
    return lot.vouchers.count()


def _parted(lot: Lot) -> Callable[[], None]:
    facts = facts_of(lot)
    party = [one for _n in range(3) if (one := first_claim(facts, city.verified()))]
    return lambda: together._ask(party)


def lot_with_three() -> Lot:
    lot = make.lot(amount=3)
    StockShard.objects.filter(lot=lot).update(remaining=0)
    StockShard.objects.filter(lot=lot, shard=5).update(remaining=3)
    return lot


def test_two_parties_who_both_saw_the_last_ones_are_one_party_with_vouchers() -> None:
    lot = lot_with_three()
    assert _two_parties_want_the_last_ones(lot) == 3
    assert broken_promises(of="vouchers") == []


def test_without_the_check_both_parties_would_have_them() -> None:
    lot = lot_with_three()
    with without_the_check():
        assert _two_parties_want_the_last_ones(lot) == 6
    assert "vouchers.lot.gives_what_it_laid_out" in broken_promises(of="vouchers")


def test_a_session_that_dies_under_a_party_is_not_now_for_all_of_them() -> None:
    """Nobody knows what is done then, so nobody is told a yes or a no."""
    lot = make.lot(amount=160)
    taps = [tap(lot, city.verified(), nth=1) for _n in range(4)]
    answers: list[Any] = []
    jobs = [lambda one=one: _or_error(one) for one in taps]
    run = Thread(target=lambda: answers.extend(at_once(*jobs)), daemon=True)
    with transaction.atomic():
        list(StockShard.objects.select_for_update().filter(lot=lot))
        with one_on_its_way():
            run.start()
            _until(lambda: len(together._company.waiting) == len(taps))
        _until_waiting(1)
        _end_who_waits()
        run.join(SECONDS)
    assert len(answers) == len(taps)
    assert all(isinstance(said, Error) for said in answers)
    assert not Voucher.objects.exists()
    again = at_once(*taps)
    assert outcomes(again) == {"done": 4}
    assert broken_promises(of="vouchers") == []


def _or_error(job: Callable[[], Any]) -> Any:
    try:
        return job()
    except Error as error:
        return error


def _end_who_waits() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pid"
            " IN (SELECT pid FROM pg_locks JOIN pg_database ON oid = database"
            " WHERE datname = current_database())"
        )
