"""Staff tables and staff pages: places, rules, blocks, bookings and the gate."""

from __future__ import annotations

from venues.admin import bookings, places, rules

__all__ = ["bookings", "places", "rules"]
