"""Reads over several tables."""

from __future__ import annotations

from vouchers.queries.ledger import Balances, balances_of

__all__ = ["Balances", "balances_of"]
