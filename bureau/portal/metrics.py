"""What a Prometheus server reads at `/metrics`: how requests went, and what waits.

Requests are counted by each process in a file of its own and added up when asked for.
What waits is read from PostgreSQL and Redis at that moment, so that it is true for the
whole portal, whichever process answers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis
from django.db import Error, connection
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bureau.celery import app

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUESTS = Histogram(
    "bureau_request_seconds",
    "Time until the answer was ready, by page, method and status.",
    ("view", "method", "status"),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


@dataclass(frozen=True)
class Waiting:
    """A number that an operator watches: one column of one question."""

    name: str
    meaning: str
    sql: str


WAITING = (
    Waiting(
        "bureau_holds_overdue",
        "Unpaid bookings whose hold ended over two minutes ago: the sweep is late.",
        "SELECT count(*) FROM venues_booking"
        " WHERE state = 'held' AND hold_until < now() - interval '2 minutes'",
    ),
    Waiting(
        "bureau_payments_due",
        "Payments that somebody has been asked for.",
        "SELECT count(*) FROM payments_payment WHERE state = 'due'",
    ),
    Waiting(
        "bureau_refunds_waiting",
        "Refunds that the provider has not confirmed.",
        "SELECT count(*) FROM payments_refund WHERE state IN ('due', 'sent')",
    ),
    Waiting(
        "bureau_refunds_failed",
        "Refunds that staff must look into.",
        "SELECT count(*) FROM payments_refund WHERE state = 'failed'",
    ),
    Waiting(
        "bureau_discrepancies_open",
        "Money that nobody has explained yet.",
        "SELECT count(*) FROM payments_discrepancy WHERE resolved_at IS NULL",
    ),
    Waiting(
        "bureau_deliveries_waiting",
        "Messages that have not gone out.",
        "SELECT count(*) FROM notices_delivery WHERE state = 'waiting'",
    ),
    Waiting(
        "bureau_deliveries_oldest_seconds",
        "For how long the message that should go next has been due.",
        "SELECT coalesce(extract(epoch FROM now() - min(next_try_at)), 0)"
        " FROM notices_delivery WHERE state = 'waiting' AND next_try_at < now()",
    ),
    Waiting(
        "bureau_draws_overdue",
        "Draws that should have been held a quarter of an hour ago.",
        "SELECT count(*) FROM draws_draw WHERE state IN ('open', 'frozen')"
        " AND draws_at < now() - interval '15 minutes'",
    ),
    Waiting(
        "bureau_exports_waiting",
        "Hourly records that the receiver has not taken.",
        "SELECT count(*) FROM venues_exportrecord WHERE state = 'waiting'",
    ),
    Waiting(
        "bureau_promises_broken",
        "Promises that did not hold at the last proof.",
        "SELECT coalesce((SELECT broken FROM audit_proofrun"
        " WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1), 0)",
    ),
    Waiting(
        "bureau_proof_age_seconds",
        "How long ago the last proof ended; -1 if there was none.",
        "SELECT coalesce(extract(epoch FROM now() - max(finished_at)), -1)"
        " FROM audit_proofrun",
    ),
)


def count_request(*, view: str, method: str, status: int, seconds: float) -> None:
    """`view` is the name of the page's address, so that their number stays small."""
    method = method if method in METHODS else "other"
    REQUESTS.labels(view, method, str(status)).observe(seconds)


def exposition() -> bytes:
    """Everything, in the text format of Prometheus."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
    registry.register(_WhatWaits())
    return generate_latest(registry)


class _WhatWaits(Collector):
    def collect(self) -> Iterator[Metric]:
        for one in WAITING:
            yield _gauge(one.name, one.meaning, _asked(one))
        yield _gauge("bureau_tasks_queued", "Tasks in the queue.", _queued())


def _gauge(name: str, meaning: str, value: float | None) -> Metric:
    """Without a value where nobody could be asked: a zero would be a lie."""
    gauge = GaugeMetricFamily(name, meaning)
    if value is not None:
        gauge.add_metric([], value)
    return gauge


def _asked(one: Waiting) -> float | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(one.sql)
            (value,) = cursor.fetchone()
            return float(value)
    except Error:
        return None


def _queued() -> float | None:
    try:
        with app.connection_for_read() as broker:
            channel: Any = broker.default_channel
            return float(channel.client.llen(app.conf.task_default_queue))
    except (redis.RedisError, OSError):
        return None
