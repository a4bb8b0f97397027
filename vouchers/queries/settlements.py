"""What a settlement says: its lines, its totals, and the papers made of them.

A paper is made of what never changes: a settlement's lines, facts of redemptions that
no action changes, and the names that were frozen when it was prepared. So whoever makes
it again gets the same file, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Sum
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.common import clock, codes
from bureau.common.fields import DAY
from bureau.common.money import yuan
from bureau.common.papers import Column, Paper, Table
from bureau.common.workbooks import Cell, Sheet, workbook
from vouchers.models import (
    HASH_OF_TEXTS,
    TEXT_OF_A_LINE,
    Campaign,
    Flag,
    Member,
    Merchant,
    Redemption,
    Settlement,
    SettlementLine,
    Shop,
    Transfer,
    Voucher,
)

_HUNDRED = 100


# --- Lines ----------------------------------------------------------------------------

_HASH = f"""
    SELECT {HASH_OF_TEXTS}
      FROM (SELECT line.kind, redemption.redeemed_at, redemption.number,
                   {TEXT_OF_A_LINE} AS text
              FROM vouchers_settlementline AS line
              JOIN vouchers_redemption AS redemption
                ON redemption.id = line.redemption_id
              JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
              JOIN vouchers_shop AS shop ON shop.id = redemption.shop_id
             WHERE line.settlement_id = %s) AS told
