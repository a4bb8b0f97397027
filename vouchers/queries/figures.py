"""What the money did: issued, claimed, redeemed, what it moved, how fast it was gone.

Nothing here reads vouchers or redemptions one by one but the speed of a round, which
is counted once more only when the round has changed. Everything else is added up from
the hours (`HourFigure`, `BookHour`), and the sums are kept (`CountedUntil.summary`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from bureau.common import clock
from bureau.common.sports import Sport
from bureau.regions.models import District
from vouchers.models import (
    Account,
    BookHour,
    Campaign,
    CountedUntil,
    Lot,
    Merchant,
    QueueTicket,
    Round,
    Shop,
    StockShard,
    Tier,
    Transfer,
)

NAMED_FROM = 10
"""A merchant with fewer redemptions is not named in public: its bills are people's."""
FORMAT = 1
"""Of the summary that is kept; another one is counted anew."""
TENTHS = 10
ENOUGH = 30
"""How many people a correlation needs."""

Kind = Transfer.Kind

# What a transfer of a kind does to the number of vouchers in a state.
_EFFECTS: dict[str, dict[str, int]] = {
    Kind.CLAIM: {"claimed": 1, "live": 1},
    Kind.REDEEM: {"live": -1, "redeemed": 1},
    Kind.UNDO: {"live": 1, "redeemed": -1},
    Kind.GIVE_BACK: {"live": 1, "redeemed": -1},
    Kind.LOSE: {"redeemed": -1, "lost": 1},
    Kind.EXPIRE: {"live": -1, "expired": 1},
    Kind.VOID: {"live": -1, "void": 1},
    Kind.RECYCLE: {"recycled": 1},
}
STATES = ("claimed", "live", "redeemed", "expired", "lost", "void", "recycled")

# One pass over the hours for all dimensions.
_PARTS = """
    SELECT CASE WHEN grouping(figure.tier_id) = 0 THEN 'tiers'
                WHEN grouping(shop.district_id) = 0 THEN 'districts'
                WHEN grouping(shop.merchant_id) = 0 THEN 'merchants'
                WHEN grouping(figure.sport) = 0 THEN 'sports'
                WHEN grouping((figure.hour AT TIME ZONE 'Asia/Shanghai')::date) = 0
                THEN 'days'
                WHEN grouping(extract(hour FROM figure.hour
                                      AT TIME ZONE 'Asia/Shanghai')) = 0 THEN 'hours'
                ELSE 'total' END,
           coalesce(figure.tier_id::text, shop.district_id::text,
                    shop.merchant_id::text, figure.sport,
                    (figure.hour AT TIME ZONE 'Asia/Shanghai')::date::text,
                    extract(hour FROM figure.hour
                            AT TIME ZONE 'Asia/Shanghai')::text, ''),
           sum(figure.redeemed)::bigint, sum(figure.bill_fen)::bigint,
           sum(figure.subsidy_fen)::bigint
      FROM vouchers_hourfigure AS figure
      JOIN vouchers_shop AS shop ON shop.id = figure.shop_id
     WHERE figure.campaign_id = %(campaign)s
       AND (%(since)s::timestamptz IS NULL OR figure.hour >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR figure.hour < %(until)s)
       AND (%(districts)s::bigint[] IS NULL OR shop.district_id = ANY(%(districts)s))
       AND (%(merchant)s::bigint IS NULL OR shop.merchant_id = %(merchant)s)
       AND (%(sport)s = '' OR figure.sport = %(sport)s)
       AND (%(tier)s::bigint IS NULL OR figure.tier_id = %(tier)s)
  GROUP BY GROUPING SETS ((figure.tier_id), (shop.district_id), (shop.merchant_id),
           (figure.sport), ((figure.hour AT TIME ZONE 'Asia/Shanghai')::date),
           (extract(hour FROM figure.hour AT TIME ZONE 'Asia/Shanghai')), ())
"""
# Whose turn it was when, and when the voucher was there, in seconds.
_SPEED = """
    WITH claim AS (
        SELECT voucher.person_id, voucher.claimed_at, ticket.joined_at,
               CASE WHEN ticket.id IS NULL THEN %(opens)s
                    WHEN ticket.joined_at >= %(opens)s
                    THEN greatest(%(opens)s + %(spread)s * interval '1 second',
                                  ticket.joined_at)
                    ELSE %(opens)s + %(spread)s * interval '1 second'
                         * (ticket.place / %(places)s::float8) END AS turn_at
          FROM vouchers_voucher AS voucher
     LEFT JOIN vouchers_queueticket AS ticket
            ON ticket.round_id = %(round)s AND ticket.person_id = voucher.person_id
         WHERE voucher.lot_id = ANY(%(lots)s) AND voucher.way = 'rush'
    )
    SELECT count(*), count(DISTINCT person_id),
           extract(epoch FROM max(claimed_at) - %(opens)s)::float8,
           percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (
               ORDER BY extract(epoch FROM claimed_at - %(opens)s)::float8),
           percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (
               ORDER BY greatest(0, extract(epoch FROM claimed_at - turn_at)::float8))
      FROM claim
"""
# Those who were there before the opening, in ten groups by the place that was drawn;
# and whether who came earlier drew a better place (a correlation of 0: no).
_QUEUE = """
    WITH present AS (
        SELECT ticket.place, extract(epoch FROM ticket.joined_at)::float8 AS joined,
               EXISTS (SELECT FROM vouchers_voucher AS voucher
                        WHERE voucher.person_id = ticket.person_id
                          AND voucher.lot_id = ANY(%(lots)s)
                          AND voucher.way = 'rush') AS got,
               ticket.joined_at < %(opens)s AS early
          FROM vouchers_queueticket AS ticket WHERE ticket.round_id = %(round)s
    )
    SELECT width_bucket(place::float8, 0, %(places)s::float8, %(tenths)s) AS tenth,
           count(*) FILTER (WHERE early), count(*) FILTER (WHERE early AND got),
           count(*) FILTER (WHERE NOT early), count(*) FILTER (WHERE NOT early AND got),
           (SELECT corr(joined, place::float8) FROM present WHERE early)
      FROM present GROUP BY 1 ORDER BY 1
"""


