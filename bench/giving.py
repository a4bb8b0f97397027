"""Vouchers for the lines: a campaign with money, and people who are verified."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import import_module
from itertools import count
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session

from bench.wrk import Request
from bureau.accounts.models import User, VerifiedIdentity
from bureau.common import clock
from vouchers import actions
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.models import (
    Appropriation,
    Campaign,
    Lot,
    QueueTicket,
    Round,
    Terms,
    Tier,
)
from vouchers.queries import Turn, turn_token

FACE_FEN = 10_00
BATCH = 5000
_serial = count(1)


@dataclass(frozen=True)
class Claimer:
    """A verified person with a session in a browser."""

    person_id: int
    session: str

    def claims(self, lot: Lot, turn_at: datetime) -> Request:
        """The request of the one tap, with the turn that the page was given."""
        turn = Turn(lot.round_id, self.person_id, turn_at)
        fields = {"lot": lot.pk, "turn": turn_token(turn, holder=self.session)}
        cookie = f"{settings.SESSION_COOKIE_NAME}={self.session}"
        return Request("POST", "/vouchers/claim", urlencode(fields), cookie)


def lot(*, amount: int, opens_in: float = -1, spread: int = 0) -> Lot:
    """Vouchers of 10 yuan in a rush, laid out; one for each person."""
    now = clock.now()
    serial = next(_serial)
    fen = FACE_FEN * amount
    campaign = Campaign.objects.create(
        slug=f"bench-{serial}",
        name=f"体育消费券 {serial}",
        state=Campaign.State.PUBLISHED,
        appropriated_fen=fen,
        promised_fen=fen,
        published_at=now,
        created_at=now,
    )
    money = Appropriation.objects.create(
        campaign=campaign, document=f"{serial}", amount_fen=fen, entered_at=now
    )
    tier = Tier.objects.create(
        campaign=campaign, face_fen=FACE_FEN, threshold_fen=FACE_FEN, count=amount
    )
    ledger.open_accounts(campaign, [tier])
    ledger.move(
        Move.APPROPRIATE,
        debit=ledger.account(campaign, Kind.TREASURY),
        credit=ledger.account(campaign, Kind.POOL),
        amount_fen=fen,
        cause=Cause(appropriation=money),
        by=None,
        at=now,
    )
    Terms.objects.create(
        campaign=campaign, published_at=now, valid_days=30, most_a_day=1, most_in_all=1
    )
    opens_at = now + timedelta(seconds=opens_in)
    rush = Round.objects.create(
        campaign=campaign,
        number=1,
        opens_at=opens_at,
        closes_at=opens_at + timedelta(hours=1),
        spread_seconds=spread,
    )
    made = Lot.objects.create(round=rush, tier=tier, amount=amount)
    actions.lay_out_round(round_id=rush.pk, at=opens_at)
    made.refresh_from_db()
    return made


def claimers(number: int) -> list[Claimer]:
    """People whose real name is confirmed, signed in."""
    made: list[Claimer] = []
    while len(made) < number:
        made += _some(min(BATCH, number - len(made)))
    return made


def _some(number: int) -> list[Claimer]:
    now = clock.now()
    people = []
    for _ in range(number):
        serial = next(_serial)
        person = User(
            username=f"claimer-{serial}",
            phone=f"138{serial:08}",
            phone_verified_at=now,
            masked_name="李*",
        )
        person.password = "!"  # noqa: S105 - signs in by telephone
        people.append(person)
    User.objects.bulk_create(people)
    VerifiedIdentity.objects.bulk_create(
        VerifiedIdentity(
            user=person,
            sealed_name=b"",
            sealed_id_number=b"",
            fingerprint=uuid4().hex,
            masked_name="李*",
            masked_id_number="3708**********0011",
            birth_on=date(1990, 1, 1),
            sex="male",
            verified_at=now,
        )
        for person in people
    )
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    sessions = [
        Session(
            session_key=secrets.token_hex(16),
            session_data=store.encode(
                {
                    SESSION_KEY: str(person.pk),
                    BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                    HASH_SESSION_KEY: person.get_session_auth_hash(),
                }
            ),
            expire_date=now + timedelta(days=1),
        )
        for person in people
    ]
    Session.objects.bulk_create(sessions)
    return [
        Claimer(person.pk, session.session_key)
        for person, session in zip(people, sessions, strict=True)
    ]


def tickets(of: Lot, people: Sequence[Claimer]) -> list[QueueTicket]:
    """All of them came to the waiting room in time."""
    joined_at = of.round.opens_at - timedelta(minutes=5)
    return QueueTicket.objects.bulk_create(
        [
            QueueTicket(
                round_id=of.round_id,
                person_id=one.person_id,
                place=secrets.randbelow(QueueTicket.PLACES),
                joined_at=joined_at,
            )
            for one in people
        ],
        batch_size=BATCH,
    )
