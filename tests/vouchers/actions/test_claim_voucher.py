from __future__ import annotations

from typing import Any

import pytest

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common.errors import DomainError
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers import actions, queries
from vouchers.models import (
    Lot,
    Transfer,
    Voucher,
)

pytestmark = pytest.mark.django_db


def claim(lot: Lot, person: User | None = None, **given: Any) -> Voucher:
    """Come to the waiting room, and claim."""
    person = person or city.verified()
    actions.join_queue(round=lot.round, by=person)
    return actions.claim_voucher(lot=lot, by=person, **given)


def lot_under(*, amount: int = 100, per_person: int = 9, **terms: Any) -> Lot:
    """Vouchers of a campaign with these rules."""
    campaign = make.campaign(terms=terms)
    return make.lot(make.tier(campaign, per_person=per_person), amount=amount)


def reasons(refusal: pytest.ExceptionInfo[DomainError]) -> list[str]:
    found: list[str] = refusal.value.values["reasons"]
    return found


def test_a_claim_gives_a_voucher_moves_the_money_and_notes_who() -> None:
    lot, person = make.lot(amount=3), city.verified()
    voucher = claim(lot, person)
    assert voucher.state == Voucher.State.LIVE
    assert (voucher.person, voucher.lot, voucher.tier) == (person, lot, lot.tier)
    assert (voucher.face_fen, voucher.threshold_fen) == (200_00, 500_00)
    assert (voucher.number_of_person, voucher.number_in_tier) == (1, 1)
    assert queries.stock_of(lot.round)[0].remaining == 2
    money = queries.balances_of(voucher.campaign)
    assert money.live == {lot.tier_id: 200_00}
    assert Transfer.objects.get(voucher=voucher).by == person
    noted = Entry.objects.get(event="vouchers.voucher.claimed")
    assert (noted.subject_id, noted.actor) == (voucher.pk, person)
    assert noted.subject_type == voucher._meta.label_lower
    assert noted.actor_name == str(person)
    assert broken_promises(of="vouchers") == []
