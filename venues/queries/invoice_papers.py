"""A club's invoice as a file, in the portal's own language whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.common import clock, papers, workbooks
from bureau.common.money import yuan
from bureau.common.papers import Column, Paper, Table
from bureau.common.workbooks import Cell, Sheet
from venues.models import BookingLine, Invoice
from venues.queries.rules import quote_in_words
from venues.queries.seasons import WeeklyTime, open_lines

_SHARES = (0.13, 0.08, 0.08, 0.2, 0.37, 0.14)  # of a line's columns, from left to right


@dataclass(frozen=True)
class InvoiceFile:
    """A kind of file that an invoice can be had as."""

    content_type: str
    write: Callable[[Invoice], bytes]


def _workbook(shown: Invoice) -> bytes:
    with translation.override(settings.LANGUAGE_CODE):
        lines: list[list[Cell]] = [
            [*_cells(line), line.price_fen / 100] for line in open_lines(shown)
        ]
        sums: list[list[Cell]] = [
            [words, None, None, None, None, fen / 100] for words, fen in _sums(shown)
        ]
        heads: list[Cell] = [*_heads()]
        rows: list[list[Cell]] = [*_facts(shown), [], heads, *lines, *sums]
        return workbooks.workbook([Sheet(_("Invoice"), rows, head=0)])


def _pdf(shown: Invoice) -> bytes:
    """The same figures make the same bytes."""
    with translation.override(settings.LANGUAGE_CODE):
        columns = [
            Column(head, share, is_number=head == _heads()[-1])
            for head, share in zip(_heads(), _SHARES, strict=True)
        ]
        lines = [
            [*(str(cell) for cell in _cells(line)), yuan(line.price_fen)]
            for line in open_lines(shown)
        ]
        sums = [[words, "", "", "", "", yuan(fen)] for words, fen in _sums(shown)]
        facts = [[str(cell) for cell in row] for row in _facts(shown)]
        no_heads = [Column("", 0.35), Column("", 0.65)]
        return Paper(
            title=_("Invoice"),
            subtitle=f"{shown.number} · {shown.club.name}",
            tables=[
                Table(settings.BUREAU_NAME, no_heads, facts, has_head=False),
                Table(_("What it is for"), columns, [*lines, *sums]),
            ],
            foot=f"{settings.SITE_NAME} · {shown.number}",
        ).as_pdf()


INVOICE_FILES = {
    "xlsx": InvoiceFile(workbooks.CONTENT_TYPE, _workbook),
    "pdf": InvoiceFile(papers.CONTENT_TYPE, _pdf),
}


def _facts(shown: Invoice) -> list[list[Cell]]:
    """What stands above the lines."""
    request = shown.request
    facts: list[list[Cell]] = [
        [_("Invoice"), shown.number],
        [_("Club"), shown.club.name],
        [_("Unified social credit code"), shown.club.credit_code],
        [_("Venue"), request.season.venue.display_name],
        [_("Season"), request.season.name],
        [_("Weekly time"), WeeklyTime.of(request).in_words],
        [_("Issued on"), clock.local_day(shown.issued_at)],
        [_("To be paid by"), shown.due_on],
        [_("State"), str(shown.get_state_display())],
    ]
    if shown.paid_at:
        facts.append([_("Paid on"), clock.local_day(shown.paid_at)])
    return facts


def _heads() -> tuple[str, ...]:
    return (_("Date"), _("From"), _("Until"), _("Court"), _("Price"), _("Yuan"))


def _cells(line: BookingLine) -> list[Cell]:
    """A date of the club, all but its sum."""
    return [
        clock.local_day(line.starts_at),
        f"{line.starts_at.astimezone(clock.CHINA):%H:%M}",
        f"{line.ends_at.astimezone(clock.CHINA):%H:%M}",
        line.bookable.name,
        quote_in_words(line.quote),
    ]


def _sums(shown: Invoice) -> list[tuple[str, int]]:
    kept = [(_("Kept for what was given back"), shown.retained_fen)]
    return [*(kept if shown.retained_fen else []), (_("Total"), shown.total_fen)]
