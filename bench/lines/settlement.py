"""A settlement of fifty merchants with a hundred thousand redemptions."""

from __future__ import annotations

import time
from datetime import timedelta
from os import getloadavg
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection

from bench import city, giving
from bench.portal import Portal
from bench.table import Line
from bureau.accounts.models import User
from bureau.common import clock, sealed
from bureau.common.sports import Sport
from vouchers import actions, queries
from vouchers.actions import ledger
from vouchers.models import Lot, Member, Merchant, Settlement, Shop

REDEMPTIONS, MERCHANTS, SECONDS = 100_000, 50, 10
PEOPLE = 10_000


def measure(_portal: Portal) -> list[Line]:
    lot = _redeemed()
    campaign, today = lot.tier.campaign, clock.today()
    maker, checker = (User.objects.create(username=f"bench-{n}") for n in "mc")
    bare = _bare()
    began = time.perf_counter()
    run = actions.prepare_settlements(
        campaign=campaign,
        from_on=today - timedelta(days=7),
        until_on=today - timedelta(days=1),
        by=maker,
    )
    seconds = time.perf_counter() - began
    rows = list(Settlement.objects.filter(campaign=campaign).order_by("pk"))
    began = time.perf_counter()
    for row in rows:
        actions.approve_settlement(settlement=row, by=checker)
    actions.note_file_paid(payment_file=actions.make_payment_file(by=maker), by=maker)
    paid = time.perf_counter() - began
    began = time.perf_counter()
    statement = queries.statement_of(rows[0])
    pages = queries.statement_workbook(statement), queries.statement_pdf(statement)
    papers = time.perf_counter() - began
    money = queries.balances_of(campaign)
    whole = sum(money.settled.values()) == REDEMPTIONS * giving.FACE_FEN
    broken = [
        name for name in city.broken_promises() if name.startswith("vouchers.settle")
    ]
    return [
        Line(
            what=f"settlement of {REDEMPTIONS:,} redemptions for {MERCHANTS} merchants",
            figure=f"{seconds:.1f} s",
            limit=f"{bare:.1f} s for a bare INSERT … SELECT of the lines",
            ratio=bare / seconds,
            goal=f"≤ {SECONDS} s",
            met=seconds <= SECONDS
            and whole
            and not broken
            and len(rows) == run.done == MERCHANTS,
            note=f"approved, put into a file and paid in {paid:.1f} s; one statement "
            f"of {rows[0].count:,} lines as xlsx and pdf in {papers:.1f} s "
            f"({sum(map(len, pages)) // 1024} KB); load {getloadavg()[0]:.1f}",
        )
    ]


def _bare() -> float:
    """The same lines into a table without keys or rules."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE bench_lines (LIKE vouchers_settlementline"
            " INCLUDING GENERATED INCLUDING IDENTITY)"
        )
        began = time.perf_counter()
        cursor.execute(
            "INSERT INTO bench_lines (settlement_id, redemption_id, kind, amount_fen,"
            " counts) SELECT 1, id, 'redeemed', discount_fen, true"
            " FROM vouchers_redemption WHERE state = 'done'"
        )
        seconds = time.perf_counter() - began
        cursor.execute("DROP TABLE bench_lines")
    return seconds


def _redeemed() -> Lot:
    """Vouchers that were all used within the last week, with their money."""
    lot = giving.lot(amount=REDEMPTIONS)
    given: dict[str, Any] = {
        "lot": lot.pk,
        "number": REDEMPTIONS,
        "people": PEOPLE,
        "shops": [shop.pk for shop in _shops(lot)],
        "begins": clock.at(clock.today() - timedelta(days=7), 1),
        "prefix": f"bench-settled-{lot.pk}-",
        "pool": ledger.account(lot.tier.campaign, ledger.Kind.POOL).pk,
        "live": ledger.account(lot.tier.campaign, ledger.Kind.LIVE, tier=lot.tier).pk,
    }
    with connection.cursor() as cursor:
        for statement in _ROWS:
            cursor.execute(statement, given)
        cursor.execute("ANALYZE")
    return lot


def _shops(lot: Lot) -> list[Shop]:
    now = clock.now()
    district = city.district()
    made = []
    for n in range(MERCHANTS):
        boss = User.objects.create(username=f"bench-settled-boss-{lot.pk}-{n}")
        merchant = Merchant.objects.create(
            name=f"健身 {lot.pk} {n}",
            credit_code=f"S{lot.pk:014}{n:03}",
            sports=[Sport.FITNESS],
            bank_name="-",
            account_name=f"健身 {n}",
            sealed_account=sealed.seal("6222021608000000017"),
            masked_account="6222***********0017",
            contact=boss,
            state=Merchant.State.APPROVED,
            applied_at=now,
        )
        ledger.open_merchant_accounts(lot.tier.campaign, merchant)
        lot.tier.campaign.participations.create(
            merchant=merchant,
            since=now,
            redeemed_fen=giving.FACE_FEN * REDEMPTIONS // MERCHANTS,
        )
        Member.objects.create(
            merchant=merchant,
            person=boss,
            role="manager",
            name="-",
            invited_at=now,
            joined_at=now,
        )
        made.append(
            Shop.objects.create(
                merchant=merchant,
                name=f"{n}",
                district=district,
                address="-",
                location=Point(116.587, 35.415, srid=4326),
                sports=[Sport.FITNESS],
            )
        )
    return made


_ROWS = (
    """
    INSERT INTO accounts_user (username, password, first_name, last_name, email,
           is_staff, is_superuser, is_active, date_joined, language, masked_name)
    SELECT %(prefix)s || n, '!', '', '', '', false, false, true, now(), '', ''
      FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO vouchers_voucher (code, campaign_id, tier_id, lot_id, terms_id,
           person_id, number_of_person, number_in_tier, most_in_tier, face_fen,
           threshold_fen, way, state, claimed_at, usable_from, expires_at, device,
           network)
    SELECT upper(substr(md5(%(prefix)s || n), 1, 12)), tier.campaign_id, tier.id,
           lot.id, terms.id, person.id, 1 + n / %(people)s, 1 + n / %(people)s,
           1 + n / %(people)s, tier.face_fen, tier.threshold_fen, 'rush', 'redeemed',
           moment, moment, moment + interval '90 days', '', ''
      FROM generate_series(0, %(number)s - 1) AS n
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM accounts_user
             WHERE username LIKE %(prefix)s || '%%') AS person
        ON person.nth = 1 + n %% %(people)s
      JOIN vouchers_lot AS lot ON lot.id = %(lot)s
      JOIN vouchers_tier AS tier ON tier.id = lot.tier_id
      JOIN vouchers_terms AS terms ON terms.campaign_id = tier.campaign_id,
           LATERAL (SELECT %(begins)s::timestamptz + n * interval '6 days'
                           / %(number)s AS moment) AS moments
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
     WHERE voucher.lot_id = %(lot)s
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
       AND payable.kind = 'payable' AND payable.merchant_id = redemption.merchant_id
     WHERE voucher.lot_id = %(lot)s
    """,
)
