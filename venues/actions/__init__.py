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
from venues.actions.calendars import hash_of, make_feed, revoke_feed
from venues.actions.cancellations import (
    call_off_booking,
    cancel_booking,
    decline_offer,
)
from venues.actions.changes import (
    change_booking,
    confirm_paid_change,
    drop_change,
    exchange_of,
    expire_changes,
)
from venues.actions.closures import (
    close_units,
    finish_closures,
    work_through_closure,
)
from venues.actions.companions import (
    join_booking,
    leave_booking,
    make_invite,
    remove_companion,
    withdraw_invite,
)
from venues.actions.conduct import (
    appeal_against,
    call_off_no_show,
    decide_appeal,
    excuse_late_news,
    excuse_no_shows,
    excuse_point,
    forget_appeals,
    impose_bans,
    lift_ban,
    mark_no_show,
    mark_no_shows,
    set_conduct_rule,
)
from venues.actions.desk import (
    book_at_desk,
    change_at_desk,
    pay_out_refund,
    print_pass,
    sell_tickets,
    take_cash_for,
)
from venues.actions.favourites import (
    add_favourite,
    forget_person,
    remove_favourite,
)
from venues.actions.gate import (
    admit,
    admit_checked,
    check_pass,
    check_token,
    count_people,
    let_in,
    let_out,
)
from venues.actions.offline import (
    Scan,
    issue_list,
    register_device,
    revoke_device,
    sync_scans,
)
from venues.actions.photos import (
    add_venue_photo,
    describe_venue_photo,
    remove_venue_photo,
)
from venues.actions.quotas import drop_quota, set_quota
from venues.actions.reminders import send_reminders
from venues.actions.rules import (
    Band,
    drop_hours_exception,
    drop_market_price,
    move_pin,
    set_cancel_bands,
    set_day_type_hours,
    set_hours_exception,
    set_market_price,
    set_prices,
    set_weekly_hours,
)
from venues.actions.sessions import (
    Prices,
    buy_tickets,
    cancel_session,
    finish_cancelled_sessions,
    lay_out_sessions,
    open_session,
    set_session_capacity,
    set_session_plan,
)
from venues.actions.slots import Pick
from venues.actions.waiting import (
    close_lines,
    join_waiting_list,
    leave_all_lines,
    leave_waiting_list,
    offer_to_line,
    offer_to_lines,
)

__all__ = [
    "Band",
    "Pick",
    "Prices",
    "Scan",
    "accept_offer",
    "add_favourite",
    "add_venue_photo",
    "admit",
    "admit_checked",
    "appeal_against",
    "block_units",
    "book_at_desk",
    "buy_tickets",
    "call_off_booking",
    "call_off_no_show",
    "cancel_booking",
    "cancel_session",
    "change_at_desk",
    "change_booking",
    "check_pass",
    "check_token",
    "close_lines",
    "close_units",
    "confirm_paid_booking",
    "confirm_paid_change",
    "count_people",
    "decide_appeal",
    "decline_offer",
    "describe_venue_photo",
    "drop_change",
    "drop_hours_exception",
    "drop_market_price",
    "drop_quota",
    "exchange_of",
    "excuse_late_news",
    "excuse_no_shows",
    "excuse_point",
    "expire_changes",
    "expire_holds",
    "finish_cancelled_sessions",
    "finish_closures",
    "forget_appeals",
    "forget_person",
    "hash_of",
    "hold_slots",
    "impose_bans",
    "issue_list",
    "join_booking",
    "join_waiting_list",
    "lay_out_sessions",
    "leave_all_lines",
    "leave_booking",
    "leave_waiting_list",
    "let_in",
    "let_out",
    "lift_ban",
    "lift_block",
    "make_feed",
    "make_invite",
    "mark_no_show",
    "mark_no_shows",
    "move_pin",
    "offer_to_line",
    "offer_to_lines",
    "open_session",
    "pay_out_refund",
    "print_pass",
    "register_device",
    "remove_companion",
    "remove_favourite",
    "remove_venue_photo",
    "revoke_device",
    "revoke_feed",
    "sell_tickets",
    "send_reminders",
    "set_cancel_bands",
    "set_conduct_rule",
    "set_day_type_hours",
    "set_hours_exception",
    "set_market_price",
    "set_prices",
    "set_quota",
    "set_session_capacity",
    "set_session_plan",
    "set_weekly_hours",
    "sync_scans",
    "take_cash_for",
    "withdraw_invite",
    "work_through_closure",
]
