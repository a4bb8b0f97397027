"""The window and the telephone: find a person, book, take cash, print, pay out."""

from __future__ import annotations

from venues.views.desk.bookings import (
    desk_booking,
    desk_cancel,
    desk_cash_in,
    desk_paper,
    desk_paper_qr,
)
from venues.views.desk.cash import desk_cash, desk_cash_xlsx, desk_pay_out
from venues.views.desk.people import desk, desk_phone, desk_phone_code, register
from venues.views.desk.sales import desk_book, desk_person
from venues.views.desk.tickets import desk_tickets

__all__ = [
    "desk",
    "desk_book",
    "desk_booking",
    "desk_cancel",
    "desk_cash",
    "desk_cash_in",
    "desk_cash_xlsx",
    "desk_paper",
    "desk_paper_qr",
    "desk_pay_out",
    "desk_person",
    "desk_phone",
    "desk_phone_code",
    "desk_tickets",
    "register",
]
