"""Money is integer fen everywhere; yuan exist only on the screen."""

from __future__ import annotations


def yuan(fen: int) -> str:
    """Fen as people write yuan: 4500 -> "45", 4550 -> "45.50", -5 -> "-0.05"."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), 100)
    return f"{sign}{whole}" if rest == 0 else f"{sign}{whole}.{rest:02}"
