from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from venues.views.public import Cell

register = template.Library()


@register.simple_tag
def slot_cell(cell: Cell | None) -> SafeString | str:
    """One cell of the day grid: a check box with its price, or why there is none.

    A tag and not a template: a hall of 30 courts has 400 cells, and a template takes
    six look-ups for each.
    """
    if cell is None:
        return ""
    if not cell.key:
        return format_html(
            '<span class="slot slot--{}"><span class="slot__face">{}</span></span>',
            cell.kind,
            cell.face,
        )
    note = format_html("<small>{}</small>", cell.note) if cell.note else ""
    return format_html(
        '<label class="slot slot--{}"><input type="checkbox" name="slot" value="{}"'
        ' data-fen="{}" aria-label="{}"><span class="slot__face">{}{}</span></label>',
        cell.kind,
        cell.key,
        cell.fen,
        cell.label,
        cell.face,
        note,
    )
