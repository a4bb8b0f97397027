"""Merchants that take part, and caps."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from bureau.common.words import listed
from bureau.regions.models import District
from vouchers.models import DistrictCap
from vouchers.queries.contradictions.plan import (
    Contradiction,
    Found,
    Plan,
    grouped,
    warning,
)


def about_merchants(plan: Plan) -> Found:
    if not plan.takers:
        yield warning("no_merchant", _("No merchant takes part yet."))
        return
    offered = {sport for taker in plan.takers for sport in taker.merchant.sports}
    for tier in plan.tiers:
        if tier.sports and not offered & set(tier.sports):
            yield warning(
                "no_merchant_for_the_sport",
                _("Tier %(tier)s: no merchant that takes part offers these sports.")
                % {"tier": tier},
                tier.pk,
            )


def about_caps(plan: Plan) -> Found:
    promised, held = plan.campaign.promised_fen, plan.campaign.appropriated_fen
    most = plan.terms.merchant_cap_fen
    if most is not None:
        yield from _about_merchant_cap(plan, most)
    for cap in plan.caps:
        district = cap.district.local_name
        if cap.cap_fen > held:
            yield warning(
                "cap_above_the_money",
                _("The cap of %(district)s is more than the campaign holds.")
                % {"district": district},
                cap.district.code,
            )
        if small := [tier for tier in plan.tiers if tier.face_fen > cap.cap_fen]:
            yield Contradiction(
                "cap_below_a_voucher",
                _("The cap of %(district)s is below one voucher of %(tiers)s.")
                % {"district": district, "tiers": listed(small)},
                about=cap.district.code,
            )
    together = sum(cap.cap_fen for cap in plan.caps)
    if plan.caps and together < promised and _everywhere(plan.caps):
        yield warning(
            "caps_keep_money_back",
            _(
                "Every district has a cap, and all of them together let %(caps)s of"
                " %(promised)s yuan be redeemed."
            )
            % {"caps": grouped(together), "promised": grouped(promised)},
            together,
        )


def _about_merchant_cap(plan: Plan, most: int) -> Found:
    if small := [tier for tier in plan.tiers if tier.face_fen > most]:
        yield Contradiction(
            "merchant_cap_below_a_voucher",
            _("The cap of a merchant is below one voucher of %(tiers)s.")
            % {"tiers": listed(small)},
        )
    if most > plan.campaign.appropriated_fen:
        yield warning(
            "merchant_cap_above_the_money",
            _("The cap of a merchant is more than the campaign holds."),
            most,
        )
    capped = [most if one.cap_fen is None else one.cap_fen for one in plan.takers]
    if capped and sum(capped) < plan.campaign.promised_fen:
        yield warning(
            "merchants_cannot_take_all",
            _(
                "The %(count)s merchants that take part may redeem %(caps)s of"
                " %(promised)s yuan together."
            )
            % {
                "count": len(capped),
                "caps": grouped(sum(capped)),
                "promised": grouped(plan.campaign.promised_fen),
            },
            sum(capped),
        )


def _everywhere(caps: Sequence[DistrictCap]) -> bool:
    capped = [cap.district_id for cap in caps]
    return not District.objects.exclude(pk__in=capped).exists()
