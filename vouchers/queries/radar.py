"""Signs of bills that nobody paid, counted per merchant and set beside the market.

A sign marks redemptions; a merchant stands out where more of them are marked than the
market (the median of the merchants) would let one expect. How far it stands out is the
sign's weight. From a total weight of `HOLD_FROM` on, the marked redemptions of a
merchant are held until somebody has looked. What it misses: docs/vouchers/radar.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import median
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bureau.common import clock
from vouchers.models import Campaign

WINDOW_DAYS = 14
"""Days that a sign looks back: one day of one shop says little."""
HOLD_FROM = 1.0
LEAST_Z = 3.0
"""Fewer standard deviations above the market are chance."""
LEAST_MARKET = 5
"""With fewer merchants the market's median is none; the sign's own floor counts."""
LEAST_JUDGED = 5

NEAR_PERCENT = 1
NEAR_FEN = 100
BURST_MINUTES = 10
BURST_MOST = 10
ONE_PRICE = 0.75
ONE_PRICE_WEIGHT = 0.6
DEVICE_PEOPLE = 7
NETWORK_PEOPLE = 8
NETWORK_PERCENT = 60
PAIR_FROM = 3
NIGHT_FROM, NIGHT_UNTIL = 23, 6
FAR_M = 1000
QUICK_SECONDS = 120
ROUND_FEN = 100_00


@dataclass(frozen=True)
class Sign:
    """A way to stand out. Shares are parts of one."""

    code: str
    title: str | Promise
    says: str | Promise
    """What a marked redemption is, for the person who decides."""
    innocent: str | Promise
    """What else may explain it; the page says it beside the evidence."""
    floor: float
    """The share that is expected at the least, whatever the market does."""
    share: float
    """A smaller share of marked redemptions is no sign."""
    least: int
    """Fewer marked redemptions are no sign."""
    full_z: float
    """Standard deviations above the market that make the weight 1."""
    most: float
    """The greatest weight: below 1 the sign holds nothing alone."""


SIGNS: dict[str, Sign] = {
    sign.code: sign
    for sign in (
        Sign(
            "hugging",
            _("Bills at the threshold"),
            _(
                "The bill is within 1 percent or 1 yuan above the least bill of the "
                "voucher."
            ),
            _("A package or course that costs just that; customers who fill up."),
            floor=0.15,
            share=0.40,
            least=8,
            full_z=5.0,
            most=1.2,
        ),
        Sign(
            "nothing_paid",
            _("Nothing left to pay"),
            _("The voucher paid the whole bill."),
            _("A ticket that costs just as much as the voucher."),
            floor=0.15,
            share=0.50,
            least=8,
            full_z=8.0,
            most=0.5,
        ),
        Sign(
            "burst",
            _("Bursts at one counter"),
            _("One clerk redeemed 10 or more within 10 minutes."),
            _("A team or a class that pays together at the end."),
            floor=0.02,
            share=0.15,
            least=10,
            full_z=8.0,
            most=1.2,
        ),
        Sign(
            "shared_device",
            _("Many people, one device"),
            _("7 or more people's vouchers were claimed on one device and used here."),
            _("Somebody helps neighbours or relatives who have no smart phone."),
            floor=0.02,
            share=0.10,
            least=8,
            full_z=8.0,
            most=1.2,
        ),
        Sign(
            "shared_network",
            _("Many people, one network"),
            _("8 or more people claimed in one network, and most of them came here."),
            _("The merchant's own Wi-Fi, a school or an office next door."),
            floor=0.02,
            share=0.15,
            least=10,
            full_z=10.0,
            most=0.35,
        ),
        Sign(
            "pairs",
            _("The same people again and again"),
            _("It is the person's third voucher at this merchant, or a later one."),
            _("Regulars, as every club has them."),
            floor=0.08,
            share=0.25,
            least=8,
            full_z=8.0,
            most=0.5,
        ),
        Sign(
            "own_people",
            _("The merchant's own people"),
            _("The voucher belongs to somebody who works for the merchant."),
            _("Staff who play there themselves; some do."),
            floor=0.02,
            share=0.08,
            least=5,
            full_z=6.0,
            most=1.0,
        ),
        Sign(
            "off_hours",
            _("At night"),
            _("It was redeemed between 23:00 and 6:00."),
            _("A gym that never closes; a clock that is wrong."),
            floor=0.02,
            share=0.25,
            least=8,
            full_z=8.0,
            most=1.2,
        ),
        Sign(
            "far",
            _("Far from the shop"),
            _("The clerk's phone was more than a kilometre away from the shop."),
            _("A phone that finds no satellite indoors; a stall at a street festival."),
            floor=0.03,
            share=0.20,
            least=6,
            full_z=8.0,
            most=1.2,
        ),
        Sign(
            "quick",
            _("Claimed and used at once"),
            _("It was redeemed within two minutes of being claimed."),
            _("Clerks who show customers at the counter how to claim."),
            floor=0.05,
            share=0.25,
            least=8,
            full_z=8.0,
            most=0.5,
        ),
        Sign(
            "undone",
            _("Undone or refunded"),
            _("The redemption was taken back later."),
            _("A new clerk; a course that was cancelled."),
            floor=0.03,
            share=0.15,
            least=6,
            full_z=8.0,
            most=0.5,
        ),
        Sign(
            "round_bills",
            _("Round bills"),
            _("The bill is a multiple of 100 yuan."),
            _("Round prices, as many courses and cards have them."),
            floor=0.15,
            share=0.50,
            least=8,
            full_z=8.0,
            most=0.4,
        ),
        Sign(
            "refused",
            _("Refused scans"),
            _("The clerk's scans were refused: old pictures, forged or used codes."),
            _("Bad light and slow phones; customers who do not know the wallet."),
            floor=0.06,
            share=0.20,
            least=6,
            full_z=8.0,
            most=0.6,
        ),
    )
}

# Every redemption of the window once, with everything that a sign asks about.
_MARKED = """
    WITH seen AS (
        SELECT redemption.id, redemption.merchant_id, redemption.clerk_id,
               redemption.bill_fen, redemption.redeemed_at, redemption.state,
               redemption.distance_m, voucher.person_id, voucher.claimed_at,
               voucher.device, voucher.network, voucher.threshold_fen, voucher.face_fen
          FROM vouchers_redemption AS redemption
          JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
         WHERE redemption.changed_at >= %(since)s
           AND redemption.redeemed_at >= %(since)s
           AND redemption.redeemed_at < %(until)s
           AND voucher.campaign_id = %(campaign)s
    ), device AS (
        -- Of the whole campaign: a phone for many people is not busy every week.
        SELECT redemption.merchant_id, voucher.device,
               count(DISTINCT voucher.person_id) AS people
          FROM vouchers_redemption AS redemption
          JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
         WHERE voucher.campaign_id = %(campaign)s AND voucher.device <> ''
           AND redemption.redeemed_at < %(until)s
      GROUP BY 1, 2
    ), network AS (
        SELECT merchant_id, network, count(DISTINCT person_id) AS people,
               sum(count(DISTINCT person_id)) OVER (PARTITION BY network) AS everywhere
          FROM seen WHERE network <> '' GROUP BY 1, 2
    ), told AS (
        SELECT seen.*,
               device.people AS device_people, network.people AS network_people,
               network.everywhere AS network_everywhere,
               count(*) OVER (
                   PARTITION BY clerk_id ORDER BY redeemed_at
                   RANGE BETWEEN %(half)s * interval '1 second' PRECEDING
                             AND %(half)s * interval '1 second' FOLLOWING
               ) AS in_burst,
               row_number() OVER (
                   PARTITION BY seen.merchant_id, person_id ORDER BY redeemed_at, id
               ) AS visit,
               extract(hour FROM redeemed_at AT TIME ZONE 'Asia/Shanghai') AS hour,
               bill_fen <= threshold_fen + greatest(
                   %(near_fen)s, threshold_fen * %(near_percent)s / 100) AS is_near,
               EXISTS (SELECT FROM vouchers_member AS member
                        WHERE member.merchant_id = seen.merchant_id
                          AND member.person_id = seen.person_id) AS is_own
          FROM seen
     LEFT JOIN device ON device.merchant_id = seen.merchant_id
                     AND device.device = seen.device
     LEFT JOIN network ON network.merchant_id = seen.merchant_id
                      AND network.network = seen.network
    ), marked AS (
        SELECT told.id, told.merchant_id, told.redeemed_at, told.bill_fen, sign.code,
               sign.hit
          FROM told CROSS JOIN LATERAL (VALUES
               ('hugging', threshold_fen > face_fen, is_near),
               ('nothing_paid', threshold_fen = face_fen, bill_fen <= face_fen),
               ('burst', true, in_burst >= %(burst)s),
               ('shared_device', true,
                coalesce(device_people >= %(device_people)s, false)),
               ('shared_network', true,
                coalesce(network_people >= %(network_people)s
                         AND network_people * 100
                             >= network_everywhere * %(network_percent)s, false)),
               ('pairs', true, visit >= %(pair)s),
               ('own_people', true, is_own),
               ('off_hours', true, hour >= %(night_from)s OR hour < %(night_until)s),
               ('far', distance_m IS NOT NULL, distance_m > %(far)s),
               ('quick', true,
                redeemed_at - claimed_at < %(quick)s * interval '1 second'),
               ('undone', true, state <> 'done'),
               ('round_bills', threshold_fen > face_fen AND NOT is_near,
                bill_fen %% %(round)s = 0)
          ) AS sign (code, judged, hit)
         WHERE sign.judged
           -- What somebody found to be in order is not counted against it again.
           AND NOT EXISTS (
               SELECT FROM vouchers_flag_redemptions AS link
                 JOIN vouchers_flag AS flag ON flag.id = link.flag_id
                WHERE link.redemption_id = told.id AND flag.rule = sign.code
                  AND flag.state = 'cleared')
    )
    SELECT merchant_id, code, count(*), count(*) FILTER (WHERE hit),
           coalesce(array_agg(id ORDER BY redeemed_at, id) FILTER (WHERE hit),
                    ARRAY[]::bigint[]),
           count(*) FILTER (WHERE hit AND redeemed_at >= %(today)s),
           coalesce(array_agg(bill_fen) FILTER (WHERE hit AND code = 'hugging'),
                    ARRAY[]::integer[])
      FROM marked GROUP BY 1, 2