"""  # noqa: S608 - of our own parts


def hash_of_lines(settlement: Settlement) -> str:
    """SHA-256 over the lines: one row each, fields with `|` between, ended by LF."""
    with connection.cursor() as cursor:
        cursor.execute(_HASH, [settlement.pk])
        return str(cursor.fetchone()[0] or "")


def facts_of_merchants(
    campaign_id: int, merchants: Sequence[int], *, until: datetime
) -> dict[int, dict[str, Any]]:
    """Names as they are now, and what flags keep out of a settlement until `until`.

    By merchant; in four questions, however many there are.
    """
    firms = Merchant.objects.filter(pk__in=merchants)
    facts: dict[int, dict[str, Any]] = {
        pk: {
            "merchant": name,
            "credit_code": code,
            "shops": {},
            "clerks": {},
            "held": [],
        }
        for pk, name, code in firms.values_list("pk", "name", "credit_code")
    }
    for kind, rows in (("shops", Shop.objects), ("clerks", Member.objects)):
        named = rows.filter(merchant__in=merchants).order_by("pk")
        for merchant, pk, name in named.values_list("merchant", "pk", "name"):
            facts[merchant][kind][str(pk)] = name
    for merchant, number in _held_until(campaign_id, merchants, until):
        facts[merchant]["held"].append(number)
    return facts


def _held_until(
    campaign_id: int, merchants: Sequence[int], end: datetime
) -> QuerySet[Redemption, tuple[int, str]]:
    """(merchant, number) of redemptions that a flag keeps back."""
    flags = Flag.objects.holding().filter(merchant__in=merchants)
    settled = SettlementLine.objects.filter(
        kind=SettlementLine.Kind.REDEEMED,
        counts=True,
        settlement__merchant__in=merchants,
    )
    held = Redemption.objects.done().filter(
        merchant__in=merchants,
        voucher__campaign=campaign_id,
        redeemed_at__lt=end,
        pk__in=flags.values("redemptions"),
    )
    return (
        held.exclude(pk__in=settled.values("redemption"))
        .order_by("redeemed_at", "pk")
        .values_list("merchant", "number")
    )


def taken_back_of(campaign: Campaign, merchant: Merchant) -> QuerySet[SettlementLine]:
    """Lines that were paid, refunded since, and neither taken off nor paid back."""
    lines = SettlementLine.objects.filter(counts=True)
    taken = lines.filter(
        kind=SettlementLine.Kind.CLAW_BACK, settlement__merchant=merchant
    )
    repaid = Transfer.objects.filter(
        campaign=campaign, kind=Transfer.Kind.REPAY, redemption__merchant=merchant
    )
    return (
        lines.filter(
            kind=SettlementLine.Kind.REDEEMED,
            settlement__campaign=campaign,
            settlement__merchant=merchant,
            settlement__state=Settlement.State.PAID,
        )
        .exclude(redemption__state=Redemption.State.DONE)
        .exclude(redemption__in=taken.values("redemption"))
        .exclude(redemption__in=repaid.values("redemption"))
        .select_related("redemption", "settlement")
        .order_by("redemption__redeemed_at", "pk")
    )


# --- The statement --------------------------------------------------------------------


@dataclass(frozen=True)
class StatementLine:
    """A redemption as the statement shows it."""

    number: str
    redeemed_at: datetime
    shop: str
    clerk: str
    tier: str
    bill_fen: int
    amount_fen: int
    """The subsidy; below nothing for what is taken back."""
    voucher: str
    """The masked code."""


@dataclass
class Total:
    """Of one tier or one shop."""

    count: int = 0
    bill_fen: int = 0
    amount_fen: int = 0

    def add(self, line: StatementLine) -> None:
        self.count += 1
        self.bill_fen += line.bill_fen
        self.amount_fen += line.amount_fen


@dataclass(frozen=True)
class Statement:
    """What a settlement pays, and for what."""

    settlement: Settlement
    merchant: str
    credit_code: str
    redeemed: list[StatementLine]
    """Of the days of the period."""
    earlier: list[StatementLine]
    """Of days before it: held then, or outweighed by refunds."""
    taken_back: list[StatementLine]
    held: list[StatementLine]
    """Not in the sum: what a flag held when this was prepared."""
    tiers: dict[str, Total] = field(default_factory=dict)
    shops: dict[str, Total] = field(default_factory=dict)
    """Both of `redeemed` and `earlier`; the smallest tier first, shops by name."""

    @property
    def redeemed_fen(self) -> int:
        return sum(line.amount_fen for line in (*self.redeemed, *self.earlier))

    @property
    def taken_back_fen(self) -> int:
        """Nothing, or less."""
        return sum(line.amount_fen for line in self.taken_back)

    @property
    def amount_fen(self) -> int:
        """What the lines add up to."""
        return self.redeemed_fen + self.taken_back_fen


def statement_of(settlement: Settlement) -> Statement:
    """All of it, in two questions, however many lines there are."""
    facts = settlement.facts
    shops, clerks = facts.get("shops", {}), facts.get("clerks", {})
    size: dict[str, tuple[int, int]] = {}

    def line_of(redemption: Redemption, amount_fen: int) -> StatementLine:
        shop, clerk = str(redemption.shop_id), str(redemption.clerk_id)
        voucher = redemption.voucher
        code, tier = voucher.code, _tier(voucher)
        size[tier] = voucher.face_fen, voucher.threshold_fen
        return StatementLine(
            number=codes.grouped(redemption.number),
            redeemed_at=redemption.redeemed_at,
            shop=shops.get(shop, shop),
            clerk=clerks.get(clerk, clerk),
            tier=tier,
            bill_fen=redemption.bill_fen,
            amount_fen=amount_fen,
            voucher=f"{code[:4]}****{code[-4:]}",
        )

    begin = clock.at(settlement.from_on, 0)
    redeemed, earlier, back = [], [], []
    for line in (
        settlement.lines.select_related("redemption__voucher")
        .defer("redemption__reason")
        .order_by("redemption__redeemed_at", "redemption__number")
    ):
        shown = line_of(line.redemption, line.amount_fen)
        if line.kind == SettlementLine.Kind.CLAW_BACK:
            back.append(shown)
        elif shown.redeemed_at < begin:
            earlier.append(shown)
        else:
            redeemed.append(shown)
    held = Redemption.objects.filter(number__in=facts.get("held", []))
    found = Statement(
        settlement=settlement,
        merchant=facts.get("merchant", settlement.account_name),
        credit_code=facts.get("credit_code", ""),
        redeemed=redeemed,
        earlier=earlier,
        taken_back=back,
        held=[
            line_of(one, one.discount_fen)
            for one in held.select_related("voucher").order_by("redeemed_at", "number")
        ],
    )
    paid = [*earlier, *redeemed]
    for tier in sorted({one.tier for one in paid}, key=size.__getitem__):
        found.tiers[tier] = Total()
    for shop in sorted({one.shop for one in paid}):
        found.shops[shop] = Total()
    for one in paid:
        found.tiers[one.tier].add(one)
        found.shops[one.shop].add(one)
    return found


def _tier(voucher: Voucher) -> str:
    return f"{yuan(voucher.face_fen)}/{yuan(voucher.threshold_fen)}"


def statement_file_name(settlement: Settlement, kind: str) -> str:
    return f"statement-{settlement.number}.{kind}"


def statement_workbook(found: Statement) -> bytes:
    """The statement as xlsx, in the portal's own language whoever asks."""
    with translation.override(settings.LANGUAGE_CODE):
        head = _line_heads()
        sheets = [Sheet(_("Summary"), [*_summary(found), [], *_totals(found)], head=0)]
        for title, lines in _parts(found):
            rows: list[list[Cell]] = [list(head), *(_cells(line) for line in lines)]
            sheets.append(Sheet(title, rows))
        return workbook(sheets)


