"""The pages of a campaign with a thousand vouchers in the table, and with a million."""

from __future__ import annotations

import time
from datetime import timedelta
from os import getloadavg
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench import city, giving
from bench.portal import HOST, Portal
from bench.table import Line
from bench.wrk import Request, drive
from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.sports import Sport
from vouchers import actions, queries
from vouchers.actions import ledger
from vouchers.models import Lot, Member, Merchant, Shop

FEW, MANY = 1_000, 1_000_000
REDEEMED_OF = 2  # every second one is used
SHOPS = 100
DAYS = 30
SECONDS = 6
AS_FAST = 1.5
"""What the page with a million may take of the time of the page with a thousand."""


def measure(portal: Portal) -> list[Line]:
    few, many = _campaign(FEW), _campaign(MANY)
    began = time.perf_counter()
    actions.count_hours(campaign=few.tier.campaign, at=clock.now())
    actions.count_hours(campaign=many.tier.campaign, at=clock.now())
    counted = time.perf_counter() - began
    began = time.perf_counter()
    actions.count_hours(campaign=many.tier.campaign, at=clock.now())
    again = time.perf_counter() - began
    truth = queries.balances_of(many.tier.campaign)
    figures = queries.figures_of(many.tier.campaign)
    is_true = figures.states["claimed"] == MANY and figures.money["payable"] == sum(
        truth.payable.values()
    )
    lines = []
    for what, name in (
        ("figures", "vouchers:figures"),
        ("campaign", "vouchers:campaign"),
    ):
        times, asked = [], []
        for lot in (few, many):
            path = reverse(name, args=[lot.tier.campaign.slug])
            request = Request("GET", path)
            drive(portal.url, [request], seconds=2, connections=1)  # warm
            seen = drive(portal.url, [request], seconds=SECONDS, connections=1)
            times.append(seen.median_ms)
            asked.append(_questions(path))
        lines.append(
            Line(
                what=f"vouchers: the {what} page with {MANY:,} vouchers, median",
                figure=f"{times[1]:.1f} ms, {asked[1]} queries",
                limit=f"{times[0]:.1f} ms, {asked[0]} queries with {FEW:,}",
                ratio=times[1] / times[0],
                goal=f"≤ {AS_FAST} times, as many queries",
                met=times[1] <= AS_FAST * times[0] and asked[0] == asked[1] and is_true,
                note=f"load {getloadavg()[0]:.1f}; {MANY // REDEEMED_OF:,} redemptions "
                f"in {SHOPS} shops; all hours counted in {counted:.1f} s, the next "
                f"minute's count takes {again:.2f} s",
            )
        )
    return lines


def _questions(path: str) -> int:
    client = Client(SERVER_NAME=HOST)
    client.get(path)
    with CaptureQueriesContext(connection) as seen:
        client.get(path)
    return len(seen)


def _campaign(number: int) -> Lot:
    """So many vouchers over thirty days, every second used, with their money."""
    lot = giving.lot(amount=number)
    shops = _shops(lot)
    account = ledger.account
    kind = ledger.Kind
    campaign = lot.tier.campaign
    given: dict[str, Any] = {
        "lot": lot.pk,
        "number": number,
        "begins": clock.now() - timedelta(days=DAYS + 1),
        "spread": timedelta(days=DAYS) / number,
        "pool": account(campaign, kind.POOL).pk,
        "live": account(campaign, kind.LIVE, tier=lot.tier).pk,
        "shops": [shop.pk for shop in shops],
        "every": REDEEMED_OF,
        "prefix": f"bench-page-{lot.pk}-",
    }
    with connection.cursor() as cursor:
        for statement in _ROWS:
            cursor.execute(statement, given)
        cursor.execute("ANALYZE")
    return lot


