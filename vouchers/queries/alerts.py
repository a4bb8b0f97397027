"""What staff should look at before it becomes a problem."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext as _

from bureau.common.money import yuan
from vouchers.models import (
    Campaign,
    CountedUntil,
    DistrictCap,
    Lot,
    Participation,
    Terms,
)

NEAR_PERCENT = 90
LOW_PERCENT = 5
LATE = timedelta(minutes=10)


@dataclass(frozen=True)
class Alert:
    """One sentence; `kind` is stock, merchant_cap, district_cap or late."""

    kind: str
    words: str


def alerts_of(campaign: Campaign, *, at: datetime) -> list[Alert]:
    """Stock that runs out, caps that are nearly reached, figures that stand still."""
    return [
        *_stock(campaign, at=at),
        *_merchants(campaign),
        *_districts(campaign),
        *_late(campaign, at=at),
    ]


def _stock(campaign: Campaign, *, at: datetime) -> list[Alert]:
    lots = (
        Lot.objects.filter(round__campaign=campaign, laid_out__gt=0, sold_out_at=None)
        .filter(
            Q(round__way="rush", round__opens_at__lte=at, round__closes_at__gt=at)
            | Q(
                round__way="hybrid",
                round__rush_opens_at__lte=at,
                round__rush_closes_at__gt=at,
            )
        )
        .annotate(left=Coalesce(Sum("shards__remaining"), 0))
        .annotate(hundred=F("left") * 100)
        .filter(hundred__lt=F("laid_out") * LOW_PERCENT)
        .select_related("round", "tier")
        .order_by("round__number", "tier__face_fen", "pk")
    )
    told = _("Round %(round)s, %(tier)s: %(left)s of %(all)s vouchers are left.")
    return [
        Alert(
            "stock",
            told
            % {
                "round": lot.round.number,
                "tier": lot.tier,
                "left": lot.left,  # type: ignore[attr-defined]
                "all": lot.laid_out,
            },
        )
        for lot in lots
    ]


def _merchants(campaign: Campaign) -> list[Alert]:
    terms = Terms.objects.filter(campaign=campaign).published().order_by("-version")
    usual = next(iter(terms.values_list("merchant_cap_fen", flat=True)[:1]), None)
    # The smaller one counts where there are both; LEAST passes over what is empty.
    cap = F("cap_fen") if usual is None else Least(F("cap_fen"), usual)
    parts = (
        Participation.objects.filter(campaign=campaign)
        .annotate(most=cap, hundred=F("redeemed_fen") * 100)
        .filter(hundred__gte=F("most") * NEAR_PERCENT)
        .select_related("merchant")
        .order_by("merchant__name", "pk")
    )
    told = _("%(who)s has redeemed ¥%(redeemed)s of at most ¥%(most)s.")
    return [
        Alert(
            "merchant_cap",
            told
            % {
                "who": part.merchant,
                "redeemed": yuan(part.redeemed_fen),
                "most": yuan(part.most),  # type: ignore[attr-defined]
            },
        )
        for part in parts
    ]


def _districts(campaign: Campaign) -> list[Alert]:
    caps = (
        DistrictCap.objects.filter(campaign=campaign)
        .annotate(hundred=F("redeemed_fen") * 100)
        .filter(hundred__gte=F("cap_fen") * NEAR_PERCENT)
        .select_related("district")
        .order_by("district__position", "pk")
    )
    told = _("%(who)s has redeemed ¥%(redeemed)s of at most ¥%(most)s.")
    return [
        Alert(
            "district_cap",
            told
            % {
                "who": cap.district,
                "redeemed": yuan(cap.redeemed_fen),
                "most": yuan(cap.cap_fen),
            },
        )
        for cap in caps
    ]


def _late(campaign: Campaign, *, at: datetime) -> list[Alert]:
    counted = CountedUntil.objects.filter(campaign=campaign).first()
    kept = counted.summary.get("counted_at") if counted else None
    if kept is None or datetime.fromisoformat(kept) > at - LATE:
        return []
    return [Alert("late", _("The figures have not been counted for ten minutes."))]
