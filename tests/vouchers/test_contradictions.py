"""The check list before publishing: what cannot work, and what is hardly meant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from vouchers.models import Campaign, DistrictCap, Lot, Round, Terms, Tier
from vouchers.queries import contradictions_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, tzinfo=clock.CHINA)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(days: int, hour: int = 10, minute: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute) + days * DAY


def draft(**terms: Any) -> Campaign:
    """Two rounds of one tier, for a merchant: nothing in it contradicts."""
    rules = {"valid_days": 7, "recycles": False} | terms
    made = make.campaign(appropriated_fen=200_00 * 100, state="draft", terms=rules)
    tier = Tier.objects.create(
        campaign=made, face_fen=200_00, threshold_fen=500_00, count=100
    )
    Campaign.objects.filter(pk=made.pk).update(promised_fen=200_00 * 100)
    made.refresh_from_db()
    for number in (1, 2):
        row = rush(made, number, at(number * 7))
        Lot.objects.create(round=row, tier=tier, amount=50)
    make.merchant(takes_part_in=made)
    return made


def rush(of: Campaign, number: int, opens_at: datetime, **given: Any) -> Round:
    given.setdefault("closes_at", opens_at + 5 * HOUR)
    given.setdefault("lobby_minutes", 15)
    given.setdefault("spread_seconds", 30)
    return make.round_of(of, number=number, opens_at=opens_at, **given)


def found(of: Campaign, **given: Any) -> dict[str, bool]:
    """The codes, and whether they block."""
    listed = contradictions_of(of, at=NOW, **given)
    assert all(one.sentence.endswith(".") for one in listed)
    assert [one.blocks for one in listed] == sorted(
        (one.blocks for one in listed), reverse=True
    )
    assert len({one.key for one in listed}) == len(listed)
    return {one.code: one.blocks for one in listed}


def test_nothing_contradicts() -> None:
    assert found(draft()) == {}


def test_an_empty_campaign() -> None:
    made = make.campaign(state="draft", terms={"valid_days": None})
    listed = found(made)
    assert listed == {
        "no_tier": True,
        "no_round": True,
        "vouchers_never_end": True,
        "no_merchant": False,
    }


@pytest.mark.parametrize(
    ("rules", "code", "blocks"),
    [
        ({"most_a_day": 0}, "limit_of_nothing", True),
        ({"most_a_day": 3, "most_a_week": 2}, "limits_contradict", True),
        ({"most_a_week": 3, "most_in_all": 2}, "limits_contradict", True),
        ({"most_a_round": 3, "most_in_all": 2}, "limits_contradict", True),
        ({"most_fen": 100_00}, "tier_exceeds_value", True),
        ({"one_tier_each": True, "most_in_all": 2}, "one_tier_stays_below", True),
        ({"least_age": 120}, "age_of_nobody", True),
        ({"most_age": 12}, "age_of_children", False),
        ({"needs_place": True}, "place_without_map", True),
        ({"valid_days": None, "valid_until": at(7)}, "never_usable", True),
        ({"valid_days": None, "valid_until": at(7, 12)}, "claimed_too_late", True),
        (
            {"valid_days": None, "valid_hours": 24, "from_next_day": True},
            "ends_before_next_day",
            True,
        ),
        ({"valid_days": 0, "from_next_day": True}, "ends_before_next_day", True),
        (
            {"valid_days": None, "valid_hours": 2, "redeems_from": 18 * 60},
            "hours_never_meet",
            True,
        ),
        (
            {"full_refund_gives_back": False, "partial_refund_gives_back": True},
            "part_gives_back_and_whole_does_not",
            True,
        ),
        ({"undo_minutes": 600}, "undo_very_long", False),
        ({"valid_days": 400}, "ends_after_the_year", False),
        ({"valid_days": 60, "recycles": True}, "recycled_for_no_round", False),
        ({"merchant_cap_fen": 100_00}, "merchant_cap_below_a_voucher", True),
        ({"merchant_cap_fen": 10**9}, "merchant_cap_above_the_money", False),
        ({"merchant_cap_fen": 5000_00}, "merchants_cannot_take_all", False),
    ],
)
def test_rules(rules: dict[str, Any], code: str, blocks: bool) -> None:  # noqa: FBT001
    assert found(draft(**rules)).get(code) is blocks


@pytest.mark.parametrize(
    "rules",
    [
        {"most_a_day": 1, "most_a_week": 2, "most_a_round": 1, "most_in_all": 2},
        {"most_fen": 200_00},
        {"one_tier_each": True, "most_in_all": 1},
        {"least_age": 18, "most_age": 70},
        {"valid_days": None, "valid_until": at(20)},
        {"valid_days": None, "valid_hours": 25, "from_next_day": True},
        {"valid_days": 1, "from_next_day": True},
        {"valid_days": None, "valid_hours": 24, "redeems_from": 18 * 60},
        {"valid_days": 5, "recycles": True},
        {"merchant_cap_fen": 200_00 * 100},
        {"undo_minutes": 120},
    ],
)
def test_rules_at_their_edges_fit(rules: dict[str, Any]) -> None:
    assert found(draft(**rules)) == {}


def test_only_districts_and_no_place() -> None:
    made = draft(districts=[city.district()])
    assert found(made)["districts_without_place"] is True
    Terms.objects.filter(campaign=made).update(needs_place=True)
    assert found(made) == {}


def test_rules_that_are_to_come() -> None:
    made = draft()
    coming = Terms(campaign=made, valid_days=7, recycles=False)
    assert found(made, terms=coming) == {}
    assert found(made, terms=coming, districts=[city.district()]) == {
        "districts_without_place": True
    }


@pytest.mark.parametrize(
    ("change", "code", "blocks"),
    [
        ({"face_fen": 400_00}, "leverage_low", False),
        ({"count": 99}, "rounds_rely_on_leftovers", False),
        ({"count": 49}, "rounds_exceed_tier", True),
        ({"count": 101}, "tier_exceeds_rounds", False),
        ({"per_person": 3}, None, False),
        ({"sports": ["skiing"]}, "no_merchant_for_the_sport", False),
    ],
)
def test_tiers(change: dict[str, Any], code: str | None, blocks: bool) -> None:  # noqa: FBT001
    made = draft()
    made.tiers.update(**change)
    listed = found(made)
    assert listed == ({} if code is None else {code: blocks})


def test_later_rounds_have_nothing_to_live_on() -> None:
    made = draft(leftover="stays")
    made.tiers.update(count=99)
    assert found(made)["rounds_exceed_tier"] is True


def test_a_tier_gives_one_person_more_than_anybody_may_have() -> None:
    made = draft(most_in_all=2)
    made.tiers.update(per_person=3)
    assert found(made) == {"tier_exceeds_limit": True}


def test_money_that_no_tier_promises() -> None:
    made = draft()
    Campaign.objects.filter(pk=made.pk).update(promised_fen=1)
    made.refresh_from_db()
    assert found(made) == {"money_unpromised": False}


def test_a_tier_and_a_round_without_vouchers() -> None:
    made = draft()
    Lot.objects.filter(round__campaign=made).delete()
    assert found(made) == {
        "round_without_vouchers": True,
        "tier_in_no_round": False,
    }


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"opens_at": NOW - HOUR}, {"round_in_the_past": True}),
        ({"opens_at": at(7, 23), "closes_at": at(8, 12)}, {"round_at_night": False}),
        ({"opens_at": at(7, 6, 59)}, {"round_at_night": False}),
        ({"opens_at": at(7, 7)}, {}),
        (
            {"opens_at": at(14), "closes_at": at(14, 12)},
            {"rounds_open_together": False},
        ),
        ({"opens_at": at(14, 9), "closes_at": at(14, 12)}, {"rounds_overlap": False}),
        ({"opens_at": at(20), "closes_at": at(21)}, {"rounds_out_of_order": False}),
        ({"spread_seconds": 0}, {"spread_of_nothing": False}),
        ({"lobby_minutes": 0}, {"lobby_of_nothing": False}),
        ({"closes_at": at(7, 10) + timedelta(seconds=30)}, {"spread_too_long": True}),
        ({"closes_at": at(7, 10) + timedelta(seconds=90)}, {"held_too_long": True}),
        ({"closes_at": at(7, 10) + timedelta(seconds=91)}, {}),
    ],
)
def test_the_first_round(change: dict[str, Any], codes: dict[str, bool]) -> None:
    made = draft()
    made.rounds.filter(number=1).update(**change)
    assert found(made) == codes


def test_a_rush_that_is_more_than_a_portal_gives_out() -> None:
    made = draft()
    made.rounds.update(spread_seconds=1)
    made.tiers.update(count=1051)
    Lot.objects.filter(round__campaign=made, round__number=1).update(amount=1001)
    assert found(made) == {"spread_too_short": False}


@pytest.mark.parametrize(
    ("draws", "rest", "codes"),
    [
        (at(8, 16, 9), at(9), {"draw_too_soon": True}),
        (at(8, 16, 10), at(9), {}),
        (at(8, 20), at(8, 20, 29), {"rest_too_soon": False}),
        (at(8, 20), at(8, 20, 30), {}),
    ],
)
def test_times_of_a_draw(
    draws: datetime, rest: datetime, codes: dict[str, bool]
) -> None:
    made = draft()
    made.rounds.filter(number=1).update(
        way="hybrid",
        closes_at=at(8, 15),
        draws_at=draws,
        rush_opens_at=rest,
        rush_closes_at=at(9, 12),
    )
    assert found(made) == codes


def test_a_draw_that_few_would_hear_of() -> None:
    made = draft()
    made.rounds.filter(number=1).update(
        way="draw",
        opens_at=NOW + HOUR,
        closes_at=NOW + 23 * HOUR,
        draws_at=NOW + 26 * HOUR,
    )
    assert found(made) == {"draw_announced_late": False}


def test_only_one_round_leaves_nothing_to_the_next() -> None:
    made = draft()
    last = made.rounds.get(number=2)
    last.lots.all().delete()
    last.delete()
    made.tiers.update(count=50)
    assert found(made) == {"leftover_without_a_next_round": False}


def test_caps_of_districts() -> None:
    made = draft()
    near, far = city.district(), city.district()
    caps = DistrictCap.objects
    caps.create(campaign=made, district=near, cap_fen=199_99)
    assert found(made) == {"cap_below_a_voucher": True}
    caps.update(cap_fen=10**9)
    assert found(made) == {"cap_above_the_money": False}
    caps.update(cap_fen=5000_00)
    assert found(made) == {}  # the other district has none
    caps.create(campaign=made, district=far, cap_fen=5000_00)
    assert found(made) == {"caps_keep_money_back": False}


def test_a_merchant_that_has_left_does_not_count() -> None:
    made = draft()
    made.participations.update(until=NOW)
    assert found(made) == {"no_merchant": False}


def test_what_has_begun_is_not_judged_any_more() -> None:
    made = draft()
    made.rounds.filter(number=1).update(opens_at=NOW - HOUR, closes_at=NOW + HOUR)
    assert found(made) == {"round_in_the_past": True}
    made.state = Campaign.State.PUBLISHED
    assert found(made) == {}
