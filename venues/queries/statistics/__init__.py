"""How the venues are used and what they take in; defined in docs/venues/statistics.md.

Three reads over many tables, each with a number of questions that hangs neither on the
number of venues nor on the length of the period.
"""

from __future__ import annotations

from venues.queries.statistics.bookings import Bookings, Share, bookings_in
from venues.queries.statistics.money import TRANSFER, Money, Taking, money_in
from venues.queries.statistics.occupancy import Occupation, Use, occupation_in
from venues.queries.statistics.scope import LONGEST_DAYS, Scope

__all__ = [
    "LONGEST_DAYS",
    "TRANSFER",
    "Bookings",
    "Money",
    "Occupation",
    "Scope",
    "Share",
    "Taking",
    "Use",
    "bookings_in",
    "money_in",
    "occupation_in",
]
