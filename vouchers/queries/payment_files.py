"""The file for the bank: never stored, made anew each time, the same byte for byte."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from hashlib import sha256
from io import StringIO
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.common import sealed
from bureau.common.workbooks import Cell
from vouchers.models import PaymentFile

BOM = "\ufeff"


def words_of(payment_file: PaymentFile) -> dict[str, Any]:
    """What a new file calls things: its headings, and what each payment is for.

    Kept with the file: neither another translation nor another name of the campaign may
    change a file that the bank has. In the portal's own language.
    """
    with translation.override(settings.LANGUAGE_CODE):
        headings = [
            _("No."),
            _("payee account"),
            _("payee name"),
            _("payee bank"),
            _("amount, yuan"),
            _("purpose"),
        ]
    rows = payment_file.settlements.select_related("campaign").order_by("pk")
    purposes = {row.number: f"{row.campaign.name} {row.number}" for row in rows}
    return {"headings": headings, "purposes": purposes}


def payment_rows(payment_file: PaymentFile) -> list[list[Cell]]:
    """The columns of the common batch transfer: number, account, name, bank, amount.

    With whole account numbers. Yuan with two places, as text: no bank wants 1E+05.
    """
    words = payment_file.facts or words_of(payment_file)
    rows: list[list[Cell]] = [list(words["headings"])]
    for n, row in enumerate(payment_file.settlements.order_by("pk"), 1):
        rows.append(
            [
                str(n),
                sealed.unseal(row.sealed_account),
                row.account_name,
                row.bank_name,
                f"{row.amount_fen // 100}.{row.amount_fen % 100:02}",
                words["purposes"].get(row.number, row.number),
            ]
        )
    return rows


def payment_csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark: WPS and Excel take a file without one for GBK.

    Account numbers are digits, names come from merchants: what a spreadsheet would take
    for a formula gets an apostrophe in front.
    """
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [_harmless(cell) for cell in row] for row in rows
    )
    return (BOM + text.getvalue()).encode()


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell


def is_as_made(payment_file: PaymentFile) -> bool:
    """Whether the file still comes out as it was made, to the byte."""
    try:
        content = payment_csv(payment_rows(payment_file))
    except InvalidToken:
        return False
    return sha256(content).hexdigest() == payment_file.sha256


def altered_files() -> Iterator[dict[str, Any]]:
    """Files that would come out otherwise than they were made."""
    for one in PaymentFile.objects.order_by("pk").iterator():
        if not is_as_made(one):
            yield {"id": one.pk, "number": one.number, "sha256": one.sha256}
