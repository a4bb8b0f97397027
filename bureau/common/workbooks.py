"""Spreadsheets (xlsx) that come out the same, byte for byte, from the same figures.

Whoever checks a report can make it again and compare the two files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped]
from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | float | date | None
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name
_MADE_AT = datetime(1980, 1, 1)  # noqa: DTZ001 - xlsx knows no offsets
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_TITLE_LENGTH = 31
_WIDEST = 60


@dataclass(frozen=True)
class Sheet:
    """A table: the first `head` rows are headings, and stay in view."""

    title: str
    rows: Sequence[Sequence[Cell]]
    head: int = 1


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The file. Text stays text: a cell that begins with "=" is no formula."""
    book = Workbook()
    book.remove(book.active)
    book.properties.created = _MADE_AT
    book.properties.creator = ""
    for sheet in sheets:
        _write(book.create_sheet(_title(sheet.title, book.sheetnames)), sheet)
    made = BytesIO()
    book.save(made)
    return _without_time(made)


def _title(wanted: str, taken: Sequence[str]) -> str:
    title = _FORBIDDEN.sub(" ", wanted)[:_TITLE_LENGTH]
    number = 2
    while title.lower() in {one.lower() for one in taken}:
        title = f"{title[: _TITLE_LENGTH - 3]} {number}"
        number += 1
    return title


def _write(page: Any, sheet: Sheet) -> None:
    widths: dict[int, int] = {}
    styles: dict[tuple[bool, bool], Any] = {}
    for line, row in enumerate(sheet.rows, 1):
        for column, value in enumerate(row, 1):
            if value is not None:
                cell = page.cell(line, column)
                _fill(cell, value)
                _style(cell, (isinstance(value, str), line <= sheet.head), styles)
                widths[column] = max(widths.get(column, 0), _width(str(value)))
    for column, width in widths.items():
        letter = get_column_letter(column)
        page.column_dimensions[letter].width = min(width + 2, _WIDEST)
    if sheet.head:
        page.freeze_panes = page.cell(sheet.head + 1, 1)


def _fill(cell: Any, value: Cell) -> None:
    if isinstance(value, str):
        cell.value = _UNPRINTABLE.sub("", value)
        cell.data_type = "s"
    else:
        cell.value = value


def _style(
    cell: Any, kind: tuple[bool, bool], styles: dict[tuple[bool, bool], Any]
) -> None:
    """Text wraps, headings are bold. The second cell of a kind takes that of the first.

    To look a style up costs more than all the rest of a cell.
    """
    if kind in styles and not cell.has_style:
        cell._style = styles[kind]  # noqa: SLF001 - no public way
        return
    is_text, is_head = kind
    if is_text:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    if is_head:
        cell.font = Font(bold=True)
    if not cell.is_date:
        styles[kind] = cell._style  # noqa: SLF001


def _width(text: str) -> int:
    """A Chinese character is as wide as two letters."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


def _without_time(made: BytesIO) -> bytes:
    """The same archive with one moment for all its files."""
    packed = BytesIO()
    with ZipFile(made) as source, ZipFile(packed, "w", ZIP_DEFLATED) as target:
        for name in sorted(source.namelist(), key=lambda one: (one[0] != "[", one)):
            content = source.read(name)
            if name == "docProps/core.xml":
                moment = _MADE_AT.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = _MODIFIED.sub(rb"\g<1>" + moment + rb"\g<2>", content)
            entry = ZipInfo(name, _EPOCH)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, content)
    return packed.getvalue()
