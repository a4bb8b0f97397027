"""Merchants that take part already are entered from a spreadsheet, a shop a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.actions import normal_phone
from bureau.accounts.errors import BadPhone
from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, geo
from bureau.common.db import constraint_errors
from bureau.common.errors import DomainError
from bureau.common.filled_in import (
    NotReadable,
    TooManyCells,
    TooManyRows,
    read_lines,
)
from bureau.common.geo import Datum
from bureau.common.sports import Sport
from bureau.common.workbooks import Sheet, workbook
from vouchers.actions.members import Invitation, write_invitation
from vouchers.actions.merchants import MerchantFacts
from vouchers.actions.shops import ShopFacts, create_shop
from vouchers.errors.merchants import (
    AccountNumberWrong,
    FileTooLong,
    FileTooWide,
    FileUnreadable,
    MerchantCodeTaken,
)
from vouchers.models import Member, Merchant

MOST_ROWS = 1000
COLUMNS = 16
_COMMAS = re.compile(r"[、,，;；/]+")


class RowWrong(Exception):
    """What is wrong with a row, in the reader's words."""


@dataclass(frozen=True)
class Row:
    """A line of the spreadsheet, as typed; `number` is its line."""

    number: int
    cells: tuple[Any, ...]

    def text(self, column: int) -> str:
        value = self.cells[column]
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # a spreadsheet takes long numbers for floats
        return str(value).strip()


@dataclass(frozen=True)
class Outcome:
    """What became, or would become, of a row."""

    row: int
    what: str
    """"new" (merchant and shop), "shop", "same" or "wrong"."""
    words: str


def template() -> bytes:
    """An empty spreadsheet with its headings, in the reader's language."""
    headings = [
        _("Name on the licence"),
        _("Unified social credit code"),
        _("Sports"),
        _("Permit number"),
        _("Permit valid until"),
        _("Bank"),
        _("Name of the account"),
        _("Number of the account"),
        _("Manager's mobile number"),
        _("Manager's name"),
        _("Name of the shop"),
        _("Address"),
        _("Telephone of the shop"),
        _("Latitude"),
        _("Longitude"),
        _("Datum (wgs84, gcj02, bd09)"),
    ]
    sports = [[_("Code"), _("Sport")], *([s.value, str(s.label)] for s in Sport)]
    return workbook([Sheet(_("Merchants"), [headings]), Sheet(_("Sports"), sports)])


def read_rows(content: bytes) -> list[Row]:
    """The lines below the headings that say anything.

    Raises `FileUnreadable`, `FileTooLong` or `FileTooWide`.
    """
    try:
        (lines,) = read_lines(content, columns=[COLUMNS], most_rows=MOST_ROWS)
    except TooManyRows as wrong:
        raise FileTooLong(most=MOST_ROWS) from wrong
    except TooManyCells as wrong:
        raise FileTooWide from wrong
    except NotReadable as wrong:
        raise FileUnreadable from wrong
    if not lines:
        raise FileUnreadable
    return [Row(number, cells) for number, cells in lines]


def import_merchants(*, rows: Sequence[Row], dry_run: bool, by: User) -> list[Outcome]:
    """Enter merchants as approved, with their shops; invite their managers by SMS.

    All or nothing, with the invitations: while a row is wrong, nothing is entered. The
    same file again enters nothing new: a merchant is known by its code, a shop by its
    name. What is known is left as it is. What would happen comes back for every row,
    also of a dry run. Redis is not asked: the sweep sends the invitations.
    """
    with transaction.atomic():
        outcomes = [_enter(row, by=by) for row in rows]
        wrong = any(outcome.what == "wrong" for outcome in outcomes)
        if dry_run or wrong:
            transaction.set_rollback(True)
    return outcomes


def _enter(row: Row, *, by: User) -> Outcome:
    try:
        with transaction.atomic():
            outcome = _enter_row(row, by=by)
            _invite_manager(row, by=by)
            return outcome
    except RowWrong as wrong:
        return Outcome(row.number, "wrong", str(wrong))
    except DomainError as refusal:
        return Outcome(row.number, "wrong", str(refusal))


