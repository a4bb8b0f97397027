"""Whether a campaign still is what somebody has read."""

from __future__ import annotations

import json
from hashlib import sha256

from vouchers.models import Campaign, Lot
from vouchers.queries.rules import rules_of

_TEXTS = ("name", "name_en", "summary", "summary_en")
_TIER = ("pk", "name", "face_fen", "threshold_fen", "count", "per_person", "sports")
_ROUND = (
    "number",
    "way",
    "opens_at",
    "closes_at",
    "draws_at",
    "rush_opens_at",
    "rush_closes_at",
    "lobby_minutes",
    "spread_seconds",
)


def plan_mark(campaign: Campaign) -> str:
    """Short for all that is published with a campaign: another plan, another mark."""
    lots = Lot.objects.filter(round__campaign=campaign).order_by("pk")
    plan = [
        [getattr(campaign, name) for name in _TEXTS],
        rules_of(campaign.terms.newest()),
        list(campaign.tiers.order_by("pk").values_list(*_TIER)),
        list(campaign.rounds.order_by("number").values_list(*_ROUND)),
        list(lots.values_list("round__number", "tier", "amount")),
        list(campaign.district_caps.order_by("pk").values_list("district", "cap_fen")),
    ]
    return sha256(json.dumps(plan, default=str).encode()).hexdigest()[:32]
