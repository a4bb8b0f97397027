"""What has to be known of a lot before somebody claims from it.

None of it changes while people claim, or what changes is looked at again inside of the
claim itself. So each process asks once a second, however many people come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from time import monotonic

from django.db.models import Count, Exists, OuterRef

from vouchers.models import Account, Campaign, Lot, QueueTicket, Round, Terms, Voucher

KEPT_SECONDS = 1.0
MOST_KEPT = 1000


@dataclass(frozen=True, eq=False)
class LotFacts:
    """A lot with everything around it."""

    lot: Lot
    round: Round
    terms: Terms
    """The newest published rules."""
    lots_of_round: list[int]
    pool_account: int
    live_account: int
    claims_from: datetime | None
    claims_until: datetime | None
    waiting: int
    """How many came to the waiting room, as long as nobody has been called."""
    offered: int
    """How many vouchers the rush has for them: of a hybrid what the draw left over."""
    asks_place: bool
    """The rules want to know where the phone is."""

    @cached_property
    def is_published(self) -> bool:
        return self.round.campaign.state == Campaign.State.PUBLISHED

    @cached_property
    def is_closed(self) -> bool:
        return self.round.campaign.state == Campaign.State.CLOSED

    @cached_property
    def is_free_for_the_first(self) -> bool:
        """No limit keeps anybody from a first voucher, wherever their phone is."""
        most_fen = self.terms.most_fen
        return (
            not self.asks_place
            and (most_fen is None or self.lot.tier.face_fen <= most_fen)
            and min(self._most_for_one) >= 1
        )

    @property
    def _most_for_one(self) -> list[int]:
        """How many one person gets at most, by each of the limits."""
        terms = self.terms
        most = [
            self.lot.tier.per_person,
            terms.most_a_day,
            terms.most_a_week,
            terms.most_a_round,
            terms.most_in_all,
        ]
        return [n for n in most if n is not None]

    def calls_next_at(self, moment: datetime) -> bool:
        """Whether it is time to call people from the waiting room, or more of them."""
        if self.lot.held_until is not None:
            return moment >= self.lot.held_until
        if self.lot.called is not None or self.lot.laid_out is None:
            return False
        return self.waiting > self.enough_for(self.offered)

    def enough_for(self, vouchers: int) -> int:
        """How many people are sure to get one, whatever each of them may take."""
        return max(1, vouchers // min(n for n in self._most_for_one if n))


def lot_facts(lot_id: int) -> LotFacts | None:
    """None where there is no such lot, or its rules are a draft."""
    return _facts_of([lot_id]).get(lot_id)


def _facts_of(lot_ids: Sequence[int]) -> dict[int, LotFacts]:
    """Some questions, however many lots."""
    lots = Lot.objects.select_related("tier", "round__campaign").in_bulk(lot_ids)
    rounds = {lot.round_id for lot in lots.values()}
    campaigns = {lot.round.campaign_id for lot in lots.values()}
    in_force: dict[int, Terms] = {}
    asks_place: dict[int, bool] = {}
    bounds = Terms.districts.through.objects.filter(terms=OuterRef("pk"))
    published = Terms.objects.published().filter(campaign__in=campaigns)
    for terms in published.annotate(is_bounded=Exists(bounds)).order_by("version"):
        in_force[terms.campaign_id] = terms  # the newest is kept
        bounded = terms.is_bounded  # type: ignore[attr-defined]  # annotated
        asks_place[terms.campaign_id] = terms.needs_place or bounded
    accounts: dict[tuple[int, str, int | None], int] = {
        (campaign_id, kind, tier_id): pk
        for pk, campaign_id, kind, tier_id in Account.objects.filter(
            campaign__in=campaigns,
            kind__in=[Account.Kind.POOL, Account.Kind.LIVE],
        ).values_list("pk", "campaign", "kind", "tier")
    }
    of_round: dict[int, list[int]] = {}
    beside = Lot.objects.filter(round__in=rounds).order_by("pk")
    for pk, round_id in beside.values_list("pk", "round"):
        of_round.setdefault(round_id, []).append(pk)
    waiting = _waiting(lots.values())
    drawn = _drawn(lots.values())
    return {
        pk: LotFacts(
            lot=lot,
            round=lot.round,
            terms=in_force[lot.round.campaign_id],
            lots_of_round=of_round[lot.round_id],
            pool_account=accounts.get(
                (lot.round.campaign_id, Account.Kind.POOL, None), 0
            ),
            live_account=accounts.get(
                (lot.round.campaign_id, Account.Kind.LIVE, lot.tier_id), 0
            ),
            claims_from=lot.round.claims_from,
            claims_until=lot.round.claims_until,
            waiting=0 if lot.called is not None else waiting.get(lot.round_id, 0),
            offered=(lot.laid_out or 0) - drawn.get(pk, 0),
            asks_place=asks_place[lot.round.campaign_id],
        )
        for pk, lot in lots.items()
        if lot.round.campaign_id in in_force
    }


def _waiting(lots: Iterable[Lot]) -> dict[int, int]:
    """By round; who has no turn is not called either, and need not be counted."""
    rounds = {
        lot.round_id for lot in lots if lot.called is None and lot.round.spread_seconds
    }
    if not rounds:
        return {}
    tickets = QueueTicket.objects.filter(round__in=rounds).order_by()
    return dict(tickets.values_list("round").annotate(n=Count("pk")))


def _drawn(lots: Iterable[Lot]) -> dict[int, int]:
    """How many vouchers of a hybrid were drawn before its rush, by lot."""
    asked = [
        lot.pk
        for lot in lots
        if lot.called is None and lot.round.way == Round.Way.HYBRID
    ]
    if not asked:
        return {}
    drawn = Voucher.objects.filter(lot__in=asked, way=Voucher.Way.DRAW).order_by()
    return dict(drawn.values_list("lot").annotate(n=Count("pk")))


_kept: dict[int, tuple[float, LotFacts | None]] = {}


def remembered_lot(lot_id: int) -> LotFacts | None:
    """`lot_facts` of at most a second ago."""
    found = _kept.get(lot_id)
    if found is None or monotonic() - found[0] >= KEPT_SECONDS:
        return _remember([lot_id]).get(lot_id)
    return found[1]


def remembered_lots(lot_ids: Sequence[int]) -> dict[int, LotFacts]:
    """The same of several: of those that there are, in the order asked for."""
    found = {pk: _kept.get(pk) for pk in lot_ids}
    now = monotonic()
    known = {
        pk: one[1]
        for pk, one in found.items()
        if one is not None and now - one[0] < KEPT_SECONDS
    }
    if unknown := [pk for pk in lot_ids if pk not in known]:
        known |= _remember(unknown)
    return {pk: facts for pk in lot_ids if (facts := known.get(pk)) is not None}


def _remember(lot_ids: Sequence[int]) -> dict[int, LotFacts]:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    now, found = monotonic(), _facts_of(lot_ids)
    for pk in lot_ids:
        _kept[pk] = now, found.get(pk)
    return found


def forget_lots() -> None:
    """What is remembered is looked up anew."""
    _kept.clear()
