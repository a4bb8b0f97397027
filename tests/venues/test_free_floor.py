"""What is offered in place of a taken time is what the grid shows as free."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from bureau.common import clock
from tests import make
from venues import actions, queries
from venues.models import Venue
from venues.queries.free import FreeFloor

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue() -> Venue:
    """Three courts and a hall made of two of them; one slot of each kind is taken."""
    venue = make.venue(opens=9 * 60, closes=26 * 60)
    units = [make.unit(venue=venue) for _ in range(3)]
    courts = [make.bookable(venue=venue, units=[unit]) for unit in units]
    make.bookable(venue=venue, units=units[:2], name="Hall", buffer_minutes=15)
    make.confirmed(court=courts[0], starts_at=make.tomorrow_at(11))
    make.held(court=courts[1], starts_at=make.tomorrow_at(14))
    actions.block_units(
        venue=venue,
        units=units[2:],
        starts_at=make.tomorrow_at(19, 30),
        ends_at=make.tomorrow_at(21, 10),
        reason="Match",
        by=make.user(),
    )
    Venue.objects.filter(pk=venue.pk).update(walk_in_percent=40)
    return Venue.objects.get(pk=venue.pk)


def in_grid(venue: Venue, on: date, at: datetime) -> set[str]:
    grid = queries.day_grid(venue, sport="badminton", on=on, at=at)
    slots = [slot for row in grid.rows for slot in row.slots]
    return {slot.key for slot in slots if slot and slot.is_free}


@pytest.mark.parametrize("lead", [0, 90])
@pytest.mark.parametrize("hours", [0, 20, 24, 26, 31])
@pytest.mark.parametrize("ahead", [0, 1, 7, 8])
def test_on_two_days_it_is_what_the_grid_says(
    venue: Venue, lead: int, hours: int, ahead: int
) -> None:
    venue.lead_minutes = lead
    at = clock.now() + timedelta(hours=hours)
    on = clock.today() + timedelta(days=ahead)
    floor = FreeFloor(venue, sport="badminton", on=on, at=at)
    for day in (on, on + timedelta(days=1)):
        free = {slot.key for slots in floor.on(day) for slot in slots}
        assert free == in_grid(venue, day, at)
