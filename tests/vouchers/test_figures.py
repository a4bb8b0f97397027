"""What the money did: the hours that are counted, and what is added up from them."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bureau.common import clock
from tests.make import user as make_user
from tests.make import verified
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers import actions
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.models import (
    BookHour,
    Campaign,
    CountedUntil,
    HourFigure,
    Lot,
    QueueTicket,
    Redemption,
    Round,
    Transfer,
    Voucher,
)
from vouchers.queries import balances_of, figures_of
from vouchers.queries.closing import closing_figures
from vouchers.queries.figures import NAMED_FROM

pytestmark = pytest.mark.django_db


def undo(one: Redemption, *, at: datetime | None = None) -> None:
    """As a clerk undoes it: the voucher is live again."""
    now = at or clock.now()
    one.state = Redemption.State.UNDONE
    one.reversed_at, one.gave_back, one.changed_at = now, True, now
    one.save(update_fields=["state", "reversed_at", "gave_back", "changed_at"])
    of = one.voucher
    of.state = Voucher.State.LIVE
    of.save(update_fields=["state"])
    ledger.move(
        Move.UNDO,
        debit=ledger.account(of.campaign, Kind.PAYABLE, merchant=one.merchant),
        credit=ledger.account(of.campaign, Kind.LIVE, tier=of.tier),
        amount_fen=of.face_fen,
        cause=Cause(voucher=of, redemption=one),
        by=None,
        at=now,
    )
    part = one.merchant.participations.get(campaign=of.campaign)
    part.redeemed_fen -= of.face_fen
    part.save(update_fields=["redeemed_fen"])


def lose(one: Redemption) -> None:
    """A refund that gives nothing back."""
    now = clock.now()
    one.state = Redemption.State.REFUNDED
    one.reversed_at, one.gave_back, one.changed_at = now, False, now
    one.save(update_fields=["state", "reversed_at", "gave_back", "changed_at"])
    of = one.voucher
    of.state = Voucher.State.LOST
    of.save(update_fields=["state"])
    ledger.move(
        Move.LOSE,
        debit=ledger.account(of.campaign, Kind.PAYABLE, merchant=one.merchant),
        credit=ledger.account(of.campaign, Kind.LAPSED),
        amount_fen=of.face_fen,
        cause=Cause(voucher=of, redemption=one),
        by=None,
        at=now,
    )
    part = one.merchant.participations.get(campaign=of.campaign)
    part.redeemed_fen -= of.face_fen
    part.save(update_fields=["redeemed_fen"])


def counted(campaign: Campaign) -> Counter[tuple[Any, ...]]:
    """The hours that are kept, as (tier, shop, sport, hour) -> redemptions, fen."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in HourFigure.objects.filter(campaign=campaign):
        key = (row.tier_id, row.shop_id, row.sport, row.hour)
        found[*key, "n"] += row.redeemed
        found[*key, "bill"] += row.bill_fen
        found[*key, "subsidy"] += row.subsidy_fen
    return found


def recounted(campaign: Campaign) -> Counter[tuple[Any, ...]]:
    """The same, redemption by redemption."""
    found: Counter[tuple[Any, ...]] = Counter()
    rows = Redemption.objects.filter(voucher__campaign=campaign, state="done")
    for row in rows.select_related("voucher"):
        hour = row.redeemed_at.replace(minute=0, second=0, microsecond=0)
        key = (row.voucher.tier_id, row.shop_id, row.sport, hour)
        found[*key, "n"] += 1
        found[*key, "bill"] += row.bill_fen - (row.refund_fen or 0)
        found[*key, "subsidy"] += row.discount_fen
    return found


def book(campaign: Campaign) -> dict[tuple[str, datetime], tuple[int, int]]:
    """Transfers one by one: (kind, hour) -> (how many, fen)."""
    found: dict[tuple[str, datetime], tuple[int, int]] = {}
    for row in Transfer.objects.filter(campaign=campaign):
        key = (row.kind, row.at.replace(minute=0, second=0, microsecond=0))
        count, fen = found.get(key, (0, 0))
        found[key] = (count + 1, fen + row.amount_fen)
    return found


