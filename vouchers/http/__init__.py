"""What requests say, and what they are answered, where pages and API do the same."""

from __future__ import annotations

from vouchers.http.claiming import (
    DEVICE_COOKIE,
    MOST_BYTES,
    answer_claim,
    remember_device,
    where_of,
)
from vouchers.http.counter import (
    COUNTER_COOKIE,
    DEVICE_HEADER,
    counter_key,
    current_device,
    keep_device,
)

__all__ = [
    "COUNTER_COOKIE",
    "DEVICE_COOKIE",
    "DEVICE_HEADER",
    "MOST_BYTES",
    "answer_claim",
    "counter_key",
    "current_device",
    "keep_device",
    "remember_device",
    "where_of",
]
