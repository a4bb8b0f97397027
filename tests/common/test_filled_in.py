"""A spreadsheet that somebody sent costs little time and never an error page."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]

from bureau.common.filled_in import (
    NotReadable,
    TooManyCells,
    TooManyRows,
    read_lines,
)

SHEET = "xl/worksheets/sheet1.xml"
HEAD = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>"
)
TAIL = "</sheetData></worksheet>"
FILLED = '<row r="2"><c r="A2" t="inlineStr"><is><t>x</t></is></c></row>'


def filled(rows: int = 2) -> bytes:
    book = Workbook()
    book.active.append(["heading", "heading"])
    for n in range(rows):
        book.active.append(["x", n])
    return saved(book)


def saved(book: Workbook) -> bytes:
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def with_part(name: str, content: str) -> bytes:
    """A sound file, one part of which says something else."""
    made = BytesIO()
    with ZipFile(BytesIO(filled())) as sound, ZipFile(made, "w", ZIP_DEFLATED) as other:
        for part in sound.namelist():
            other.writestr(part, content if part == name else sound.read(part))
    return made.getvalue()


def with_sheet(rows: str) -> bytes:
    return with_part(SHEET, HEAD + rows + TAIL)


def with_entries(change: Callable[[bytearray, int], None]) -> bytes:
    """A sound file whose list of parts says something else of each of them."""
    content = bytearray(filled())
    place = content.find(b"PK\x01\x02")
    while place != -1:
        change(content, place)
        place = content.find(b"PK\x01\x02", place + 4)
    return bytes(content)


def locked(content: bytearray, place: int) -> None:
    content[place + 8] |= 1


def packed_otherwise(content: bytearray, place: int) -> None:
    content[place + 10] = 99


def torn() -> bytes:
    content = bytearray(filled())
    place = content.find(SHEET.encode())
    content[place + 40 : place + 80] = b"\xff" * 40
    return bytes(content)


def read(content: bytes) -> list[list[tuple[int, tuple[object, ...]]]]:
    return read_lines(content, columns=[3, 2], most_rows=10)


def test_lines_come_with_their_numbers_and_as_wide_as_asked_for() -> None:
    book = Workbook()
    book.active.append(["heading"])
    book.active.append(["x", 1, None, "too far"])
    book.active.append([None, ""])
    book.active.append(["y"])
    assert read(saved(book)) == [[(2, ("x", 1, None)), (4, ("y", None, None))], []]


def test_merged_cells_and_formulas_are_read_as_what_they_show() -> None:
    book = Workbook()
    for row in (["heading"], ["x", "=1+1"], ["y"]):
        book.active.append(row)
    book.active.merge_cells("A3:B4")
    assert read(saved(book))[0] == [(2, ("x", None, None)), (3, ("y", None, None))]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param("名称,金额\n甲,1\n".encode("gbk"), id="csv"),
        pytest.param(b"PK\x03\x04" + b"0" * 99, id="no zip"),
        pytest.param(filled()[:-300], id="cut off"),
        pytest.param(torn(), id="torn"),
        pytest.param(with_entries(locked), id="locked"),
        pytest.param(with_entries(packed_otherwise), id="packed otherwise"),
        pytest.param(with_part(SHEET, HEAD + "<row"), id="half of a sheet"),
        pytest.param(with_part("xl/workbook.xml", "<x"), id="half of a book"),
        pytest.param(with_part("xl/workbook.xml", "<x/>"), id="another book"),
        pytest.param(with_part("[Content_Types].xml", "<x/>"), id="no types"),
        pytest.param(with_sheet('<row r="x"><c r="A2"/></row>'), id="row x"),
        pytest.param(
            with_sheet('<row r="2"><c r="ZZZZZZZ2"><v>1</v></c></row>'), id="far right"
        ),
        pytest.param(
            with_sheet('<row r="2"><c r="A2" t="s"><v>9999</v></c></row>'),
            id="a text that is not there",
        ),
        pytest.param(
            with_part(
                SHEET,
                '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
                f"{HEAD}<row><c><v>&b;</v></c></row>{TAIL}",
            ),
            id="entities",
        ),
        pytest.param(with_sheet(" " * 6_000_000), id="small, and large unpacked"),
    ],
)
def test_what_no_office_program_wrote_is_not_read(content: bytes) -> None:
    with pytest.raises(NotReadable):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(filled(11), id="one more than ten"),
        pytest.param(with_sheet(FILLED.replace("2", "99999999999")), id="far below"),
        pytest.param(with_sheet("<row/>" * 300 + FILLED), id="emptiness"),
    ],
)
def test_reading_ends_soon_after_the_last_row_that_may_be(content: bytes) -> None:
    with pytest.raises(TooManyRows):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            with_sheet(f'<row r="2">{"<c><v>1</v></c>" * 60_000}</row>'),
            id="a row without end",
        ),
        pytest.param(with_sheet(f"<row>{'<c/>' * 110_000}</row>"), id="empty cells"),
        pytest.param(
            with_part("xl/styles.xml", f"<s>{'<xf/>' * 110_000}</s>"), id="styles"
        ),
    ],
)
def test_few_lines_of_very_many_cells_are_turned_away_unread(content: bytes) -> None:
    with pytest.raises(TooManyCells):
        read(content)


def test_as_many_filled_rows_as_there_may_be_are_not_too_many_cells() -> None:
    book = Workbook()
    for row in range(1001):
        book.active.append([f"row {row} cell {cell}" for cell in range(16)])
    (lines,) = read_lines(saved(book), columns=[16], most_rows=1000)
    assert len(lines) == 1000
