"""Fifty counters, one voucher. Real transactions, real threads, real locks.

The guard has two layers: the voucher's state is compared and set, and one voucher has
one redemption that stands (a unique index). Each alone is enough; the control takes
both off and must see the voucher redeemed more than once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection

from bureau.common import clock
from tests.at_once import at_once, outcomes
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.counter import Counter, counter, shown
from vouchers import actions
from vouchers.actions import redemptions
from vouchers.models import Participation, Redemption, Voucher

COUNTERS = 50

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_index(db: None) -> Iterator[None]:
    """One voucher may have many redemptions that stand, until the test is over."""
    index = next(
        one
        for one in Redemption._meta.constraints
        if one.name == "vouchers_redemption_voucher_used_once"
    )
    with connection.schema_editor() as editor:
        editor.remove_constraint(Redemption, index)
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE vouchers_redemption CASCADE")
    with connection.schema_editor() as editor:
        editor.add_constraint(Redemption, index)


@pytest.fixture
def no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is set without being compared."""

    def set_anyway(voucher: Voucher, _now: object) -> bool:
        Voucher.objects.filter(pk=voucher.pk).update(state="redeemed")
        return True

    monkeypatch.setattr(redemptions, "_move_voucher", set_anyway)


def rush(at: Counter, voucher: Voucher, counters: int = COUNTERS) -> dict[str, int]:
    clerks = [make.member(at.merchant) for _ in range(counters)]
    text = shown(voucher)
    return outcomes(
        at_once(*(partial(at.redeem, text=text, member=clerk) for clerk in clerks))
    )


def test_fifty_counters_redeem_a_voucher_once() -> None:
    at = counter()
    voucher = at.voucher()
    assert rush(at, voucher) == {"done": 1, "voucher_used": COUNTERS - 1}
    assert Redemption.objects.count() == 1
    assert broken_promises(of="vouchers") == []


def test_the_comparison_alone_is_enough(no_index: None) -> None:
    at = counter()
    assert rush(at, at.voucher(), 12)["done"] == 1
    assert broken_promises(of="vouchers") == []


def test_the_index_alone_is_enough(no_comparison: None) -> None:
    at = counter()
    assert rush(at, at.voucher(), 12)["done"] == 1
    assert broken_promises(of="vouchers") == []


def test_control_without_both_it_is_redeemed_more_than_once(
    no_index: None, no_comparison: None
) -> None:
    at = counter()
    assert rush(at, at.voucher())["done"] > 1
    assert "vouchers.money.owed_is_what_was_redeemed" not in broken_promises()
    assert "vouchers.voucher.used_has_its_redemption" not in broken_promises()
    assert "vouchers.money.nothing_is_overdrawn" in broken_promises()


def test_one_tap_twelve_times_is_one_redemption() -> None:
    at = counter()
    voucher, key = at.voucher(), uuid4()
    tap = partial(at.redeem, text=shown(voucher), request_key=key)
    answers = at_once(*[tap] * 12)
    assert len({answer.pk for answer in answers}) == 1
    assert broken_promises(of="vouchers") == []


def test_one_request_number_for_two_vouchers_redeems_one() -> None:
    at = counter()
    key = uuid4()
    taps = [
        partial(at.redeem, text=shown(at.voucher()), request_key=key) for _ in range(6)
    ]
    assert outcomes(at_once(*taps)) == {"done": 1, "request_key_reused": 5}
    assert Voucher.objects.filter(state="live").count() == 5
    assert broken_promises(of="vouchers") == []


def test_a_cap_holds_among_many_counters() -> None:
    at = counter(part={"cap_fen": 5 * 200_00})
    taps = [partial(at.redeem, text=shown(at.voucher())) for _ in range(12)]
    assert outcomes(at_once(*taps)) == {"done": 5, "merchant_cap_reached": 7}
    assert Participation.objects.get(merchant=at.merchant).redeemed_fen == 1000_00
    assert broken_promises(of="vouchers") == []


def test_a_voucher_is_redeemed_or_expires_but_not_both() -> None:
    at = counter()
    vouchers = [at.voucher() for _ in range(6)]
    last = vouchers[0].expires_at - timedelta(seconds=1)
    Voucher.objects.update(expires_at=last + timedelta(seconds=1))
    redeem = [
        partial(at.redeem, text=shown(voucher, last), at=last) for voucher in vouchers
    ]
    sweep = partial(actions.expire_vouchers, at=last + timedelta(seconds=1))
    at_once(*redeem[:3], sweep, *redeem[3:], sweep)
    states = set(Voucher.objects.values_list("state", flat=True))
    assert states <= {"redeemed", "expired"}
    assert broken_promises(of="vouchers") == []


def test_an_undo_and_a_refund_at_once_take_it_back_once() -> None:
    at = counter()
    for _ in range(3):
        done = at.redeem()
        undo = partial(actions.undo_redemption, redemption=done, member=at.clerk)
        refund = partial(
            actions.refund_redemption,
            redemption=done,
            refund_fen=330_00,
            member=at.manager,
        )
        at_once(undo, refund, undo, refund)
        done.refresh_from_db()
        assert done.state in ("undone", "refunded")
        assert done.transfers.count() == 2
    assert broken_promises(of="vouchers") == []


def test_a_voucher_given_back_is_redeemed_again_once() -> None:
    at = counter()
    voucher = at.voucher()
    done = at.redeem(voucher)
    undo = partial(actions.undo_redemption, redemption=done, member=at.clerk)
    redeem = partial(at.redeem, text=shown(voucher))
    at_once(undo, redeem, redeem, undo, redeem)
    standing = Redemption.objects.done().filter(voucher=voucher).count()
    voucher.refresh_from_db()
    assert standing == (voucher.state == "redeemed")
    assert clock.now() >= done.redeemed_at
    assert broken_promises(of="vouchers") == []
