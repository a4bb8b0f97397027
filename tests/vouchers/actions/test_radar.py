"""The radar: each sign on the least world that shows it, and what people decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from tests.make import user as make_user
from tests.make import verified
from tests.vouchers import make
from vouchers import actions
from vouchers.errors.radar import (
    FlagDecided,
    FlagIsYours,
    FlagNeedsReason,
    FlagNotForYou,
)
from vouchers.models import Campaign, Flag, Lot, Member, Redemption, RefusedScan
from vouchers.queries.radar import HOLD_FROM, SIGNS, signs_on, weigh

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 10)
NOON = clock.at(DAY, 12 * 60)
HONEST, ROWS = 5, 12
USUAL = 5  # redemptions of an honest merchant, enough to count for the market


class World:
    """Five honest merchants, and one whose redemptions the test makes odd."""

    def __init__(self) -> None:
        self.campaign = make.campaign()
        self.lots = {
            500: make.lot(make.tier(self.campaign), amount=1000),
            20: make.lot(
                make.tier(self.campaign, face_fen=20_00, threshold_fen=20_00),
                amount=1000,
            ),
        }
        for _n in range(HONEST):
            clerk = make.member(make.merchant())
            for n in range(USUAL):
                self.sell(clerk, n)
        self.odd = make.member(make.merchant())

    def sell(self, clerk: Member, n: int, **given: Any) -> Redemption:
        """The n-th: an hour after the other, a bill well above the threshold."""
        tier = given.pop("tier", 500)
        of: Lot = self.lots[tier]
        at: datetime = given.pop("at", NOON - timedelta(hours=20 - n % 8, days=n % 3))
        claimed = given.pop("claimed_at", at - timedelta(days=1))
        about = {
            name: given.pop(name)
            for name in ("device", "network", "person")
            if name in given
        }
        voucher = make.voucher(of, claimed_at=claimed, **about)
        given.setdefault("bill_fen", of.tier.threshold_fen + 123_45 + 10_00 * n)
        given.setdefault("distance_m", 100)
        return make.redemption(voucher, clerk=clerk, redeemed_at=at, **given)

    def signs(self) -> dict[str, float]:
        """Signs at the odd merchant, with their weights."""
        found = signs_on(self.campaign, DAY)
        assert {one.merchant_id for one in found} <= {self.odd.merchant_id}
        return {one.sign.code: one.weight for one in found}


@pytest.fixture
def world() -> World:
    return World()


def today(n: int) -> datetime:
    """Daytime of the day, half an hour apart."""
    return clock.at(DAY, 9 * 60) + timedelta(minutes=30 * n)


def hugging(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), bill_fen=500_00 + n * 30)


def one_price(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), bill_fen=500_00)


def nothing_paid(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), tier=20, bill_fen=20_00)


def burst(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(0) + timedelta(seconds=20 * n))


def shared_device(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), device="one phone")


def shared_network(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), network="one home")


def own_people(world: World) -> None:
    for n in range(ROWS):
        colleague = make.member(world.odd.merchant, person=verified())
        world.sell(world.odd, n, at=today(n), person=colleague.person)


def off_hours(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=clock.at(DAY, 0) + timedelta(minutes=20 * n))


def far(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), distance_m=5000)


def quick(world: World) -> None:
    for n in range(ROWS):
        at = today(n)
        world.sell(world.odd, n, at=at, claimed_at=at - timedelta(seconds=30))


def round_bills(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), bill_fen=600_00 + n * 100_00)


def refused(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n))
        shop = world.odd.merchant.shops.get()
        RefusedScan.objects.create(
            shop=shop, clerk=world.odd, code="voucher_stale", at=today(n)
        )


def undone(world: World) -> None:
    for n in range(ROWS):
        Redemption.objects.filter(pk=world.sell(world.odd, n, at=today(n)).pk).update(
            state="undone", reversed_at=today(n), gave_back=True
        )


def pairs(world: World) -> None:
    world.lots[500].tier.per_person = ROWS
    world.lots[500].tier.save()
    person = verified()
    for n in range(ROWS):
        world.sell(world.odd, n, at=today(n), person=person)


@pytest.mark.parametrize(
    ("odd", "alone"),
    [
        (hugging, True),
        (burst, True),
        (shared_device, True),
        (own_people, True),
        (off_hours, True),
        (far, True),
        (nothing_paid, False),
        (shared_network, False),
        (pairs, False),
        (quick, False),
        (undone, False),
        (round_bills, False),
        (refused, False),
    ],
)
def test_a_sign_shows_and_weighs_what_it_may(
    world: World, odd: Callable[[World], None], *, alone: bool
) -> None:
    odd(world)

    (found,) = world.signs().items()

    assert found[0] == odd.__name__
    flags = actions.scan_with_radar(campaign=world.campaign, day=DAY, at=clock.now())
    assert bool(flags) is alone
    assert (SIGNS[odd.__name__].most >= HOLD_FROM) is alone


def test_an_honest_market_shows_nothing(world: World) -> None:
    for n in range(ROWS):
        world.sell(world.odd, n)
    assert signs_on(world.campaign, DAY) == []
    assert (
        actions.scan_with_radar(campaign=world.campaign, day=DAY, at=clock.now()) == []
    )


def test_one_price_may_be_a_price_and_does_not_hold_alone(world: World) -> None:
    one_price(world)
    assert world.signs() == {"hugging": 0.6}


def test_weak_signs_hold_together(world: World) -> None:
    for n in range(ROWS):
        at = today(n)
        world.sell(
            world.odd,
            n,
            at=at,
            bill_fen=500_00,
            claimed_at=at - timedelta(seconds=30),
        )

    flags = actions.scan_with_radar(campaign=world.campaign, day=DAY, at=clock.now())

    assert {flag.rule for flag in flags} == {"hugging", "quick"}


def test_few_redemptions_are_no_sign(world: World) -> None:
    for n in range(SIGNS["hugging"].least - 1):
        world.sell(world.odd, n, at=today(n), bill_fen=500_00 + n)
    assert world.signs() == {}


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS)
def test_weights_grow_with_the_distance_from_the_market(sign: Any) -> None:
    weights = [weigh(sign, marked, 100, sign.floor)[1] for marked in range(101)]
    assert weights == sorted(weights)
    assert weights[-1] == sign.most
    assert weigh(sign, 100, 100, 0.95)[1] < HOLD_FROM  # all of them do so
    assert weigh(sign, 0, 0, sign.floor) == (0.0, 0.0)


# --- Flags ----------------------------------------------------------------------------


@pytest.fixture
def flag(world: World) -> Flag:
    hugging(world)
    (made,) = actions.scan_with_radar(campaign=world.campaign, day=DAY, at=clock.now())
    return made


@pytest.fixture
def staff() -> User:
    made = make_user(is_staff=True)
    made.user_permissions.add(Permission.objects.get(codename="decide_flag"))
    return User.objects.get(pk=made.pk)


def scan(campaign: Campaign, day: date = DAY) -> list[Flag]:
    return actions.scan_with_radar(campaign=campaign, day=day, at=clock.now())


def test_a_flag_holds_its_redemptions_and_keeps_its_evidence(
    world: World, flag: Flag
) -> None:
    assert flag.redemptions.count() == ROWS
    assert (flag.merchant_id, flag.rule, flag.day) == (
        world.odd.merchant_id,
        "hugging",
        DAY,
    )
    assert flag.evidence["marked"] == flag.evidence["judged"] == ROWS
    assert flag.evidence["market"] == SIGNS["hugging"].floor
    assert list(Flag.objects.holding()) == [flag]
    entry = Entry.objects.get(event="vouchers.flag.raised")
    assert entry.detail["rule"] == "hugging"


def test_looking_twice_changes_nothing(world: World, flag: Flag) -> None:
    assert scan(world.campaign) == []
    assert Flag.objects.get() == flag
    assert flag.redemptions.count() == ROWS


def test_what_came_later_in_the_day_is_added(world: World, flag: Flag) -> None:
    world.sell(world.odd, 1, at=today(ROWS), bill_fen=500_10)

    assert scan(world.campaign) == []

    flag.refresh_from_db()
    assert flag.redemptions.count() == flag.evidence["marked"] == ROWS + 1


def test_the_next_day_flags_only_what_is_new(world: World, flag: Flag) -> None:
    tomorrow = DAY + timedelta(days=1)
    assert scan(world.campaign, tomorrow) == []  # nothing happened

    later = world.sell(world.odd, 1, at=today(0) + timedelta(days=1), bill_fen=500_10)
    (second,) = scan(world.campaign, tomorrow)

    assert list(second.redemptions.all()) == [later]
    assert second.evidence["marked"] == ROWS + 1


def test_found_in_order_is_not_held_again(
    world: World, flag: Flag, staff: User
) -> None:
    actions.decide_flag(flag=flag, is_in_order=True, reason="A course.", by=staff)

    assert not Flag.objects.holding().exists()
    assert scan(world.campaign) == []
    world.sell(world.odd, 1, at=today(ROWS), bill_fen=500_10)
    assert scan(world.campaign) == []  # one alone is no sign any more
    flag.refresh_from_db()
    assert flag.redemptions.count() == ROWS


def test_confirmed_stays_held(flag: Flag, staff: User) -> None:
    actions.decide_flag(flag=flag, is_in_order=False, reason="No such bills.", by=staff)

    flag.refresh_from_db()
    assert (flag.state, flag.decided_by, flag.reason) == (
        "confirmed",
        staff,
        "No such bills.",
    )
    assert list(Flag.objects.holding()) == [flag]
    assert Entry.objects.get(event="vouchers.flag.confirmed").actor_id == staff.pk


def test_it_is_decided_once(flag: Flag, staff: User) -> None:
    stale = Flag.objects.get()
    actions.decide_flag(flag=flag, is_in_order=True, reason="A course.", by=staff)
    with pytest.raises(FlagDecided):
        actions.decide_flag(flag=stale, is_in_order=False, reason="No.", by=staff)
    assert Flag.objects.get().state == "cleared"


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_decision_has_a_reason(flag: Flag, staff: User, reason: str) -> None:
    with pytest.raises(FlagNeedsReason):
        actions.decide_flag(flag=flag, is_in_order=True, reason=reason, by=staff)


def test_who_may_not_decide_is_refused(flag: Flag) -> None:
    with pytest.raises(FlagNotForYou):
        actions.decide_flag(
            flag=flag, is_in_order=True, reason="Mine.", by=make_user(is_staff=True)
        )


def test_who_works_for_the_merchant_does_not_judge_it(flag: Flag, staff: User) -> None:
    make.member(flag.merchant, person=staff)
    with pytest.raises(FlagIsYours):
        actions.decide_flag(flag=flag, is_in_order=True, reason="Mine.", by=staff)


def test_the_signs_of_a_case_are_decided_together(world: World, staff: User) -> None:
    far(world)
    hugging(world)
    flags = scan(world.campaign)
    assert flags

    actions.decide_flags(flags=flags, is_in_order=False, reason="Seen.", by=staff)

    assert not Flag.objects.open().exists()


def test_the_night_makes_up_for_nights_without_a_worker(world: World) -> None:
    hugging(world)
    at = clock.at(DAY + timedelta(days=3), 130)
    assert actions.scan_last_days(at=at) == 1
    assert actions.scan_last_days(at=at) == 0
    assert Flag.objects.get().day == DAY


def test_other_campaigns_do_not_count(world: World) -> None:
    hugging(world)
    assert signs_on(make.campaign(), DAY) == []
