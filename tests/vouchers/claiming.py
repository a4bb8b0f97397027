"""Claims for tests: through the waiting room, as everybody comes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session

from bureau.accounts.models import User
from bureau.common import clock, codes
from tests import make as city
from tests.vouchers import make
from vouchers import actions
from vouchers.actions import together
from vouchers.models import Lot, Voucher
from vouchers.queries import turn_of, turn_token
from vouchers.queries.lots import LotFacts, lot_facts


def claim(lot: Lot, person: User | None = None, **given: Any) -> Voucher:
    """Come to the waiting room, and claim."""
    person = person or city.verified()
    ticket = actions.join_queue(round=lot.round, by=person, at=given.get("at"))
    return actions.claim_voucher(lot=lot, by=person, ticket=ticket, **given)


def lot_under(*, amount: int = 100, per_person: int = 9, **terms: Any) -> Lot:
    """Vouchers of a campaign with these rules."""
    campaign = make.campaign(terms=terms)
    return make.lot(make.tier(campaign, per_person=per_person), amount=amount)


def another_lot(like: Lot, *, face_fen: int = 100_00, amount: int = 100) -> Lot:
    """Vouchers of another tier in the same round."""
    tier = make.tier(like.tier.campaign, face_fen=face_fen, per_person=9)
    return make.lot(tier, amount=amount, round=like.round)


def token_of(lot: Lot, person: User, *, holder: str, at: datetime | None = None) -> str:
    """What the waiting room's page carries for a person in a session."""
    at = at or clock.now()
    ticket = actions.join_queue(round=lot.round, by=person, at=at)
    return turn_token(turn_of(ticket, lot.round), holder=holder)


def facts_of(lot: Lot) -> LotFacts:
    """What a process remembers of a lot."""
    facts = lot_facts(lot.pk)
    assert facts is not None
    return facts


def session_of(person: User, *, hours: int = 1) -> str:
    """The key of a session of theirs."""
    key = f"session{person.pk:09}"
    expires = clock.now() + timedelta(hours=hours)
    Session.objects.create(session_key=key, session_data="", expire_date=expires)
    return key


def first_claim(
    facts: LotFacts, person: User, session: str | None = None
) -> together.First | None:
    """A claim that may go together with others."""
    return together.first_of(
        facts,
        person_id=person.pk,
        session=session_of(person) if session is None else session,
        code=codes.new_code(),
        device="d" * 16,
        network="n" * 16,
        at=clock.now(),
    )
