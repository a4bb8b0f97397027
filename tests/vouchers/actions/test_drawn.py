"""Draw rounds: entering, and what becomes of the entries that won."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common import clock
from bureau.draws import actions as draws
from bureau.draws.models import Draw, DrawEntry
from bureau.notices.models import Notice
from tests import make as city
from tests.draws import make as make_draws
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers import actions
from vouchers.actions import drawn
from vouchers.actions.round_draws import announce_round_draw
from vouchers.errors.claiming import (
    AlreadyInRoundDraw,
    DrawEntriesOver,
    DrawNotOpen,
    NoSuchLot,
    NotEligible,
    RoundEntriesByCitizens,
    RoundHandedOut,
)
from vouchers.models import DrawnVoucher, Lot, Round, Tier, Voucher

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _friday_ten() -> Any:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


def drawn_round(*, amounts: tuple[int, ...] = (2,), **given: Any) -> Round:
    """Entries for a day from now, drawn a day later; a tier for each amount."""
    campaign = make.campaign()
    given.setdefault("way", "draw")
    made = make.round_of(
        campaign,
        opens_at=NOW,
        closes_at=NOW + DAY,
        draws_at=NOW + 2 * DAY,
        **given,
    )
    for n, amount in enumerate(amounts, start=1):
        tier = make.tier(campaign, face_fen=100_00 * n, threshold_fen=1000_00)
        Lot.objects.create(round=made, tier=tier, amount=amount)
    announce_round_draw(round=made, by=city.user(), at=NOW)
    return made


def tier_of(of: Round, n: int = 0) -> Tier:
    return of.lots.order_by("tier__face_fen")[n].tier


def enter(of: Round, who: User | None = None, n: int = 0) -> User:
    who = who or city.verified()
    actions.enter_round_draw(round=of, tier=tier_of(of, n), by=who, at=NOW)
    return who


def run(of: Round) -> Draw:
    assert of.draw
    make_draws.freeze(of.draw)
    make_draws.read(of.draw)
    return make_draws.run(of.draw)


def hand_out(of: Round) -> None:
    run(of)
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        assert actions.hand_out_drawn(at=clock.now()) == 1
        assert actions.hand_out_drawn(at=clock.now()) == 0
    of.refresh_from_db()


def won(of: Round) -> set[int | None]:
    entries = DrawEntry.objects.filter(draw=of.draw, outcome="won")
    return set(entries.values_list("person", flat=True))


def test_entering_twice_gives_the_same_receipt() -> None:
    round_, who = drawn_round(), city.verified()
    first = actions.enter_round_draw(round=round_, tier=tier_of(round_), by=who, at=NOW)
    again = actions.enter_round_draw(round=round_, tier=tier_of(round_), by=who, at=NOW)
    assert (first.entry_id, first.salt) == (again.entry_id, again.salt)
    assert DrawEntry.objects.count() == 1


def test_one_person_is_in_for_one_tier() -> None:
    round_ = drawn_round(amounts=(2, 2))
    who = enter(round_)
    with pytest.raises(AlreadyInRoundDraw):
        enter(round_, who, 1)


def test_who_may_not_have_a_voucher_does_not_enter() -> None:
    with pytest.raises(NotEligible):
        enter(drawn_round(), city.citizen())


def test_entries_have_their_time_and_their_tiers() -> None:
    round_, who = drawn_round(), city.verified()
    tier = tier_of(round_)
    with pytest.raises(DrawNotOpen):
        actions.enter_round_draw(
            round=round_, tier=tier, by=who, at=NOW - timedelta(seconds=1)
        )
    with pytest.raises(DrawEntriesOver):
        actions.enter_round_draw(round=round_, tier=tier, by=who, at=round_.closes_at)
    with pytest.raises(NoSuchLot):
        actions.enter_round_draw(round=round_, tier=make.tier(), by=who, at=NOW)


def test_staff_put_nobody_in() -> None:
    round_ = drawn_round()
    assert round_.draw
    with pytest.raises(RoundEntriesByCitizens):
        draws.enter_all(
            draw=round_.draw,
            pool=tier_of(round_).pool_prefix,
            id_numbers=["370811199001010011"],
            by=city.user(),
        )


def test_winners_get_their_vouchers_and_all_are_told() -> None:
    round_ = drawn_round(amounts=(2, 1))
    people = [enter(round_, n=n) for n in (0, 0, 0, 0, 1, 1)]
    hand_out(round_)
    vouchers = Voucher.objects.filter(way=Voucher.Way.DRAW)
    assert set(vouchers.values_list("person", flat=True)) == won(round_)
    assert vouchers.count() == 3
    assert {one.lot.round for one in vouchers} == {round_}
    assert round_.handed_out_at == NOW + 2 * DAY
    told = Notice.objects.filter(kind__in=["vouchers.drawn", "vouchers.not_drawn"])
    assert sorted(told.values_list("recipient", flat=True)) == sorted(
        who.pk for who in people
    )
    assert broken_promises(of="vouchers") == []


def test_who_may_not_have_it_any_more_is_passed_over() -> None:
    """The next in rank of the same tier gets it."""
    round_ = drawn_round(amounts=(1,))
    for _n in range(3):
        enter(round_)
    run(round_)
    first, second, _third = DrawEntry.objects.order_by("rank")
    assert first.person
    assert second.person
    first.person.is_active = False
    first.person.save()
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        actions.hand_out_drawn(at=clock.now())
    assert Voucher.objects.get().person == second.person
    over = DrawnVoucher.objects.get(voucher=None)
    assert (over.entry, over.passed_over) == (first, "voucher_signed_out")
    assert broken_promises(of="vouchers") == []


def test_limits_count_on_the_day_of_handing_out() -> None:
    round_ = drawn_round(amounts=(1,))
    who = enter(round_)
    run(round_)
    make.voucher(make.lot(tier_of(round_), amount=1), person=who)
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        actions.hand_out_drawn(at=clock.now())
    assert DrawnVoucher.objects.get().passed_over == "tier"
    assert Notice.objects.filter(kind="vouchers.passed_over").count() == 1
    assert broken_promises(of="vouchers") == []


def test_it_goes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "BATCH", 2)
    round_ = drawn_round(amounts=(5,))
    for _n in range(9):
        enter(round_)
    hand_out(round_)
    assert Voucher.objects.count() == 5
    assert Notice.objects.filter(kind="vouchers.not_drawn").count() == 4
    assert broken_promises(of="vouchers") == []


def test_what_a_draw_leaves_over_goes_back() -> None:
    round_ = drawn_round(amounts=(5,))
    enter(round_)
    hand_out(round_)
    assert actions.end_rounds(at=NOW + 2 * DAY) == 1
    assert tier_of(round_).released == 1
    assert broken_promises(of="vouchers") == []


def test_what_a_hybrid_leaves_over_is_claimed() -> None:
    round_ = drawn_round(
        amounts=(2,),
        way="hybrid",
        rush_opens_at=NOW + 3 * DAY,
        rush_closes_at=NOW + 4 * DAY,
    )
    enter(round_)
    hand_out(round_)
    later = NOW + 3 * DAY
    with time_machine.travel(later, tick=False):
        lot, who = round_.lots.get(), city.verified()
        ticket = actions.join_queue(round=round_, by=who)
        voucher = actions.claim_voucher(lot=lot, by=who, ticket=ticket)
    assert voucher.way == Voucher.Way.RUSH
    assert actions.end_rounds(at=NOW + 4 * DAY) == 1
    assert broken_promises(of="vouchers") == []


def test_a_draw_whose_vouchers_people_have_stands() -> None:
    round_ = drawn_round()
    enter(round_)
    hand_out(round_)
    assert round_.draw
    with pytest.raises(RoundHandedOut):
        draws.void_draw(draw=round_.draw, reason="A mistake", by=city.user())


@pytest.mark.parametrize("is_called_off", [True, False])
def test_what_is_declared_void_while_it_is_handed_out_gives_nothing_more(
    monkeypatch: pytest.MonkeyPatch, is_called_off: object
) -> None:
    round_ = drawn_round()
    enter(round_)
    enter(round_)
    draw, by, lay_out = run(round_), city.user(), actions.lay_out_round

    def lay_out_and_void(**given: Any) -> object:
        """A worker has just seen that the round is drawn; then staff are quicker."""
        laid = lay_out(**given)
        if is_called_off:
            actions.call_off_round(round=round_, reason="A mistake", by=by)
        else:
            draws.void_draw(draw=draw, reason="A mistake", by=by)
        return laid

    monkeypatch.setattr(drawn, "lay_out_round", lay_out_and_void)
    with time_machine.travel(NOW + 2 * DAY, tick=False):
        assert actions.hand_out_draw(round=round_, at=clock.now()) is False
    round_.refresh_from_db()
    assert round_.handed_out_at is None
    assert not DrawnVoucher.objects.exists()
    kinds = ["vouchers.drawn", "vouchers.passed_over", "vouchers.not_drawn"]
    assert not Notice.objects.filter(kind__in=kinds).exists()
    assert broken_promises(of="vouchers") == []


def test_a_void_draw_is_drawn_again_and_the_round_follows() -> None:
    round_ = drawn_round()
    who = enter(round_)
    assert round_.draw
    draws.void_draw(draw=round_.draw, reason="A mistake", by=city.user())
    again = draws.redo_draw(
        draw=round_.draw,
        draw_id="AGAIN-1",
        entries_close_at=NOW + DAY,
        freezes_at=NOW + DAY,
        draws_at=NOW + 2 * DAY,
        beacons=[draws.BeaconName("drand-quicknet")],
        by=city.user(),
        at=NOW,
    )
    round_.refresh_from_db()
    assert round_.draw == again
    hand_out(round_)
    assert Voucher.objects.get().person == who
    assert broken_promises(of="vouchers") == []