def book_hours(campaign: Campaign) -> dict[tuple[str, datetime], tuple[int, int]]:
    found: dict[tuple[str, datetime], tuple[int, int]] = {}
    for row in BookHour.objects.filter(campaign=campaign):
        count, fen = found.get((row.kind, row.hour), (0, 0))
        found[row.kind, row.hour] = (count + row.count, fen + row.amount_fen)
    return found


def refund_a_part(one: Redemption, fen: int) -> None:
    """The rest is bill enough: what was redeemed stays redeemed."""
    actions.refund_redemption(
        redemption=one, refund_fen=fen, reason="Left early", by=make_user()
    )
    one.refresh_from_db()
    assert (one.state, one.refund_fen) == ("done", fen)


def world() -> tuple[Campaign, Lot, Lot]:
    """Two tiers; seven redemptions in three hours, one undone, one lost, one cut."""
    campaign = make.campaign()
    big = make.lot(make.tier(campaign))
    small = make.lot(make.tier(campaign, face_fen=20_00, threshold_fen=20_00))
    now = clock.now().replace(minute=30)
    clerks = [make.member(make.merchant()) for _ in range(2)]
    for n in range(7):
        given = make.voucher(big if n % 2 else small, claimed_at=now)
        made = make.redemption(
            given,
            clerk=clerks[n % 2],
            redeemed_at=now + timedelta(hours=n % 3),
            bill_fen=given.threshold_fen + n * 100,
        )
        if n == 5:
            undo(made, at=now + timedelta(hours=4))
        if n == 6:
            lose(made)
        if n == 3:
            refund_a_part(made, 1_50)
    make.voucher(big)
    return campaign, big, small


def test_counting_by_the_hour_equals_a_slow_recount() -> None:
    campaign, *_rest = world()

    actions.count_hours(campaign=campaign, at=clock.now())

    assert counted(campaign) == recounted(campaign)
    assert book_hours(campaign) == book(campaign)
    assert broken_promises(of="vouchers") == []


def test_it_may_be_counted_again_and_again() -> None:
    campaign, *_rest = world()
    for afresh in (False, False, True, False):
        actions.count_hours(campaign=campaign, at=clock.now(), afresh=afresh)
        assert counted(campaign) == recounted(campaign)
        assert book_hours(campaign) == book(campaign)


def test_what_changes_later_is_counted_in_the_hour_it_belongs_to() -> None:
    used = make.redemption(redeemed_at=clock.now() - timedelta(days=2))
    campaign = used.voucher.campaign
    actions.count_hours(campaign=campaign, at=clock.now())
    assert counted(campaign)

    undo(used)
    actions.count_hours(campaign=campaign, at=clock.now())

    assert not HourFigure.objects.exists()
    assert book_hours(campaign) == book(campaign)


def test_what_is_refunded_of_a_bill_moved_nothing() -> None:
    used = make.redemption(bill_fen=800_00)
    campaign = used.voucher.campaign
    actions.count_hours(campaign=campaign, at=clock.now())
    assert figures_of(campaign).total.leverage == 4.0

    refund_a_part(used, 300_00)
    actions.count_hours(campaign=campaign, at=clock.now())

    assert figures_of(campaign).total.leverage == 2.5
    (closed,) = closing_figures(campaign)["merchants"]
    assert (closed["bills_fen"], closed["subsidy_fen"]) == (500_00, 200_00)
    assert broken_promises(of="vouchers.figures") == []


def test_hours_that_did_not_change_are_left_alone() -> None:
    used = make.redemption(redeemed_at=clock.now() - timedelta(days=2))
    campaign = used.voucher.campaign
    actions.count_hours(campaign=campaign, at=clock.now())
    (before,) = HourFigure.objects.values_list("pk", flat=True)

    actions.count_hours(campaign=campaign, at=clock.now())

    assert list(HourFigure.objects.values_list("pk", flat=True)) == [before]


