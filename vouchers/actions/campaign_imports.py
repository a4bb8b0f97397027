"""Tiers and rounds of a campaign from a spreadsheet; a wrong row is told, not skipped.

What the file names is added or changed, nothing is deleted: the same file again changes
nothing. All or nothing: while a row is wrong, nothing is entered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.filled_in import (
    NotReadable,
    TooManyCells,
    TooManyRows,
    read_lines,
)
from bureau.common.money import yuan
from bureau.common.sports import Sport
from bureau.common.workbooks import Cell, Sheet, workbook
from vouchers.actions.checking import refuse_stale
from vouchers.actions.rounds import RoundPlan, set_rounds
from vouchers.actions.tiers import TierPlan, set_tiers
from vouchers.errors.merchants import FileTooLong, FileTooWide, FileUnreadable
from vouchers.models import Campaign, Round
from vouchers.queries.plan_marks import OF_A_FILE

MOST_ROWS = 200
TIER_COLUMNS, ROUND_COLUMNS = 6, 11
_COMMAS = re.compile(r"[、,，;；]+")
_TIER = re.compile(r"(\d+(?:\.\d\d?)?)\s*[/／-]\s*(\d+(?:\.\d\d?)?)")  # noqa: RUF001
_MOST_YUAN = Decimal(10_000)


@dataclass(frozen=True)
class SheetRow:
    """A line of a sheet, as typed; `sheet` is its name in the reader's words."""

    sheet: str
    number: int
    cells: tuple[Any, ...]


@dataclass(frozen=True)
class RowWrong:
    """What is wrong, and where; `row` is None for what concerns the plan as a whole."""

    sheet: str
    row: int | None
    words: str


@dataclass(frozen=True)
class Imported:
    """What a file says; `tiers` and `rounds` are what the campaign would then have."""

    wrong: list[RowWrong]
    tiers: list[TierPlan]
    rounds: list[RoundPlan]
    tier_names: dict[int, str]
    """By the key in a round's `lots`."""


class _Wrong(Exception):
    """Said of a cell while it is read."""


# --- The file ---------------------------------------------------------------------


def plan_workbook(campaign: Campaign) -> bytes:
    """The tiers and rounds as they stand, to be filled in further and read back."""
    tiers: list[list[Cell]] = [_tier_headings()]
    tiers += [
        [
            tier.name,
            tier.face_fen / 100,
            tier.threshold_fen / 100,
            tier.count,
            tier.per_person,
            ", ".join(tier.sports),
        ]
        for tier in campaign.tiers.order_by("face_fen", "threshold_fen", "pk")
    ]
    rounds: list[list[Cell]] = [_round_headings()]
    found = campaign.rounds.prefetch_related("lots__tier").order_by("number")
    for row in found:
        rounds += [
            [
                row.number,
                row.way,
                *(_local(getattr(row, name)) for name in _MOMENTS),
                row.lobby_minutes,
                row.spread_seconds,
                tier_label(TierPlan.of(lot.tier)),
                lot.amount,
            ]
            for lot in sorted(row.lots.all(), key=lambda one: one.tier.face_fen)
        ]
    ways: list[list[Cell]] = [[_("Code"), _("Given away by")]]
    ways += [[way.value, str(way.label)] for way in Round.Way]
    sports: list[list[Cell]] = [[_("Code"), _("Sport")]]
    sports += [[sport.value, str(sport.label)] for sport in Sport]
    return workbook(
        [
            Sheet(_("Tiers"), tiers),
            Sheet(_("Rounds"), rounds),
            Sheet(_("Ways"), ways),
            Sheet(_("Sports"), sports),
        ]
    )


_MOMENTS = ("opens_at", "closes_at", "draws_at", "rush_opens_at", "rush_closes_at")


def _tier_headings() -> list[Cell]:
    return [
        _("Name"),
        _("Value, yuan"),
        _("From a bill of, yuan"),
        _("Number of vouchers"),
        _("Most for one person"),
        _("Only for these sports"),
    ]


