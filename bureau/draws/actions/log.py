from __future__ import annotations

from datetime import datetime
from typing import Any

from bureau.draws import sportdraw
from bureau.draws.models import Draw, LogLine


def locked(draw: Draw) -> Draw:
    """The draw's row as it is now; who else wants to move it waits until commit."""
    return Draw.objects.select_for_update(of=("self",)).get(pk=draw.pk)


def write_line(
    *, draw: Draw, step: str, at: datetime, detail: dict[str, Any]
) -> LogLine:
    """Add a public step behind the last one. The draw's row is locked by the caller."""
    last = LogLine.objects.filter(draw=draw).order_by("-position").first()
    line = LogLine(
        draw=draw,
        position=last.position + 1 if last else 1,
        step=step,
        at=at,
        detail=sportdraw.canonical(detail),
        previous_hash=last.line_hash if last else sportdraw.NO_HASH,
    )
    line.line_hash = sportdraw.log_hash(line.as_line(draw.draw_id))
    line.save(force_insert=True)
    return line
