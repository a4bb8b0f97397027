"""What people can do with courts. One function per thing; `actions.hold_slots(...)`.

Order of locks, the same everywhere, so that nobody waits in a circle:
payments of the booking → (person) and (unit, day) → the booking → its occupancies.
"""

from __future__ import annotations

from venues.actions.blocks import block_units, lift_block
from venues.actions.bookings import (
    accept_offer,
    confirm_paid_booking,
    expire_holds,
    hold_slots,
)
from venues.actions.cancellations import call_off_booking, cancel_booking
from venues.actions.changes import (
    change_booking,
    confirm_paid_change,
    drop_change,
    expire_changes,
)
from venues.actions.companions import (
    join_booking,
    leave_booking,
    make_invite,
    remove_companion,
    withdraw_invite,
)
from venues.actions.gate import admit, admit_checked, check_pass, check_token
from venues.actions.reminders import send_reminders
from venues.actions.rules import Band, move_pin, set_prices, set_weekly_hours
from venues.actions.slots import Pick
from venues.actions.waiting import (
    close_lines,
    join_waiting_list,
    leave_waiting_list,
    offer_to_line,
    offer_to_lines,
)

__all__ = [
    "Band",
    "Pick",
    "accept_offer",
    "admit",
    "admit_checked",
    "block_units",
    "call_off_booking",
    "cancel_booking",
    "change_booking",
    "check_pass",
    "check_token",
    "close_lines",
    "confirm_paid_booking",
    "confirm_paid_change",
    "drop_change",
    "expire_changes",
    "expire_holds",
    "hold_slots",
    "join_booking",
    "join_waiting_list",
    "leave_booking",
    "leave_waiting_list",
    "lift_block",
    "make_invite",
    "move_pin",
    "offer_to_line",
    "remove_companion",
    "send_reminders",
    "withdraw_invite",
    "offer_to_lines",
    "set_prices",
    "set_weekly_hours",
]