def _round_headings() -> list[Cell]:
    return [
        _("Round"),
        _("Given away by"),
        _("Opens"),
        _("Closes"),
        _("Draw at"),
        _("Rest opens"),
        _("Rest closes"),
        _("Minutes to gather"),
        _("Seconds of turns"),
        _("Tier, such as 200/500"),
        _("Number of vouchers"),
    ]


def _local(moment: datetime | None) -> str | None:
    return clock.at_text(moment) if moment else None


def tier_label(plan: TierPlan) -> str:
    """`200/500`, or `200/500 diving, swimming`: how a round's row names a tier."""
    return f"{plan} {', '.join(sorted(set(plan.sports)))}".strip()


def read_sheets(content: bytes) -> tuple[list[SheetRow], list[SheetRow]]:
    """The rows of the first and of the second sheet that say anything.

    Raises `FileUnreadable`, `FileTooLong`, `FileTooWide`.
    """
    widths = [TIER_COLUMNS, ROUND_COLUMNS]
    try:
        tiers, rounds = read_lines(content, columns=widths, most_rows=MOST_ROWS)
    except TooManyRows as wrong:
        raise FileTooLong(most=MOST_ROWS) from wrong
    except TooManyCells as wrong:
        raise FileTooWide from wrong
    except NotReadable as wrong:
        raise FileUnreadable from wrong
    if not tiers and not rounds:
        raise FileUnreadable
    return (
        [SheetRow(_("Tiers"), number, cells) for number, cells in tiers],
        [SheetRow(_("Rounds"), number, cells) for number, cells in rounds],
    )


# --- Reading it -------------------------------------------------------------------


@transaction.atomic
def import_plan(
    *,
    campaign: Campaign,
    content: bytes,
    dry_run: bool,
    seen: str | None = None,
    by: User,
    at: datetime | None = None,
) -> Imported:
    """Read tiers and rounds of a file into a campaign, or only say what would come.

    `seen` is the mark of the plan into which the file was looked at (`plan_mark`).
    Raises `FileUnreadable`, `FileTooLong`, `FileTooWide`, `CampaignOver`,
    `PlanChangedMeanwhile`; what is wrong with a row, or with the plan as a whole, is in
    the answer.
    """
    at = at or clock.now()
    tier_rows, round_rows = read_sheets(content)
    # What the file does not name stays as it is now: nobody may add to it meanwhile.
    refuse_stale(campaign, seen=seen, parts=OF_A_FILE)
    wrong: list[RowWrong] = []
    tiers = _merged_tiers(campaign, _each(tier_rows, _tier_of, wrong))
    labels = {tier_label(plan): n for n, plan in enumerate(tiers)}
    rounds = _rounds_of(campaign, round_rows, labels, tiers, wrong)
    names = dict(enumerate(tier_label(plan) for plan in tiers))
    if not wrong:
        wrong = _enter(campaign, tiers, rounds, dry_run=dry_run, by=by, at=at)
    return Imported(wrong, tiers, rounds, names)


def _enter(
    campaign: Campaign,
    tiers: Sequence[TierPlan],
    rounds: Sequence[RoundPlan],
    *,
    dry_run: bool,
    by: User,
    at: datetime,
) -> list[RowWrong]:
    sheet = _("Tiers")
    try:
        with transaction.atomic():
            made = set_tiers(campaign=campaign, tiers=tiers, by=by, at=at)
            sheet = _("Rounds")
            plans = [
                replace(plan, lots={made[n].pk: m for n, m in plan.lots.items()})
                for plan in rounds
            ]
            set_rounds(campaign=campaign, rounds=plans, by=by, at=at)
            if dry_run:
                transaction.set_rollback(True)
    except DomainError as refusal:
        return [RowWrong(sheet, None, str(refusal))]
    return []


