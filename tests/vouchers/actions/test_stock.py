"""Stock is laid out before a round opens, and taken back when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bureau.common import clock
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.claiming import claim
from vouchers import actions
from vouchers.models import Lot, Round, StockShard, Tier

pytestmark = pytest.mark.django_db


def coming(tier: Tier, *, amount: int, **given: Any) -> Lot:
    """Vouchers of a round that opens in ten minutes, for an hour."""
    opens_at = given.pop("opens_at", clock.now() + timedelta(minutes=10))
    given.setdefault("closes_at", opens_at + timedelta(hours=1))
    made = make.round_of(tier.campaign, opens_at=opens_at, **given)
    return Lot.objects.create(round=made, tier=tier, amount=amount)


def lay_out(lot: Lot) -> Lot:
    assert actions.lay_out_rounds(at=lot.round.opens_at) == 1
    lot.refresh_from_db()
    lot.round.refresh_from_db()
    return lot


def test_it_is_laid_out_a_minute_before_the_opening_and_once() -> None:
    lot = coming(make.tier(), amount=35)
    minute = lot.round.opens_at - timedelta(minutes=1)
    assert actions.lay_out_rounds(at=minute - timedelta(microseconds=1)) == 0
    assert actions.lay_out_rounds(at=minute) == 1
    assert actions.lay_out_rounds(at=minute) == 0
    shards = StockShard.objects.filter(lot=lot).order_by("shard")
    assert [one.remaining for one in shards] == [3] * 3 + [2] * 13
    assert Tier.objects.get(pk=lot.tier_id).released == 35
    assert broken_promises(of="vouchers") == []


def test_a_draft_is_not_laid_out() -> None:
    tier = make.tier(make.campaign(state="draft"))
    lot = coming(tier, amount=5)
    assert actions.lay_out_rounds(at=lot.round.opens_at) == 0


def test_what_a_round_leaves_over_goes_into_the_next() -> None:
    tier = make.tier(count=20)
    first = lay_out(coming(tier, amount=10))
    now = first.round.opens_at
    claim(first, at=now)
    assert actions.end_rounds(at=first.round.closes_at) == 1
    assert actions.end_rounds(at=first.round.closes_at) == 0
    first.refresh_from_db()
    assert first.laid_out == 1
    assert first.sold_out_at is None
    assert Tier.objects.get(pk=tier.pk).released == 1
    second = lay_out(coming(tier, amount=10))
    assert second.laid_out == 19
    assert broken_promises(of="vouchers") == []


def test_where_the_rules_say_so_it_stays_in_the_pool() -> None:
    tier = make.tier(make.campaign(terms={"leftover": "stays"}), count=20)
    first = lay_out(coming(tier, amount=10))
    actions.end_rounds(at=first.round.closes_at)
    assert lay_out(coming(tier, amount=10)).laid_out == 10
    assert broken_promises(of="vouchers") == []


def test_leftovers_go_into_one_round_and_not_into_all() -> None:
    tier = make.tier(count=30)
    first = lay_out(coming(tier, amount=10))
    actions.end_rounds(at=first.round.closes_at)
    assert lay_out(coming(tier, amount=10)).laid_out == 20
    assert lay_out(coming(tier, amount=10)).laid_out == 10
    assert broken_promises(of="vouchers") == []


def test_of_what_was_never_planned_nothing_is_laid_out() -> None:
    tier = make.tier(count=1000)
    assert lay_out(coming(tier, amount=10)).laid_out == 10
    assert lay_out(coming(tier, amount=10)).laid_out == 10


def test_expired_vouchers_go_into_the_next_round() -> None:
    campaign = make.campaign(terms={"valid_days": 1})
    tier = make.tier(campaign, count=20, per_person=9)
    first = lay_out(coming(tier, amount=10))
    vouchers = [claim(first, at=first.round.opens_at) for _n in range(10)]
    assert actions.expire_vouchers(at=vouchers[0].expires_at) == 10
    second = lay_out(coming(tier, amount=10))
    assert second.laid_out == 20
    assert broken_promises(of="vouchers") == []


def test_never_more_than_the_tier_has() -> None:
    tier = make.tier(count=15)
    lay_out(coming(tier, amount=10))
    assert lay_out(coming(tier, amount=10)).laid_out == 5
    assert broken_promises(of="vouchers") == []


def test_when_all_are_gone_the_moment_is_kept() -> None:
    lot = lay_out(coming(make.tier(), amount=1))
    voucher = claim(lot, at=lot.round.opens_at)
    lot.refresh_from_db()
    assert lot.sold_out_at == voucher.claimed_at
    actions.end_rounds(at=lot.round.closes_at)
    assert Round.objects.get(pk=lot.round_id).ended_at == lot.round.closes_at
    assert broken_promises(of="vouchers") == []


def test_a_number_of_questions_that_does_not_grow(
    django_assert_max_num_queries: Any,
) -> None:
    tier = make.tier(count=10_000, face_fen=10_00, threshold_fen=10_00)
    lot = coming(tier, amount=5_000)
    with django_assert_max_num_queries(20):
        actions.lay_out_rounds(at=lot.round.opens_at)