def test_a_count_that_is_killed_leaves_everything_as_it_was() -> None:
    campaign, *_rest = world()
    actions.count_hours(campaign=campaign, at=clock.now())
    before, mark = counted(campaign), CountedUntil.objects.get()
    undo(Redemption.objects.done()[0])

    with suppress(KeyboardInterrupt), transaction.atomic():
        actions.count_hours(campaign=campaign, at=clock.now())
        raise KeyboardInterrupt

    assert counted(campaign) == before
    assert CountedUntil.objects.get().changed_at == mark.changed_at
    actions.count_hours(campaign=campaign, at=clock.now())
    assert counted(campaign) == recounted(campaign)


def test_a_wrong_hour_breaks_a_promise() -> None:
    campaign, *_rest = world()
    later = clock.now() + timedelta(hours=6)
    actions.count_hours(campaign=campaign, at=later)
    assert broken_promises(of="vouchers.figures") == []

    HourFigure.objects.update(bill_fen=1)
    BookHour.objects.update(count=77)

    assert broken_promises(of="vouchers.figures") == [
        "vouchers.figures.hours_are_the_book",
        "vouchers.figures.hours_are_the_redemptions",
    ]


def test_the_figures_say_what_became_of_every_voucher() -> None:
    campaign, big, small = world()
    actions.count_hours(campaign=campaign, at=clock.now())

    found = figures_of(campaign)

    rows = {one.tier.pk: one for one in found.tiers}
    for lot in (big, small):
        mine = rows[lot.tier.pk]
        states = Counter(Voucher.objects.filter(tier=lot.tier).values_list("state"))
        assert mine.claimed == sum(states.values())
        assert mine.live == states["live",]
        assert mine.redeemed == states["redeemed",]
        assert mine.lost == states["lost",]
        assert mine.remaining == 100 - mine.claimed
        done = Redemption.objects.done().filter(voucher__tier=lot.tier)
        assert mine.bill_fen == sum(
            row.bill_fen - (row.refund_fen or 0) for row in done
        )
        assert mine.subsidy_fen == sum(row.discount_fen for row in done)
    assert rows[small.tier.pk].floor == 1.0
    assert rows[big.tier.pk].floor == 2.5
    leverage = rows[big.tier.pk].leverage
    assert leverage is not None
    assert leverage >= 2.5


def test_the_money_is_that_of_the_book() -> None:
    campaign, *_rest = world()
    actions.count_hours(campaign=campaign, at=clock.now())

    money, truth = figures_of(campaign).money, balances_of(campaign)

    assert money["pool"] == truth.pool
    assert money["live"] == sum(truth.live.values())
    assert money["payable"] == sum(truth.payable.values())
    assert money["lapsed"] == truth.lapsed
    assert -money["treasury"] == truth.appropriated
    assert sum(money.values()) == 0


def test_parts_add_up_to_the_whole() -> None:
    campaign, *_rest = world()
    actions.count_hours(campaign=campaign, at=clock.now())

    found = figures_of(campaign)

    for parts in (found.districts, found.merchants, found.sports, found.days):
        assert sum(one.bill_fen for one in parts) == found.total.bill_fen
    assert sum(one.redeemed for one in found.hours) == found.total.redeemed == 5
    assert len(found.hours) == 24


def test_nothing_counted_yet_is_counted_for_the_page() -> None:
    used = make.redemption()
    found = figures_of(used.voucher.campaign)
    assert found.total.redeemed == 0
    assert found.tiers[0].remaining == 99


def test_merchants_with_few_redemptions_are_not_named_in_public() -> None:
    lot = make.lot()
    known, rare = make.member(make.merchant()), make.member(make.merchant())
    for _n in range(NAMED_FROM):
        make.redemption(make.voucher(lot), clerk=known)
    make.redemption(make.voucher(lot), clerk=rare)
    actions.count_hours(campaign=lot.tier.campaign, at=clock.now())

    found = figures_of(lot.tier.campaign)

    named = [one.label for one in found.named_merchants]
    assert named == [known.merchant.name, "1 with fewer than 10 redemptions each"]
    assert sum(one.redeemed for one in found.named_merchants) == NAMED_FROM + 1


