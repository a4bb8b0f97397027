"""What every change of a campaign begins with, and the check list at its end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from bureau.common.words import listed
from vouchers.errors.campaigns import (
    CampaignContradicts,
    CampaignOver,
    PlanChangedMeanwhile,
    RulesChangedMeanwhile,
    WarningsUnread,
)
from vouchers.models import Campaign, Terms
from vouchers.queries.contradictions import contradictions_of
from vouchers.queries.plan_marks import OF_THE_PLAN, changed_since, plan_mark


def locked(campaign: Campaign) -> Campaign:
    """The campaign as it is, and nobody else changes it; claims go on meanwhile.

    Only the row's key stays free: vouchers refer to it.
    """
    row = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if row.state == Campaign.State.CLOSED:
        raise CampaignOver
    return row


def refuse_contradictions(
    campaign: Campaign,
    *,
    terms: Terms | None = None,
    confirmed: Collection[str] | None = None,
    at: datetime,
) -> None:
    """Raise what blocks; with `confirmed`, also the warnings that are not in it."""
    found = contradictions_of(campaign, terms=terms, at=at)
    if blocking := [one for one in found if one.blocks]:
        raise CampaignContradicts(sentences=" ".join(one.sentence for one in blocking))
    if confirmed is None:
        return
    if unread := [one for one in found if one.key not in confirmed]:
        raise WarningsUnread(sentences=" ".join(one.sentence for one in unread))


def refuse_changed(campaign: Campaign, *, seen: str | None) -> None:
    """Raise `RulesChangedMeanwhile` where the plan is not that of the mark `seen`."""
    if seen is not None and seen != plan_mark(campaign):
        raise RulesChangedMeanwhile


def refuse_stale(
    campaign: Campaign, *, seen: str | None, parts: Collection[str] = OF_THE_PLAN
) -> None:
    """Raise `PlanChangedMeanwhile` where these parts are not those of the mark `seen`.

    Behind the lock of the campaign, inside the transaction that saves: who is second
    must not write over what they have never seen.
    """
    campaign = locked(campaign)
    if seen is not None and (what := changed_since(campaign, seen, parts)):
        raise PlanChangedMeanwhile(what=listed(what))
