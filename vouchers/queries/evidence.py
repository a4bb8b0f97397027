"""What stands behind a flag of the radar, for the person who decides about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Sum

from bureau.common import clock
from vouchers.models import Flag, HourFigure, Merchant, Redemption, Shop
from vouchers.queries.radar import SIGNS, Sign, window_of

MOST_SHOWN = 100
# Upper edges of the steps above the threshold, in percent; the last step has none.
STEPS = (1, 5, 20, 50, 100)

_BILLS = """
    SELECT redemption.merchant_id = %(merchant)s AS here,
           width_bucket((redemption.bill_fen - voucher.threshold_fen) * 100.0
                        / voucher.threshold_fen,
                        ARRAY[1, 5, 20, 50, 100]::numeric[]) AS step, count(*)
      FROM vouchers_redemption AS redemption
      JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
     WHERE voucher.campaign_id = %(campaign)s AND redemption.redeemed_at >= %(since)s
       AND redemption.changed_at >= %(since)s AND redemption.redeemed_at < %(until)s
       AND voucher.threshold_fen > voucher.face_fen
  GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Evidence:
    """A flag, its figures beside the market's, its redemptions and its neighbours."""

    flag: Flag
    sign: Sign
    redemptions: Sequence[Redemption]
    count: int
    subsidy_fen: int
    """Held by this flag, as far as it is not taken back."""
    hours: Sequence[int]
    """Marked redemptions by hour of the day."""
    bills: Sequence[tuple[float, float]]
    """(share here, share of all others) of the bills by how far above the threshold."""
    beside: Sequence[Flag]
    """Other signs at the merchant in the same campaign, the newest first."""

    @property
    def figures(self) -> dict[str, Any]:
        kept: dict[str, Any] = self.flag.evidence
        return kept


def evidence_of(flag: Flag) -> Evidence:
    rows = flag.redemptions.select_related("voucher", "shop", "clerk")
    hours = [0] * 24
    moments = flag.redemptions.values_list("redeemed_at", flat=True)
    for moment in moments:
        hours[moment.astimezone(clock.CHINA).hour] += 1
    held = flag.redemptions.done().aggregate(fen=Sum("discount_fen"))
    return Evidence(
        flag=flag,
        sign=SIGNS[flag.rule],
        redemptions=list(rows.order_by("-redeemed_at", "-pk")[:MOST_SHOWN]),
        count=flag.redemptions.count(),
        subsidy_fen=held["fen"] or 0,
        hours=hours,
        bills=_bills(flag),
        beside=list(
            Flag.objects.filter(campaign=flag.campaign, merchant=flag.merchant)
            .exclude(pk=flag.pk)
            .order_by("-day", "-score", "pk")[:20]
        ),
    )


def _bills(flag: Flag) -> list[tuple[float, float]]:
    since, _today, until = window_of(flag.day)
    with connection.cursor() as cursor:
        cursor.execute(
            _BILLS,
            {
                "merchant": flag.merchant_id,
                "campaign": flag.campaign_id,
                "since": since,
                "until": until,
            },
        )
        counts = {(here, step): count for here, step, count in cursor.fetchall()}
    wholes = {
        side: sum(n for (here, _step), n in counts.items() if here is side) or 1
        for side in (True, False)
    }
    return [
        (
            counts.get((True, step), 0) / wholes[True],
            counts.get((False, step), 0) / wholes[False],
        )
        for step in range(len(STEPS) + 1)
    ]


def flags_in(districts: set[int] | None) -> QuerySet[Flag]:
    """Of merchants with a shop in these districts; None: all of them."""
    if districts is None:
        return Flag.objects.all()
    shops = Shop.objects.filter(district__in=districts)
    return Flag.objects.filter(merchant__in=Merchant.objects.filter(shops__in=shops))


def redeemed_today(districts: set[int] | None, *, on: date) -> tuple[int, int]:
    """(vouchers used, their bills in fen) of all campaigns, as far as it is counted."""
    hours = HourFigure.objects.filter(
        hour__gte=clock.at(on, 0), hour__lt=clock.at(on, 24 * 60)
    )
    if districts is not None:
        hours = hours.filter(shop__district__in=districts)
    found = hours.aggregate(count=Sum("redeemed"), fen=Sum("bill_fen"))
    return found["count"] or 0, found["fen"] or 0


@dataclass(frozen=True)
class Open:
    """What waits for a decision, for the staff's first page."""

    flags: int
    merchants: int
    held_fen: int


def open_flags(flags: QuerySet[Flag]) -> Open:
    """Of those flags; a redemption that several hold counts once."""
    waiting = flags.filter(state=Flag.State.OPEN)
    flagged = Redemption.objects.filter(flags__in=waiting).values("pk")
    held = Redemption.objects.done().filter(pk__in=flagged)
    return Open(
        waiting.count(),
        waiting.values("merchant").distinct().count(),
        held.aggregate(fen=Sum("discount_fen"))["fen"] or 0,
    )
