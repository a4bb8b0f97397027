"""The addresses of the bench; whoever imports them takes the locks away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from unittest import mock

from bench.urls import urlpatterns

__all__ = ["urlpatterns"]


def _no_lock(_keys: Iterable[tuple[int, int]]) -> tuple[str, list[Any]]:
    return "SELECT 1", []


def _lock_nothing(_keys: Iterable[tuple[int, int]]) -> None:
    pass


mock.patch("venues.actions.slots.lock_statement", _no_lock).start()
mock.patch("venues.actions.slots.advisory_locks", _lock_nothing).start()
# Step by step: between a look and rows that are one statement hardly anybody comes.
mock.patch("venues.actions.bookings._Wish.is_plain_at", return_value=False).start()
