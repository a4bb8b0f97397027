"""Staff tables and staff pages of vouchers."""

from __future__ import annotations

from vouchers.admin import (
    campaigns,
    figures,
    merchants,
    radar,
    redemptions,
    settlements,
    vouchers,
)

__all__ = [
    "campaigns",
    "figures",
    "merchants",
    "radar",
    "redemptions",
    "settlements",
    "vouchers",
]
