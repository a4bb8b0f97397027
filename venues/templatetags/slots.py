from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from venues.views.public import Cell

register = template.Library()


@register.simple_tag
def slot_cells(cells: Sequence[Cell | None]) -> SafeString:
    """One row of the day grid: check boxes with prices, or why there is none.

    A tag and not a template: a hall of 30 courts has 400 cells, and a template takes
    six look-ups for each.
    """
    return SafeString("".join(f"<td>{_cell(cell)}</td>" for cell in cells))


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    # Texts are escaped; kind, key and fen are words and numbers of our own.
    face = escape(cell.face)
    if not cell.key:
        return (
            f'<span class="slot slot--{cell.kind}">'
            f'<span class="slot__face">{face}</span></span>'
        )
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    return (
        f'<label class="slot slot--{cell.kind}">'
        f'<input type="checkbox" name="slot" value="{cell.key}" data-fen="{cell.fen}"'
        f' aria-label="{escape(cell.label)}">'
        f'<span class="slot__face">{face}{note}</span></label>'
    )
