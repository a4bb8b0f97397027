from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bureau.common import clock, money
from bureau.common.templatetags.bureau import yuan
from venues.models import BookingLine, Venue
from venues.queries import Price, Row, Slot, SlotState, quote_in_words

register = template.Library()


@register.simple_tag
def slot_rows(
    rows: Sequence[Row], why_url: str = "", chosen: Collection[str] = ()
) -> SafeString:
    """The rows of the day grid: check boxes with prices, or why there is none.

    With `why_url` every other cell leads there: why it cannot be booked, when it can,
    and what to do instead. `chosen` are the keys of boxes that come ticked.

    A tag and not a template: a hall of 30 courts has 500 cells, and a template takes
    six look-ups for each.
    """
    cells = _Cells(escape(why_url), frozenset(chosen))
    return SafeString("\n".join(cells.row(row) for row in rows))


@register.filter
def sports_of(lines: Iterable[BookingLine], venue: Venue) -> list[str]:
    """What is played on these times; without any, what the venue offers."""
    return [line.bookable.sport for line in lines] or venue.sports


@register.filter
def sum_text(fen: int) -> str:
    """4500 -> "¥45", and 0 -> "¥0": of a sum that moves, "free" would be wrong."""
    return f"¥{money.yuan(fen)}"


@register.filter
def price_words(quote: dict[str, Any]) -> str:
    """Why a slot costs what it costs, from the breakdown kept on the booking."""
    return quote_in_words(quote)


class _Cells:
    """Turns slots into cells; each text of a page is looked up and escaped once."""

    def __init__(self, why_url: str, chosen: frozenset[str]) -> None:
        self._why_url = why_url
        self._chosen = chosen
        # Short words: a cell is 44 pixels wide.
        self._words = {
            SlotState.HELD: ("held", escape(_("Held"))),
            SlotState.BOOKED: ("booked", escape(_("Taken"))),
            SlotState.BLOCKED: ("booked", escape(_("Shut"))),
            SlotState.SESSION: ("booked", escape(_("Tickets"))),
            SlotState.BALLOT: ("booked", escape(_("Ballot"))),
            SlotState.PAST: ("booked", escape(_("Over"))),
            SlotState.KEPT: ("booked", escape(pgettext("in a cell", "Desk"))),
            SlotState.TOO_LATE: ("booked", escape(pgettext("in a cell", "Desk"))),
        }
        self._next_day = _("next day")
        self._peak = _("Peak")
        self._names: dict[int, str] = {}
        self._prices: dict[tuple[int, bool], tuple[str, str, str]] = {}

    def row(self, row: Row) -> str:
        time = f"{row.starts_at.astimezone(clock.CHINA):%H:%M}"
        cells = [self._cell(slot, time) if slot else "<td></td>" for slot in row.slots]
        head = time
        if row.is_after_midnight:
            head = f"{time}<br><small>{escape(self._next_day)}</small>"
        return f'<tr><th scope="row">{head}</th>{"".join(cells)}</tr>'

    def _cell(self, slot: Slot, time: str) -> str:
        price = slot.offer.price
        court = slot.bookable
        name = self._names.get(court.pk)
        if name is None:
            name = self._names[court.pk] = escape(court.name)
        if word := self._words.get(slot.state):
            return self._barred(slot, f"{name} {time}", *word)
        if slot.state is SlotState.NOT_YET:
            return self._barred(slot, f"{name} {time}", "booked", yuan(price.fen))
        parts = self._prices.get((price.fen, price.is_peak))
        if parts is None:
            parts = self._prices[price.fen, price.is_peak] = self._box(price)
        before, between, after = parts
        key = slot.offer.key
        tick = '" checked data-fen=' if key in self._chosen else '" data-fen='
        return f"{before}{key}{tick}{between}{name} {time}{after}"

    def _barred(self, slot: Slot, where: str, kind: str, word: str) -> str:
        """A cell that cannot be ticked, and the way to the reason."""
        face = f'<span class="slot__face">{word}</span>'
        if not self._why_url or slot.state is SlotState.PAST:
            return f'<td><span class="slot slot--{kind}">{face}</span></td>'
        return (
            f'<td><a class="slot slot--{kind}" rel="nofollow"'
            f' href="{self._why_url}?slot={slot.offer.key}"'
            f' aria-label="{where} {word}">{face}</a></td>'
        )

    def _box(self, price: Price) -> tuple[str, str, str]:
        """A check box, cut open where the slot's key and its court and time belong."""
        is_peak = price.is_peak and price.fen > 0
        kind = "free" if price.fen == 0 else "peak" if is_peak else "open"
        face = escape(yuan(price.fen))
        note = f"<small>{escape(self._peak)}</small>" if is_peak else ""
        box = '<input type="checkbox" name="slot" value="'
        return (
            f'<td><label class="slot slot--{kind}">{box}',
            f'"{price.fen}" aria-label="',
            f' {face}"><span class="slot__face">{face}{note}</span></label></td>',
        )
