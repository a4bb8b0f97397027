"""The tables of bookable sport: places, the rules of a place, and what is taken."""

from __future__ import annotations

from venues.models.ballots import Ballot, BallotRequest, BallotSlot
from venues.models.bookings import Booking, BookingChange, BookingLine
from venues.models.calendars import CalendarFeed
from venues.models.conduct import Appeal, Ban, ConductPoint, ConductRule
from venues.models.exports import ExportRecord
from venues.models.gate import Admission, Crossing, EntryPass, GateDevice, OfflineScan
from venues.models.occupancy import Block, Occupancy
from venues.models.openness import (
    AnnouncedHours,
    MarketPrice,
    PriceException,
    Programme,
)
from venues.models.parties import Companion
from venues.models.places import (
    Bookable,
    BookableUnit,
    Favourite,
    Gate,
    Unit,
    Venue,
    VenuePhoto,
    VenueStaff,
)
from venues.models.rules import (
    CancelBand,
    DayTypeHours,
    HoursException,
    PriceRule,
    Quota,
    WeeklyHours,
)
from venues.models.seasons import (
    Club,
    Invoice,
    Season,
    SeasonRequest,
    SkippedDate,
    TransferBack,
)
from venues.models.sessions import OpenSession, SessionPlan
from venues.models.waiting import WaitingEntry

__all__ = [
    "Admission",
    "AnnouncedHours",
    "Appeal",
    "Ballot",
    "BallotRequest",
    "BallotSlot",
    "Ban",
    "Block",
    "Bookable",
    "BookableUnit",
    "Booking",
    "BookingChange",
    "BookingLine",
    "CalendarFeed",
    "CancelBand",
    "Club",
    "Companion",
    "ConductPoint",
    "ConductRule",
    "Crossing",
    "DayTypeHours",
    "EntryPass",
    "ExportRecord",
    "Favourite",
    "Gate",
    "GateDevice",
    "HoursException",
    "Invoice",
    "MarketPrice",
    "Occupancy",
    "OfflineScan",
    "OpenSession",
    "PriceException",
    "PriceRule",
    "Programme",
    "Quota",
    "Season",
    "SeasonRequest",
    "SessionPlan",
    "SkippedDate",
    "TransferBack",
    "Unit",
    "Venue",
    "VenuePhoto",
    "VenueStaff",
    "WaitingEntry",
    "WeeklyHours",
]
