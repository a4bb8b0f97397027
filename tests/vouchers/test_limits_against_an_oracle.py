"""Limits, as the one statement holds them, against a slow and simple reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bureau.accounts.models import User
from bureau.common import clock
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.claiming import another_lot, lot_under
from vouchers import actions
from vouchers.errors.claiming import AlreadyClaimed, SoldOut
from vouchers.models import Lot, Round, Terms, Voucher

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 2, tzinfo=UTC)
few = st.none() | st.integers(1, 4)
RULES = st.fixed_dictionaries(
    {
        "most_a_day": few,
        "most_a_week": few,
        "most_a_round": few,
        "most_in_all": few,
        "most_fen": st.none() | st.sampled_from([250_00, 300_00, 500_00]),
        "one_tier_each": st.booleans(),
        "expired_counts": st.booleans(),
        "valid_hours": st.just(20),
        "valid_days": st.none(),
    }
)
STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.sampled_from([0, 0, 1, 9, 25])),
    min_size=3,
    max_size=14,
)
"""(which lot, which person, hours that pass before)"""
MOST = 2
"""of a tier for one person"""


@dataclass
class Held:
    person: User
    lot: Lot
    at: datetime
    is_expired: bool = False


def refused(terms: Terms, held: list[Held], lot: Lot, at: datetime) -> set[str]:
    """What speaks against one more, said as the rules say it."""
    mine = [one for one in held if terms.expired_counts or not one.is_expired]
    day = clock.local_day(at)
    monday = day - timedelta(days=day.weekday())
    days = [clock.local_day(one.at) for one in mine]
    counts: dict[str, tuple[int, int | None]] = {
        "day": (days.count(day), terms.most_a_day),
        "week": (sum(monday <= one for one in days), terms.most_a_week),
        "round": (
            sum(one.lot.round_id == lot.round_id for one in mine),
            terms.most_a_round,
        ),
        "campaign": (len(mine), terms.most_in_all),
        "tier": (sum(one.lot.tier_id == lot.tier_id for one in mine), MOST),
    }
    found = {name for name, (n, most) in counts.items() if most and n >= most}
    fen = sum(one.lot.tier.face_fen for one in mine) + lot.tier.face_fen
    if terms.most_fen and fen > terms.most_fen:
        found.add("fen")
    if terms.one_tier_each and any(one.lot.tier_id != lot.tier_id for one in mine):
        found.add("other_tier")
    return found


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rules=RULES, steps=STEPS)
def test_who_may_have_one_more_is_who_the_rules_say(
    rules: dict[str, Any], steps: list[tuple[int, int, int]]
) -> None:
    with time_machine.travel(START, tick=False) as now:
        first = lot_under(amount=40, per_person=MOST, **rules)
        first.tier.face_fen = 100_00
        first.tier.save(update_fields=["face_fen"])
        campaign = first.tier.campaign
        campaign.promised_fen -= first.tier.count * 100_00
        campaign.save(update_fields=["promised_fen"])
        second = another_lot(first, face_fen=150_00, amount=40)
        second.tier.per_person = MOST
        second.tier.save(update_fields=["per_person"])
        later = make.round_of(campaign)
        lots = [first, second]
        lots += [make.lot(lot.tier, amount=40, round=later) for lot in (first, second)]
        Round.objects.update(closes_at=START + timedelta(days=60))
        lots = list(
            Lot.objects.select_related("tier", "round__campaign")
            .filter(pk__in=[lot.pk for lot in lots])
            .order_by("pk")
        )
        terms = make.terms_of(campaign)
        people = [city.verified(), city.verified()]
        held: list[Held] = []
        for which, who, hours in steps:
            now.shift(timedelta(hours=hours))
            at = clock.now()
            if actions.expire_vouchers(at=at):
                for one in held:
                    one.is_expired |= one.at + timedelta(hours=20) <= at
            person, lot = people[who], lots[which]
            mine = [one for one in held if one.person == person]
            expected = refused(terms, mine, lot, at)
            assert _told(person, lot) == expected
            if not expected:
                held.append(Held(person, lot, at))
        assert Voucher.objects.filter(campaign=campaign).count() == len(held)
        assert broken_promises(of="vouchers.") == []


def _told(person: User, lot: Lot) -> set[str]:
    try:
        ticket = make_ticket(person, lot)
        actions.claim_voucher(lot=lot, by=person, ticket=ticket)
    except AlreadyClaimed as refusal:
        return set(refusal.values["reasons"])
    except SoldOut:
        return {"sold out"}
    return set()


def make_ticket(person: User, lot: Lot) -> Any:
    """Straight into the room: what speaks against a claim is asked of the claim."""
    from vouchers.models import QueueTicket  # noqa: PLC0415

    ticket, _new = QueueTicket.objects.get_or_create(
        round=lot.round,
        person=person,
        defaults={"place": 0, "joined_at": lot.round.opens_at},
    )
    return ticket