def _shops(lot: Lot) -> list[Shop]:
    now = clock.now()
    merchant = Merchant.objects.create(
        name=f"健身 {lot.pk}",
        credit_code=f"B{lot.pk:017}",
        sports=[Sport.FITNESS],
        bank_name="-",
        account_name="-",
        sealed_account=b"-",
        masked_account="-",
        contact=User.objects.create(username=f"bench-boss-{lot.pk}"),
        state=Merchant.State.APPROVED,
        applied_at=now,
    )
    ledger.open_merchant_accounts(lot.tier.campaign, merchant)
    lot.tier.campaign.participations.create(
        merchant=merchant,
        since=now,
        redeemed_fen=lot.tier.face_fen * (lot.laid_out or 0) // REDEEMED_OF,
    )
    shops = Shop.objects.bulk_create(
        Shop(
            merchant=merchant,
            name=f"{n}",
            district=city.district(),
            address="-",
            location=Point(116.587, 35.415, srid=4326),
            sports=[Sport.FITNESS],
        )
        for n in range(SHOPS)
    )
    Member.objects.create(
        merchant=merchant,
        person=merchant.contact,
        role="manager",
        name="-",
        invited_at=now,
        joined_at=now,
    )
    return shops


_ROWS = (
    """
    INSERT INTO accounts_user (username, password, first_name, last_name, email,
           is_staff, is_superuser, is_active, date_joined, language, masked_name)
    SELECT %(prefix)s || n, '!', '', '', '', false, false, true, now(), '', ''
      FROM generate_series(1, %(number)s) AS n
    """,
    """
    INSERT INTO vouchers_voucher (code, campaign_id, tier_id, lot_id, terms_id,
           person_id, number_of_person, number_in_tier, most_in_tier, face_fen,
           threshold_fen, way, state, claimed_at, usable_from, expires_at, device,
           network)
    SELECT upper(substr(md5(%(prefix)s || nth), 1, 12)), tier.campaign_id, tier.id,
           lot.id, terms.id, person.id, 1, 1, 1, tier.face_fen, tier.threshold_fen,
           'rush', CASE WHEN nth %% %(every)s = 0 THEN 'redeemed' ELSE 'live' END,
           moment, moment, moment + interval '90 days', '', ''
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM accounts_user
             WHERE username LIKE %(prefix)s || '%%') AS person
      JOIN vouchers_lot AS lot ON lot.id = %(lot)s
      JOIN vouchers_tier AS tier ON tier.id = lot.tier_id
      JOIN vouchers_terms AS terms ON terms.campaign_id = tier.campaign_id,
           LATERAL (SELECT %(begins)s::timestamptz
                           + nth * %(spread)s::interval AS moment) AS moments
    """,
    "UPDATE vouchers_stockshard SET remaining = 0 WHERE lot_id = %(lot)s",
    """
    INSERT INTO vouchers_redemption (number, voucher_id, merchant_id, shop_id,
           district_id, clerk_id, sport, bill_fen, discount_fen, state, redeemed_at,
           request_key, reason, changed_at)
    SELECT voucher.code, voucher.id, shop.merchant_id, shop.id, shop.district_id,
           member.id, 'fitness', voucher.threshold_fen + voucher.id %% 9000,
           voucher.face_fen, 'done', voucher.claimed_at + interval '1 hour',
           gen_random_uuid(), '', voucher.claimed_at + interval '1 hour'
      FROM vouchers_voucher AS voucher
      JOIN vouchers_shop AS shop ON shop.id = (%(shops)s::bigint[])[
               1 + voucher.id %% cardinality(%(shops)s::bigint[])]
      JOIN vouchers_member AS member ON member.merchant_id = shop.merchant_id
     WHERE voucher.lot_id = %(lot)s AND voucher.state = 'redeemed'
    """,
    """
    INSERT INTO vouchers_transfer (campaign_id, kind, debit_id, credit_id, amount_fen,
           at, voucher_id)
    SELECT campaign_id, 'claim', %(pool)s, %(live)s, face_fen, claimed_at, id
      FROM vouchers_voucher WHERE lot_id = %(lot)s
    """,
    """
    INSERT INTO vouchers_transfer (campaign_id, kind, debit_id, credit_id, amount_fen,
           at, voucher_id, redemption_id)
    SELECT voucher.campaign_id, 'redeem', %(live)s, payable.id, voucher.face_fen,
           redemption.redeemed_at, voucher.id, redemption.id
      FROM vouchers_redemption AS redemption
      JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
      JOIN vouchers_account AS payable ON payable.campaign_id = voucher.campaign_id
                                      AND payable.merchant_id = redemption.merchant_id
                                      AND payable.kind = 'payable'
     WHERE voucher.lot_id = %(lot)s
    """,
)
