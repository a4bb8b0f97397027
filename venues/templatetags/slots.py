from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bureau.common import clock
from bureau.common.templatetags.bureau import yuan
from venues.queries import Price, Row, Slot, SlotState

register = template.Library()


@register.simple_tag
def slot_rows(rows: Sequence[Row]) -> SafeString:
    """The rows of the day grid: check boxes with prices, or why there is none.

    A tag and not a template: a hall of 30 courts has 500 cells, and a template takes
    six look-ups for each.
    """
    cells = _Cells()
    return SafeString("\n".join(cells.row(row) for row in rows))


class _Cells:
    """Turns slots into cells; each text of a page is looked up and escaped once."""

    def __init__(self) -> None:
        # Short words: a cell is 44 pixels wide.
        self._words = {
            SlotState.HELD: _word("held", _("Held")),
            SlotState.BOOKED: _word("booked", _("Taken")),
            SlotState.BLOCKED: _word("booked", _("Shut")),
            SlotState.SESSION: _word("booked", _("Tickets")),
            SlotState.BALLOT: _word("booked", _("Ballot")),
            SlotState.PAST: _word("booked", _("Over")),
        }
        self._peak = _("Peak")
        self._names: dict[int, str] = {}
        self._prices: dict[tuple[int, bool], tuple[str, str, str]] = {}

    def row(self, row: Row) -> str:
        time = f"{row.starts_at.astimezone(clock.CHINA):%H:%M}"
        cells = [self._cell(slot, time) if slot else "<td></td>" for slot in row.slots]
        return f'<tr><th scope="row">{time}</th>{"".join(cells)}</tr>'

    def _cell(self, slot: Slot, time: str) -> str:
        if word := self._words.get(slot.state):
            return word
        price = slot.offer.price
        if slot.state is SlotState.NOT_YET:
            return _word("booked", yuan(price.fen))
        court = slot.bookable
        name = self._names.get(court.pk)
        if name is None:
            name = self._names[court.pk] = escape(court.name)
        parts = self._prices.get((price.fen, price.is_peak))
        if parts is None:
            parts = self._prices[price.fen, price.is_peak] = self._box(price)
        before, between, after = parts
        return f"{before}{slot.offer.key}{between}{name} {time}{after}"

    def _box(self, price: Price) -> tuple[str, str, str]:
        """A check box, cut open where the slot's key and its court and time belong."""
        is_peak = price.is_peak and price.fen > 0
        kind = "free" if price.fen == 0 else "peak" if is_peak else "open"
        face = escape(yuan(price.fen))
        note = f"<small>{escape(self._peak)}</small>" if is_peak else ""
        box = '<input type="checkbox" name="slot" value="'
        return (
            f'<td><label class="slot slot--{kind}">{box}',
            f'" data-fen="{price.fen}" aria-label="',
            f' {face}"><span class="slot__face">{face}{note}</span></label></td>',
        )


def _word(kind: str, text: str) -> str:
    return (
        f'<td><span class="slot slot--{kind}">'
        f'<span class="slot__face">{escape(text)}</span></span></td>'
    )
