"""Spreadsheets (xlsx) that somebody sent. Everything in the file is hostile."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook  # type: ignore[import-untyped]

MOST_UNPACKED = 5_000_000
"""A file of some kilobytes may unpack to gigabytes, and reading a megabyte takes a
second; a thousand filled rows are less than two."""
MOST_ELEMENTS = 100_000
"""Cells, texts, styles: what takes the time, and a megabyte may hold a million of them.
A thousand rows of sixteen cells, each with a text of its own, are 65,000."""
EMPTY_ROWS = 20
"""How many lines there may be for each that may be filled: some are skipped, and
programs keep formatted ones at the end."""
# What the readers of zip, of XML and of the workbook raise over a broken file.
_BROKEN = (
    BadZipFile,
    zlib.error,
    SyntaxError,  # of XML
    KeyError,
    ValueError,
    TypeError,
    OSError,
    EOFError,
    IndexError,
    AttributeError,
    OverflowError,
    RuntimeError,  # locked with a password; nested too deeply; packed in another way
)

Line = tuple[int, tuple[Any, ...]]
"""Its number in the sheet, and its cells as they were typed."""


class NotReadable(Exception):
    """No xlsx, or one that no program of an office has written."""


class TooManyRows(Exception):
    """More lines than are read at a time."""


class TooManyCells(Exception):
    """Few lines perhaps, but very long ones, or a sheet that is formatted far out."""


def read_lines(
    content: bytes, *, columns: Sequence[int], most_rows: int
) -> list[list[Line]]:
    """What stands below the headings: of each sheet that `columns` has a width for.

    Lines that say nothing are left out, short ones are filled up with None, and a sheet
    that the file does not have is empty. Raises `NotReadable`, `TooManyRows` or
    `TooManyCells`.
    """
    try:
        with ZipFile(BytesIO(content)) as packed:
            parts = packed.infolist()
            if sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise NotReadable
            if sum(_elements_in(packed.read(part)) for part in parts) > MOST_ELEMENTS:
                raise TooManyCells
        # No links: they would read further files.
        book = load_workbook(
            BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        if not book.worksheets:
            raise NotReadable
        pages = [*book.worksheets, *[None] * len(columns)]
        return [
            _lines_of(page, width, most_rows) if page is not None else []
            for page, width in zip(pages, columns, strict=False)
        ]
    except _BROKEN as wrong:
        raise NotReadable from wrong


def _elements_in(part: bytes) -> int:
    """How many there are at most: counted, because only a parser would know."""
    return part.count(b"<") - part.count(b"</")


def _lines_of(page: Any, width: int, most_rows: int) -> list[Line]:
    lines: list[Line] = []
    rows = page.iter_rows(min_row=2, max_col=width, values_only=True)
    for number, cells in enumerate(rows, 2):
        if any(cell not in (None, "") for cell in cells):
            lines.append((number, (*cells, *[None] * width)[:width]))
        # The number of a line is the sender's word: one alone may be the billionth.
        if len(lines) > most_rows or number > EMPTY_ROWS * most_rows:
            raise TooManyRows
    return lines
