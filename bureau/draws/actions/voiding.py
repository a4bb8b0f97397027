from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.draws.actions.log import locked, write_line
from bureau.draws.errors import AlreadyVoid, VoidNeedsReason
from bureau.draws.models import Draw
from bureau.draws.signals import draw_voided


@transaction.atomic
def void_draw(
    *, draw: Draw, reason: str, by: User | None, at: datetime | None = None
) -> Draw:
    """Declare a draw void, for a reason that everybody can read.

    What was published stays published. Raises `VoidNeedsReason`, `AlreadyVoid`.
    """
    at = at or clock.now()
    reason = reason.strip()
    if not reason:
        raise VoidNeedsReason
    draw = locked(draw)
    if draw.state == Draw.State.VOID:
        raise AlreadyVoid
    before, draw.state, draw.void_reason = draw.state, Draw.State.VOID, reason
    draw.voided_by = by
    draw.save(update_fields=["state", "void_reason", "voided_by"])
    write_line(draw=draw, step="void", at=at, detail={"reason": reason})
    record(
        "draws.draw.voided",
        subject=draw,
        by=by,
        at=at,
        detail={"reason": reason, "state_before": before},
    )
    draw_voided.send(sender=Draw, draw=draw)
    return draw
