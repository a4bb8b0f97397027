"""Reads over several tables: when courts are open, what they cost, what is free."""

from __future__ import annotations

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
from venues.queries.rules import (
    HouseRules,
    Offer,
    Price,
    Timetable,
    house_rules,
)

__all__ = [
    "CLOSEST_ZOOM",
    "DayGrid",
    "HouseRules",
    "MapPoint",
    "Offer",
    "Price",
    "Row",
    "Slot",
    "SlotState",
    "Timetable",
    "bookable_days",
    "day_grid",
    "gate_opens_at",
    "house_rules",
    "is_taken",
    "lowest_prices",
    "map_points",
    "offered_sports",
    "personal_data_of",
    "reasons_to_stay",
    "venue_for_booking",
]
