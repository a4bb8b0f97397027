from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.draws.actions.log import locked, write_line
from bureau.draws.actions.publishing import Publisher, publish_lines
from bureau.draws.errors import FreezeTooEarly, FreezeTooLate, NotFrozen
from bureau.draws.models import NOTICE, Draw, PublishedPart

_LINES = """
    SELECT entry_id || '|' || weight || '|' || commit FROM draws_entry
    WHERE draw_id = %s ORDER BY entry_id COLLATE "C"
"""


@transaction.atomic
def freeze_draw(
    *, draw: Draw, by: User | None = None, at: datetime | None = None
) -> Draw:
    """Publish the list of entries and its root; from now on nobody comes in or out.

    Safe to call twice: a list that is frozen stays as it is. Raises `FreezeTooEarly`,
    `FreezeTooLate` (less than an hour before the draw), and `NotFrozen` for a void one.
    """
    at = at or clock.now()
    draw = locked(draw)
    if draw.state in (Draw.State.FROZEN, Draw.State.DRAWN):
        return draw
    if draw.state != Draw.State.OPEN:
        raise NotFrozen
    if at < draw.freezes_at:
        raise FreezeTooEarly
    if at > draw.draws_at - NOTICE:
        raise FreezeTooLate
    published = Publisher(draw, PublishedPart.Name.ENTRIES)
    publish_lines(_LINES, [draw.pk], published)
    draw.root = published.finish().hex()
    draw.entries_hash = published.file_hash
    draw.entry_count, draw.weight_sum = published.count, published.weight_sum
    draw.frozen_at, draw.state = at, Draw.State.FROZEN
    draw.save(
        update_fields=[
            "root",
            "entries_hash",
            "entry_count",
            "weight_sum",
            "frozen_at",
            "state",
        ]
    )
    write_line(
        draw=draw,
        step="frozen",
        at=at,
        detail={
            "entries": draw.entry_count,
            "weights": draw.weight_sum,
            "entries_hash": draw.entries_hash,
            "root": draw.root,
            "rules_hash": draw.rules_hash,
        },
    )
    record("draws.draw.frozen", subject=draw, by=by, at=at)
    return draw
