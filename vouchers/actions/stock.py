"""What a round has on offer: laid out before it opens, taken back when it is over.

Locks: round → tier → stock.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Sum

from bureau.audit.models import record
from bureau.common import clock
from vouchers.models import Lot, Round, StockShard, Terms, Tier


def lay_out_rounds(*, at: datetime) -> int:
    """Put on offer what rounds give away that open within a minute; how many did.

    Safe to run by many workers at once.
    """
    due = Round.objects.to_lay_out_at(at).order_by("opens_at", "pk")
    return sum(
        lay_out_round(round_id=pk, at=at) for pk in due.values_list("pk", flat=True)
    )


@transaction.atomic
def lay_out_round(*, round_id: int, at: datetime | None = None) -> bool:
    """Put the stock of one round on offer; False where that is done or not due.

    A rush gets its plan and, where the rules say so, what earlier rounds left over. A
    draw gets exactly what it announced. Never more than the tier has left.
    """
    at = at or clock.now()
    if not Round.objects.to_lay_out_at(at).filter(pk=round_id).exists():
        return False
    # Of its own columns only: behind a join, who waited would see the row as it was.
    if not Round.objects.filter(pk=round_id, laid_out_at=None).update(laid_out_at=at):
        return False
    round_ = Round.objects.select_related("campaign").get(pk=round_id)
    terms = round_.campaign.terms.published().order_by("-version").first()
    lots = list(round_.lots.order_by("tier", "pk"))
    tiers = Tier.objects.select_for_update(no_key=True).order_by("pk")
    locked = {tier.pk: tier for tier in tiers.filter(lots__in=lots)}
    for lot in lots:
        tier = locked[lot.tier_id]
        lot.laid_out = _share_of(lot, tier, round_, terms)
        lot.save(update_fields=["laid_out"])
        Tier.objects.filter(pk=tier.pk).update(released=F("released") + lot.laid_out)
        each, rest = divmod(lot.laid_out, StockShard.SHARDS)
        StockShard.objects.bulk_create(
            StockShard(lot=lot, shard=n, remaining=each + (n < rest))
            for n in range(StockShard.SHARDS)
        )
    record(
        "vouchers.round.laid_out",
        subject=round_,
        by=None,
        at=at,
        detail={str(lot.tier_id): lot.laid_out for lot in lots},
    )
    return True


def _share_of(lot: Lot, tier: Tier, round_: Round, terms: Terms | None) -> int:
    extra = 0
    passes_on = terms is not None and terms.leftover == Terms.Leftover.NEXT_ROUND
    if passes_on and round_.way != Round.Way.DRAW:
        earlier = Lot.objects.filter(tier=tier, round__laid_out_at__isnull=False)
        planned = earlier.exclude(pk=lot.pk).aggregate(n=Sum("amount"))["n"] or 0
        # What was planned so far and is neither on offer nor given away: taken back
        # from rounds that are over, or from vouchers that expired.
        extra = max(planned - tier.released, 0)
    return min(lot.amount + extra, tier.count - tier.released)


def end_rounds(*, at: datetime) -> int:
    """Take back what rounds that are over have left; how many were ended."""
    over = Round.objects.over_at(at).order_by("pk").values_list("pk", flat=True)
    return sum(_end_round(pk, at=at) for pk in over)


@transaction.atomic
def _end_round(round_id: int, *, at: datetime) -> bool:
    for lot_id in Lot.objects.filter(round=round_id).values_list("pk", flat=True):
        note_sold_out(lot_id)
    if not Round.objects.over_at(at).filter(pk=round_id).update(ended_at=at):
        return False
    round_ = Round.objects.get(pk=round_id)
    record(
        "vouchers.round.ended",
        subject=round_,
        by=None,
        at=at,
        detail=take_back_stock(round_),
    )
    return True


def take_back_stock(of: Round) -> dict[str, int]:
    """Nothing of a round is on offer any more; how many of each tier were left.

    The round is locked.
    """
    if of.laid_out_at is None:
        return {}
    lots = list(Lot.objects.filter(round=of).order_by("tier", "pk"))
    tiers = Tier.objects.select_for_update(no_key=True).order_by("pk")
    list(tiers.filter(lots__in=lots).values_list("pk"))
    return {str(lot.tier_id): _take_back(lot) for lot in lots}


def _take_back(lot: Lot) -> int:
    """Whoever claims at this moment waits for us, or we for them."""
    shards = StockShard.objects.select_for_update().filter(lot=lot).order_by("shard")
    left = sum(shards.values_list("remaining", flat=True))
    if left:
        StockShard.objects.filter(lot=lot).update(remaining=0)
        Lot.objects.filter(pk=lot.pk).update(laid_out=F("laid_out") - left)
        Tier.objects.filter(pk=lot.tier_id).update(released=F("released") - left)
    return left


_SOLD_OUT = """
    UPDATE vouchers_lot AS lot
       SET sold_out_at = (SELECT max(claimed_at) FROM vouchers_voucher AS voucher
                           WHERE voucher.lot_id = lot.id)
      FROM vouchers_round AS round
     WHERE lot.id = %s AND lot.sold_out_at IS NULL AND lot.laid_out > 0
       AND round.id = lot.round_id AND round.ended_at IS NULL
       AND NOT EXISTS (SELECT FROM vouchers_stockshard AS stock
                        WHERE stock.lot_id = lot.id AND stock.remaining > 0)
"""


def note_sold_out(lot_id: int) -> bool:
    """Keep the moment of the last claim, once all are gone; whether it was new."""
    with connection.cursor() as cursor:
        cursor.execute(_SOLD_OUT, [lot_id])
        return bool(cursor.rowcount)
