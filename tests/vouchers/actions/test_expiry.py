"""Vouchers that nobody used: their time ends, or the bureau cancels them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.notices.models import Notice
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers import actions, queries
from vouchers.actions import expiry
from vouchers.errors.claiming import VoidNeedsReason, VoucherNotLive
from vouchers.models import Tier, Transfer, Voucher

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_at_its_last_moment_a_voucher_expires_and_its_money_returns() -> None:
    voucher = make.voucher()
    pool = queries.balances_of(voucher.campaign).pool
    end = voucher.expires_at
    assert actions.expire_vouchers(at=end - timedelta(microseconds=1)) == 0
    assert actions.expire_vouchers(at=end) == 1
    assert actions.expire_vouchers(at=end) == 0
    voucher.refresh_from_db()
    assert (voucher.state, voucher.expired_at) == (Voucher.State.EXPIRED, end)
    money = queries.balances_of(voucher.campaign)
    assert (money.live, money.lapsed) == ({voucher.tier_id: 0}, 0)
    assert money.pool == pool + voucher.face_fen
    assert Tier.objects.get(pk=voucher.tier_id).released == 99
    assert Entry.objects.filter(event="vouchers.voucher.expired").count() == 1
    assert broken_promises(of="vouchers") == []


def test_where_nothing_is_recycled_the_money_has_lapsed() -> None:
    voucher = make.voucher(
        make.lot(make.tier(make.campaign(terms={"recycles": False})))
    )
    actions.expire_vouchers(at=voucher.expires_at)
    assert queries.balances_of(voucher.campaign).lapsed == voucher.face_fen
    assert Tier.objects.get(pk=voucher.tier_id).released == 100
    assert not Transfer.objects.filter(kind="recycle").exists()
    assert broken_promises(of="vouchers") == []


def test_used_ones_never_expire() -> None:
    used = make.redemption()
    assert actions.expire_vouchers(at=used.voucher.expires_at + DAY) == 0


def test_many_expire_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 3)
    lot = make.lot(make.tier(per_person=9))
    vouchers = [make.voucher(lot) for _n in range(10)]
    assert actions.expire_vouchers(at=vouchers[-1].expires_at) == 10
    assert broken_promises(of="vouchers") == []


def test_a_day_before_people_are_told_once() -> None:
    voucher = make.voucher()
    end = voucher.expires_at
    assert actions.remind_of_expiry(at=end - DAY - HOUR) == 0
    assert actions.remind_of_expiry(at=end - DAY) == 1
    assert actions.remind_of_expiry(at=end - HOUR) == 0
    notice = Notice.objects.get(kind="vouchers.expires_soon")
    assert notice.recipient == voucher.person


def test_short_lived_ones_are_told_of_in_their_second_half() -> None:
    now = clock.now()
    make.voucher(expires_at=now + 12 * HOUR, claimed_at=now)
    assert actions.remind_of_expiry(at=now + 5 * HOUR) == 0
    assert actions.remind_of_expiry(at=now + 6 * HOUR) == 1


def test_what_is_used_or_over_nobody_is_told_of() -> None:
    used = make.redemption().voucher
    assert actions.remind_of_expiry(at=used.expires_at - HOUR) == 0
    live = make.voucher()
    assert actions.remind_of_expiry(at=live.expires_at) == 0


def test_the_bureau_cancels_a_voucher_with_a_reason() -> None:
    voucher, staff = make.voucher(), city.user(is_staff=True)
    with pytest.raises(VoidNeedsReason):
        actions.void_voucher(voucher=voucher, reason="  ", by=staff)
    actions.void_voucher(voucher=voucher, reason="Sold on a website", by=staff)
    voucher.refresh_from_db()
    assert voucher.state == Voucher.State.VOID
    with pytest.raises(VoucherNotLive):
        actions.void_voucher(voucher=voucher, reason="Again", by=staff)
    noted = Entry.objects.get(event="vouchers.voucher.voided")
    assert (noted.actor, noted.detail) == (staff, {"reason": "Sold on a website"})
    told = Notice.objects.get(kind="vouchers.voided")
    assert told.recipient == voucher.person
    assert actions.expire_vouchers(at=voucher.expires_at) == 0
    assert broken_promises(of="vouchers") == []


def test_a_used_voucher_is_not_cancelled() -> None:
    used = make.redemption()
    with pytest.raises(VoucherNotLive):
        actions.void_voucher(voucher=used.voucher, reason="No", by=city.user())
