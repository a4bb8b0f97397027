"""The tables of bookable sport: places, the rules of a place, and what is taken."""

from __future__ import annotations

from venues.models.bookings import (
    Admission,
    Block,
    Booking,
    BookingLine,
    EntryPass,
    Occupancy,
)
from venues.models.places import Bookable, BookableUnit, Unit, Venue, VenueStaff
from venues.models.rules import HoursException, PriceRule, WeeklyHours

__all__ = [
    "Admission",
    "Block",
    "Bookable",
    "BookableUnit",
    "Booking",
    "BookingLine",
    "EntryPass",
    "HoursException",
    "Occupancy",
    "PriceRule",
    "Unit",
    "Venue",
    "VenueStaff",
    "WeeklyHours",
]