def _each(
    rows: Sequence[SheetRow],
    read: Callable[[SheetRow], Any],
    wrong: list[RowWrong],
) -> list[Any]:
    """What the rows say; those that say nothing sensible are put on the list."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except _Wrong as words:
            wrong.append(RowWrong(row.sheet, row.number, str(words)))
    return found


def _merged_tiers(campaign: Campaign, named: Sequence[TierPlan]) -> list[TierPlan]:
    """The tiers as they stand, changed by what the file names; then the new ones."""
    merged = [TierPlan.of(row) for row in campaign.tiers.order_by("pk")]
    place = {tier_label(plan): n for n, plan in enumerate(merged)}
    for plan in named:
        n = place.get(tier_label(plan))
        if n is None:
            merged.append(plan)
        else:
            merged[n] = replace(plan, tier_id=merged[n].tier_id)
    return merged


def _tier_of(row: SheetRow) -> TierPlan:
    name, face, threshold, count, per_person, sports = row.cells
    return TierPlan(
        name=_text(name, 40),
        face_fen=_fen(face, _("Value, yuan")),
        threshold_fen=_fen(threshold, _("From a bill of, yuan")),
        count=_number(count, _("Number of vouchers"), most=10_000_000),
        per_person=_number(
            1 if per_person in (None, "") else per_person,
            _("Most for one person"),
            most=1000,
        ),
        sports=_sports(sports),
    )


def _rounds_of(
    campaign: Campaign,
    rows: Sequence[SheetRow],
    labels: dict[str, int],
    tiers: Sequence[TierPlan],
    wrong: list[RowWrong],
) -> list[RoundPlan]:
    """The rounds as they stand, changed by what the file names.

    A lot is that of the tier with this place in `tiers`.
    """
    place = {plan.tier_id: n for n, plan in enumerate(tiers) if plan.tier_id}
    there = campaign.rounds.prefetch_related("lots").order_by("number")
    plans: dict[int, RoundPlan] = {}
    for found in there:
        plan = RoundPlan.of(found)
        lots = {place[tier]: amount for tier, amount in plan.lots.items()}
        plans[plan.number] = replace(plan, lots=lots)
    named: set[int] = set()

    def read(row: SheetRow) -> None:
        number = _number(row.cells[0], _("Round"), most=1000)
        if number in named and all(cell in (None, "") for cell in row.cells[1:9]):
            plan = plans[number]  # a further tier of the round above
        else:
            plan = _round_of(number, row, plans.get(number))
        tier = _tier_named(row.cells[9], labels)
        amount = _number(row.cells[10], _("Number of vouchers"), most=10_000_000)
        plans[number] = replace(plan, lots={**plan.lots, tier: amount})
        named.add(number)

    _each(rows, read, wrong)
    return list(plans.values())


def _round_of(number: int, row: SheetRow, there: RoundPlan | None) -> RoundPlan:
    way = _text(row.cells[1], 20).lower() or Round.Way.RUSH.value
    known = {one.value: one.value for one in Round.Way}
    known |= {str(one.label).lower(): one.value for one in Round.Way}
    if way not in known:
        raise _Wrong(_("“%(text)s” is no way to give vouchers away.") % {"text": way})
    moments = dict(
        zip(
            _MOMENTS,
            (_moment(cell) for cell in row.cells[2:7]),
            strict=True,
        )
    )
    opens_at, closes_at = moments.pop("opens_at"), moments.pop("closes_at")
    if opens_at is None or closes_at is None:
        raise _Wrong(_("Say when the round opens and when it closes."))
    plan = RoundPlan(
        number=number,
        way=known[way],
        opens_at=opens_at,
        closes_at=closes_at,
        **moments,
        lobby_minutes=_number(
            15 if row.cells[7] in (None, "") else row.cells[7],
            _("Minutes to gather"),
            least=0,
            most=240,
        ),
        spread_seconds=_number(
            30 if row.cells[8] in (None, "") else row.cells[8],
            _("Seconds of turns"),
            least=0,
            most=600,
        ),
        lots=there.lots if there else {},
    )
    return _to_the_minute(plan, there)


def _to_the_minute(plan: RoundPlan, there: RoundPlan | None) -> RoundPlan:
    """A spreadsheet says minutes: the same minute is the same moment."""
    if there is None:
        return plan
    same = {
        name: getattr(there, name)
        for name in _MOMENTS
        if _local(getattr(there, name)) == _local(getattr(plan, name))
    }
    return replace(plan, **same)


# --- Cells ------------------------------------------------------------------------


def _text(cell: Any, most: int) -> str:
    text = "" if cell is None else " ".join(str(cell).split())
    if len(text) > most or "\x00" in text:
        raise _Wrong(_("“%(text)s…” is too long.") % {"text": text[:20]})
    return text


def _decimal(cell: Any, words: str) -> Decimal:
    try:
        number = Decimal(str(cell).replace(",", "").strip())
    except InvalidOperation as wrong:
        raise _Wrong(
            _("%(field)s: “%(text)s” is no number.")
            % {"field": words, "text": "" if cell is None else str(cell)[:20]}
        ) from wrong
    if isinstance(cell, bool) or not number.is_finite() or number.adjusted() > 12:
        raise _Wrong(
            _("%(field)s: “%(text)s” is no number.")
            % {"field": words, "text": str(cell)[:20]}
        )
    return number


def _number(cell: Any, words: str, *, most: int, least: int = 1) -> int:
    number = _decimal(cell, words)
    if number != int(number) or not least <= number <= most:
        raise _Wrong(
            _("%(field)s: a whole number from %(least)s to %(most)s.")
            % {"field": words, "least": least, "most": most}
        )
    return int(number)


def _fen(cell: Any, words: str) -> int:
    amount = _decimal(cell, words)
    if not 0 < amount <= _MOST_YUAN or amount * 100 != int(amount * 100):
        raise _Wrong(
            _("%(field)s: yuan with two decimals at most, up to %(most)s.")
            % {"field": words, "most": f"{_MOST_YUAN:,}"}
        )
    return int(amount * 100)


def _moment(cell: Any) -> datetime | None:
    if cell in (None, ""):
        return None
    given: datetime | None = cell if isinstance(cell, datetime) else None
    if given is None:
        text = str(cell).strip().replace("/", "-").replace("T", " ")
        with suppress(ValueError):
            given = datetime.fromisoformat(text)
    if given is None or not 2000 <= given.year <= 2100:
        raise _Wrong(
            _("“%(text)s” is no moment: write 2026-12-05 10:00.")
            % {"text": str(cell)[:30]}
        )
    return given if given.tzinfo else given.replace(tzinfo=clock.CHINA)


def _sports(cell: Any) -> tuple[str, ...]:
    text = _text(cell, 200)
    known = {sport.value: sport.value for sport in Sport}
    known |= {str(sport.label).lower(): sport.value for sport in Sport}
    found = []
    for name in _COMMAS.split(text) if text else []:
        code = known.get(name.strip().lower())
        if code is None:
            raise _Wrong(_("“%(name)s” is no sport.") % {"name": name.strip()[:40]})
        found.append(code)
    return tuple(sorted(set(found)))


def _tier_named(cell: Any, labels: dict[str, int]) -> int:
    text = _text(cell, 200)
    found = _TIER.match(text)
    if found:
        face, threshold = (int(Decimal(part) * 100) for part in found.groups())
        rest = text[found.end() :].strip()
        sports = ", ".join(_sports(rest))
        label = f"{yuan(face)}/{yuan(threshold)} {sports}".strip()
        if label in labels:
            return labels[label]
    raise _Wrong(_("There is no tier “%(text)s”.") % {"text": text[:40]})
