"""An undo within minutes, and a refund later, by who may and as the rules say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.notices.models import Notice
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.counter import counter
from vouchers import actions
from vouchers.errors.counter import AccountsClosed
from vouchers.models import (
    Campaign,
    DistrictCap,
    Member,
    Participation,
    Redemption,
    Voucher,
)
from vouchers.queries import balances_of

pytestmark = pytest.mark.django_db


def undone(done: Redemption, by: Member, **given: Any) -> Redemption:
    return actions.undo_redemption(redemption=done, member=by, **given)


def refunded(done: Redemption, fen: int, **given: Any) -> Redemption:
    return actions.refund_redemption(redemption=done, refund_fen=fen, **given)


def refusal_of(act: Any) -> str:
    with pytest.raises(DomainError) as caught:
        act()
    assert str(caught.value)
    assert broken_promises(of="vouchers") == []
    return caught.value.code


def state_of(done: Redemption) -> str:
    return Voucher.objects.get(pk=done.voucher_id).state


def test_an_undo_leaves_the_voucher_as_it_was() -> None:
    at = counter()
    DistrictCap.objects.create(
        campaign=at.campaign, district=at.shop.district, cap_fen=300_00
    )
    done = at.redeem()
    back = undone(done, at.clerk)
    assert (back.state, back.gave_back) == ("undone", True)
    assert state_of(done) == "live"
    money = balances_of(at.campaign)
    assert money.payable[at.merchant.pk] == 0
    assert money.live[at.lot.tier_id] == 200_00
    assert Participation.objects.get(merchant=at.merchant).redeemed_fen == 0
    assert DistrictCap.objects.get().redeemed_fen == 0
    assert Entry.objects.filter(event="vouchers.redemption.undone").count() == 1
    told = Notice.objects.filter(recipient=done.voucher.person).order_by("pk")
    assert [one.kind for one in told] == ["vouchers.redeemed", "vouchers.given_back"]
    assert broken_promises(of="vouchers") == []
    assert at.redeem(done.voucher).pk != done.pk
    assert broken_promises(of="vouchers") == []


def test_a_second_tap_on_undo_changes_nothing() -> None:
    at = counter()
    done = at.redeem()
    first = undone(done, at.clerk)
    assert undone(done, at.clerk).reversed_at == first.reversed_at
    assert Entry.objects.filter(event="vouchers.redemption.undone").count() == 1


def test_an_undo_in_the_last_minute_and_after_it() -> None:
    at = counter(terms={"undo_minutes": 5})
    done, late = at.redeem(), at.redeem()
    end = timedelta(minutes=5)
    moment = timedelta(microseconds=1)
    assert undone(done, at.clerk, at=done.redeemed_at + end - moment).pk
    too_late = late.redeemed_at + end
    assert refusal_of(lambda: undone(late, at.clerk, at=too_late)) == "undo_too_late"


def test_the_manager_can_undo_what_a_clerk_redeemed_but_no_other_clerk() -> None:
    at = counter()
    one, other = at.redeem(), at.redeem()
    assert undone(one, at.manager).state == "undone"
    colleague = make.member(at.merchant)
    assert refusal_of(lambda: undone(other, colleague)) == "undo_not_yours"


def test_nobody_of_another_merchant_takes_anything_back() -> None:
    at, elsewhere = counter(), counter()
    done = at.redeem()
    boss = elsewhere.manager
    assert refusal_of(lambda: undone(done, boss)) == "clerk_not_at_work"
    assert refusal_of(lambda: refunded(done, 1, member=boss)) == "clerk_not_at_work"


def test_a_clerk_who_left_undoes_nothing() -> None:
    at = counter()
    done = at.redeem()
    Member.objects.filter(pk=at.clerk.pk).update(left_at=clock.now())
    assert refusal_of(lambda: undone(done, at.clerk)) == "clerk_not_at_work"


def test_an_undo_past_the_last_moment_of_the_voucher_is_for_the_sweep() -> None:
    at = counter()
    voucher = at.voucher()
    last = voucher.expires_at - timedelta(seconds=1)
    done = at.redeem(voucher, at=last)
    undone(done, at.clerk, at=voucher.expires_at + timedelta(seconds=1))
    assert Voucher.objects.run_out_at(voucher.expires_at).get() == voucher
    assert broken_promises(of="vouchers") == []


def test_a_full_refund_before_expiry_gives_the_voucher_back() -> None:
    at = counter()
    done = at.redeem()
    back = refunded(done, 330_00, member=at.manager)
    assert (back.state, back.gave_back, back.refund_fen) == ("refunded", True, 330_00)
    assert state_of(done) == "live"
    assert balances_of(at.campaign).live[at.lot.tier_id] == 200_00
    assert broken_promises(of="vouchers") == []
    again = at.redeem(done.voucher)
    refunded(again, 330_00, member=at.manager)
    assert broken_promises(of="vouchers") == []


@pytest.mark.parametrize("fen", [1, 329_99])
def test_a_partial_refund_does_not(fen: int) -> None:
    at = counter(terms={"valid_days": 30, "partial_refund_keeps_subsidy": False})
    done = at.redeem()
    assert refunded(done, fen, member=at.manager).gave_back is False
    assert state_of(done) == "lost"
    money = balances_of(at.campaign)
    assert (money.lapsed, money.payable[at.merchant.pk]) == (200_00, 0)
    told = Notice.objects.filter(recipient=done.voucher.person).order_by("pk")
    assert [one.kind for one in told] == ["vouchers.redeemed", "vouchers.refunded"]
    assert broken_promises(of="vouchers") == []


@pytest.mark.parametrize(("fen", "stays"), [(30_00, True), (30_01, False)])
def test_a_part_that_leaves_bill_enough_leaves_the_subsidy(
    fen: int, *, stays: bool
) -> None:
    """A bill of 530 and a threshold of 500: 30 can be given back."""
    at = counter()
    back = refunded(done := at.redeem(), fen, member=at.manager)
    assert back.refund_fen == fen
    assert (back.state == "done") is stays
    assert state_of(done) == ("redeemed" if stays else "lost")
    money = balances_of(at.campaign)
    assert money.payable[at.merchant.pk] == (200_00 if stays else 0)
    assert broken_promises(of="vouchers") == []


def test_parts_add_up_until_the_rest_is_too_small() -> None:
    at = counter()
    done = at.redeem()
    for fen in (10_00, 10_00, 25_00):
        assert refunded(done, fen, member=at.manager).state == "done"
    act = lambda: refunded(done, 20_00, member=at.manager)  # noqa: E731
    assert refusal_of(act) == "refund_below_earlier"
    assert refunded(done, 100_00, member=at.manager).state == "refunded"
    assert state_of(done) == "lost"
    noted = Entry.objects.filter(event="vouchers.redemption.partly_refunded")
    assert [one.detail["refund_fen"] for one in noted.order_by("pk")] == [10_00, 25_00]
    assert broken_promises(of="vouchers") == []


def test_after_a_part_all_of_it_still_gives_the_voucher_back() -> None:
    at = counter()
    done = at.redeem()
    refunded(done, 10_00, member=at.manager)
    assert refunded(done, 330_00, member=at.manager).gave_back is True
    assert state_of(done) == "live"


def test_nor_does_a_late_one() -> None:
    at = counter()
    done = at.redeem()
    late = done.voucher.expires_at
    assert refunded(done, 330_00, member=at.manager, at=late).gave_back is False


@pytest.mark.parametrize(
    ("terms", "fen", "comes_back"),
    [
        ({"full_refund_gives_back": False}, 330_00, False),
        ({"partial_refund_gives_back": True}, 1, True),
    ],
)
def test_cities_differ(terms: dict[str, Any], fen: int, *, comes_back: bool) -> None:
    at = counter(terms={"valid_days": 30, **terms})
    done = at.redeem()
    assert refunded(done, fen, member=at.manager).gave_back is comes_back


def test_where_the_voucher_paid_all_nothing_given_back_is_all() -> None:
    at = counter(tier={"face_fen": 10_00, "threshold_fen": 10_00})
    done = at.redeem(bill_fen=10_00)
    assert refunded(done, 0, member=at.manager).gave_back is True


@pytest.mark.parametrize(
    ("fen", "code"),
    [
        (0, "refund_not_an_amount"),
        (-1, "refund_not_an_amount"),
        (330_01, "refund_too_much"),
    ],
)
def test_what_cannot_be_given_back(fen: int, code: str) -> None:
    at = counter()
    done = at.redeem()
    assert refusal_of(lambda: refunded(done, fen, member=at.manager)) == code


def test_a_clerk_cannot_refund() -> None:
    at = counter()
    done = at.redeem()
    act = lambda: refunded(done, 330_00, member=at.clerk)  # noqa: E731
    assert refusal_of(act) == "refund_needs_manager"


def test_staff_refund_with_a_reason() -> None:
    at = counter()
    done = at.redeem()
    staff = city.user(is_staff=True)
    no = lambda: refunded(done, 330_00, by=staff, reason=" ")  # noqa: E731
    assert refusal_of(no) == "refund_needs_reason"
    back = refunded(done, 330_00, by=staff, reason="商家已停业")
    assert (back.reversed_by, back.reason) == (staff, "商家已停业")


def test_a_second_tap_on_refund_changes_nothing_and_another_amount_is_refused() -> None:
    at = counter()
    done = at.redeem()
    refunded(done, 330_00, member=at.manager)
    assert refunded(done, 330_00, member=at.manager).refund_fen == 330_00
    act = lambda: refunded(done, 1, member=at.manager)  # noqa: E731
    assert refusal_of(act) == "redemption_reversed"
    assert refusal_of(lambda: undone(done, at.clerk)) == "redemption_reversed"


def test_what_was_undone_is_not_refunded() -> None:
    at = counter()
    done = at.redeem()
    undone(done, at.clerk)
    act = lambda: refunded(done, 330_00, member=at.manager)  # noqa: E731
    assert refusal_of(act) == "redemption_reversed"


def test_a_closed_campaign_stays_closed() -> None:
    at = counter()
    done = at.redeem()
    Campaign.objects.update(state="closed", closed_at=clock.now())
    with pytest.raises(AccountsClosed):
        undone(done, at.clerk)
    with pytest.raises(AccountsClosed):
        refunded(done, 330_00, member=at.manager)


def test_a_shop_that_moved_frees_the_cap_of_where_it_was() -> None:
    at = counter()
    old = DistrictCap.objects.create(
        campaign=at.campaign, district=at.shop.district, cap_fen=200_00
    )
    new = DistrictCap.objects.create(
        campaign=at.campaign, district=city.district(), cap_fen=200_00
    )
    done = at.redeem()
    at.shop.district = new.district
    at.shop.save()
    undone(done, at.clerk)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.redeemed_fen, new.redeemed_fen) == (0, 0)
