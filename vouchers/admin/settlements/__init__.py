"""Settlements, payment files and the end of a campaign: two people for each payment."""

from __future__ import annotations

from vouchers.admin.settlements import closing, payment_files, runs, statements

__all__ = ["closing", "payment_files", "runs", "statements"]
