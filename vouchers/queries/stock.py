"""How many vouchers can still be had. A claim never rests on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from vouchers.models import Lot, Round, StockShard


@dataclass(frozen=True)
class LotStock:
    lot: Lot
    remaining: int
    laid_out: int
    """What is on offer; the plan as long as nothing is laid out."""
    sold_out_at: datetime | None

    @property
    def is_sold_out(self) -> bool:
        return self.lot.laid_out is not None and self.remaining == 0


def stock_of(round: Round) -> list[LotStock]:  # noqa: A002 - what it is
    """Each lot of a round, the smallest face value first. Two questions."""
    lots = round.lots.select_related("tier")
    stock = StockShard.objects.filter(lot__round=round).values_list("lot")
    left = dict(stock.annotate(left=Sum("remaining")))
    return [
        LotStock(
            lot=lot,
            remaining=lot.amount if lot.laid_out is None else left.get(lot.pk, 0),
            laid_out=lot.amount if lot.laid_out is None else lot.laid_out,
            sold_out_at=lot.sold_out_at,
        )
        for lot in lots.order_by("tier__face_fen", "pk")
    ]
