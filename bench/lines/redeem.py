"""Vouchers redeemed at fifty counters, and one voucher at fifty counters at once.

The request is the one tap at the counter's page: session, CSRF, device, the voucher's
rotating code, caps, book, audit and notice. Each of fifty counters redeems every two
seconds, at moments of its own: 25 a second, where fifty merchants with a thousand a day
each make one or two. The bare limit has the same pace. What the machine can do at most
is a line of its own, in which every counter sends the next tap with the last answer:
there an answer waits for 49 others, so its time says nothing about a counter.
"""

from __future__ import annotations

from itertools import count, cycle
from os import getloadavg
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib.gis.geos import Point
from django.core import signing

from bench import city, giving
from bench.portal import Portal
from bench.table import Line
from bench.wrk import Load, Request, drive
from bureau.accounts.models import User
from bureau.common import clock, codes, credit_codes
from vouchers import actions
from vouchers.actions import ledger
from vouchers.http import COUNTER_COOKIE
from vouchers.models import (
    Lot,
    Member,
    Merchant,
    Participation,
    Redemption,
    Shop,
    Voucher,
)

COUNTERS, SHOPS_EACH = 50, 5
PAUSE_MS, SECONDS = 2000, 16
# More than they come to: who has nothing left to redeem would ask for something else.
PACED = COUNTERS * (SECONDS + 6) * 1000 // PAUSE_MS
FULL, FULL_SECONDS = 1200, 8
LIMIT_MS = 100
_serial = count(1)


