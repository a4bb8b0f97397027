"""Reads over several tables: when courts are open, what they cost, what is free."""

from __future__ import annotations

from venues.queries.alternatives import Alternative, alternatives, alternatives_to
from venues.queries.days import DayTypes, is_fitness_day
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
from venues.queries.parties import Party, companions_until, party_of
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
from venues.queries.waiting import people_ahead, servable_entries

__all__ = [
    "CAN_WAIT",
    "CLOSEST_ZOOM",
    "Alternative",
    "DayGrid",
    "DayTypes",
    "HouseRules",
    "MapPoint",
    "Offer",
    "Party",
    "Price",
    "Reason",
    "Row",
    "Slot",
    "SlotState",
    "Timetable",
    "alternatives",
    "alternatives_to",
    "bookable_days",
    "companions_until",
    "day_grid",
    "gate_opens_at",
    "house_rules",
    "is_fitness_day",
    "is_taken",
    "kept_until",
    "lowest_prices",
    "map_points",
    "offered_sports",
    "online_until",
    "party_of",
    "people_ahead",
    "personal_data_of",
    "quote_in_words",
    "reasons",
    "reasons_to_stay",
    "servable_entries",
    "slot_at",
    "venue_for_booking",
    "window_opens_at",
]