def test_more_vouchers_do_not_ask_more() -> None:
    campaign, big, _small = world()
    actions.count_hours(campaign=campaign, at=clock.now())

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            figures_of(campaign)
        return len(asked)

    few = questions()
    for _n in range(5):
        make.redemption(make.voucher(big))
    actions.count_hours(campaign=campaign, at=clock.now())
    assert questions() == few


# --- How fast, and how fair -----------------------------------------------------------


def rush(*, people: int, vouchers: int) -> Round:
    """All came before the opening; the first of the queue took what there was.

    The n-th of `people` has the n-th place, and claims two seconds after the turn.
    """
    campaign = make.campaign()
    opens = clock.now() - timedelta(hours=1)
    of = make.round_of(campaign, opens_at=opens, spread_seconds=40, lobby_minutes=15)
    lot = make.lot(make.tier(campaign), amount=vouchers, round=of)
    for n in range(people):
        share = (n + 0.5) / people
        person = verified()
        QueueTicket.objects.create(
            round=of,
            person=person,
            place=int(share * QueueTicket.PLACES),
            joined_at=opens - timedelta(seconds=60 + 7 * (n * 3 % people)),
        )
        if n < vouchers:
            turn = opens + timedelta(seconds=40 * share)
            make.voucher(lot, person=person, claimed_at=turn + timedelta(seconds=2))
    return of


def test_a_rush_says_how_fast_it_was_gone() -> None:
    of = rush(people=40, vouchers=20)
    actions.count_hours(campaign=of.campaign, at=clock.now())

    (found,) = figures_of(of.campaign).rounds

    assert (found.offered, found.given, found.people) == (20, 20, 20)
    assert found.sold_out_seconds == 21.5  # the twentieth's turn is at 19.5 s
    assert found.since_turn == [2, 2, 2]
    assert found.since_opening[0] == 12  # half of them: (9.5 + 10.5) / 2 + 2
    assert (found.present, found.present_got) == (40, 20)
    assert found.present_share == 0.5
    assert [tenth[2] for tenth in found.tenths] == [4, 4, 4, 4, 4, 0, 0, 0, 0, 0]
    assert found.early_helps is not None
    assert abs(found.early_helps) <= 0.5
    assert found.late_share is None


def test_of_a_few_people_nobody_says_whether_coming_early_helped() -> None:
    of = rush(people=2, vouchers=2)
    actions.count_hours(campaign=of.campaign, at=clock.now())

    (found,) = figures_of(of.campaign).rounds

    assert found.present == 2
    assert found.early_helps is None


def test_who_came_late_is_counted_apart() -> None:
    of = rush(people=4, vouchers=2)
    lot = of.lots.get()
    lot.laid_out = 3
    lot.amount = 3
    lot.save()
    lot.shards.filter(shard=0).update(remaining=1)
    lot.tier.released += 1
    lot.tier.save()
    person = verified()
    late = of.opens_at + timedelta(seconds=90)
    QueueTicket.objects.create(round=of, person=person, place=5, joined_at=late)
    make.voucher(lot, person=person, claimed_at=late + timedelta(seconds=1))
    actions.count_hours(campaign=of.campaign, at=clock.now())

    (found,) = figures_of(of.campaign).rounds

    assert (found.late, found.late_got, found.present_got) == (1, 1, 2)
    assert found.since_turn[2] == pytest.approx(2, abs=0.05)
    assert found.sold_out_seconds == 91


def test_a_round_in_which_nothing_changed_is_not_counted_again() -> None:
    of = rush(people=4, vouchers=2)
    actions.count_hours(campaign=of.campaign, at=clock.now())
    Voucher.objects.update(claimed_at=clock.now())  # would be seen

    actions.count_hours(campaign=of.campaign, at=clock.now())

    (found,) = figures_of(of.campaign).rounds
    assert found.since_turn == [2, 2, 2]


def test_a_round_that_is_not_open_yet_says_nothing() -> None:
    of = make.round_of(opens_at=clock.now() + timedelta(hours=1))
    actions.count_hours(campaign=of.campaign, at=clock.now())
    assert figures_of(of.campaign).rounds == []