"""
# Refused scans beside the redemptions of the same clerks.
_REFUSED = """
    WITH refused AS (
        SELECT shop.merchant_id, count(*) AS hits,
               count(*) FILTER (WHERE scan.at >= %(today)s) AS today
          FROM vouchers_refusedscan AS scan
          JOIN vouchers_shop AS shop ON shop.id = scan.shop_id
         WHERE scan.at >= %(since)s AND scan.at < %(until)s
           AND scan.code IN ('voucher_stale', 'voucher_forged', 'voucher_used')
      GROUP BY 1
    ), done AS (
        SELECT redemption.merchant_id, count(*) AS count
          FROM vouchers_redemption AS redemption
          JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
         WHERE redemption.changed_at >= %(since)s
           AND redemption.redeemed_at >= %(since)s
           AND redemption.redeemed_at < %(until)s
           AND voucher.campaign_id = %(campaign)s
      GROUP BY 1
    )
    SELECT done.merchant_id, done.count + coalesce(refused.hits, 0),
           coalesce(refused.hits, 0), coalesce(refused.today, 0)
      FROM done LEFT JOIN refused USING (merchant_id)
"""


@dataclass(frozen=True)
class Found:
    """A sign at a merchant on a day, and what it rests on."""

    merchant_id: int
    sign: Sign
    judged: int
    marked: int
    market: float
    """The share that one would expect."""
    z: float
    weight: float
    redemption_ids: Sequence[int]
    marked_today: int

    @property
    def share(self) -> float:
        return self.marked / self.judged

    @property
    def evidence(self) -> dict[str, Any]:
        """As the flag keeps it."""
        return {
            "judged": self.judged,
            "marked": self.marked,
            "marked_today": self.marked_today,
            "share": round(self.share, 4),
            "market": round(self.market, 4),
            "z": round(self.z, 2),
            "days": WINDOW_DAYS,
        }


@dataclass(frozen=True)
class _Counted:
    merchant_id: int
    code: str
    judged: int
    marked: int
    ids: Sequence[int]
    today: int
    bills: Sequence[int] = ()

    @property
    def is_one_price(self) -> bool:
        """As good as all of these bills are the same amount."""
        if not self.bills:
            return False
        ((_fen, often),) = Counter(self.bills).most_common(1)
        return often >= len(self.bills) * ONE_PRICE


def signs_on(campaign: Campaign, day: date) -> list[Found]:
    """Every sign with some weight, of the days up to `day` and at work on it.

    Two queries, whatever the number of merchants. The day is one of Asia/Shanghai.
    """
    counted = _counted(campaign, day)
    by_code: dict[str, list[_Counted]] = {}
    for row in counted:
        by_code.setdefault(row.code, []).append(row)
    found = []
    for code, rows in by_code.items():
        sign = SIGNS[code]
        market = _market(sign, rows)
        for row in rows:
            z, weight = weigh(sign, row.marked, row.judged, market)
            if row.is_one_price:
                weight = min(weight, ONE_PRICE_WEIGHT)
            if weight and row.today:
                found.append(
                    Found(
                        row.merchant_id,
                        sign,
                        row.judged,
                        row.marked,
                        market,
                        z,
                        weight,
                        row.ids,
                        row.today,
                    )
                )
    return found


def suspects(found: Sequence[Found]) -> list[Found]:
    """Those of merchants whose signs together weigh enough to hold anything."""
    totals: dict[int, float] = {}
    for one in found:
        totals[one.merchant_id] = totals.get(one.merchant_id, 0.0) + one.weight
    return [one for one in found if totals[one.merchant_id] >= HOLD_FROM]


def weigh(sign: Sign, marked: int, judged: int, market: float) -> tuple[float, float]:
    """(standard deviations above the market, weight)."""
    if not judged:
        return 0.0, 0.0
    z = (marked - judged * market) / sqrt(judged * market * (1 - market))
    if marked < sign.least or marked < judged * sign.share or z < LEAST_Z:
        return z, 0.0
    return z, round(min(sign.most, z / sign.full_z), 3)


def _market(sign: Sign, rows: Sequence[_Counted]) -> float:
    shares = [row.marked / row.judged for row in rows if row.judged >= LEAST_JUDGED]
    middle = median(shares) if len(shares) >= LEAST_MARKET else 0.0
    return min(0.95, max(sign.floor, middle))


def _counted(campaign: Campaign, day: date) -> list[_Counted]:
    since, today, until = window_of(day)
    times: dict[str, Any] = {
        "campaign": campaign.pk,
        "since": since,
        "today": today,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _MARKED,
            {
                **times,
                "half": BURST_MINUTES * 30,
                "near_fen": NEAR_FEN,
                "near_percent": NEAR_PERCENT,
                "burst": BURST_MOST,
                "device_people": DEVICE_PEOPLE,
                "network_people": NETWORK_PEOPLE,
                "network_percent": NETWORK_PERCENT,
                "pair": PAIR_FROM,
                "night_from": NIGHT_FROM,
                "night_until": NIGHT_UNTIL,
                "far": FAR_M,
                "quick": QUICK_SECONDS,
                "round": ROUND_FEN,
            },
        )
        counted = [_Counted(*row) for row in cursor.fetchall()]
        cursor.execute(_REFUSED, times)
        counted += [
            _Counted(merchant, "refused", judged, marked, (), today_marked)
            for merchant, judged, marked, today_marked in cursor.fetchall()
        ]
    return counted


def window_of(day: date) -> tuple[datetime, datetime, datetime]:
    """(beginning of the window, beginning of the day, end of the day)."""
    today = clock.at(day, 0)
    return (
        today - timedelta(days=WINDOW_DAYS - 1),
        today,
        clock.at(day, 24 * 60),
    )
