"""The tiers of a campaign: what a voucher is worth, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.money import yuan
from vouchers.actions import ledger
from vouchers.actions.checking import locked, refuse_contradictions
from vouchers.errors.campaigns import (
    PromisesTooMuch,
    PublishedTierStays,
    ThresholdBelowFace,
    TierGivesNothing,
    TierShrinks,
    TierTwice,
    UnknownTier,
)
from vouchers.models import Campaign, Tier

State = Campaign.State


@dataclass(frozen=True)
class TierPlan:
    """A tier as staff want it. With `tier_id` it is one that is there already."""

    face_fen: int
    threshold_fen: int
    count: int
    per_person: int = 1
    sports: Sequence[str] = ()
    name: str = ""
    tier_id: int | None = None

    def __str__(self) -> str:
        return f"{yuan(self.face_fen)}/{yuan(self.threshold_fen)}"

    @classmethod
    def of(cls, tier: Tier) -> TierPlan:
        """A tier as it stands."""
        return cls(
            face_fen=tier.face_fen,
            threshold_fen=tier.threshold_fen,
            count=tier.count,
            per_person=tier.per_person,
            sports=tier.sports,
            name=tier.name,
            tier_id=tier.pk,
        )


@transaction.atomic
def set_tiers(
    *,
    campaign: Campaign,
    tiers: Sequence[TierPlan],
    by: User,
    at: datetime | None = None,
) -> list[Tier]:
    """Make these the tiers of a campaign; a draft loses those that are not named.

    Of a published campaign the tiers stay: they may get more vouchers, or fewer as long
    as nobody was promised them, and others may be added. A plan without `tier_id` is
    the tier with the same value, bill and sports, if there is one.

    Raises `CampaignOver`, `TierGivesNothing`, `ThresholdBelowFace`, `TierTwice`,
    `UnknownTier`, `PromisesTooMuch`, and after publishing `PublishedTierStays`,
    `TierShrinks` and `CampaignContradicts`.
    """
    at = at or clock.now()
    campaign = locked(campaign)
    _check_tiers(tiers)
    rows = locked_tiers(campaign)
    kept = _matched(tiers, rows)
    before = {row.pk: _tier_says(row) for row in rows}
    _drop(campaign, [row for row in rows if row.pk not in kept.values()])
    _promise(campaign, sum(plan.face_fen * plan.count for plan in tiers))
    by_id = {row.pk: row for row in rows}
    made: list[Tier] = []
    for n, plan in enumerate(tiers):
        row = by_id[kept[n]] if n in kept else Tier(campaign=campaign)
        if campaign.state != State.DRAFT and row.pk:
            _refuse_shrinking(row, plan)
        made.append(_written(row, plan))
    if campaign.state != State.DRAFT:
        ledger.open_accounts(campaign, made)
        refuse_contradictions(campaign, at=at)
    after = {row.pk: _tier_says(row) for row in made}
    if after != before:
        record(
            "vouchers.campaign.tiers_set",
            subject=campaign,
            by=by,
            at=at,
            detail={"before": list(before.values()), "after": list(after.values())},
        )
    return made


def _drop(campaign: Campaign, rows: Sequence[Tier]) -> None:
    for row in rows:
        if campaign.state != State.DRAFT:
            raise PublishedTierStays(tier=str(row))
        row.lots.all().delete()
        row.delete()


def _written(row: Tier, plan: TierPlan) -> Tier:
    for name in _TIER_FIELDS:
        setattr(row, name, getattr(plan, name))
    row.sports = sorted(set(plan.sports))
    with constraint_errors(
        vouchers_tier_once_in_campaign=TierTwice,
        vouchers_tier_releases_no_more_than_it_has=TierShrinks,
    ):
        if row.pk:
            row.save(update_fields=list(_TIER_FIELDS))
        else:
            row.save(force_insert=True)
    return row


_TIER_FIELDS = ("name", "face_fen", "threshold_fen", "count", "per_person", "sports")


def _tier_says(row: Tier) -> dict[str, object]:
    return {name: getattr(row, name) for name in _TIER_FIELDS}


def _check_tiers(tiers: Sequence[TierPlan]) -> None:
    seen = set()
    for plan in tiers:
        if min(plan.face_fen, plan.count, plan.per_person) <= 0:
            raise TierGivesNothing(tier=str(plan))
        if plan.threshold_fen < plan.face_fen:
            raise ThresholdBelowFace(tier=str(plan))
        if _same(plan) in seen:
            raise TierTwice(tier=str(plan))
        seen.add(_same(plan))


def _same(tier: TierPlan | Tier) -> tuple[int, int, tuple[str, ...]]:
    return tier.face_fen, tier.threshold_fen, tuple(sorted(set(tier.sports)))


def locked_tiers(campaign: Campaign) -> list[Tier]:
    rows = campaign.tiers.select_for_update(no_key=True).order_by("pk")
    return list(rows)


def _matched(tiers: Sequence[TierPlan], rows: Sequence[Tier]) -> dict[int, int]:
    """From the place of a plan to the id of the tier that it is about."""
    there = {row.pk for row in rows}
    alike = {_same(row): row.pk for row in rows}
    kept: dict[int, int] = {}
    for n, plan in enumerate(tiers):
        if plan.tier_id is not None and plan.tier_id not in there:
            raise UnknownTier(tier=str(plan))
        found = plan.tier_id or alike.get(_same(plan))
        if found is not None:
            if found in kept.values():
                raise TierTwice(tier=str(plan))
            kept[n] = found
    return kept


def _promise(campaign: Campaign, promised_fen: int) -> None:
    """Note what the tiers promise; more than there is is refused in words."""
    campaign.promised_fen = promised_fen
    if promised_fen > campaign.appropriated_fen:
        raise PromisesTooMuch(
            promised=_grouped_yuan(promised_fen),
            appropriated=_grouped_yuan(campaign.appropriated_fen),
        )
    campaign.save(update_fields=["promised_fen"])


def _grouped_yuan(fen: int) -> str:
    """120000000 -> "1,200,000": large sums are compared at a glance."""
    return f"{fen / 100:,.2f}".removesuffix(".00")


def _refuse_shrinking(row: Tier, plan: TierPlan) -> None:
    if _same(plan) != _same(row) or plan.per_person < row.per_person:
        raise PublishedTierStays(tier=str(row))
    announced = row.lots.filter(round__laid_out_at=None).aggregate(n=Sum("amount"))
    least = row.released + (announced["n"] or 0)
    if plan.count < min(row.count, least):
        raise TierShrinks(tier=str(row), least=least)
