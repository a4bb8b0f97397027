"""Staff tables and staff pages of vouchers."""

from __future__ import annotations

from vouchers.admin import (
    campaigns,
    merchants,
    radar,
    settlements,
)

__all__ = [
    "campaigns",
    "merchants",
    "radar",
    "settlements",
]
