"""The rounds of a campaign: when vouchers are given away, how many, and in what way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.draws.actions import BeaconName
from vouchers.actions.checking import locked, refuse_contradictions
from vouchers.actions.round_draws import announce_round_draw
from vouchers.actions.tiers import locked_tiers
from vouchers.errors.campaigns import (
    PublishedRoundStays,
    RoundBackwards,
    RoundDrawBackwards,
    RoundLobbyTooLong,
    RoundRestBackwards,
    RoundTooLate,
    RoundTwice,
    UnknownTier,
)
from vouchers.models import Campaign, Lot, Round, Tier

State = Campaign.State
Way = Round.Way


_ROUND_FIELDS = (
    "way",
    "opens_at",
    "closes_at",
    "draws_at",
    "rush_opens_at",
    "rush_closes_at",
    "lobby_minutes",
    "spread_seconds",
)


@dataclass(frozen=True)
class RoundPlan:
    """A round as staff want it; `lots` says how many vouchers of which tier."""

    number: int
    opens_at: datetime
    closes_at: datetime
    way: str = Way.RUSH
    draws_at: datetime | None = None
    rush_opens_at: datetime | None = None
    rush_closes_at: datetime | None = None
    lobby_minutes: int = 15
    spread_seconds: int = 30
    lots: Mapping[int, int] = field(default_factory=dict)
    """By the id of the tier."""

    @classmethod
    def of(cls, row: Round) -> RoundPlan:
        """A round as it stands."""
        return cls(
            number=row.number,
            **{name: getattr(row, name) for name in _ROUND_FIELDS},
            lots={lot.tier_id: lot.amount for lot in row.lots.all()},
        )

    def with_lots(self, lots: Mapping[int, int]) -> RoundPlan:
        return replace(self, lots=lots)


@transaction.atomic
def set_rounds(
    *,
    campaign: Campaign,
    rounds: Sequence[RoundPlan],
    beacons: Mapping[int, Sequence[BeaconName]] | None = None,
    by: User,
    at: datetime | None = None,
) -> list[Round]:
    """Make these the rounds of a campaign; a draft loses those that are not named.

    Of a published campaign what was announced stays, but a rush may get more vouchers
    until they are laid out, and other rounds may be added: their draws are announced at
    once, with `beacons` by the number of the round (none: drand).

    Raises `CampaignOver`, `RoundTwice`, `RoundBackwards`, `RoundDrawBackwards`,
    `RoundRestBackwards`, `RoundLobbyTooLong`, `UnknownTier`, and after publishing
    `PublishedRoundStays`, `RoundTooLate`, `CampaignContradicts` and what
    `draws.announce_draw` raises.
    """
    at = at or clock.now()
    campaign = locked(campaign)
    _check_rounds(rounds)
    is_draft = campaign.state == State.DRAFT
    rows = {
        row.number: row
        for row in campaign.rounds.select_for_update(no_key=True).order_by("number")
    }
    _refuse_unknown_tiers(rounds, locked_tiers(campaign))
    before = _rounds_say(campaign)
    wanted = {plan.number for plan in rounds}
    _drop([row for row in rows.values() if row.number not in wanted], is_draft=is_draft)
    made, added = [], []
    for plan in sorted(rounds, key=lambda one: one.number):
        row = rows.get(plan.number)
        if row is None:
            row = Round(campaign=campaign, number=plan.number)
            added.append(row)
        if not is_draft:
            _refuse_breach(row, plan, at=at)
        for name in _ROUND_FIELDS:
            setattr(row, name, getattr(plan, name))
        row.save()
        _set_lots(row, plan)
        made.append(row)
    if not is_draft:
        refuse_contradictions(campaign, at=at)
        announce_draws(added, beacons or {}, by=by, at=at)
    after = _rounds_say(campaign)
    if after != before:
        record(
            "vouchers.campaign.rounds_set",
            subject=campaign,
            by=by,
            at=at,
            detail={"before": before, "after": after},
        )
    return made


def _check_rounds(rounds: Sequence[RoundPlan]) -> None:
    seen = set()
    for plan in rounds:
        number = plan.number
        if number in seen:
            raise RoundTwice(number=number)
        seen.add(number)
        if plan.closes_at <= plan.opens_at:
            raise RoundBackwards(number=number)
        if plan.way == Way.RUSH:
            draws_in_time = plan.draws_at is None
        else:
            draws_in_time = plan.draws_at is not None and (
                plan.closes_at < plan.draws_at
            )
        if not draws_in_time:
            raise RoundDrawBackwards(number=number)
        _check_rest(plan)
        if plan.lobby_minutes > 240 or plan.spread_seconds > 600:
            raise RoundLobbyTooLong(number=number)


def _check_rest(plan: RoundPlan) -> None:
    opens, closes = plan.rush_opens_at, plan.rush_closes_at
    if plan.way != Way.HYBRID:
        fits = opens is None and closes is None
    else:
        fits = (
            opens is not None
            and closes is not None
            and plan.draws_at is not None
            and plan.draws_at < opens < closes
        )
    if not fits:
        raise RoundRestBackwards(number=plan.number)


def _refuse_unknown_tiers(rounds: Sequence[RoundPlan], tiers: Sequence[Tier]) -> None:
    there = {row.pk for row in tiers}
    for plan in rounds:
        if unknown := set(plan.lots) - there:
            raise UnknownTier(tier=min(unknown))


def _drop(rows: Sequence[Round], *, is_draft: bool) -> None:
    for row in rows:
        if not is_draft:
            raise PublishedRoundStays(number=row.number)
        row.lots.all().delete()
        row.delete()


def _refuse_breach(row: Round, plan: RoundPlan, *, at: datetime) -> None:
    """After publishing: a round stays as announced, only a rush may get more vouchers.

    One that is added lies ahead.
    """
    if not row.pk:
        if plan.opens_at <= at:
            raise RoundTooLate(number=plan.number)
        return
    if any(getattr(row, name) != getattr(plan, name) for name in _ROUND_FIELDS):
        raise PublishedRoundStays(number=row.number)
    lots = dict(row.lots.values_list("tier_id", "amount"))
    wanted = {tier: amount for tier, amount in plan.lots.items() if amount}
    may_grow = row.way == Way.RUSH and row.laid_out_at is None
    grows = all(wanted.get(tier, 0) >= amount for tier, amount in lots.items())
    if wanted != lots and not (may_grow and grows):
        raise PublishedRoundStays(number=row.number)


def _set_lots(row: Round, plan: RoundPlan) -> None:
    wanted = {tier: amount for tier, amount in plan.lots.items() if amount}
    row.lots.exclude(tier__in=wanted).delete()
    there = {lot.tier_id: lot for lot in row.lots.all()}
    for tier_id, amount in wanted.items():
        lot = there.get(tier_id)
        if lot is None:
            Lot.objects.create(round=row, tier_id=tier_id, amount=amount)
        elif lot.amount != amount:
            lot.amount = amount
            lot.save(update_fields=["amount"])


def _rounds_say(campaign: Campaign) -> list[dict[str, object]]:
    rows = campaign.rounds.prefetch_related("lots").order_by("number")
    return [
        {
            "number": row.number,
            **{name: getattr(row, name) for name in _ROUND_FIELDS},
            "lots": {str(lot.tier_id): lot.amount for lot in row.lots.all()},
        }
        for row in rows
    ]


def announce_draws(
    rounds: Sequence[Round],
    beacons: Mapping[int, Sequence[BeaconName]],
    *,
    by: User,
    at: datetime,
) -> None:
    for row in rounds:
        if row.way != Way.RUSH:
            announce_round_draw(
                round=row, beacons=beacons.get(row.number, ()), by=by, at=at
            )
