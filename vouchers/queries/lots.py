"""What has to be known of a lot before somebody claims from it.

None of it changes while people claim, or what changes is looked at again inside of the
claim itself. So each process asks once a second, however many people come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from vouchers.models import Account, Campaign, Lot, QueueTicket, Round, Terms

KEPT_SECONDS = 1.0
MOST_KEPT = 1000


@dataclass(frozen=True)
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

    @property
    def is_published(self) -> bool:
        return self.round.campaign.state == Campaign.State.PUBLISHED

    def calls_next_at(self, moment: datetime) -> bool:
        """Whether it is time to call people from the waiting room, or more of them."""
        if self.lot.held_until is not None:
            return moment >= self.lot.held_until
        if self.lot.called is not None or self.lot.laid_out is None:
            return False
        return self.waiting > self.enough_for(self.lot.laid_out)

    def enough_for(self, vouchers: int) -> int:
        """How many people are sure to get one, whatever each of them may take."""
        terms = self.terms
        most = [
            self.lot.tier.per_person,
            terms.most_a_day,
            terms.most_a_week,
            terms.most_a_round,
            terms.most_in_all,
        ]
        return max(1, vouchers // min(n for n in most if n))


def lot_facts(lot_id: int) -> LotFacts | None:
    """Some questions; None where there is no such lot, or its rules are a draft."""
    lot = (
        Lot.objects.select_related("tier", "round__campaign").filter(pk=lot_id).first()
    )
    if lot is None:
        return None
    round_ = lot.round
    terms = round_.campaign.terms.published().order_by("-version").first()
    if terms is None:
        return None
    accounts: dict[tuple[str, int | None], int] = {
        (kind, tier_id): pk
        for pk, kind, tier_id in Account.objects.filter(
            campaign_id=round_.campaign_id,
            kind__in=[Account.Kind.POOL, Account.Kind.LIVE],
        ).values_list("pk", "kind", "tier")
    }
    return LotFacts(
        lot=lot,
        round=round_,
        terms=terms,
        lots_of_round=sorted(round_.lots.values_list("pk", flat=True)),
        pool_account=accounts.get((Account.Kind.POOL, None), 0),
        live_account=accounts.get((Account.Kind.LIVE, lot.tier_id), 0),
        claims_from=round_.claims_from,
        claims_until=round_.claims_until,
        waiting=_waiting(lot),
    )


def _waiting(lot: Lot) -> int:
    if lot.called is not None or not lot.round.spread_seconds:
        return 0  # who has no turn is not called either
    return QueueTicket.objects.filter(round=lot.round_id).count()


_kept: dict[int, tuple[float, LotFacts | None]] = {}


def remembered_lot(lot_id: int) -> LotFacts | None:
    """`lot_facts` of at most a second ago."""
    now = monotonic()
    found = _kept.get(lot_id)
    if found is None or now - found[0] >= KEPT_SECONDS:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[lot_id] = now, lot_facts(lot_id)
    return found[1]


def forget_lots() -> None:
    """What is remembered is looked up anew."""
    _kept.clear()
