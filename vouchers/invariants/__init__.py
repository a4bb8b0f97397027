"""What must always be true of vouchers and their money; each answer must be no rows."""

from __future__ import annotations

from vouchers.invariants import (
    campaigns,
    claiming,
    figures,
    merchants,
    money,
    redemptions,
    settlements,
)

INVARIANTS = [
    *campaigns.INVARIANTS,
    *claiming.INVARIANTS,
    *merchants.INVARIANTS,
    *money.INVARIANTS,
    *figures.INVARIANTS,
    *redemptions.INVARIANTS,
    *settlements.INVARIANTS,
]
