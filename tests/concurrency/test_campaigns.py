"""Two of the staff do the same at the same moment: it happens once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bureau.common import clock
from tests import make as city
from tests.at_once import at_once, outcomes
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers import actions
from vouchers.actions import TierPlan
from vouchers.models import Appropriation, Campaign, Terms
from vouchers.queries import contradictions_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_document_is_entered_once() -> None:
    campaign = make.campaign(state="draft")
    by = city.user()

    def enter() -> Appropriation:
        return actions.enter_appropriation(
            campaign=campaign, document="Nr. 7", amount_fen=5_00, by=by
        )

    answers = outcomes(at_once(*[enter] * 6))
    assert answers == {"done": 1, "voucher_appropriation_twice": 5}
    campaign.refresh_from_db()
    assert campaign.appropriated_fen == 1_000_000_00 + 5_00
    assert broken_promises(of="vouchers.money") == []


def test_a_campaign_is_published_once() -> None:
    campaign = make.campaign(state="draft")
    tier = make.tier(campaign)
    opens_at = clock.now() + timedelta(days=3)
    row = make.round_of(campaign, number=1, opens_at=opens_at)
    row.lots.create(tier=tier, amount=5)
    keys = [one.key for one in contradictions_of(campaign, at=clock.now())]
    by = city.user()

    def publish() -> Campaign:
        return actions.publish_campaign(campaign=campaign, confirmed=keys, by=by)

    answers = outcomes(at_once(*[publish] * 4))
    assert answers == {"done": 1, "voucher_campaign_not_a_draft": 3}
    assert broken_promises(of="vouchers") == []


def test_rules_are_changed_by_who_has_seen_them() -> None:
    campaign = make.campaign()
    tier = make.tier(campaign)
    row = make.round_of(campaign, number=1)
    row.lots.create(tier=tier, amount=5)
    by = city.user()
    keys = [one.key for one in contradictions_of(campaign, at=clock.now())]

    def change(days: int) -> Terms:
        return actions.change_terms(
            campaign=campaign,
            terms=Terms(valid_days=days, recycles=True),
            reason="Longer",
            since=1,
            confirmed=keys,
            by=by,
        )

    jobs = [lambda days=days: change(days) for days in (31, 32, 33, 34)]
    answers = outcomes(at_once(*jobs))
    assert answers == {"done": 1, "voucher_rules_changed_meanwhile": 3}
    assert broken_promises(of="vouchers.campaign") == []


def test_promises_are_counted_one_after_the_other() -> None:
    campaign = make.campaign(appropriated_fen=100_00, state="draft")
    by = city.user()

    def promise(face: int) -> None:
        there = [TierPlan.of(tier) for tier in campaign.tiers.all()]
        mine = TierPlan(face_fen=face * 100, threshold_fen=face * 100, count=1)
        actions.set_tiers(campaign=campaign, tiers=[*there, mine], by=by)

    at_once(*[lambda face=face: promise(face) for face in (51, 52, 53, 54)])
    campaign.refresh_from_db()
    assert campaign.promised_fen <= campaign.appropriated_fen
    assert broken_promises(of="vouchers.money") == []


def test_without_the_lock_the_constraint_still_keeps_the_promise() -> None:
    """The control: what the action's own counting guards is refused by the table."""
    campaign = make.campaign(appropriated_fen=100_00, state="draft")
    rows = Campaign.objects.filter(pk=campaign.pk)

    def promise() -> None:
        seen = Campaign.objects.get(pk=campaign.pk).promised_fen  # no lock
        with (
            pytest.raises(IntegrityError, match="promises_no_more_than_it_holds"),
            transaction.atomic(),
        ):
            rows.update(promised_fen=seen + 101_00)

    at_once(promise, promise)
