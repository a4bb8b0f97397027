"""The rules of a campaign: written while it is a draft, then frozen in versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.fields import DAY
from bureau.regions.models import District
from vouchers.actions.checking import (
    locked,
    refuse_contradictions,
    refuse_stale,
)
from vouchers.errors.campaigns import (
    BadIdPrefix,
    HoursPastMidnight,
    NotADraft,
    NothingChanged,
    NotPublished,
    ReasonNeeded,
    RulesBackwards,
    RulesChangedMeanwhile,
    RulesEndNever,
)
from vouchers.models import Campaign, Terms
from vouchers.queries.rules import RULE_FIELDS, rules_of

State = Campaign.State


@transaction.atomic
def set_terms(
    *,
    campaign: Campaign,
    terms: Terms,
    districts: Sequence[District] = (),
    seen: str | None = None,
    by: User,
    at: datetime | None = None,
) -> Terms:
    """Write the rules of a draft. `terms` is an unsaved row that holds them.

    `seen` is the mark of the rules that were on the page (`plan_mark`). Raises
    `NotADraft`, `CampaignOver`, `PlanChangedMeanwhile`, `BadIdPrefix`,
    `RulesBackwards`, `HoursPastMidnight`.
    """
    at = at or clock.now()
    campaign = locked(campaign)
    if campaign.state != State.DRAFT:
        raise NotADraft
    refuse_stale(campaign, seen=seen, parts=["rules"])
    _check_rules(terms)
    mine = campaign.terms.get(version=1)
    before = rules_of(mine)
    for name in RULE_FIELDS:
        setattr(mine, name, getattr(terms, name))
    mine.save()
    mine.districts.set(districts)
    after = rules_of(mine)
    if after != before:
        record(
            "vouchers.campaign.rules_set",
            subject=campaign,
            by=by,
            at=at,
            detail=_differing(before, after),
        )
    return mine


@transaction.atomic
def change_terms(
    *,
    campaign: Campaign,
    terms: Terms,
    districts: Sequence[District] = (),
    reason: str,
    since: int | None = None,
    confirmed: Collection[str] = (),
    by: User,
    at: datetime | None = None,
) -> Terms:
    """Publish other rules for what is claimed from now on; vouchers keep their own.

    `since` is the version that was looked at when it was decided. Raises
    `NotPublished`, `CampaignOver`, `ReasonNeeded`, `NothingChanged`,
    `RulesChangedMeanwhile`, `BadIdPrefix`, `RulesBackwards`, `RulesEndNever`,
    `CampaignContradicts`, `WarningsUnread`.
    """
    at = at or clock.now()
    campaign = locked(campaign)
    if campaign.state == State.DRAFT:
        raise NotPublished
    reason = " ".join(reason.split())
    if not reason:
        raise ReasonNeeded
    _check_rules(terms)
    if not (terms.valid_until or terms.valid_hours or terms.valid_days):
        raise RulesEndNever
    current = campaign.terms.published().newest()
    if since is not None and since != current.version:
        raise RulesChangedMeanwhile
    newest = campaign.terms.aggregate(n=Max("version"))["n"]
    made = Terms(campaign=campaign, version=newest + 1, reason=reason)
    for name in RULE_FIELDS:
        setattr(made, name, getattr(terms, name))
    made.save(force_insert=True)
    made.districts.set(districts)
    before, after = rules_of(current), rules_of(made)
    if before == after:
        raise NothingChanged
    refuse_contradictions(campaign, terms=made, confirmed=confirmed, at=at)
    freeze(made, by=by, at=at)
    record(
        "vouchers.campaign.rules_changed",
        subject=campaign,
        by=by,
        at=at,
        detail={
            "version": made.version,
            "reason": reason,
            **_differing(before, after),
        },
    )
    return made


def _check_rules(terms: Terms) -> None:
    for prefix in terms.id_prefixes:
        if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 4):
            raise BadIdPrefix(text=prefix[:20])
    if terms.redeems_until > DAY:
        raise HoursPastMidnight
    least, most = terms.least_age, terms.most_age
    if terms.redeems_from >= terms.redeems_until or (
        least is not None and most is not None and least > most
    ):
        raise RulesBackwards


def freeze(terms: Terms, *, by: User, at: datetime) -> None:
    """From here on a trigger refuses every change of this version."""
    terms.published_at, terms.published_by = at, by
    terms.save(update_fields=["published_at", "published_by"])


def _differing(
    before: Mapping[str, object], after: Mapping[str, object]
) -> dict[str, object]:
    return {
        name: [before[name], after[name]]
        for name in after
        if before[name] != after[name]
    }
