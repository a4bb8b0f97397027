"""What a page that stays open asks for again and again: stock, and who is there.

It is the same for everybody, so each process asks the database once a second, however
many people look. A number may be a second old; a claim never rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from django.db.models import Count, Sum

from vouchers.models import Campaign, Lot, QueueTicket
from vouchers.queries.offers import Phase, RoundNow, offer_of, with_rounds

KEPT = timedelta(seconds=1)


@dataclass(frozen=True)
class LiveLot:
    """How many of a tier can still be had in a round."""

    id: int
    left: int
    laid_out: int
    """What was on offer; the plan as long as nothing is."""
    sold_out_at: datetime | None
    called_until: datetime | None = None
    """Whose turn is later has to wait, since these are kept for others."""
    held_until: datetime | None = None

    def is_kept_from(self, turn_at: datetime) -> bool:
        return self.called_until is not None and turn_at > self.called_until

    @property
    def percent_gone(self) -> int:
        gone = self.laid_out - self.left
        return 100 * gone // self.laid_out if self.laid_out else 100


@dataclass(frozen=True)
class LiveRound:
    id: int
    phase: Phase
    changes_at: datetime | None
    present: int
    """How many have come to the waiting room; only while there is one."""
    lots: dict[int, LiveLot]


Rounds = dict[int, LiveRound]
_kept: dict[str | int, tuple[datetime, Rounds]] = {}
_MOST_KEPT = 1000
_lock = Lock()


def live_campaign(slug: str, *, at: datetime) -> Rounds | None:
    """All rounds of a campaign by id; None where there is no public one."""
    return _remembered(slug, at)


def live_round(round_id: int, *, at: datetime) -> LiveRound | None:
    """One round; None where there is no public one."""
    return (_remembered(round_id, at) or {}).get(round_id)


def forget() -> None:
    """What a test does that looks twice within a second."""
    _kept.clear()


def _remembered(key: str | int, at: datetime) -> Rounds | None:
    found = _kept.get(key)
    if found and abs(at - found[0]) < KEPT:
        return found[1]
    # One thread asks; the others take what is there, or wait where nothing is.
    if not _lock.acquire(blocking=found is None):
        return found[1] if found else None
    try:
        found = _kept.get(key)
        if found and abs(at - found[0]) < KEPT:
            return found[1]
        rounds = _ask(key, at)
        if rounds is None:
            return None
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = at, rounds
        return rounds
    finally:
        _lock.release()


def _ask(key: str | int, at: datetime) -> Rounds | None:
    public = with_rounds(Campaign.objects.public())
    named = (
        public.filter(slug=key) if isinstance(key, str) else public.filter(rounds=key)
    )
    campaign = named.first()
    if campaign is None:
        return None
    rounds = offer_of(campaign, at=at).rounds
    if not isinstance(key, str):
        rounds = [one for one in rounds if one.round.pk == key]
    stock = _stock_of(rounds)
    present = _present_in(rounds)
    return {
        one.round.pk: LiveRound(
            id=one.round.pk,
            phase=one.phase,
            changes_at=one.changes_at,
            present=present.get(one.round.pk, 0),
            lots={row.pk: _lot(row, stock) for row in one.lots},
        )
        for one in rounds
    }


def _lot(row: Lot, stock: dict[int, int]) -> LiveLot:
    laid_out = row.amount if row.laid_out is None else row.laid_out
    left = laid_out if row.laid_out is None else stock.get(row.pk, 0)
    return LiveLot(
        id=row.pk,
        left=left,
        laid_out=laid_out,
        sold_out_at=row.sold_out_at,
        called_until=row.called_until,
        held_until=row.held_until,
    )


def _stock_of(rounds: list[RoundNow]) -> dict[int, int]:
    asked = [one.round for one in rounds]
    rows = Lot.objects.filter(round__in=asked, laid_out__isnull=False)
    left = Sum("shards__remaining", default=0)
    return dict(rows.annotate(left=left).values_list("pk", "left"))


def _present_in(rounds: list[RoundNow]) -> dict[int, int]:
    rush = {Phase.GATHERING, Phase.OPEN, Phase.SOLD_OUT}
    asked = [one.round for one in rounds if one.phase in rush]
    if not asked:
        return {}
    rows = QueueTicket.objects.filter(round__in=asked).order_by().values("round")
    return dict(rows.annotate(n=Count("pk")).values_list("round", "n"))
