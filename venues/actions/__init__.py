"""What people can do with courts. One function per thing; `actions.hold_slots(...)`.

Order of locks, the same everywhere, so that nobody waits in a circle:
payments of the booking → (person) and (unit, day) → the booking → its occupancies.
"""

from __future__ import annotations

from venues.actions.blocks import block_units, lift_block
from venues.actions.bookings import (
    call_off_booking,
    cancel_booking,
    confirm_paid_booking,
    expire_holds,
    hold_slots,
)
from venues.actions.gate import admit, admit_checked, check_pass, check_token
from venues.actions.rules import Band, move_pin, set_prices, set_weekly_hours
from venues.actions.slots import Pick

__all__ = [
    "Band",
    "Pick",
    "admit",
    "admit_checked",
    "block_units",
    "call_off_booking",
    "cancel_booking",
    "check_pass",
    "check_token",
    "confirm_paid_booking",
    "expire_holds",
    "hold_slots",
    "lift_block",
    "move_pin",
    "set_prices",
    "set_weekly_hours",
]
