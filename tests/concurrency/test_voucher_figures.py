"""Counting and the radar, with rows that are committed late and people who hurry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.common import clock
from tests.at_once import at_once, outcomes
from tests.make import user as make_user
from tests.vouchers import make
from vouchers import actions
from vouchers.actions import figures
from vouchers.models import Campaign, Flag, HourFigure, Lot

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 30


def redeemed(campaign: Campaign) -> int:
    return sum(
        HourFigure.objects.filter(campaign=campaign).values_list("redeemed", flat=True)
    )


def count_around_a_late_commit(lot: Lot) -> int:
    """A redemption is written before a count and committed after it; then one more.

    The counts are an hour apart, so that looking back a little would not be enough.
    """
    written, counted = Event(), Event()
    voucher = make.voucher(lot)
    clerk = make.member(make.merchant())
    make.shop(clerk.merchant)
    make.take_part(clerk.merchant, lot.tier.campaign)

    def redeem_late() -> None:
        try:
            with transaction.atomic():
                make.redemption(voucher, clerk=clerk)
                written.set()
                assert counted.wait(LIMIT)
        finally:
            connection.close()

    thread = Thread(target=redeem_late, daemon=True)
    thread.start()
    assert written.wait(LIMIT)
    campaign = lot.tier.campaign
    actions.count_hours(campaign=campaign, at=clock.now() + timedelta(hours=1))
    assert redeemed(campaign) == 0
    counted.set()
    thread.join(LIMIT)
    actions.count_hours(campaign=campaign, at=clock.now() + timedelta(hours=2))
    return redeemed(campaign)


def test_what_is_committed_late_is_counted() -> None:
    assert count_around_a_late_commit(make.lot()) == 1


def test_without_a_look_at_open_transactions_it_would_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trusting(at: datetime) -> datetime:
        return at

    monkeypatch.setattr(figures, "_safe_until", trusting)
    assert count_around_a_late_commit(make.lot()) == 0


def test_many_workers_count_everything_once() -> None:
    lot = make.lot()
    for _n in range(6):
        make.redemption(make.voucher(lot))
    campaign = lot.tier.campaign

    def count() -> int:
        return actions.count_hours(campaign=campaign, at=clock.now())

    at_once(*[count] * 6)

    assert redeemed(campaign) == 6


def flagged() -> tuple[Campaign, Callable[[], list[Flag]]]:
    """Twelve bills at the threshold, and a look at their day."""
    lot = make.lot()
    clerk = make.member(make.merchant())
    now = clock.now()
    for n in range(12):
        make.redemption(
            make.voucher(lot, claimed_at=now - timedelta(days=1)),
            clerk=clerk,
            bill_fen=500_00 + n,
            redeemed_at=now,
        )
    campaign = lot.tier.campaign
    day = clock.local_day(now)

    def scan() -> list[Flag]:
        return actions.scan_with_radar(campaign=campaign, day=day, at=clock.now())

    return campaign, scan


def test_scans_at_once_raise_each_flag_once() -> None:
    campaign, scan = flagged()

    found = at_once(*[scan] * 5)

    rules = sorted(flag.rule for flags in found for flag in flags)
    assert rules == sorted(set(rules))
    assert sorted(campaign.flags.values_list("rule", flat=True)) == rules


def test_two_people_decide_once() -> None:
    campaign, scan = flagged()
    scan()
    flag = campaign.flags.get(rule="hugging")
    people = []
    for _n in range(2):
        person = make_user(is_staff=True)
        person.user_permissions.add(Permission.objects.get(codename="decide_flag"))
        people.append(User.objects.get(pk=person.pk))

    def decide(by: User, *, is_in_order: bool) -> Flag:
        return actions.decide_flag(
            flag=Flag.objects.get(pk=flag.pk),
            is_in_order=is_in_order,
            reason="Seen.",
            by=by,
        )

    answers = at_once(
        lambda: decide(people[0], is_in_order=True),
        lambda: decide(people[1], is_in_order=False),
    )

    assert outcomes(answers) == {"done": 1, "flag_decided": 1}