# --- What is kept -----------------------------------------------------------------


def summary_of(
    campaign: Campaign, *, at: datetime, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All sums of a campaign as JSON. Rounds in which nothing changed keep theirs."""
    tiers, money = _book_of(campaign)
    parts = parts_in(Scope(campaign))
    return {
        "format": FORMAT,
        "counted_at": at.isoformat(),
        "tiers": tiers,
        "money": money,
        "parts": {
            name: [list(row) for row in rows] for name, rows in parts.rows.items()
        },
        "claims": _claims_by_day(campaign),
        "rounds": _rounds_of(campaign, at=at, before=dict(before or {})),
    }


def _book_of(campaign: Campaign) -> tuple[dict[str, Any], dict[str, int]]:
    """(vouchers by state and tier, fen by condition of the money)."""
    rows = (
        BookHour.objects.filter(campaign=campaign)
        .values_list("kind", "source", "target", "tier_id")
        .annotate(Sum("count"), Sum("amount_fen"))
        .order_by("kind", "source", "target", "tier_id")
    )
    tiers: dict[str, dict[str, int]] = {}
    money = dict.fromkeys(Account.Kind.values, 0)
    for kind, source, target, tier_id, count, fen in rows:
        money[source] -= fen
        money[target] += fen
        if tier_id is not None:
            tier = tiers.setdefault(str(tier_id), dict.fromkeys(STATES, 0))
            for state, sign in _EFFECTS.get(kind, {}).items():
                tier[state] += sign * count
    return tiers, money


def _claims_by_day(campaign: Campaign) -> dict[str, int]:
    claims: dict[str, int] = {}
    rows = BookHour.objects.filter(campaign=campaign, kind=Kind.CLAIM)
    for hour, count in rows.values_list("hour", "count"):
        day = clock.local_day(hour).isoformat()
        claims[day] = claims.get(day, 0) + count
    return dict(sorted(claims.items()))


def _rounds_of(
    campaign: Campaign, *, at: datetime, before: dict[str, Any]
) -> dict[str, Any]:
    known = before.get("rounds", {}) if before.get("format") == FORMAT else {}
    rounds = Round.objects.filter(campaign=campaign).select_related("draw")
    lots: dict[int, list[Any]] = {}
    kept: Any = Lot.objects.filter(round__campaign=campaign).with_remaining()
    for lot in kept:
        lots.setdefault(lot.round_id, []).append(lot)
    waiting = dict(
        QueueTicket.objects.filter(round__campaign=campaign)
        .values_list("round")
        .annotate(Count("pk"))
    )
    found: dict[str, Any] = {}
    for one in rounds.order_by("number"):
        if one.opens_at > at:
            continue
        mine = lots.get(one.pk, [])
        given = sum((lot.laid_out or 0) - lot.remaining for lot in mine)
        mark = [given, waiting.get(one.pk, 0), one.draw.state if one.draw else ""]
        old = known.get(str(one.pk), {})
        found[str(one.pk)] = old if old.get("mark") == mark else _round(one, mine, mark)
    return found


def _round(of: Round, lots: Sequence[Any], mark: list[Any]) -> dict[str, Any]:
    offered = sum(lot.laid_out or 0 for lot in lots)
    found: dict[str, Any] = {"mark": mark, "offered": offered, "given": mark[0]}
    if of.claims_from is not None:
        found |= _rush(of, lots)
    if of.draw is not None:
        won = of.draw.entries.filter(outcome="won").count()
        found |= {"entries": of.draw.entries.count(), "won": won}
    return found


def _rush(of: Round, lots: Sequence[Any]) -> dict[str, Any]:
    given = {
        "round": of.pk,
        "opens": of.claims_from,
        "spread": of.spread_seconds,
        "places": QueueTicket.PLACES,
        "tenths": TENTHS,
        "lots": [lot.pk for lot in lots],
    }
    with connection.cursor() as cursor:
        cursor.execute(_SPEED, given)
        claims, people, last, since_opening, since_turn = cursor.fetchone()
        cursor.execute(_QUEUE, given)
        queue = cursor.fetchall()
    sold_out = bool(lots) and not sum(lot.remaining for lot in lots)
    present = sum(row[1] for row in queue)
    return {
        "claims": claims,
        "people": people,
        "sold_out_seconds": _rounded(last) if sold_out and claims else None,
        "since_opening": [_rounded(one) for one in since_opening or []],
        "since_turn": [_rounded(one) for one in since_turn or []],
        "tenths": [[row[0], row[1], row[2]] for row in queue if row[1]],
        "present": present,
        "present_got": sum(row[2] for row in queue),
        "late": sum(row[3] for row in queue),
        "late_got": sum(row[4] for row in queue),
        # Two people are always "correlated": a few say nothing about chance.
        "early_helps": _rounded(queue[0][5]) if present >= ENOUGH else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


# --- Parts ------------------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """What somebody asks about; without a word: all of a campaign."""

    campaign: Campaign
    first: date | None = None
    last: date | None = None
    districts: tuple[int, ...] | None = None
    merchant_id: int | None = None
    sport: str = ""
    tier_id: int | None = None

    @property
    def since(self) -> datetime | None:
        return clock.at(self.first, 0) if self.first else None

    @property
    def until(self) -> datetime | None:
        return clock.at(self.last + timedelta(days=1), 0) if self.last else None


Row = tuple[str, int, int, int]
"""(key, redemptions, bills in fen, subsidy in fen)"""


@dataclass(frozen=True)
class Parts:
    """Sums by dimension: tiers, districts, merchants, sports, days, hours, total."""

    rows: Mapping[str, Sequence[Row]]

    def of(self, dimension: str) -> dict[str, Row]:
        return {row[0]: row for row in self.rows.get(dimension, ())}

    @property
    def total(self) -> Row:
        return next(iter(self.rows.get("total", ())), ("", 0, 0, 0))


def parts_in(scope: Scope) -> Parts:
    """One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PARTS,
            {
                "campaign": scope.campaign.pk,
                "since": scope.since,
                "until": scope.until,
                "districts": None if scope.districts is None else [*scope.districts],
                "merchant": scope.merchant_id,
                "sport": scope.sport,
                "tier": scope.tier_id,
            },
        )
        found = cursor.fetchall()
    rows: dict[str, list[Row]] = {}
    for dimension, key, redeemed, bill, subsidy in found:
        if redeemed is not None:
            rows.setdefault(dimension, []).append((key, redeemed, bill, subsidy))
    for dimension in ("days", "hours"):
        rows.get(dimension, []).sort(key=lambda row: (len(row[0]), row[0]))
    return Parts(rows)


