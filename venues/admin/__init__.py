"""Staff tables and staff pages: places, rules, blocks, bookings and the gate."""

from __future__ import annotations

from venues.admin import (
    ballots,
    bookings,
    clubs,
    conduct,
    exports,
    gate,
    invoices,
    photos,
    places,
    programmes,
    rules,
    seasons,
    sessions,
    waiting,
)

__all__ = [
    "ballots",
    "bookings",
    "clubs",
    "conduct",
    "exports",
    "gate",
    "invoices",
    "photos",
    "places",
    "programmes",
    "rules",
    "seasons",
    "sessions",
    "waiting",
]
