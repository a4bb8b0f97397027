"""What cannot work in a campaign, or is hardly meant, found before anybody sees it.

A contradiction that blocks means: something of this could never be claimed or used, or
the public page would contradict itself. The others are warnings, which staff confirm.
What has already begun is not judged any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from bureau.regions.models import District
from vouchers.models import Campaign, Participation, Terms
from vouchers.queries.contradictions.giving import about_stock, about_tiers
from vouchers.queries.contradictions.money import about_caps, about_merchants
from vouchers.queries.contradictions.people import about_limits, about_people
from vouchers.queries.contradictions.plan import Contradiction, Plan
from vouchers.queries.contradictions.times import about_draws, about_rushes, about_times
from vouchers.queries.contradictions.using import about_afterwards, about_validity

__all__ = ["Contradiction", "contradictions_of"]


def contradictions_of(
    campaign: Campaign,
    *,
    at: datetime,
    terms: Terms | None = None,
    districts: Sequence[District] = (),
) -> list[Contradiction]:
    """The check list, what blocks first.

    `terms` are rules that are to come, with their `districts` while they are not saved.
    """
    rules = terms or campaign.terms.newest()
    saved = bool(rules.pk) and rules.districts.exists()
    rounds = campaign.rounds.prefetch_related("lots__tier").order_by("number")
    takers = Participation.objects.filter(
        Q(until=None) | Q(until__gt=at), campaign=campaign, merchant__state="approved"
    )
    plan = Plan(
        campaign=campaign,
        terms=rules,
        tiers=list(campaign.tiers.order_by("face_fen", "threshold_fen", "pk")),
        rounds=list(rounds),
        caps=list(campaign.district_caps.select_related("district").order_by("pk")),
        takers=list(takers.select_related("merchant").order_by("pk")),
        has_districts=saved or bool(districts),
        at=at,
    )
    checks = (
        about_tiers,
        about_stock,
        about_limits,
        about_people,
        about_times,
        about_draws,
        about_rushes,
        about_validity,
        about_afterwards,
        about_merchants,
        about_caps,
    )
    found = [one for check in checks for one in check(plan)]
    return sorted(found, key=lambda one: not one.blocks)
