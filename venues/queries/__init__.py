"""Reads over several tables: when courts are open, what they cost, what is free."""

from __future__ import annotations

from venues.queries.about import Opening, announced_closures, opening_of
from venues.queries.alternatives import Alternative, alternatives, alternatives_to
from venues.queries.calendars import (
    CalendarEntry,
    EntryKind,
    entries_in,
    entries_of,
)
from venues.queries.conduct import (
    PointRow,
    Standing,
    appeal_until,
    banned_until,
    conduct_data_of,
    standing_of,
)
from venues.queries.days import DayTypes, is_fitness_day
from venues.queries.favourites import favourite_ids, favourites_of
from venues.queries.grid import (
    DayGrid,
    Row,
    Slot,
    SlotState,
    bookable_days,
    day_grid,
)
from venues.queries.lists import (
    gate_opens_at,
    is_taken,
    lowest_prices,
    offered_sports,
    personal_data_of,
    reasons_to_stay,
    venue_for_booking,
)
from venues.queries.map import (
    CLOSEST_ZOOM,
    MapPoint,
    map_points,
)
from venues.queries.parties import (
    Party,
    companions_until,
    party_of,
    reasons_to_stay_along,
    together_data_of,
)
from venues.queries.reasons import CAN_WAIT, Reason, reasons, slot_at
from venues.queries.rules import (
    HouseRules,
    Offer,
    Price,
    Timetable,
    house_rules,
    kept_until,
    online_until,
    quote_in_words,
    window_opens_at,
)
from venues.queries.sessions import SessionCard, sessions_of_day, ticket_price
from venues.queries.waiting import people_ahead, servable_entries, waiting_data_of

__all__ = [
    "CAN_WAIT",
    "CLOSEST_ZOOM",
    "Alternative",
    "CalendarEntry",
    "DayGrid",
    "DayTypes",
    "EntryKind",
    "HouseRules",
    "MapPoint",
    "Offer",
    "Opening",
    "Party",
    "PointRow",
    "Price",
    "Reason",
    "Row",
    "SessionCard",
    "Slot",
    "SlotState",
    "Standing",
    "Timetable",
    "alternatives",
    "alternatives_to",
    "announced_closures",
    "appeal_until",
    "banned_until",
    "bookable_days",
    "companions_until",
    "conduct_data_of",
    "day_grid",
    "entries_in",
    "entries_of",
    "favourite_ids",
    "favourites_of",
    "gate_opens_at",
    "house_rules",
    "is_fitness_day",
    "is_taken",
    "kept_until",
    "lowest_prices",
    "map_points",
    "offered_sports",
    "online_until",
    "opening_of",
    "party_of",
    "people_ahead",
    "personal_data_of",
    "quote_in_words",
    "reasons",
    "reasons_to_stay",
    "reasons_to_stay_along",
    "servable_entries",
    "sessions_of_day",
    "slot_at",
    "standing_of",
    "ticket_price",
    "together_data_of",
    "venue_for_booking",
    "waiting_data_of",
    "window_opens_at",
]
