"""What is called off with a round, and who has to be told."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from bureau.accounts.models import User
from bureau.draws.models import DrawEntry
from bureau.notices.models import Notice
from vouchers.models import QueueTicket, Round, StockShard, Voucher


@dataclass(frozen=True)
class CallingOff:
    """What a round is at this moment, before it is called off."""

    round: Round
    on_offer: int
    """Vouchers that nobody will get then."""
    usable: int
    """Vouchers of it that stay valid."""
    waiting: int
    """People who came or entered, and have none."""


def calling_off(round: Round) -> CallingOff:  # noqa: A002
    laid = StockShard.objects.filter(lot__round=round).aggregate(n=Sum("remaining"))
    planned = round.lots.aggregate(n=Sum("amount"))["n"]
    on_offer = planned if round.laid_out_at is None else laid["n"]
    usable = Voucher.objects.filter(lot__round=round, state=Voucher.State.LIVE)
    return CallingOff(
        round=round,
        on_offer=on_offer or 0,
        usable=usable.count(),
        waiting=still_to_tell(round).count(),
    )


def still_to_tell(round: Round) -> QuerySet[User]:  # noqa: A002
    """Who waits in front of a round or entered its draw, and has got nothing of it."""
    me = OuterRef("pk")
    came = Q(Exists(QueueTicket.objects.filter(round=round, person=me)))
    if round.draw_id is not None:
        came |= Q(Exists(DrawEntry.objects.filter(draw=round.draw_id, person=me)))
    told = Notice.objects.filter(
        recipient=me,
        kind="vouchers.round_called_off",
        subject_type=Round._meta.label_lower,
        subject_id=round.pk,
    )
    mine = Voucher.objects.filter(lot__round=round, person=me)
    return User.objects.filter(came, ~Exists(told), ~Exists(mine), is_active=True)
