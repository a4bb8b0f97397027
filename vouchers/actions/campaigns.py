"""How staff make a campaign: drafted, funded, checked, published, and then frozen.

Nothing that people rely on shrinks once it is published: rules change by a new version
for later claims, tiers and rounds are only added to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.draws.actions import BeaconName
from vouchers.actions import ledger
from vouchers.actions.caps import count_district_caps, hold_counters
from vouchers.actions.checking import (
    locked,
    refuse_changed,
    refuse_contradictions,
)
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.actions.rounds import announce_draws
from vouchers.actions.terms import freeze
from vouchers.errors.campaigns import (
    AppropriationEmpty,
    AppropriationTwice,
    CapShrinks,
    NotADraft,
    SlugNotFit,
    SlugTaken,
)
from vouchers.errors.merchants import CapBelowRedeemed
from vouchers.models import Appropriation, Campaign, DistrictCap, Terms

State = Campaign.State
_SLUG = re.compile(r"[a-z0-9](?:-?[a-z0-9]){1,39}", re.ASCII)
_NO_CAMPAIGNS = {"claim", "mine", "rounds"}  # other pages have these addresses


@dataclass(frozen=True)
class Texts:
    """What a campaign is called, and what it is, in both languages."""

    name: str
    name_en: str = ""
    summary: str = ""
    summary_en: str = ""


@transaction.atomic
@constraint_errors(vouchers_campaign_slug_key=SlugTaken)
def draft_campaign(
    *, slug: str, texts: Texts, by: User, at: datetime | None = None
) -> Campaign:
    """Begin a campaign whose rules are to come. Raises `SlugTaken`, `SlugNotFit`."""
    at = at or clock.now()
    if not _SLUG.fullmatch(slug) or slug in _NO_CAMPAIGNS:
        raise SlugNotFit(slug=slug[:40])
    campaign = Campaign.objects.create(slug=slug, created_at=at, **vars(texts))
    Terms.objects.create(campaign=campaign, version=1)
    ledger.open_accounts(campaign)
    record("vouchers.campaign.drafted", subject=campaign, by=by, at=at)
    return campaign


@transaction.atomic
def describe_campaign(
    *, campaign: Campaign, texts: Texts, by: User, at: datetime | None = None
) -> Campaign:
    """Call it otherwise; words may be mended at any time. Raises `CampaignOver`."""
    at = at or clock.now()
    campaign = locked(campaign)
    before = {name: getattr(campaign, name) for name in vars(texts)}
    changed = {k: v for k, v in vars(texts).items() if before[k] != v}
    if changed:
        for name, words in changed.items():
            setattr(campaign, name, words)
        campaign.save(update_fields=list(changed))
        detail = {name: [before[name], words] for name, words in changed.items()}
        record(
            "vouchers.campaign.described",
            subject=campaign,
            by=by,
            at=at,
            detail=detail,
        )
    return campaign


@transaction.atomic
def enter_appropriation(
    *,
    campaign: Campaign,
    document: str,
    amount_fen: int,
    by: User,
    at: datetime | None = None,
) -> Appropriation:
    """Put money of the finance office into the pool, also when it is published.

    A document is entered once; what was entered is never changed. Raises
    `CampaignOver`, `AppropriationEmpty`, `AppropriationTwice`.
    """
    at = at or clock.now()
    campaign = locked(campaign)
    document = " ".join(document.split())
    if not document or amount_fen <= 0:
        raise AppropriationEmpty
    if campaign.appropriations.filter(document__iexact=document).exists():
        raise AppropriationTwice(document=document)
    money = Appropriation.objects.create(
        campaign=campaign,
        document=document,
        amount_fen=amount_fen,
        entered_by=by,
        entered_at=at,
    )
    campaign.appropriated_fen += amount_fen
    campaign.save(update_fields=["appropriated_fen"])
    ledger.open_accounts(campaign)
    ledger.move(
        Move.APPROPRIATE,
        debit=ledger.account(campaign, Kind.TREASURY),
        credit=ledger.account(campaign, Kind.POOL),
        amount_fen=amount_fen,
        cause=Cause(appropriation=money),
        by=by,
        at=at,
    )
    record(
        "vouchers.campaign.appropriated",
        subject=campaign,
        by=by,
        at=at,
        detail={"document": document, "amount_fen": amount_fen},
    )
    return money


@transaction.atomic
def set_district_caps(
    *,
    campaign: Campaign,
    caps: Mapping[int, int],
    by: User,
    at: datetime | None = None,
) -> None:
    """How much subsidy the shops of a district may redeem, by its id, in fen.

    Districts that are not named have no cap. After publishing a cap can be raised or
    lifted, and a new one counts what was redeemed before. Raises `CampaignOver`,
    `CapShrinks` and `CapBelowRedeemed`.
    """
    at = at or clock.now()
    campaign = locked(campaign)
    hold_counters(campaign)
    rows = campaign.district_caps.select_for_update(no_key=True, of=("self",))
    rows = rows.select_related("district").order_by("pk")
    there = {row.district_id: row for row in rows}
    before = {row.district.code: row.cap_fen for row in there.values()}
    for district_id, row in there.items():
        cap_fen = caps.get(district_id)
        if cap_fen is None:
            row.delete()
        elif cap_fen != row.cap_fen:
            if campaign.state != State.DRAFT and cap_fen < row.cap_fen:
                raise CapShrinks(district=row.district.local_name)
            row.cap_fen = cap_fen
            row.save(update_fields=["cap_fen"])
    DistrictCap.objects.bulk_create(
        DistrictCap(campaign=campaign, district_id=district_id, cap_fen=cap_fen)
        for district_id, cap_fen in caps.items()
        if district_id not in there
    )
    with constraint_errors(vouchers_districtcap_is_kept=CapBelowRedeemed):
        count_district_caps(campaign)
    after = dict(campaign.district_caps.values_list("district__code", "cap_fen"))
    if after != before:
        record(
            "vouchers.campaign.caps_set",
            subject=campaign,
            by=by,
            at=at,
            detail={"before": before, "after": after},
        )


@transaction.atomic
def publish_campaign(
    *,
    campaign: Campaign,
    confirmed: Collection[str] = (),
    seen: str | None = None,
    beacons: Mapping[int, Sequence[BeaconName]] | None = None,
    by: User,
    at: datetime | None = None,
) -> Campaign:
    """Show it to everybody, freeze its rules, and announce the draws of its rounds.

    `confirmed` holds the keys of the warnings that were read (`Contradiction.key`),
    `seen` the mark of the plan that was read (`plan_mark`; None is not compared);
    `beacons` the sources of randomness by the number of the round (none: drand).
    Raises `NotADraft`, `CampaignOver`, `CampaignContradicts`, `WarningsUnread`,
    `RulesChangedMeanwhile`, and what `draws.announce_draw` raises.
    """
    at = at or clock.now()
    campaign = locked(campaign)
    if campaign.state != State.DRAFT:
        raise NotADraft
    refuse_contradictions(campaign, confirmed=confirmed, at=at)
    refuse_changed(campaign, seen=seen)
    freeze(campaign.terms.get(version=1), by=by, at=at)
    Campaign.objects.filter(pk=campaign.pk, state=State.DRAFT).update(
        state=State.PUBLISHED, published_at=at
    )
    campaign.refresh_from_db()
    ledger.open_accounts(campaign, campaign.tiers.order_by("pk"))
    rounds = list(campaign.rounds.select_related("campaign").order_by("number"))
    announce_draws(rounds, beacons or {}, by=by, at=at)
    record(
        "vouchers.campaign.published",
        subject=campaign,
        by=by,
        at=at,
        detail={"confirmed": sorted(confirmed)},
    )
    return campaign
