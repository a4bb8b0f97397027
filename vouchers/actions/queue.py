"""The waiting room in front of a rush: who is there, and whose turn is when."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.gis.geos import Point
from django.db import transaction
from django.db.models import QuerySet

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
    round_over,
)
from vouchers.models import Campaign, Lot, QueueTicket, Round
from vouchers.queries.eligibility import Reason, somewhere_else, why_not
from vouchers.queries.lots import LotFacts, lot_facts
from vouchers.queries.queue import turn_of


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
    refuse(somewhere_else(reasons))
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
        raise round_over(round.called_off_for)


def refuse(reasons: list[Reason]) -> None:
    """Raise `NotEligible` or, where only limits speak against it, `AlreadyClaimed`."""
    of_the_person = [reason for reason in reasons if not reason.is_limit]
    if of_the_person:
        raise NotEligible(of_the_person)
    if reasons:
        raise AlreadyClaimed(reasons)


def call_queues(*, at: datetime) -> int:
    """Call the next people to each lot where it is time; to how many lots.

    Safe to run by many workers at once.
    """
    due = Lot.objects.to_call_at(at).order_by("pk").values_list("pk", flat=True)
    return sum(call_next(lot_id=pk, at=at) for pk in due)


@transaction.atomic
def call_next(*, lot_id: int, at: datetime) -> bool:
    """Call as many people as are sure to get a voucher; False where it is not time.

    In the order of the places drawn, of those who were there at the opening. Theirs is
    kept for `Terms.held_seconds` from the last one's turn on; what they leave is for
    the next.
    When all of them have been called, everybody may claim, late-comers too.
    """
    # Who waited for the row has to see it as it is now: asked alone, and then again.
    Lot.objects.select_for_update(no_key=True).get(pk=lot_id)
    facts = lot_facts(lot_id)
    if facts is None or not facts.calls_next_at(at):
        return False
    lot, opens_at = facts.lot, facts.claims_from
    present = QueueTicket.objects.filter(round=facts.round, joined_at__lt=opens_at)
    is_first = lot.called is None
    left = facts.offered if is_first else _left_of(lot)
    lot.called = lot.called or 0
    while True:
        lot.called_until = _call(facts, present, left)
        if lot.called_until is None:
            lot.held_until = None
            break
        # The first ones may have claimed since their turn, however late we look.
        since = lot.called_until if is_first else max(lot.called_until, at)
        lot.held_until = since + timedelta(seconds=facts.terms.held_seconds)
        if lot.held_until > at:
            break
        is_first, left = False, _left_of(lot)
    lot.save(update_fields=["called", "called_until", "held_until"])
    record(
        "vouchers.lot.called",
        subject=lot,
        by=None,
        at=at,
        detail={"called": lot.called, "until": lot.called_until},
    )
    return True


def _call(
    facts: LotFacts, present: QuerySet[QueueTicket], left: int
) -> datetime | None:
    """Call people for so many vouchers: the last one's turn, None after all of them."""
    lot, before = facts.lot, facts.lot.called or 0
    if not left:
        return None
    lot.called = before + facts.enough_for(left)
    in_order = present.order_by("place", "pk")
    last = in_order[lot.called - 1 : lot.called].first()
    if last is not None:
        return turn_of(last, facts.round).at
    lot.called = in_order.count()
    if lot.called <= before or facts.claims_from is None:
        return None
    # All who were there, and nobody who came later.
    spread = timedelta(seconds=facts.round.spread_seconds)
    return facts.claims_from + spread - timedelta(microseconds=1)


def _left_of(lot: Lot) -> int:
    return sum(lot.shards.values_list("remaining", flat=True))