# --- What is shown ----------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Redemptions of one tier, district, merchant, sport, day or hour."""

    key: str
    label: str
    redeemed: int
    bill_fen: int
    subsidy_fen: int

    @property
    def leverage(self) -> float | None:
        """Yuan of bills for each yuan of public money."""
        return self.bill_fen / self.subsidy_fen if self.subsidy_fen else None


@dataclass(frozen=True)
class TierFigures:
    """What became of the vouchers of a tier."""

    tier: Tier
    remaining: int
    """On offer at this moment."""
    claimed: int
    live: int
    redeemed: int
    expired: int
    lost: int
    void: int
    bill_fen: int
    subsidy_fen: int

    @property
    def floor(self) -> float:
        """What each yuan moves at the least: nobody can use it on a smaller bill."""
        return self.tier.threshold_fen / self.tier.face_fen

    @property
    def leverage(self) -> float | None:
        return self.bill_fen / self.subsidy_fen if self.subsidy_fen else None

    @property
    def rate(self) -> float | None:
        """The share of the claimed ones that was used."""
        return self.redeemed / self.claimed if self.claimed else None


@dataclass(frozen=True)
class RoundFigures:
    """How a round went: who came, who got something, how fast. Times in seconds."""

    round: Round
    offered: int = 0
    given: int = 0
    claims: int = 0
    people: int = 0
    sold_out_seconds: float | None = None
    since_opening: Sequence[float] = ()
    """Until half, nine tenths and 99 of 100 of the vouchers were claimed."""
    since_turn: Sequence[float] = ()
    """The wait of a claim behind its turn: half, 90 and 99 of 100 were shorter."""
    tenths: Sequence[tuple[int, int, int]] = ()
    """(tenth of the places, people present, people who got something)"""
    present: int = 0
    present_got: int = 0
    late: int = 0
    late_got: int = 0
    early_helps: float | None = None
    """Correlation of the time of coming and the place drawn; 0: early is no help."""
    entries: int | None = None
    won: int | None = None

    @property
    def present_share(self) -> float | None:
        return self.present_got / self.present if self.present else None

    @property
    def late_share(self) -> float | None:
        return self.late_got / self.late if self.late else None

    @property
    def present_share_percent(self) -> float:
        return 100 * (self.present_share or 0)

    @property
    def late_share_percent(self) -> float:
        return 100 * (self.late_share or 0)

    @property
    def won_share(self) -> float | None:
        return (
            self.won / self.entries if self.entries and self.won is not None else None
        )


