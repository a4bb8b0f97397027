"""What is free on line on a few days, and nothing of what is not: for a rush."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

from bureau.common import clock
from bureau.common.db import prepared
from venues.models import Bookable, Venue
from venues.queries.grid import Slot, SlotState
from venues.queries.lately import Lately
from venues.queries.rules import (
    Offer,
    house_rules,
    kept_until,
    window_opens_at,
)

Span = tuple[float, float]
"""(from, until) in seconds since 1970"""

_TAKEN = """
    SELECT unit_id, extract(epoch FROM lower(during))::float,
           extract(epoch FROM upper(during))::float
      FROM venues_occupancy
     WHERE unit_id = ANY($1::bigint[]) AND during && tstzrange($2, $3)
       AND NOT (kind = 'hold' AND hold_until <= $4)
"""


class FreeFloor:
    """The free slots of a sport at a venue, on a day and the next one.

    They are those that `day_grid` shows as free, found with one question for both
    days: when a time was just taken, hundreds ask what else there is.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        sport: str,
        on: date,
        at: datetime,
        groups: frozenset[str] = frozenset(),
    ) -> None:
        self.venue, self._at, self._groups = venue, at, groups
        self._rules = house_rules(venue, today=clock.local_day(at))
        self._courts = [one for one in self._rules.bookables if one.sport == sport]
        self._sport = sport
        self._taken = self._ask(on)
        self._known: dict[date, list[list[Slot]]] = {}

    def on(self, day: date) -> list[list[Slot]]:
        """The free slots of each court that has some, in order."""
        if day not in self._known:
            by_court = (list(self._free(court, day)) for court in self._courts)
            self._known[day] = [slots for slots in by_court if slots]
        return self._known[day]

    def has(self, bookable: Bookable, offer: Offer) -> bool:
        """Whether this slot is free."""
        return any(
            slot.key == offer.key
            for slots in self.on(offer.business_day)
            if slots[0].bookable_id == bookable.pk
            for slot in slots
        )

    def _free(self, court: Bookable, day: date) -> list[Slot]:
        if self._at < window_opens_at(self.venue, day):
            return []
        offers = self._rules.offers(court, day, groups=self._groups)
        after = self._at.timestamp() + self.venue.lead_minutes * 60
        touched = self._touched(court, offers)
        kept = self._kept_keys(day)
        return [
            Slot(court, offer, SlotState.FREE)
            for offer in offers
            if (since := offer.span[0]) > after
            and since not in touched
            and not (
                offer.key in kept and self._at < kept_until(self.venue, offer.starts_at)
            )
        ]

    def _touched(self, court: Bookable, offers: Sequence[Offer]) -> set[int]:
        """The starts of those offers that something lies on."""
        begins = sorted(offer.span[0] for offer in offers)
        length = (court.slot_minutes + court.buffer_minutes) * 60
        touched: set[int] = set()
        for unit_id in court.unit_ids:
            for since, until in self._taken.get(unit_id, ()):
                first, last = (
                    bisect_right(begins, since - length),
                    bisect_left(begins, until),
                )
                touched.update(begins[first:last])
        return touched

    def _kept_keys(self, day: date) -> frozenset[str]:
        percent = self.venue.walk_in_percent
        if not percent:
            return frozenset()
        return self._rules.kept_for_desk(self._sport, day, percent=percent)

    def _ask(self, on: date) -> dict[int, list[Span]]:
        """What takes the floor on both days and the night after them."""
        units = {unit_id for court in self._courts for unit_id in court.unit_ids}
        given: list[Any] = [
            sorted(units),
            clock.at(on, 0),
            clock.at(on, 3 * 1440),
            self._at,
        ]
        taken: dict[int, list[Span]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(prepared("venues_taken", _TAKEN, len(given)), given)
            for unit_id, since, until in cursor.fetchall():
                taken[unit_id].append((since, until))
        return taken


_floors: Lately[FreeFloor] = Lately()


def floor_lately(
    venue: Venue,
    *,
    sport: str,
    on: date,
    at: datetime,
    groups: frozenset[str] = frozenset(),
) -> FreeFloor:
    """`FreeFloor`, as this process saw it at most a second ago."""
    return _floors.get(
        (venue.pk, venue.rules_version, sport, on, groups),
        lambda: FreeFloor(venue, sport=sport, on=on, at=at, groups=groups),
    )
