"""What has to end before a campaign is closed, and what became of its money."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bureau.common.money import yuan
from bureau.common.papers import Column, Paper, Table
from bureau.common.workbooks import Cell, Sheet, workbook
from vouchers.models import (
    Campaign,
    ClosingReport,
    Flag,
    Redemption,
    Settlement,
    Voucher,
)
from vouchers.queries.ledger import balances_of

Figures = dict[str, Any]


def obstacles_to_closing(campaign: Campaign) -> list[str]:
    """Sentences that say what must end first; none when it can be closed."""
    rounds = campaign.rounds.filter(ended_at=None).count()
    live = Voucher.objects.filter(campaign=campaign, state=Voucher.State.LIVE).count()
    flags = Flag.objects.open().filter(campaign=campaign).count()
    confirmed = to_write_down(campaign).count()
    unpaid = campaign.settlements.filter(
        state__in=[Settlement.State.PREPARED, Settlement.State.APPROVED]
    ).count()
    payable = balances_of(campaign).payable.values()
    owed = sum(1 for fen in payable if fen > 0)
    owing = sum(1 for fen in payable if fen < 0)
    found = [
        (
            campaign.state == Campaign.State.DRAFT,
            _("It is not published."),
        ),
        (
            campaign.state == Campaign.State.CLOSED,
            _("It is closed already."),
        ),
        (
            rounds,
            ngettext(
                "%(count)s round has not ended.",
                "%(count)s rounds have not ended.",
                rounds,
            )
            % {"count": rounds},
        ),
        (
            live,
            ngettext(
                "%(count)s voucher can still be used.",
                "%(count)s vouchers can still be used.",
                live,
            )
            % {"count": live},
        ),
        (
            campaign.settlement_runs.under_way().exists(),
            _("Settlements are being prepared."),
        ),
        (
            flags,
            ngettext(
                "%(count)s flag of the radar is undecided.",
                "%(count)s flags of the radar are undecided.",
                flags,
            )
            % {"count": flags},
        ),
        (
            confirmed,
            ngettext(
                "%(count)s redemption of a confirmed flag is not written down.",
                "%(count)s redemptions of confirmed flags are not written down.",
                confirmed,
            )
            % {"count": confirmed},
        ),
        (
            unpaid,
            ngettext(
                "%(count)s settlement is not paid.",
                "%(count)s settlements are not paid.",
                unpaid,
            )
            % {"count": unpaid},
        ),
        (
            owed,
            ngettext(
                "%(count)s merchant has something to get.",
                "%(count)s merchants have something to get.",
                owed,
            )
            % {"count": owed},
        ),
        (
            owing,
            ngettext(
                "%(count)s merchant owes us something.",
                "%(count)s merchants owe us something.",
                owing,
            )
            % {"count": owing},
        ),
    ]
    return [sentence for is_so, sentence in found if is_so]


def to_write_down(campaign: Campaign) -> QuerySet[Redemption]:
    """Redemptions that a confirmed flag holds, and that still stand."""
    confirmed = Flag.objects.filter(campaign=campaign, state=Flag.State.CONFIRMED)
    return Redemption.objects.done().filter(pk__in=confirmed.values("redemptions"))


_TIERS = """
    SELECT tier.id, tier.face_fen::bigint, tier.threshold_fen::bigint,
           tier.count::bigint, count(voucher.id),
           count(*) FILTER (WHERE voucher.state = 'redeemed'),
           count(*) FILTER (WHERE voucher.state = 'expired'),
           count(*) FILTER (WHERE voucher.state = 'lost'),
           count(*) FILTER (WHERE voucher.state = 'void'),
           count(back.id)
      FROM vouchers_tier AS tier
 LEFT JOIN vouchers_voucher AS voucher ON voucher.tier_id = tier.id
 LEFT JOIN vouchers_transfer AS back
        ON back.voucher_id = voucher.id AND back.kind = 'recycle'
     WHERE tier.campaign_id = %s
  GROUP BY tier.id
  ORDER BY tier.face_fen, tier.threshold_fen, tier.id