@dataclass(frozen=True)
class Figures:
    """Everything about a campaign, as it was at `counted_at`; `remaining` is of now."""

    campaign: Campaign
    counted_at: datetime
    tiers: list[TierFigures]
    districts: list[Part]
    merchants: list[Part]
    sports: list[Part]
    days: list[Part]
    hours: list[Part]
    total: Part
    money: dict[str, int]
    claims_by_day: dict[str, int]
    rounds: list[RoundFigures]
    shops: int = 0
    states: dict[str, int] = field(default_factory=dict)
    """Vouchers of all tiers by state."""

    @property
    def named_merchants(self) -> list[Part]:
        """As the public sees them: those with few redemptions together in one line."""
        named = [one for one in self.merchants if one.redeemed >= NAMED_FROM]
        others = [one for one in self.merchants if one.redeemed < NAMED_FROM]
        if not others:
            return named
        label = _("%(count)s with fewer than %(least)s redemptions each")
        return [
            *named,
            Part(
                "",
                label % {"count": len(others), "least": NAMED_FROM},
                sum(one.redeemed for one in others),
                sum(one.bill_fen for one in others),
                sum(one.subsidy_fen for one in others),
            ),
        ]

    @property
    def rate(self) -> float | None:
        claimed = self.states["claimed"]
        return self.states["redeemed"] / claimed if claimed else None

    @property
    def floor(self) -> float | None:
        """The floor of the tiers as they were used, beside `total.leverage`."""
        least = sum(one.tier.threshold_fen * one.redeemed for one in self.tiers)
        given = sum(one.tier.face_fen * one.redeemed for one in self.tiers)
        return least / given if given else None


