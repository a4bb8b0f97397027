"""What must always be true of vouchers and their money; each answer must be no rows."""

from __future__ import annotations

from vouchers.invariants import claiming, figures, money

INVARIANTS = [*claiming.INVARIANTS, *money.INVARIANTS, *figures.INVARIANTS]
