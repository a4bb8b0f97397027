"""Whether a campaign still is what somebody has read, and who made it otherwise."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext_lazy as _

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.seen import mark_of
from vouchers.models import Campaign, Lot
from vouchers.queries.rules import rules_of

# Parts of a plan: what they are called, and what is noted when one changes.
PARTS = {
    "texts": (_("name"), "vouchers.campaign.described"),
    "tiers": (_("Tiers"), "vouchers.campaign.tiers_set"),
    "rounds": (_("Rounds"), "vouchers.campaign.rounds_set"),
    "caps": (_("Caps of districts"), "vouchers.campaign.caps_set"),
    "rules": (_("Rules"), "vouchers.campaign.rules_set"),
}
OF_THE_PLAN = ("texts", "tiers", "rounds", "caps")
OF_A_FILE = ("tiers", "rounds")
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


def _part(campaign: Campaign, name: str) -> Any:
    if name == "texts":
        row = Campaign.objects.get(pk=campaign.pk)  # a form may have written into it
        return [getattr(row, text) for text in _TEXTS]
    if name == "tiers":
        return list(campaign.tiers.order_by("pk").values_list(*_TIER))
    if name == "rounds":
        lots = Lot.objects.filter(round__campaign=campaign).order_by("pk")
        return [
            list(campaign.rounds.order_by("number").values_list(*_ROUND)),
            list(lots.values_list("round__number", "tier", "amount")),
        ]
    if name == "caps":
        caps = campaign.district_caps.order_by("pk")
        return list(caps.values_list("district", "cap_fen"))
    return rules_of(campaign.terms.newest())


def part_marks(campaign: Campaign, parts: Collection[str]) -> dict[str, str]:
    """Short for each of these parts: another content, another mark."""
    return {name: mark_of(_part(campaign, name)) for name in parts}


def plan_mark(campaign: Campaign, parts: Collection[str] = tuple(PARTS)) -> str:
    """Short for all that is published with a campaign, or for some of its parts.

    It tells the parts apart, so that `changed_since` can name them.
    """
    marks = part_marks(campaign, parts)
    return ",".join(f"{name}:{mark}" for name, mark in marks.items())


def changed_since(campaign: Campaign, seen: str, parts: Collection[str]) -> list[str]:
    """Which parts are not those of the mark `seen`, in words, with who changed them."""
    read = dict(pair.split(":", 1) for pair in seen.split(",") if ":" in pair)
    now = part_marks(campaign, parts)
    return [_told(campaign, name) for name in parts if read.get(name) != now[name]]


def _told(campaign: Campaign, part: str) -> str:
    words, event = PARTS[part]
    last = (
        Entry.objects.filter(
            event=event,
            subject_type=campaign._meta.label_lower,
            subject_id=campaign.pk,
        )
        .order_by("-pk")
        .first()
    )
    if last is None:
        return str(words)
    return f"{words} ({last.actor_name} {clock.at_text(last.occurred_at)})"