"""
_DISTRICTS = """
    SELECT district.code, district.name, count(*),
           sum(redemption.bill_fen - coalesce(redemption.refund_fen, 0))::bigint,
           sum(redemption.discount_fen)::bigint
      FROM vouchers_redemption AS redemption
      JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
      JOIN vouchers_shop AS shop ON shop.id = redemption.shop_id
      JOIN regions_district AS district ON district.id = shop.district_id
     WHERE voucher.campaign_id = %s AND redemption.state = 'done'
  GROUP BY district.id
  ORDER BY district.position, district.id
"""
_MERCHANTS = """
    SELECT merchant.credit_code, merchant.name, count(*),
           sum(redemption.bill_fen - coalesce(redemption.refund_fen, 0))::bigint,
           sum(redemption.discount_fen)::bigint
      FROM vouchers_redemption AS redemption
      JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
      JOIN vouchers_merchant AS merchant ON merchant.id = redemption.merchant_id
     WHERE voucher.campaign_id = %s AND redemption.state = 'done'
  GROUP BY merchant.id
  ORDER BY sum(redemption.discount_fen) DESC, merchant.id
"""


def closing_figures(campaign: Campaign) -> Figures:
    """What became of the money, as plain JSON; no moment in it, so that it repeats."""
    money = balances_of(campaign)
    tiers = [
        _tier_figures(face, threshold, count, dict(zip(_FATES, fates, strict=True)))
        for _tier, face, threshold, count, *fates in _rows(_TIERS, campaign)
    ]
    promised = sum(tier["count"] * tier["face_fen"] for tier in tiers)
    documents = campaign.appropriations.order_by("document", "pk")
    places = ("code", "name", "redemptions", "bills_fen", "subsidy_fen")
    firms = ("credit_code", "name", "redemptions", "bills_fen", "subsidy_fen")
    return {
        "campaign": campaign.name,
        "slug": campaign.slug,
        "appropriations": [
            {"document": one.document, "amount_fen": one.amount_fen}
            for one in documents
        ],
        "money_fen": {
            "appropriated": money.appropriated,
            "settled": sum(money.settled.values()),
            "payable": sum(money.payable.values()),
            "live": sum(money.live.values()),
            "pool": money.pool,
            "lapsed": money.lapsed,
            "to_return": money.pool + money.lapsed,
        },
        "leftover_fen": {
            "not_in_a_tier": money.appropriated - promised,
            "never_used": sum(tier["in_pool_fen"] for tier in tiers),
            "expired": sum(tier["expired_fen"] for tier in tiers),
            "lost": sum(tier["lost_fen"] for tier in tiers),
            "void": sum(tier["void_fen"] for tier in tiers),
        },
        "tiers": tiers,
        "districts": [
            dict(zip(places, row, strict=True)) for row in _rows(_DISTRICTS, campaign)
        ],
        "merchants": [
            dict(zip(firms, row, strict=True)) for row in _rows(_MERCHANTS, campaign)
        ],
    }


def _rows(sql: str, campaign: Campaign) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [campaign.pk])
        found: list[Any] = cursor.fetchall()
    return found


_FATES = ("claimed", "redeemed", "expired", "lost", "void", "recycled")


def _tier_figures(
    face: int, threshold: int, count: int, fates: dict[str, int]
) -> Figures:
    """Of one tier. What went back into the pool counts as not claimed."""
    back_of_expired = min(fates["recycled"], fates["expired"])
    expired = fates["expired"] - back_of_expired
    void = fates["void"] - (fates["recycled"] - back_of_expired)
    in_pool = count - fates["redeemed"] - expired - fates["lost"] - void
    return {
        "face_fen": face,
        "threshold_fen": threshold,
        "count": count,
        **fates,
        "redeemed_fen": fates["redeemed"] * face,
        "in_pool_fen": in_pool * face,
        "expired_fen": expired * face,
        "lost_fen": fates["lost"] * face,
        "void_fen": void * face,
    }


def figures_hash(figures: Figures) -> str:
    return sha256(canonical(figures)).hexdigest()


def canonical(figures: Figures) -> bytes:
    """The JSON file: UTF-8, keys sorted, no spaces; its hash is the report's."""
    return json.dumps(
        figures, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()


# --- Papers ---------------------------------------------------------------------------


def closing_workbook(report: ClosingReport) -> bytes:
    """The report as xlsx, in the portal's own language whoever asks."""
    with translation.override(settings.LANGUAGE_CODE):
        return workbook(
            [
                Sheet(title, [heads, *rows] if heads else rows, head=bool(heads))
                for title, heads, rows in report_tables(report.figures, report.sha256)
            ]
        )


def closing_pdf(report: ClosingReport) -> bytes:
    with translation.override(settings.LANGUAGE_CODE):
        tables = []
        for title, heads, rows in report_tables(report.figures, report.sha256):
            width = 1 / len(rows[0] if rows else heads)
            columns = [
                Column(str(heads[n]) if heads else "", width, is_number=n > 1)
                for n in range(round(1 / width))
            ]
            words = [["" if c is None else str(c) for c in row] for row in rows]
            tables.append(Table(title, columns, words, has_head=bool(heads)))
        return Paper(
            title=_("Closing report"),
            subtitle=str(report.figures["campaign"]),
            tables=tables,
            foot=f"SHA-256 {report.sha256}",
        ).as_pdf()


def report_tables(
    figures: Figures, digest: str
) -> list[tuple[str, list[Cell], list[list[Cell]]]]:
    """(title, headings or none, rows); amounts in yuan, as text."""
    money, left = figures["money_fen"], figures["leftover_fen"]
    summary: list[list[Cell]] = [
        [_("campaign"), figures["campaign"]],
        *(
            [_("appropriated: %(document)s") % one, yuan(one["amount_fen"])]
            for one in figures["appropriations"]
        ),
        [_("appropriated, yuan"), yuan(money["appropriated"])],
        [_("paid to merchants, yuan"), yuan(money["settled"])],
        [_("goes back to the treasury, yuan"), yuan(money["to_return"])],
        [_("… in no tier"), yuan(left["not_in_a_tier"])],
        [_("… never claimed, or back in the pool"), yuan(left["never_used"])],
        [_("… expired"), yuan(left["expired"])],
        [_("… lost by refunds, or written down"), yuan(left["lost"])],
        [_("… cancelled by the bureau"), yuan(left["void"])],
        [_("SHA-256 of the figures"), digest],
    ]
    tiers: list[list[Cell]] = [
        [
            f"{yuan(one['face_fen'])}/{yuan(one['threshold_fen'])}",
            one["count"],
            one["claimed"],
            one["redeemed"],
            one["expired"],
            one["lost"],
            one["void"],
            one["recycled"],
            yuan(one["redeemed_fen"]),
            yuan(
                one["in_pool_fen"]
                + one["expired_fen"]
                + one["lost_fen"]
                + one["void_fen"]
            ),
        ]
        for one in figures["tiers"]
    ]
    used: list[Cell] = [_("redemptions"), _("bills, yuan"), _("subsidy, yuan")]
    return [
        (_("Summary"), [], summary),
        (
            _("By tier"),
            [
                _("tier"),
                _("vouchers"),
                _("claims"),
                _("redeemed"),
                _("expired"),
                _("lost"),
                _("cancelled"),
                _("back in the pool"),
                _("subsidy, yuan"),
                _("left over, yuan"),
            ],
            tiers,
        ),
        (
            _("By district of the shop"),
            [_("code"), _("district"), *used],
            [_place(one, "code") for one in figures["districts"]],
        ),
        (
            _("By merchant"),
            [_("unified social credit code"), _("merchant"), *used],
            [_place(one, "credit_code") for one in figures["merchants"]],
        ),
    ]


def _place(one: Figures, key: str) -> list[Cell]:
    return [
        one[key],
        one["name"],
        one["redemptions"],
        yuan(one["bills_fen"]),
        yuan(one["subsidy_fen"]),
    ]
