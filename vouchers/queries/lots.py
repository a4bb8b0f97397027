"""What has to be known of a lot before somebody claims from it.

None of it changes while people claim, or what changes is looked at again inside of the
claim itself. So each process asks once a second, however many people come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from vouchers.models import Account, Campaign, Lot, Round, Terms

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

    @property
    def is_published(self) -> bool:
        return self.round.campaign.state == Campaign.State.PUBLISHED


def lot_facts(lot_id: int) -> LotFacts | None:
    """Four questions; None where there is no such lot, or its rules are a draft."""
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
    )


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