def statement_pdf(found: Statement) -> bytes:
    """The statement as PDF, with the same content."""
    with translation.override(settings.LANGUAGE_CODE):
        row = found.settlement
        tables = [
            Table(
                _("Summary"),
                [Column("", 0.35), Column("", 0.65)],
                [[str(cell) for cell in one] for one in _summary(found)],
                has_head=False,
            ),
            Table(
                _("Totals"),
                [
                    Column(_("tier or shop"), 0.4),
                    Column(_("redemptions"), 0.2, is_number=True),
                    Column(_("bills, yuan"), 0.2, is_number=True),
                    Column(_("subsidy, yuan"), 0.2, is_number=True),
                ],
                [
                    [name, str(total.count), _y(total.bill_fen), _y(total.amount_fen)]
                    for name, total in (*found.tiers.items(), *found.shops.items())
                ],
            ),
        ]
        heads = _line_heads()
        widths = (0.15, 0.13, 0.2, 0.1, 0.1, 0.1, 0.1, 0.12)
        columns = [
            Column(head, width, is_number=n in (5, 6))
            for n, (head, width) in enumerate(zip(heads, widths, strict=True))
        ]
        tables += [
            Table(title, columns, [_words(line) for line in lines])
            for title, lines in _parts(found)
        ]
        return Paper(
            title=_("Settlement statement"),
            subtitle=f"{codes.grouped(row.number)} · {row.campaign.name}",
            tables=tables,
            foot=f"SHA-256 {row.statement_hash}",
        ).as_pdf()


def _parts(found: Statement) -> list[tuple[str, list[StatementLine]]]:
    """Those that have lines; the days of the period always."""
    parts = [
        (_("Redeemed in the period"), found.redeemed),
        (_("Redeemed before, settled now"), found.earlier),
        (_("Refunded after it was paid: taken back"), found.taken_back),
        (_("Held back, not in the sum"), found.held),
    ]
    return [part for n, part in enumerate(parts) if n == 0 or part[1]]


def _summary(found: Statement) -> list[list[Cell]]:
    row = found.settlement
    return [
        [_("statement"), codes.grouped(row.number)],
        [_("campaign"), row.campaign.name],
        [_("merchant"), found.merchant],
        [_("unified social credit code"), found.credit_code],
        [_("period"), f"{row.from_on} – {row.until_on}"],
        [_("redemptions"), len(found.redeemed) + len(found.earlier)],
        [_("subsidy, yuan"), _y(found.redeemed_fen)],
        [_("taken back, yuan"), _y(found.taken_back_fen)],
        [_("to be paid, yuan"), _y(row.amount_fen)],
        [_("held back, not in the sum, yuan"), _y(_sum(found.held))],
        [_("bank"), row.bank_name],
        [_("name of the account"), row.account_name],
        [_("number of the account"), row.masked_account],
        [_("SHA-256 of the lines"), row.statement_hash],
    ]


def _totals(found: Statement) -> list[list[Cell]]:
    rows: list[list[Cell]] = [
        [_("tier or shop"), _("redemptions"), _("bills, yuan"), _("subsidy, yuan")]
    ]
    for name, total in (*found.tiers.items(), *found.shops.items()):
        rows.append([name, total.count, _f(total.bill_fen), _f(total.amount_fen)])
    return rows


def _line_heads() -> list[str]:
    return [
        _("number"),
        _("time"),
        _("shop"),
        _("clerk"),
        _("tier"),
        _("bill, yuan"),
        _("subsidy, yuan"),
        _("voucher"),
    ]


def _cells(line: StatementLine) -> list[Cell]:
    return [
        line.number,
        _at(line.redeemed_at),
        line.shop,
        line.clerk,
        line.tier,
        _f(line.bill_fen),
        _f(line.amount_fen),
        line.voucher,
    ]


def _words(line: StatementLine) -> list[str]:
    return [
        line.number,
        _at(line.redeemed_at)[:16],
        line.shop,
        line.clerk,
        line.tier,
        _y(line.bill_fen),
        _y(line.amount_fen),
        line.voucher,
    ]


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(clock.CHINA):%Y-%m-%d %H:%M:%S}"


def _sum(lines: Iterable[StatementLine]) -> int:
    return sum(line.amount_fen for line in lines)


def _y(fen: int) -> str:
    """Yuan with two places, as papers write them."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), _HUNDRED)
    return f"{sign}{whole}.{rest:02}"


def _f(fen: int) -> float:
    """Yuan as a number to calculate with: two places are exact enough to print."""
    return fen / _HUNDRED


# --- Figures for staff ----------------------------------------------------------------


@dataclass(frozen=True)
class MerchantMoney:
    """Where a merchant's money of a campaign is, in fen."""

    merchant: str
    merchant_id: int
    payable: int
    """Owed and not paid; below nothing when the merchant owes us."""
    waiting: int
    """Of that, in settlements that are prepared or approved."""
    held: int
    """Of that, kept back by flags."""
    settled: int


