"""The rules as citizens read them: short, whole, and true to the data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import translation

from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from vouchers.models import Terms
from vouchers.queries import rule_changes, rules_in_words
from vouchers.queries.rules import RULE_FIELDS

pytestmark = pytest.mark.django_db
UNTIL = datetime(2026, 12, 31, 23, 59, tzinfo=clock.CHINA)


def words(**rules: Any) -> list[str]:
    return rules_in_words(make.terms_of(make.campaign(terms=rules)))


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"most_a_day": 1}, "At most 1 voucher a day."),
        ({"most_a_week": 2}, "At most 2 vouchers a week, from Monday to Sunday."),
        ({"most_a_round": 1}, "At most 1 voucher in each round."),
        ({"most_in_all": 3}, "At most 3 vouchers in the whole campaign."),
        ({"most_fen": 900_00}, "At most vouchers worth 900 yuan for each person."),
        ({"least_age": 60}, "Only for people of 60 years and older."),
        ({"most_age": 25}, "Only for people of up to 25 years."),
        (
            {"held_seconds": 90},
            (
                "Where more people wait for a rush than there are vouchers, chance says"
                " in which order they are called. Theirs are kept for 90 seconds from"
                " the turn of the last of them, and then offered to the next."
            ),
        ),
        (
            {"least_age": 18, "most_age": 60},
            "Only for people from 18 to 60 years of age.",
        ),
        (
            {"id_prefixes": ["3708", "3709"]},
            "Only for people whose ID number begins with 3708, 3709.",
        ),
        ({"valid_hours": 48}, "A voucher is good for 48 hours after you claimed it."),
        (
            {"valid_days": 0},
            "A voucher is good until the end of the day you claimed it on.",
        ),
        (
            {"valid_days": 1},
            "A voucher is good until the end of the day after you claimed it.",
        ),
        ({"valid_until": UNTIL}, "All vouchers end on 2026-12-31 23:59."),
        ({"valid_until": UNTIL}, "Whichever of these comes first ends it."),
        ({"from_next_day": True}, "It can be used from the day after you claimed it."),
        (
            {"redeems_from": 600, "redeems_until": 1320},
            "Each day it can be used from 10:00 to 22:00.",
        ),
        (
            {"merchant_cap_fen": 100_000_00},
            (
                "A merchant redeems vouchers worth up to 100000 yuan; then go to"
                " another one."
            ),
        ),
        ({"recycles": False}, "What expires is not given out again."),
        (
            {"full_refund_gives_back": False},
            "If the bill is refunded, the voucher is used up all the same.",
        ),
        (
            {"expired_counts": False},
            "A voucher that expired does not count any more.",
        ),
    ],
)
def test_a_rule_is_a_sentence(rules: dict[str, Any], sentence: str) -> None:
    assert sentence in words(**rules)
    assert sentence not in words()


def test_always_said() -> None:
    text = " ".join(words())
    assert "real name" in text
    assert "One voucher for each bill" in text
    assert "a screenshot does not work" in text
    assert "no change in cash" in text


def test_districts_are_named() -> None:
    near = city.district(name="任城区", name_en="Rencheng")
    text = " ".join(words(districts=[near], needs_place=True))
    assert "Only where your phone is in Rencheng" in text
    with translation.override("zh-hans"):
        unsaved = Terms(valid_days=7, needs_place=True)
        assert "任城区" in " ".join(rules_in_words(unsaved, [near]))


def test_every_rule_of_the_table_is_known() -> None:
    about = {"id", "campaign", "version", "published_at", "published_by", "reason"}
    fields = {field.name for field in Terms._meta.concrete_fields}
    assert fields - about == set(RULE_FIELDS)


def test_changes_say_what_is_different_and_why() -> None:
    campaign = make.campaign()
    Terms.objects.create(
        campaign=campaign,
        version=2,
        reason="Many asked",
        valid_days=30,
        most_a_day=2,
        published_at=clock.now(),
    )
    Terms.objects.create(campaign=campaign, version=3, reason="a draft", valid_days=1)
    newest, first = rule_changes(campaign)
    assert (first.version, first.added, first.removed) == (1, [], [])
    assert (newest.version, newest.reason) == (2, "Many asked")
    assert newest.added == ["At most 2 vouchers a day."]
    assert newest.removed == []


def test_a_tier_is_named_as_people_say_it() -> None:
    tier = make.tier(face_fen=200_00, threshold_fen=500_00)
    assert str(tier) == "200 off from 500"
    with translation.override("zh-hans"):
        assert str(tier) == "满 500 减 200"
