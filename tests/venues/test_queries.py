from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from bureau.common import clock
from tests import make
from venues.models import Bookable, HoursException, Venue
from venues.queries import (
    DayGrid,
    SlotState,
    Wish,
    bookable_days,
    day_grid,
    house_rules,
    map_points,
)

pytestmark = pytest.mark.django_db


def grid_of(venue: Venue, on: date | None = None) -> DayGrid:
    on = on or make.tomorrow()
    return day_grid(venue, sport="badminton", on=on, at=clock.now())


def state_at(grid: DayGrid, court: Bookable, hour: int) -> SlotState:
    return next(
        slot.state
        for row in grid.rows
        for slot in row.slots
        if slot
        and slot.bookable_id == court.pk
        and slot.starts_at == clock.at(grid.on, hour * 60)
    )


def test_the_grid_tells_free_held_booked_and_blocked_apart() -> None:
    court = make.bookable()
    make.held(court=court, starts_at=make.tomorrow_at(9))
    make.confirmed(court=court, starts_at=make.tomorrow_at(10))

    grid = grid_of(court.venue)

    assert state_at(grid, court, 8) is SlotState.FREE
    assert state_at(grid, court, 9) is SlotState.HELD
    assert state_at(grid, court, 10) is SlotState.BOOKED


def test_a_lapsed_hold_is_shown_as_free_before_any_sweep() -> None:
    court = make.bookable()
    held = make.held(court=court, starts_at=make.tomorrow_at(18))

    with time_machine.travel(held.hold_until, tick=False):
        assert state_at(grid_of(court.venue), court, 18) is SlotState.FREE


def test_a_half_booking_takes_the_whole_hall_out_of_the_grid() -> None:
    venue = make.venue()
    parts = [make.unit(venue=venue), make.unit(venue=venue)]
    half = make.bookable(venue=venue, units=parts[:1])
    hall = make.bookable(venue=venue, units=parts)
    make.confirmed(court=half, starts_at=make.tomorrow_at(18))

    assert state_at(grid_of(venue), hall, 18) is SlotState.BOOKED


def test_what_has_begun_is_past() -> None:
    court, day = make.bookable(), make.tomorrow()

    with time_machine.travel(clock.at(day, 12 * 60), tick=False):
        grid = grid_of(court.venue, on=day)
        assert state_at(grid, court, 12) is SlotState.PAST
        assert state_at(grid, court, 13) is SlotState.FREE


def test_a_day_beyond_the_window_says_when_it_opens() -> None:
    court = make.bookable(venue=make.venue(days_ahead=0))

    grid = grid_of(court.venue)

    assert grid.opens_for_booking_on == make.tomorrow()
    assert grid.free_count == 0
    assert bookable_days(court.venue, at=clock.now()) == [clock.today()]


@pytest.mark.parametrize("courts", [1, 30])
def test_the_grid_asks_the_same_questions_for_one_court_or_thirty(
    courts: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    venue = make.venue()
    for _ in range(courts):
        make.bookable(venue=venue)

    # courts with units, hours, hours of day types, exceptions, prices, occupancies
    with django_assert_num_queries(6):
        grid_of(venue)
    with django_assert_num_queries(1):  # the rules are known by now
        grid = grid_of(venue)

    assert len(grid.columns) == courts
    assert grid.free_count == courts * 24


def test_every_free_cell_can_be_held_at_the_price_that_it_shows() -> None:
    court = make.bookable(venue=make.venue(opens=8 * 60, closes=11 * 60))

    for row in grid_of(court.venue).rows:
        for slot in row.slots:
            assert slot is not None
            make.held(court=court, starts_at=slot.starts_at, quoted_fen=slot.price.fen)

    assert grid_of(court.venue).free_count == 0


def test_the_map_merges_near_venues_until_one_is_close() -> None:
    near = [make.venue() for _ in range(3)]

    wish = Wish(box=(115, 34, 118, 37))

    far_out = map_points(wish, zoom=8, at=clock.now())
    close_up = map_points(wish, zoom=16, at=clock.now())

    assert [point.count for point in far_out] == [3]
    assert [point.code for point in far_out] == [""]
    assert sum(point.count for point in close_up) == len(near)


def test_the_map_shows_only_what_offers_the_sport() -> None:
    make.venue(sports=["tennis"])
    swimming = make.venue(sports=["swimming"])

    wish = Wish(box=(115, 34, 118, 37), sport="swimming")
    points = map_points(wish, zoom=16, at=clock.now())

    assert [point.code for point in points] == [swimming.code]


def change_hours(court: Bookable) -> None:
    court.venue.hours.update(opens=600)


def close_tomorrow(court: Bookable) -> None:
    HoursException.objects.create(venue=court.venue, on=make.tomorrow(), reason="Storm")


def change_prices(court: Bookable) -> None:
    court.venue.prices.update(price_fen=1)


def drop_prices(court: Bookable) -> None:
    court.venue.prices.all().delete()


def shut_the_court(court: Bookable) -> None:
    Bookable.objects.filter(pk=court.pk).update(is_open=False)


def give_it_more_floor(court: Bookable) -> None:
    court.parts.create(unit=make.unit(venue=court.venue))


@pytest.mark.parametrize(
    "change",
    [
        change_hours,
        close_tomorrow,
        change_prices,
        drop_prices,
        shut_the_court,
        give_it_more_floor,
    ],
)
def test_a_changed_rule_is_seen_at_once_however_it_was_changed(
    change: Callable[[Bookable], None],
) -> None:
    court = make.bookable()
    venue = Venue.objects.get(pk=court.venue.pk)
    before = house_rules(venue, today=clock.today())

    change(court)

    venue.refresh_from_db()
    after = house_rules(venue, today=clock.today())
    assert after is not before
    assert after is house_rules(venue, today=clock.today())
