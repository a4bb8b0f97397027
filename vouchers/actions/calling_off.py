"""A round is called off: nothing more is given away, and what people have stays theirs.

The money was never taken from the pool; the tier may give it away in another round, or
it goes back to the treasury with the campaign's end.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.tasks import after_commit
from bureau.draws.actions import void_draw
from bureau.draws.models import Draw
from bureau.notices.actions import Message, notify_each
from vouchers.actions.stock import take_back_stock
from vouchers.errors.campaigns import CallingOffNeedsReason, RoundNotRunning
from vouchers.models import Campaign, Round
from vouchers.queries.calling_off import still_to_tell
from vouchers.queries.lots import forget_lots

BATCH = 1000


@transaction.atomic
def call_off_round(*, round: Round, reason: str, by: User) -> Round:  # noqa: A002
    """Give nothing more away in a round of a published campaign, from this moment.

    Vouchers that were claimed or drawn stay valid. A draw is declared void, for the
    same reason, unless its vouchers are with the people; then what is left of a hybrid
    round ends. Who waits or has entered is told. Raises `CallingOffNeedsReason` and
    `RoundNotRunning`.
    """
    now = clock.now()
    reason = reason.strip()[:200]
    if not reason:
        raise CallingOffNeedsReason
    _refuse_ended(round.pk)
    # The draw before the round, as where a draw is announced again.
    draw = Draw.objects.filter(voucher_round=round, state__in=_NOT_DECIDED).first()
    if draw is not None and round.handed_out_at is None:
        void_draw(draw=draw, reason=reason, by=by, at=now)
    row = Round.objects.select_for_update(no_key=True).get(pk=round.pk)
    _refuse_ended(row.pk)
    row.called_off_at = row.ended_at = now
    row.called_off_for = reason
    row.save(update_fields=["called_off_at", "called_off_for", "ended_at"])
    left = take_back_stock(row)
    record(
        "vouchers.round.called_off",
        subject=row,
        by=by,
        at=now,
        detail={"reason": reason, "left": left},
    )
    from vouchers.tasks import claiming as tasks  # noqa: PLC0415 - they call us

    after_commit(tasks.tell_of_called_off_rounds)
    forget_lots()
    return row


_NOT_DECIDED = [state for state in Draw.State.values if state != Draw.State.VOID]


def _refuse_ended(round_id: int) -> None:
    running = Round.objects.filter(
        pk=round_id, ended_at=None, campaign__state=Campaign.State.PUBLISHED
    )
    if not running.exists():
        raise RoundNotRunning


@transaction.atomic
def call_off_campaign(*, campaign: Campaign, reason: str, by: User) -> list[Round]:
    """Call off all rounds that have not ended; see `call_off_round`.

    The campaign itself goes on until its vouchers are used or over, and is closed then.
    """
    rounds = list(campaign.rounds.filter(ended_at=None).order_by("pk"))
    if not rounds:
        raise RoundNotRunning
    return [call_off_round(round=row, reason=reason, by=by) for row in rounds]


def tell_of_called_off_rounds(*, at: datetime) -> int:
    """Tell who waited or entered and has no voucher; each once. How many were told."""
    told = 0
    rounds = Round.objects.filter(called_off_at__isnull=False, told_at=None)
    for pk in rounds.order_by("pk").values_list("pk", flat=True):
        while some := _tell_some(pk, at=at):
            told += some
    return told


@transaction.atomic
def _tell_some(round_id: int, *, at: datetime) -> int:
    row = Round.objects.select_for_update(no_key=True).get(pk=round_id)
    people = list(still_to_tell(row).order_by("pk")[:BATCH])
    if not people:
        Round.objects.filter(pk=row.pk).update(told_at=at)
        return 0
    context = {
        "campaign": row.campaign.name,
        "number": row.number,
        "reason": row.called_off_for,
    }
    notify_each(
        kind="vouchers.round_called_off",
        messages=[Message(one, context, row) for one in people],
        at=at,
    )
    return len(people)
