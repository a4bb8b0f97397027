"""When a court is open: types of day, exceptions, nights, buffers."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from bureau.common import clock
from bureau.workdays import actions as workdays
from tests import make
from venues import actions
from venues.errors.slots import SlotsOverlap, SlotTaken
from venues.models import Bookable, BookingLine, Occupancy, Venue
from venues.queries import (
    DayTypes,
    SlotState,
    Timetable,
    bookable_days,
    day_grid,
    house_rules,
)

pytestmark = pytest.mark.django_db

NATIONAL_DAY = date(2026, 10, 1)  # a Thursday
MAKE_UP_SATURDAY = date(2026, 10, 10)
SINCE = date(2026, 7, 1)


@pytest.fixture(autouse=True)
def year_2026(db: None) -> None:
    holidays = {NATIONAL_DAY + timedelta(days=n): ("holiday", "") for n in range(7)}
    workdays.set_year(
        year=2026, days={**holidays, MAKE_UP_SATURDAY: ("working", "")}, by=None
    )
    workdays.set_school_break(
        name="Summer", first_on=date(2026, 7, 11), last_on=date(2026, 8, 31), by=None
    )


def set_hours(court: Bookable, *, of_court: bool = False, **hours: object) -> None:
    with time_machine.travel(clock.at(SINCE, 0), tick=False):
        actions.set_day_type_hours(
            venue=court.venue,
            bookable=court if of_court else None,
            hours=hours,  # type: ignore[arg-type]
            by=make.user(),
        )


def open_on(court: Bookable, day: date) -> str:
    return Timetable(court.venue, [court], since=SINCE).opening_text(court, day)


def hall() -> Bookable:
    return make.bookable(venue=make.venue(opens=9 * 60, closes=21 * 60))


def test_the_most_special_type_with_hours_wins() -> None:
    court = hall()
    set_hours(
        court,
        holiday=(600, 1080),
        school_break=(420, 1320),
        weekend=(480, 1200),
        fitness_day=(300, 1439),
    )

    assert open_on(court, date(2026, 8, 8)) == "05:00–23:59"  # Saturday, school break
    assert open_on(court, date(2026, 8, 9)) == "07:00–22:00"  # Sunday, school break
    assert open_on(court, NATIONAL_DAY) == "10:00–18:00"
    assert open_on(court, date(2026, 10, 11)) == "08:00–20:00"  # a plain Sunday
    assert open_on(court, date(2026, 10, 12)) == "09:00–21:00"  # a plain Monday


def test_a_make_up_saturday_is_a_working_day_and_else_keeps_its_weekday_hours() -> None:
    court = hall()
    set_hours(court, weekend=(480, 1200))
    assert open_on(court, MAKE_UP_SATURDAY) == "09:00–21:00"

    set_hours(court, weekend=(480, 1200), working=(840, 1320))
    assert open_on(court, MAKE_UP_SATURDAY) == "14:00–22:00"


def test_a_court_goes_before_its_venue_and_shut_is_an_answer() -> None:
    court = hall()
    other = make.bookable(venue=court.venue)
    set_hours(court, holiday=(600, 1080))
    set_hours(court, of_court=True, holiday=None)

    assert open_on(court, NATIONAL_DAY) == ""
    assert open_on(other, NATIONAL_DAY) == "10:00–18:00"


@time_machine.travel(datetime(2026, 9, 1, 9, 0, tzinfo=clock.CHINA), tick=False)
def test_an_exception_stands_above_the_type_of_day() -> None:
    court = hall()
    set_hours(court, holiday=(600, 1080))
    actions.set_hours_exception(
        venue=court.venue,
        bookable=None,
        on=NATIONAL_DAY,
        hours=(720, 780),
        reason="Gala",
        by=make.user(),
    )

    assert open_on(court, NATIONAL_DAY) == "12:00–13:00"


def test_a_year_that_is_not_published_has_its_fixed_holidays() -> None:
    court = hall()
    set_hours(court, holiday=(600, 1080))

    assert open_on(court, date(2031, 5, 1)) == "10:00–18:00"
    assert DayTypes(since=SINCE).is_provisional(date(2031, 5, 1))
    assert not DayTypes(since=SINCE).is_provisional(NATIONAL_DAY)


def test_a_new_school_break_is_seen_at_once() -> None:
    court = hall()
    set_hours(court, school_break=(420, 1320))
    venue = Venue.objects.get(pk=court.venue.pk)
    day = clock.today() + timedelta(days=3)
    before = house_rules(venue, today=clock.today()).offers(court, day)

    workdays.set_school_break(name="Flood", first_on=day, last_on=day, by=None)

    venue.refresh_from_db()
    after = house_rules(venue, today=clock.today()).offers(court, day)
    assert len(after) == len(before) + 3


def test_nothing_is_offered_before_the_timetable_begins_or_off_the_raster() -> None:
    court = hall()
    table = Timetable(court.venue, [court], since=SINCE)
    rules = house_rules(court.venue, today=clock.today())

    assert table.offers(court, SINCE - timedelta(days=1)) == []
    assert rules.offer_at(court, make.tomorrow_at(10, 30)) is None


# --- Nights ---------------------------------------------------------------------------


def night_court(closes: int = 26 * 60) -> Bookable:
    """Open 18:00 to 02:00 of the next day."""
    venue = make.venue(opens=18 * 60, closes=closes)
    venue.prices.all().delete()
    make.price(venue=venue, ends=36 * 60)
    return make.bookable(venue=venue)


@pytest.mark.parametrize(
    "evening",
    [date(2026, 11, 30), date(2026, 12, 31), date(2026, 9, 30), date(2026, 10, 7)],
)
def test_slots_after_midnight_belong_to_the_evening(evening: date) -> None:
    court = night_court()
    table = Timetable(court.venue, [court], since=SINCE)

    offers = table.offers(court, evening)

    assert table.opening_text(court, evening) == "18:00–02:00 next day"
    assert [offer.starts_at for offer in offers[-2:]] == [
        clock.at(evening + timedelta(days=1), 0),
        clock.at(evening + timedelta(days=1), 60),
    ]
    assert {offer.business_day for offer in offers} == {evening}
    assert offers[-1].key == f"{court.pk}@{evening + timedelta(days=1)}T01:00"


def test_the_night_is_priced_by_the_evenings_day() -> None:
    court = night_court()
    make.price(
        venue=court.venue,
        fen=99_00,
        sport="badminton",
        weekdays=[3],  # Wednesday, 30 September
        ends=36 * 60,
    )
    actions.set_prices(
        venue=court.venue,
        band=actions.Band(sport="badminton", day_types=("holiday",), ends=36 * 60),
        price_fen=11_00,
        from_on=clock.today(),
        by=make.user(),
    )
    table = Timetable(court.venue, [court], since=SINCE)
    eve = table.offers(court, NATIONAL_DAY - timedelta(days=1))

    with_rise = [offer.price.fen for offer in eve]
    assert with_rise == [99_00] * 8


@time_machine.travel(clock.at(SINCE, 0), tick=False)
def test_a_night_ends_when_the_next_day_opens() -> None:
    court = night_court()
    actions.set_weekly_hours(
        venue=court.venue,
        bookable=court,
        hours={1: [(0, 26 * 60)], 2: [(60, 600)]},
        by=make.user(),
    )
    monday = date(2026, 11, 30)
    table = Timetable(court.venue, [court], since=SINCE)

    assert table.open_minutes(court, monday) == [(0, 25 * 60)]
    starts = [
        offer.starts_at
        for day in (monday, monday + timedelta(days=1))
        for offer in table.offers(court, day)
    ]
    assert len(starts) == len(set(starts)) == 25 + 9


@time_machine.travel(clock.at(date(2026, 12, 31), 23 * 60), tick=False)
def test_a_night_can_be_booked_over_the_end_of_the_year() -> None:
    court = night_court()
    new_year = clock.at(date(2027, 1, 1), 60)

    booking = make.confirmed(court=court, starts_at=new_year)

    assert booking.starts_at == new_year
    assert booking.lines.get().quote["on"] == "2026-12-31"
    grid = day_grid(
        court.venue, sport="badminton", on=date(2026, 12, 31), at=clock.now()
    )
    assert grid.rows[-1].starts_at == new_year
    assert grid.rows[-1].is_after_midnight
    assert [slot.state for slot in grid.rows[-1].slots if slot] == [SlotState.BOOKED]
    with pytest.raises(SlotTaken):
        make.held(court=court, starts_at=new_year)


def test_the_evening_goes_on_after_midnight() -> None:
    court = night_court()
    today = clock.today()

    with time_machine.travel(clock.at(today, 24 * 60 + 30), tick=False):
        days = bookable_days(court.venue, at=clock.now())
        assert days[0] == today
        make.held(court=court, starts_at=clock.at(today, 25 * 60))
    with time_machine.travel(clock.at(today, 26 * 60), tick=False):
        assert bookable_days(court.venue, at=clock.now())[0] == clock.today()


# --- Buffers --------------------------------------------------------------------------


def test_the_raster_keeps_the_buffer_free() -> None:
    court = make.bookable(
        venue=make.venue(opens=540, closes=840), slot_minutes=60, buffer_minutes=15
    )
    table = Timetable(court.venue, [court], since=SINCE)

    starts = [offer.key[-5:] for offer in table.offers(court, NATIONAL_DAY)]

    # The last one ends at 13:45; what is kept free after it may reach past closing.
    assert starts == ["09:00", "10:15", "11:30", "12:45"]


def test_a_booking_takes_the_floor_with_its_buffer() -> None:
    court = make.bookable(
        venue=make.venue(opens=540, closes=840), slot_minutes=60, buffer_minutes=15
    )

    make.held(court=court, starts_at=make.tomorrow_at(9))

    taken = Occupancy.objects.get().during
    assert (taken.lower, taken.upper) == (make.tomorrow_at(9), make.tomorrow_at(10, 15))
    assert BookingLine.objects.get().ends_at == make.tomorrow_at(10)


def test_two_slots_in_a_row_are_one_booking() -> None:
    court = make.bookable(
        venue=make.venue(opens=540, closes=840), slot_minutes=60, buffer_minutes=15
    )
    picks = [
        make.pick(court, make.tomorrow_at(9)),
        make.pick(court, make.tomorrow_at(10, 15)),
    ]

    booking = actions.hold_slots(
        venue=court.venue,
        picks=picks,
        quoted_fen=2 * make.PRICE_FEN,
        request_key=make.held().request_key,
        by=make.citizen(),
    )

    assert booking.lines.count() == 2


def half_and_whole() -> tuple[Bookable, Bookable]:
    venue = make.venue(opens=540, closes=1320)
    parts = [make.unit(venue=venue), make.unit(venue=venue)]
    half = make.bookable(venue=venue, units=parts[:1], slot_minutes=60)
    whole = make.bookable(venue=venue, units=parts, slot_minutes=60, buffer_minutes=30)
    return half, whole


def test_the_buffer_of_the_whole_hall_shuts_its_halves() -> None:
    half, whole = half_and_whole()
    make.held(court=whole, starts_at=make.tomorrow_at(9))

    grid = day_grid(
        half.venue,
        sport="badminton",
        on=clock.today() + timedelta(days=1),
        at=clock.now(),
    )
    shown = {
        slot.key[-5:]: slot.state
        for row in grid.rows
        for slot in row.slots
        if slot and slot.bookable == half
    }
    assert shown["10:00"] is SlotState.HELD  # 09:00 to 10:00, and half an hour
    assert shown["11:00"] is SlotState.FREE
    with pytest.raises(SlotTaken):
        make.held(court=half, starts_at=make.tomorrow_at(10))


def test_the_buffer_counts_among_the_slots_of_one_booking() -> None:
    half, whole = half_and_whole()

    with pytest.raises(SlotsOverlap):
        actions.hold_slots(
            venue=half.venue,
            picks=[
                make.pick(whole, make.tomorrow_at(9)),
                make.pick(half, make.tomorrow_at(10)),
            ],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=make.held().request_key,
            by=make.citizen(),
        )


def test_the_grid_and_the_booking_agree_about_buffers() -> None:
    """Whatever the grid calls free can be booked, and nothing else can."""
    half, whole = half_and_whole()
    make.held(court=whole, starts_at=make.tomorrow_at(12))
    grid = day_grid(
        half.venue,
        sport="badminton",
        on=clock.today() + timedelta(days=1),
        at=clock.now(),
    )
    for row in grid.rows:
        for slot in row.slots:
            if slot and slot.bookable == half and not slot.is_free:
                with pytest.raises(SlotTaken):
                    make.held(court=half, starts_at=slot.starts_at)
            elif slot and slot.bookable == half:
                make.held(court=half, starts_at=slot.starts_at)


# --- In words -------------------------------------------------------------------------


def test_the_venues_page_tells_its_rules(client: Client) -> None:
    court = make.bookable(
        venue=make.venue(
            releases_at=480, lead_minutes=30, walk_in_percent=20, name="Lake Hall"
        )
    )
    actions.set_quota(
        venue=court.venue,
        sport="badminton",
        per="day",
        most_minutes=120,
        most_bookings=None,
        by=make.user(),
    )
    actions.set_quota(
        venue=None,
        group="student",
        per="day",
        most_minutes=90,
        most_bookings=1,
        by=make.user(),
    )

    text = client.get(court.venue.get_absolute_url()).text

    assert "Bookable 7 days ahead; the next day opens at 08:00." in text
    assert "On line until 30 minutes before the start." in text
    assert "20 % of the courts are kept for window and telephone" in text
    assert "Lake Hall, Badminton: at most 2 hours a day per person." in text
    assert (
        "all venues, students: at most 90 minutes, 1 booking a day per person." in text
    )