def _enter_row(row: Row, *, by: User) -> Outcome:
    now = clock.now()
    _phone_of(row)
    facts = _facts_of(row)
    columns = facts.columns(today=clock.local_day(now))
    same = Merchant.objects.filter(credit_code=columns["credit_code"])
    merchant = same.working().first()
    is_new = merchant is None
    if merchant is None:
        if same.filter(state=Merchant.State.APPLIED).exists():
            raise RowWrong(_("This business has applied on line: decide it there."))
        if "sealed_account" not in columns:
            raise AccountNumberWrong
        with constraint_errors(vouchers_merchant_credit_code_once=MerchantCodeTaken):
            merchant = Merchant.objects.create(
                contact=by,
                state=Merchant.State.APPROVED,
                applied_at=now,
                decided_at=now,
                decided_by=by,
                **columns,
            )
        record("vouchers.merchant.imported", subject=merchant, by=by, at=now)
    elif merchant.name != columns["name"]:
        raise RowWrong(
            _("%(code)s belongs to %(name)s.")
            % {"code": merchant.credit_code, "name": merchant.name}
        )
    shop = _shop_of(row)
    if merchant.shops.filter(name=shop.name).exists():
        return Outcome(row.number, "same", _("Known already"))
    made = create_shop(merchant, shop, at=now)
    made.is_open, made.waits_since = True, None
    made.save(update_fields=["is_open", "waits_since"])
    record("vouchers.shop.imported", subject=made, by=by, at=now)
    if is_new:
        return Outcome(row.number, "new", _("New merchant, new shop"))
    return Outcome(row.number, "shop", _("New shop"))


def _invite_manager(row: Row, *, by: User) -> None:
    """Whoever has no manager yet gets one by the row's number; again, nothing."""
    merchant = Merchant.objects.working().get(credit_code=_facts_of(row).code)
    managers = Member.objects.filter(
        merchant=merchant, left_at=None, role=Member.Role.MANAGER
    )
    if merchant.state != Merchant.State.APPROVED or managers.exists():
        return
    phone = _phone_of(row)
    invitation = Invitation(
        phone=phone,
        name=row.text(9)[:40] or _("Manager"),
        role=Member.Role.MANAGER,
    )
    write_invitation(merchant, invitation, phone, by=by, by_sweep=True)


def _phone_of(row: Row) -> str:
    try:
        return normal_phone(row.text(8))
    except BadPhone as wrong:
        raise RowWrong(str(wrong)) from wrong


def _facts_of(row: Row) -> MerchantFacts:
    for column, words in ((0, _("Name on the licence")), (5, _("Bank"))):
        _short(row, column, words, 120 if column == 0 else 80)
    _short(row, 6, _("Name of the account"), 120)
    return MerchantFacts(
        name=row.text(0),
        credit_code=row.text(1),
        sports=_sports_of(row.text(2)),
        permit_number=row.text(3)[:40],
        permit_until=_day_of(row, 4),
        bank_name=row.text(5),
        account_name=row.text(6),
        account_number=row.text(7),
    )


def _short(row: Row, column: int, words: str, most: int) -> None:
    text = row.text(column)
    if not text:
        raise RowWrong(_("%(field)s is missing.") % {"field": words})
    if len(text) > most or "\x00" in text:
        raise RowWrong(_("%(field)s is too long.") % {"field": words})


def _sports_of(text: str) -> tuple[str, ...]:
    known = {sport.value: sport.value for sport in Sport}
    known |= {str(sport.label).lower(): sport.value for sport in Sport}
    found = []
    # A label of two words is no two sports.
    names = [text] if text.lower() in known else _COMMAS.split(text)
    for name in names:
        code = known.get(name.strip().lower())
        if code is None:
            raise RowWrong(_("“%(name)s” is no sport.") % {"name": name.strip()[:40]})
        found.append(code)
    return tuple(found)


def _day_of(row: Row, column: int) -> date | None:
    value = row.cells[column]
    if isinstance(value, datetime):
        return value.date()
    text = row.text(column)
    if not text:
        return None
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError as wrong:
        raise RowWrong(_("Write a day as 2026-11-23.")) from wrong


def _shop_of(row: Row) -> ShopFacts:
    _short(row, 10, _("Name of the shop"), 120)
    _short(row, 11, _("Address"), 200)
    return ShopFacts(
        name=row.text(10),
        address=row.text(11),
        phone=row.text(12)[:24],
        location=_place_of(row),
    )


def _place_of(row: Row) -> Point:
    datum = row.text(15).lower() or Datum.WGS84.value
    try:
        latitude, longitude = float(row.text(13)), float(row.text(14))
        if datum not in Datum.values:
            raise ValueError(datum)
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise ValueError(latitude)
    except ValueError as wrong:
        raise RowWrong(_("This place is not on the map.")) from wrong
    return geo.point(longitude, latitude, datum)
