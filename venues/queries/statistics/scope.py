"""What somebody asks about: some venues, some days, perhaps one sport."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bureau.common import clock
from venues.models import Venue

LONGEST_DAYS = 366


@dataclass(frozen=True)
class Scope:
    """From `first` to `last`, both included; an empty sport means all of them."""

    venues: tuple[Venue, ...]
    first: date
    last: date
    sport: str = ""

    @property
    def venue_ids(self) -> list[int]:
        return [venue.pk for venue in self.venues]

    @property
    def since(self) -> datetime:
        return clock.at(self.first, 0)

    @property
    def until(self) -> datetime:
        """The midnight that ends the last day."""
        return clock.at(self.last, 24 * 60)

    @property
    def days(self) -> list[date]:
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=n) for n in range(length)]