_MONEY = """
    SELECT merchant.id, merchant.name,
           coalesce(sum(posting.amount_fen)
                    FILTER (WHERE account.kind = 'payable'), 0)::bigint,
           coalesce(sum(posting.amount_fen)
                    FILTER (WHERE account.kind = 'settled'), 0)::bigint,
           coalesce(max(waiting.fen), 0)::bigint, coalesce(max(held.fen), 0)::bigint
      FROM vouchers_account AS account
      JOIN vouchers_merchant AS merchant ON merchant.id = account.merchant_id
 LEFT JOIN vouchers_posting AS posting ON posting.account_id = account.id
 LEFT JOIN (SELECT merchant_id, sum(amount_fen) AS fen FROM vouchers_settlement
             WHERE campaign_id = %(campaign)s AND state IN ('prepared', 'approved')
          GROUP BY merchant_id) AS waiting ON waiting.merchant_id = merchant.id
 LEFT JOIN (SELECT redemption.merchant_id, sum(redemption.discount_fen) AS fen
              FROM vouchers_redemption AS redemption
              JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
             WHERE voucher.campaign_id = %(campaign)s AND redemption.state = 'done'
               AND redemption.id IN (
                   SELECT held.redemption_id FROM vouchers_flag_redemptions AS held
                     JOIN vouchers_flag AS flag ON flag.id = held.flag_id
                    WHERE flag.state <> 'cleared')
               AND NOT EXISTS (SELECT FROM vouchers_settlementline AS line
                                WHERE line.redemption_id = redemption.id
                                  AND line.kind = 'redeemed' AND line.counts)
          GROUP BY redemption.merchant_id) AS held ON held.merchant_id = merchant.id
     WHERE account.campaign_id = %(campaign)s
       AND account.kind IN ('payable', 'settled')
  GROUP BY merchant.id
  ORDER BY 3 DESC, merchant.id
"""


def money_by_merchant(campaign: Campaign) -> list[MerchantMoney]:
    """Most owed first. One question."""
    with connection.cursor() as cursor:
        cursor.execute(_MONEY, {"campaign": campaign.pk})
        rows = cursor.fetchall()
    return [
        MerchantMoney(
            merchant=name,
            merchant_id=pk,
            payable=payable,
            settled=settled,
            waiting=waiting,
            held=held,
        )
        for pk, name, payable, settled, waiting, held in rows
    ]


@dataclass(frozen=True)
class Owed:
    """What a merchant will get for a campaign, in fen; below nothing: what it owes."""

    merchant: str
    campaign: str
    fen: int


_OWED = """
    SELECT merchant.name, campaign.name, sum(posting.amount_fen)::bigint
      FROM vouchers_account AS account
      JOIN vouchers_merchant AS merchant ON merchant.id = account.merchant_id
      JOIN vouchers_campaign AS campaign ON campaign.id = account.campaign_id
      JOIN vouchers_posting AS posting ON posting.account_id = account.id
     WHERE account.kind = 'payable' AND account.merchant_id = ANY(%s)
  GROUP BY merchant.id, campaign.id
    HAVING sum(posting.amount_fen) <> 0
  ORDER BY campaign.id DESC, merchant.id
"""


def owed_to(merchant_ids: list[int]) -> list[Owed]:
    """Of these merchants, what is redeemed and not paid yet."""
    with connection.cursor() as cursor:
        cursor.execute(_OWED, [merchant_ids])
        return [Owed(*row) for row in cursor.fetchall()]


def next_period(campaign: Campaign, *, today: date) -> tuple[date, date] | None:
    """The days to be settled next: from the last one's end until last Sunday.

    None while no whole week is over.
    """
    last_sunday = today - timedelta(days=today.isoweekday())
    newest = campaign.settlement_runs.order_by("-until_on").first()
    if newest is not None:
        first = newest.until_on + timedelta(days=1)
    elif campaign.published_at is not None:
        first = clock.local_day(campaign.published_at)
    else:
        return None
    return (first, last_sunday) if first <= last_sunday else None


def owed_fen(campaign: Campaign, *, until_on: date) -> int:
    """What was redeemed until the end of a day and is in no settlement."""
    settled = SettlementLine.objects.filter(
        kind=SettlementLine.Kind.REDEEMED, counts=True
    )
    rows = (
        Redemption.objects.done()
        .filter(voucher__campaign=campaign, redeemed_at__lt=clock.at(until_on, DAY))
        .exclude(pk__in=settled.values("redemption"))
    )
    return int(rows.aggregate(fen=Sum("discount_fen"))["fen"] or 0)