def measure(portal: Portal) -> list[Line]:
    lot = giving.lot(amount=PACED + FULL + 4 * COUNTERS)
    vouchers = _claimed(lot, PACED + 3 * COUNTERS)
    counters = [one for _ in range(COUNTERS // SHOPS_EACH) for one in _counters(lot)]
    city.settle_tables()
    bare = [Request("POST", "/bench/insert")] * COUNTERS
    warm = _taps(vouchers[: 2 * COUNTERS], counters)
    drive(portal.url, warm, seconds=3, connections=8, once=True)
    limit = drive(portal.url, bare, seconds=6, connections=COUNTERS, pause_ms=PAUSE_MS)
    before = Redemption.objects.count()
    taps = _taps(vouchers[2 * COUNTERS : -COUNTERS], counters)
    load = drive(
        portal.url,
        taps,
        seconds=SECONDS,
        connections=COUNTERS,
        once=True,
        pause_ms=PAUSE_MS,
    )
    stored = Redemption.objects.count() - before
    full = _taps(vouchers[-COUNTERS:], counters)
    burst = drive(portal.url, full, seconds=8, connections=COUNTERS, once=True)
    return [
        Line(
            what=f"redemptions, {COUNTERS} counters at once, p99",
            figure=f"{load.p99_ms:.1f} ms",
            limit=f"{limit.p99_ms:.1f} ms",
            ratio=load.p99_ms / limit.p99_ms if limit.p99_ms else None,
            goal=f"≤ {LIMIT_MS} ms",
            met=load.p99_ms <= LIMIT_MS and load.answers == load.count("3") <= stored,
            note=f"{load.answers} answers, {stored} redeemed, "
            f"{load.per_second:.0f} a s, median {load.median_ms:.1f} ms, "
            f"slowest {load.slowest_ms:.0f} ms; all {COUNTERS} in the same instant: "
            f"{burst.count('3')} redeemed, the last after {burst.slowest_ms:.0f} ms; "
            f"load {getloadavg()[0]:.1f}",
        ),
        _without_a_pause(portal, _claimed(lot, FULL), counters),
        _one_voucher(portal, _claimed(lot, 1)[0], counters),
    ]


def _without_a_pause(
    portal: Portal, vouchers: list[Voucher], counters: list[str]
) -> Line:
    bare = [Request("POST", "/bench/insert")] * COUNTERS
    limit = drive(portal.url, bare, seconds=4, connections=COUNTERS)
    before = Redemption.objects.count()
    taps = _taps(vouchers, counters)
    load = drive(
        portal.url, taps, seconds=FULL_SECONDS, connections=COUNTERS, once=True
    )
    stored = Redemption.objects.count() - before
    return Line(
        what="… the most that the machine redeems",
        figure=f"{load.per_second:.0f}/s",
        limit=f"{limit.per_second:.0f}/s",
        ratio=load.per_second / limit.per_second if limit.per_second else None,
        goal=f"≥ {2 * COUNTERS * 1000 // PAUSE_MS}/s, twice the pace above",
        met=load.per_second >= 2 * COUNTERS * 1000 / PAUSE_MS
        and load.answers == load.count("3") <= stored,
        note=f"{load.answers} answers, {stored} redeemed, median {load.median_ms:.0f} "
        f"ms, p99 {load.p99_ms:.0f} ms with all {COUNTERS} counters waiting all the "
        f"time; load {getloadavg()[0]:.1f}",
    )


def _one_voucher(portal: Portal, voucher: Voucher, counters: list[str]) -> Line:
    taps = _taps([voucher] * COUNTERS, counters)
    load = drive(portal.url, taps, seconds=12, connections=COUNTERS, once=True)
    stored = Redemption.objects.filter(voucher=voucher).count()
    return Line(
        what=f"one voucher scanned at {COUNTERS} counters at once",
        figure=f"{load.count('3')} redeemed, {load.count('4')} refused",
        goal="1 redeemed",
        met=_is_once(load, stored),
        note=f"{stored} stored; slowest answer {load.slowest_ms:.0f} ms",
    )


def _is_once(load: Load, stored: int) -> bool:
    return (load.count("3"), load.count("4"), stored) == (1, COUNTERS - 1, 1)


def _claimed(lot: Lot, number: int) -> list[Voucher]:
    people = giving.claimers(number)
    tickets = giving.tickets(lot, people)
    users = User.objects.in_bulk([one.person_id for one in people])
    return [
        actions.claim_voucher(lot=lot, by=users[ticket.person_id], ticket=ticket)
        for ticket in tickets
    ]


def _counters(lot: Lot) -> list[str]:
    """The cookies of the clerks of a merchant's shops."""
    now = clock.now()
    campaign = lot.round.campaign
    serial = next(_serial)
    start = f"91370800MB{serial:07}"
    people = city.citizens(SHOPS_EACH)
    merchant = Merchant.objects.create(
        name=f"健身有限公司 {serial}",
        credit_code=start + credit_codes.check_digit(start),
        sports=["badminton"],
        state=Merchant.State.APPROVED,
        contact=people[0].user,
        bank_name="中国工商银行",
        account_name=f"健身有限公司 {serial}",
        sealed_account=b"",
        masked_account="6222***********0017",
        applied_at=now,
    )
    Participation.objects.create(campaign=campaign, merchant=merchant, since=now)
    ledger.open_merchant_accounts(campaign, merchant)
    district = city.district()
    cookies = []
    for one in people:
        shop = Shop.objects.create(
            merchant=merchant,
            name=f"门店 {one.user.pk}",
            district=district,
            address="济宁市任城区",
            location=Point(116.587, 35.415),
            sports=["badminton"],
        )
        member = Member.objects.create(
            merchant=merchant,
            person=one.user,
            role=Member.Role.CLERK,
            name="小王",
            invited_at=now,
            joined_at=now,
        )
        member.shops.add(shop)
        key = f"bench-{one.user.pk:012}"
        actions.know_device(member=member, key=key, name="bench")
        signer = signing.get_cookie_signer(
            salt=f"{COUNTER_COOKIE}vouchers.{COUNTER_COOKIE}"
        )
        cookies.append(f"{one.cookie}; {COUNTER_COOKIE}={signer.sign(key)}")
    return cookies


def _taps(vouchers: list[Voucher], counters: list[str]) -> list[Request]:
    """The confirming tap for each voucher; its code is good for half a minute."""
    step = codes.step_at(clock.now())
    return [
        Request(
            "POST",
            "/counter/redeem/",
            urlencode(
                {
                    "csrfmiddlewaretoken": city.CSRF,
                    "token": f"https://bench/v/{row.code}"
                    f"?k={codes.proof_of(row.code, key=row.key, step=step)}",
                    "request_key": uuid4(),
                    "bill": "88.80",
                }
            ),
            cookie,
        )
        for row, cookie in zip(vouchers, cycle(counters), strict=False)
    ]
