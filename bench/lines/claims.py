"""Vouchers claimed over HTTP, with session, CSRF, limits and audit; then all are gone.

The request is what the page's button sends. The bare limits are a view that does one
INSERT and a view that does nothing, both behind all of our middleware.
"""

from __future__ import annotations

from bench import city, giving
from bench.portal import Portal
from bench.table import Line
from bench.wrk import Request, drive
from vouchers.models import Voucher

CLIENTS, PEOPLE = 64, 24_000
SECONDS, WARM = 30, 2_000
GRANTS, SHARE = 1000, 0.30
SOLD_OUT, SOLD_OUT_SHARE = 3000, 0.50
SLOWEST_MS = 500


def measure(portal: Portal) -> list[Line]:
    lot = giving.lot(amount=PEOPLE)
    people = giving.claimers(PEOPLE)
    requests = [one.claims(lot, lot.round.opens_at) for one in people]
    city.settle_tables()
    bare = [Request("POST", "/bench/insert")]
    drive(portal.url, bare, seconds=2, connections=CLIENTS)  # warm
    warm = requests[:WARM]
    drive(portal.url, warm, seconds=4, connections=CLIENTS, once=True)
    # The limit before and after, since other work on the machine comes and goes.
    before = drive(portal.url, bare, seconds=5, connections=CLIENTS)
    stored = Voucher.objects.count()
    load = drive(
        portal.url, requests[WARM:], seconds=SECONDS, connections=CLIENTS, once=True
    )
    stored = Voucher.objects.count() - stored
    after = drive(portal.url, bare, seconds=5, connections=CLIENTS)
    limit = (before.per_second + after.per_second) / 2
    rate = stored / load.seconds
    failed = load.answers - load.count("3")
    granted = Line(
        what=f"vouchers claimed a second, {CLIENTS} connections",
        figure=f"{rate:.0f}/s",
        limit=f"{limit:.0f}/s",
        ratio=rate / limit,
        goal=f"≥ {GRANTS}/s and ≥ {SHARE:.2f} of one bare INSERT",
        met=rate >= GRANTS and rate / limit >= SHARE and not failed,
        note=f"{stored} of {load.answers} granted in {load.seconds:.1f} s, {failed} "
        f"errors, median {load.median_ms:.0f} ms, p99 {load.p99_ms:.0f} ms, "
        f"slowest {load.slowest_ms:.0f} ms",
    )
    slow = Line(
        what="… p99",
        figure=f"{load.p99_ms:.0f} ms",
        goal=f"< {SLOWEST_MS} ms",
        met=load.p99_ms < SLOWEST_MS,
    )
    broken = city.broken_promises()
    kept = Line(
        what="… promises broken afterwards",
        figure=f"{len(broken)}",
        goal="0",
        met=not broken,
        note=", ".join(broken),
    )
    return [granted, slow, kept, *_sold_out(portal, people)]


def _sold_out(portal: Portal, people: list[giving.Claimer]) -> list[Line]:
    gone = giving.lot(amount=1)
    requests = [one.claims(gone, gone.round.opens_at) for one in people[:PEOPLE]]
    empty = [Request("GET", "/bench/empty")]
    drive(portal.url, requests[:500], seconds=2, connections=CLIENTS)
    before = drive(portal.url, empty, seconds=4, connections=CLIENTS)
    load = drive(portal.url, requests, seconds=8, connections=CLIENTS)
    after = drive(portal.url, empty, seconds=4, connections=CLIENTS)
    limit = (before.per_second + after.per_second) / 2
    failed = load.answers - load.count("3")
    stored = Voucher.objects.filter(lot=gone).count()
    return [
        Line(
            what='"sold out" a second',
            figure=f"{load.per_second:.0f}/s",
            limit=f"{limit:.0f}/s",
            ratio=load.per_second / limit,
            goal=f"≥ {SOLD_OUT}/s and ≥ {SOLD_OUT_SHARE:.2f} of an empty view",
            met=load.per_second >= SOLD_OUT
            and load.per_second / limit >= SOLD_OUT_SHARE
            and stored == 1
            and not failed,
            note=f"{failed} errors, {stored} granted of 1, median "
            f"{load.median_ms:.0f} ms, p99 {load.p99_ms:.0f} ms",
        )
    ]
