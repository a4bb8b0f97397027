"""What is given: tiers, and what the rounds give away of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext as _

from vouchers.models import Terms, Tier
from vouchers.queries.contradictions.plan import (
    Contradiction,
    Found,
    Plan,
    grouped,
    warning,
)

LEAST_LEVERAGE = 1.5
"""Bill by subsidy; below it a voucher is a gift more than an incentive. Henan's tiers
begin at 3.0, Jinan's at 3.3 (docs/vouchers/rules.md)."""


def about_tiers(plan: Plan) -> Found:
    if not plan.tiers:
        yield Contradiction("no_tier", _("There is no tier: nothing to give away."))
        return
    spare = plan.campaign.appropriated_fen - plan.campaign.promised_fen
    if spare > 0:
        yield warning(
            "money_unpromised",
            _("%(yuan)s of the appropriated yuan are promised by no tier.")
            % {"yuan": grouped(spare)},
            spare,
        )
    for tier in plan.tiers:
        leverage = tier.threshold_fen / tier.face_fen
        if leverage < LEAST_LEVERAGE:
            yield warning(
                "leverage_low",
                _(
                    "Tier %(tier)s: a bill of %(times)s times the voucher is enough, so"
                    " it may set off no spending of its own."
                )
                % {"tier": tier, "times": f"{leverage:.2g}"},
                tier.pk,
            )


def about_stock(plan: Plan) -> Found:
    if not plan.rounds:
        yield Contradiction("no_round", _("There is no round in which to claim."))
    of_tier: dict[int, list[int]] = defaultdict(list)
    for row in plan.rounds:
        lots = [lot for lot in row.lots.all() if lot.amount]
        if not lots:
            yield Contradiction(
                "round_without_vouchers",
                _("Round %(number)s gives nothing away.") % {"number": row.number},
                about=str(row.number),
            )
        for lot in lots:
            of_tier[lot.tier_id].append(lot.amount)
    for tier in plan.tiers:
        yield from _about_amounts(tier, of_tier[tier.pk], plan.terms)


def _about_amounts(tier: Tier, amounts: Sequence[int], rules: Terms) -> Found:
    """What the rounds give away of a tier, beside what it has."""
    said = {"tier": tier, "count": tier.count, "sum": sum(amounts)}
    feeds = rules.recycles or rules.leftover == Terms.Leftover.NEXT_ROUND
    if not amounts:
        yield warning(
            "tier_in_no_round",
            _("Tier %(tier)s is given away in no round yet.") % said,
            tier.pk,
        )
    elif sum(amounts) > tier.count and (max(amounts) > tier.count or not feeds):
        yield Contradiction(
            "rounds_exceed_tier",
            _("Tier %(tier)s: rounds give away %(sum)s; there are %(count)s.") % said,
            about=str(tier.pk),
        )
    elif sum(amounts) > tier.count:
        yield warning(
            "rounds_rely_on_leftovers",
            _(
                "Tier %(tier)s: rounds give away %(sum)s, and there are %(count)s: the"
                " later ones live on what is left over or expires."
            )
            % said,
            tier.pk,
        )
    elif sum(amounts) < tier.count:
        yield warning(
            "tier_exceeds_rounds",
            _(
                "Tier %(tier)s: rounds give away %(sum)s of %(count)s; nobody can claim"
                " the others yet."
            )
            % said,
            f"{tier.pk}-{sum(amounts)}",
        )
