"""PDF papers that come out the same, byte for byte, from the same figures.

The letters of a Chinese font are embedded, only those that occur, so that a paper looks
the same everywhere. The font is Debian's fonts-noto-cjk, which `make setup` installs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fpdf import FPDF

# It tells of every table of the font.
logging.getLogger("fontTools").setLevel(logging.WARNING)

CONTENT_TYPE = "application/pdf"
_FONTS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
)
_SIMPLIFIED = 2  # in the collection: Japanese, Korean, Simplified Chinese …
_MADE_AT = datetime(1980, 1, 1, tzinfo=UTC)
_SIZE, _LINE = 8, 5.2
_LIGHT, _GREY, _BLACK = 190, 110, 0


class FontMissing(RuntimeError):
    """No font with Chinese letters is installed: `apt install fonts-noto-cjk`."""


@dataclass(frozen=True)
class Column:
    """`share` is its part of the page's width; all of a table make 1."""

    head: str
    share: float
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under headings, which are repeated on each page."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    has_head: bool = True


@dataclass(frozen=True)
class Paper:
    """A title, tables, and a line at the foot of each page."""

    title: str
    subtitle: str
    tables: Sequence[Table]
    foot: str = ""

    def as_pdf(self) -> bytes:
        page = _Page(self.foot)
        page.add_page()
        page.set_font(size=15)
        page.cell(0, 9, self.title, new_x="LMARGIN", new_y="NEXT")
        page.set_font(size=10)
        page.set_text_color(_GREY)
        page.cell(0, 6, self.subtitle, new_x="LMARGIN", new_y="NEXT")
        page.set_text_color(_BLACK)
        for table in self.tables:
            page.write_table(table)
        return bytes(page.output())


@cache
def _font() -> Path:
    for path in _FONTS:
        if path.exists():
            return path
    raise FontMissing


class _Page(FPDF):
    def __init__(self, foot: str) -> None:
        super().__init__(orientation="landscape", format="A4")
        self._foot = foot
        self._widths: dict[str, float] = {}
        self.set_creation_date(_MADE_AT)
        self.set_producer("")
        self.add_font("cjk", fname=_font(), collection_font_number=_SIMPLIFIED)
        self.set_font("cjk", size=_SIZE)
        self.set_auto_page_break(auto=True, margin=16)
        self.alias_nb_pages("{pages}")
        self.set_draw_color(_LIGHT)
        self.set_line_width(0.1)

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(size=7)
        self.set_text_color(_GREY)
        self.cell(self.epw * 0.85, 5, self._foot)
        self.cell(0, 5, f"{self.page_no()} / {{pages}}", align="R")
        self.set_text_color(_BLACK)
        self.set_font(size=_SIZE)

    def write_table(self, table: Table) -> None:
        self.ln(4)
        if self.will_page_break(4 * _LINE):
            self.add_page()
        self.set_font(size=11)
        self.cell(0, 7, table.title, new_x="LMARGIN", new_y="NEXT")
        self.set_font(size=_SIZE)
        self._head(table)
        for row in table.rows:
            if self.will_page_break(_LINE):
                self.add_page()
                self._head(table)
            self._row(table, row)

    def _head(self, table: Table) -> None:
        if table.has_head:
            self.set_text_color(_GREY)
            self._row(table, [column.head for column in table.columns])
            self.set_text_color(_BLACK)

    def _row(self, table: Table, row: Sequence[str]) -> None:
        """Letters and a line beneath: cells would measure each text three times."""
        left, base = self.l_margin, self.y + _LINE / 2 + 0.3 * self.font_size
        for column, text in zip(table.columns, row, strict=True):
            width = column.share * self.epw
            fitting = self._fitting(text, width - 2 * self.c_margin)
            start = left + self.c_margin
            if column.is_number:
                start = left + width - self.c_margin - self._width(fitting)
            if fitting:
                self.text(start, base, fitting)
            left += width
        self.set_y(self.y + _LINE)
        self.line(self.l_margin, self.y, left, self.y)

    def _fitting(self, text: str, room: float) -> str:
        """What has no room is cut with an ellipsis; the spreadsheet has all of it."""
        if self._width(text) <= room:
            return text
        while text and self._width(f"{text}…") > room:
            text = text[:-1]
        return f"{text}…"

    def _width(self, text: str) -> float:
        """Of a text in a table, by what its letters measured the first time."""
        known = self._widths
        for letter in text:
            if letter not in known:
                known[letter] = self.get_string_width(letter)
        return sum(known[letter] for letter in text)
