"""Charts of what the money did, for the public page and for the staff's dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bureau.common.charts import Bar, Chart
from bureau.common.money import yuan
from vouchers.queries.figures import Figures, Part, TierFigures


def tier_charts(tiers: Sequence[TierFigures]) -> list[Chart]:
    return [
        Chart(
            "leverage",
            _("What a yuan moved, by tier"),
            (_("Tier"), _("bills for each yuan")),
            [
                Bar(
                    _("%(face)s off from %(threshold)s")
                    % {
                        "face": yuan(one.tier.face_fen),
                        "threshold": yuan(one.tier.threshold_fen),
                    },
                    one.leverage or 0.0,
                    _("%(leverage)s (floor %(floor)s)")
                    % {"leverage": times(one.leverage), "floor": times(one.floor)},
                )
                for one in tiers
            ],
            note=_(
                "The floor is threshold ÷ face value: nobody can use the voucher on a "
                "smaller bill. What lies above it was spent freely; whether it would "
                "have been spent anyway, this does not say."
            ),
            kind="rows",
        ),
        Chart(
            "used",
            _("Share of the claimed vouchers that was used"),
            (_("Tier"), _("used")),
            [
                Bar(
                    _("%(face)s off from %(threshold)s")
                    % {
                        "face": yuan(one.tier.face_fen),
                        "threshold": yuan(one.tier.threshold_fen),
                    },
                    100 * (one.rate or 0.0),
                    _("%(percent)s (%(used)s of %(claimed)s)")
                    % {
                        "percent": percent(one.rate),
                        "used": one.redeemed,
                        "claimed": one.claimed,
                    },
                )
                for one in tiers
            ],
            kind="rows",
            most=100.0,
        ),
    ]


def part_charts(
    *,
    districts: Sequence[Part],
    merchants: Sequence[Part],
    sports: Sequence[Part],
    days: Sequence[Part],
    hours: Sequence[Part],
) -> list[Chart]:
    used = _("vouchers used")
    return [
        Chart("days", _("By day"), (_("Day"), used), _days(days), words=_short),
        Chart(
            "hours",
            _("By hour of the day"),
            (_("Hour"), used),
            [_bar(one, one.label) for one in hours],
            words=_short,
        ),
        Chart(
            "districts",
            _("By district"),
            (_("District"), used),
            _bars(districts),
            kind="rows",
        ),
        Chart(
            "sports",
            pgettext("figures", "By sport"),
            (_("Sport"), used),
            _bars(sports),
            kind="rows",
        ),
        Chart(
            "merchants",
            _("By merchant"),
            (_("Merchant"), used),
            _bars(merchants),
            kind="rows",
        ),
    ]


def claims_chart(claims: Mapping[str, int]) -> Chart:
    return Chart(
        "claims",
        _("Claimed by day"),
        (_("Day"), _("vouchers claimed")),
        [
            Bar(date_format(date.fromisoformat(day), "m-d"), count, str(count))
            for day, count in claims.items()
        ],
        words=_short,
    )


def public_charts(figures: Figures) -> list[Chart]:
    """Without the names of merchants whose bills are few people's."""
    return [
        *tier_charts(figures.tiers),
        claims_chart(figures.claims_by_day),
        *part_charts(
            districts=figures.districts,
            merchants=figures.named_merchants,
            sports=figures.sports,
            days=figures.days,
            hours=figures.hours,
        ),
    ]


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def times(leverage: float | None) -> str:
    return "–" if leverage is None else f"{leverage:.2f}"


def _bars(parts: Sequence[Part]) -> list[Bar]:
    return [_bar(one, one.label) for one in parts]


def _days(parts: Sequence[Part]) -> list[Bar]:
    return [_bar(one, date_format(date.fromisoformat(one.key), "m-d")) for one in parts]


def _bar(one: Part, label: str) -> Bar:
    told = _("%(count)s, bills ¥%(bills)s")
    words = told % {"count": one.redeemed, "bills": yuan(one.bill_fen)}
    return Bar(label, one.redeemed, words if one.redeemed else "0")


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"
