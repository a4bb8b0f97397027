"""The waiting room in front of a rush: who is there, and whose turn is when."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.gis.geos import Point
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import insert
from bureau.regions.models import District
from bureau.regions.queries import district_of
from vouchers.errors.claiming import (
    AlreadyClaimed,
    CampaignClosed,
    LobbyNotOpen,
    NoRush,
    NotEligible,
    RoundOver,
)
from vouchers.models import Campaign, QueueTicket, Round
from vouchers.queries.eligibility import Reason, why_not


@transaction.atomic
def join_queue(
    *,
    round: Round,  # noqa: A002 - what it is
    by: User,
    at: datetime | None = None,
    place: Point | None = None,
) -> QueueTicket:
    """Come to the waiting room of a rush; chance decides the turn.

    Who is there already gets the same ticket back, however often they come. `place` is
    where the phone is (WGS-84); only its district is kept, and only where the rules ask
    for it.

    Raises `CampaignClosed`, `NoRush`, `LobbyNotOpen`, `RoundOver`, and, with the
    reasons, `NotEligible` or `AlreadyClaimed`.
    """
    at = at or clock.now()
    known = QueueTicket.objects.filter(round=round, person=by).first()
    if known is not None and (known.district_id is not None or place is None):
        return known
    _refuse_closed(round, at=at)
    district = district_of(place) if place is not None else None
    reasons = why_not(by, round, at, district)
    if place is None or district is not None:
        # Not yet told, or not asked for: the person may still say where they are.
        reasons = [reason for reason in reasons if not reason.is_open]
    refuse(reasons)
    kept = district if district and _asks_for_place(round) else None
    if known is None:
        ticket = QueueTicket(
            round=round,
            person=by,
            place=secrets.randbelow(QueueTicket.PLACES),
            joined_at=at,
            district=kept,
        )
        if insert(ticket, unless="(round_id, person_id)"):
            record("vouchers.queueticket.joined", subject=ticket, by=by, at=at)
            return ticket
    known = QueueTicket.objects.get(round=round, person=by)
    return _placed(known, kept)


def _placed(ticket: QueueTicket, district: District | None) -> QueueTicket:
    if district is not None and ticket.district_id is None:
        ticket.district = district
        ticket.save(update_fields=["district"])
    return ticket


def _asks_for_place(round: Round) -> bool:  # noqa: A002
    terms = round.campaign.terms.published().order_by("-version").first()
    return terms is not None and (terms.needs_place or terms.districts.exists())


def _refuse_closed(round: Round, *, at: datetime) -> None:  # noqa: A002
    if round.campaign.state != Campaign.State.PUBLISHED:
        raise CampaignClosed
    opens_at, closes_at = round.claims_from, round.claims_until
    if opens_at is None or closes_at is None:
        raise NoRush
    lobby = opens_at - timedelta(minutes=round.lobby_minutes)
    if at < lobby:
        raise LobbyNotOpen(opens_at=clock.at_text(lobby))
    if at >= closes_at:
        raise RoundOver


def refuse(reasons: list[Reason]) -> None:
    """Raise `NotEligible` or, where only limits speak against it, `AlreadyClaimed`."""
    of_the_person = [reason for reason in reasons if not reason.is_limit]
    if of_the_person:
        raise NotEligible(of_the_person)
    if reasons:
        raise AlreadyClaimed(reasons)