def figures_of(campaign: Campaign) -> Figures:
    """What is kept, with names. Counts only where nothing was ever counted.

    The number of queries hangs neither on vouchers nor on merchants.
    """
    kept = CountedUntil.objects.filter(campaign=campaign).values_list(
        "summary", flat=True
    )
    summary = next(iter(kept), None) or {}
    if summary.get("format") != FORMAT:
        summary = summary_of(campaign, at=clock.now())
    parts = Parts(
        {name: list(map(tuple, rows)) for name, rows in summary["parts"].items()}
    )
    tiers = _tiers(campaign, summary, parts)
    return Figures(
        campaign=campaign,
        counted_at=datetime.fromisoformat(summary["counted_at"]),
        tiers=tiers,
        **named_parts(parts),
        total=Part("", _("all"), *parts.total[1:]),
        money=summary["money"],
        claims_by_day=summary["claims"],
        rounds=_rounds(campaign, summary),
        shops=Shop.objects.taking_vouchers()
        .filter(merchant__participations__campaign=campaign)
        .count(),
        states={
            state: sum(tier.get(state, 0) for tier in summary["tiers"].values())
            for state in STATES
        },
    )


def _tiers(
    campaign: Campaign, summary: Mapping[str, Any], parts: Parts
) -> list[TierFigures]:
    stock = dict(
        StockShard.objects.filter(lot__tier__campaign=campaign)
        .values_list("lot__tier")
        .annotate(Sum("remaining"))
    )
    bills = parts.of("tiers")
    nothing = dict.fromkeys(STATES, 0)
    found = []
    for tier in campaign.tiers.order_by("face_fen", "threshold_fen", "pk"):
        counts = {**nothing, **summary["tiers"].get(str(tier.pk), {})}
        counts.pop("recycled")
        _key, _count, bill, subsidy = bills.get(str(tier.pk), ("", 0, 0, 0))
        found.append(
            TierFigures(
                tier,
                remaining=stock.get(tier.pk, 0),
                bill_fen=bill,
                subsidy_fen=subsidy,
                **counts,
            )
        )
    return found


def named_parts(parts: Parts) -> dict[str, list[Part]]:
    """districts, merchants, sports, days, hours: with the names that people know."""
    districts = parts.of("districts")
    merchants = parts.of("merchants")
    names_d = {
        str(one.pk): str(one) for one in District.objects.filter(pk__in=[*districts])
    }
    names_m = {
        str(pk): name
        for pk, name in Merchant.objects.filter(pk__in=[*merchants]).values_list(
            "pk", "name"
        )
    }
    names_s = {str(sport.value): str(sport.label) for sport in Sport}
    names_s[""] = _("not said")
    return {
        "districts": _labelled(districts, names_d),
        "merchants": _labelled(merchants, names_m),
        "sports": _labelled(parts.of("sports"), names_s),
        "days": [Part(row[0], *row) for row in parts.rows.get("days", ())],
        "hours": _every_hour(parts.of("hours")),
    }


def _labelled(rows: Mapping[str, Row], names: Mapping[str, str]) -> list[Part]:
    found = [Part(key, names.get(key, key), *row[1:]) for key, row in rows.items()]
    return sorted(found, key=lambda one: (-one.redeemed, one.label))


def _every_hour(rows: Mapping[str, Row]) -> list[Part]:
    return [
        Part(str(hour), str(hour), *rows.get(str(hour), ("", 0, 0, 0))[1:])
        for hour in range(24)
    ]


def _rounds(campaign: Campaign, summary: Mapping[str, Any]) -> list[RoundFigures]:
    found = []
    rows = Round.objects.filter(campaign=campaign).select_related("draw")
    for one in rows.order_by("number"):
        kept = dict(summary["rounds"].get(str(one.pk), {}))
        kept.pop("mark", None)
        if kept:
            found.append(RoundFigures(one, **kept))
    return found
