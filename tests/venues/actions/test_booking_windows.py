"""From when and until when a slot can be booked, and by whom."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bureau.common import clock
from tests import make
from venues import actions
from venues.actions import Pick
from venues.actions.slots import PickedSlot, resolve_picks
from venues.errors.slots import (
    SlotKeptForDesk,
    SlotNotOpenYet,
    TooManySlots,
    TooShortNotice,
)
from venues.models import Bookable, Venue
from venues.queries import SlotState, bookable_days, day_grid, house_rules

pytestmark = pytest.mark.django_db

NOON = clock.at(date(2026, 11, 22), 720)


def resolve(
    court: Bookable, starts_at: datetime, *, at: datetime, channel: str = "online"
) -> list[PickedSlot]:
    return resolve_picks(
        court.venue, [Pick(court.pk, starts_at)], at=at, channel=channel
    )


# --- Days ahead -----------------------------------------------------------------------


def test_the_furthest_day_opens_at_the_venues_time() -> None:
    court = make.bookable(venue=make.venue(days_ahead=7, releases_at=8 * 60))
    slot = clock.at(date(2026, 11, 29), 18 * 60)
    opens = clock.at(date(2026, 11, 22), 8 * 60)

    with pytest.raises(SlotNotOpenYet) as refusal:
        resolve(court, slot, at=opens - timedelta(microseconds=1))
    assert "2026-11-22 08:00" in str(refusal.value)
    assert resolve(court, slot, at=opens)


@pytest.mark.parametrize("ahead", [0, 1, 7])
def test_grid_days_and_booking_agree_when_a_day_opens(ahead: int) -> None:
    court = make.bookable(venue=make.venue(days_ahead=ahead, releases_at=12 * 60))
    day = date(2026, 11, 22) + timedelta(days=ahead)
    for at in (NOON - timedelta(seconds=1), NOON):
        grid = day_grid(court.venue, sport="badminton", on=day, at=at)
        is_open = at >= NOON
        assert (grid.opens_for_booking_at is None) is is_open
        assert (day in bookable_days(court.venue, at=at)) is is_open
        if not is_open:
            assert grid.opens_for_booking_at == NOON


def test_a_night_opens_with_its_evening() -> None:
    venue = make.venue(opens=1080, closes=1560, days_ahead=1)
    make.price(venue=venue, starts=1440, ends=1560)
    court = make.bookable(venue=venue)
    after_midnight = clock.at(date(2026, 11, 23), 25 * 60)

    assert resolve(court, after_midnight, at=clock.at(date(2026, 11, 22), 0))


@pytest.mark.parametrize(
    ("channel", "is_bound"),
    [
        ("online", True),
        ("offer", True),
        ("desk", True),
        ("series", False),
        ("ballot", False),
    ],
)
def test_a_season_and_a_draw_look_further_ahead(
    channel: str, *, is_bound: bool
) -> None:
    court = make.bookable(venue=make.venue(days_ahead=1))
    far = clock.at(date(2026, 12, 20), 18 * 60)

    if is_bound:
        with pytest.raises(SlotNotOpenYet):
            resolve(court, far, at=NOON, channel=channel)
    else:
        assert resolve(court, far, at=NOON, channel=channel)


def test_the_number_of_slots_binds_the_window_too() -> None:
    court = make.bookable(venue=make.venue(max_slots=1))
    picks = [Pick(court.pk, NOON + timedelta(hours=n)) for n in (2, 3)]

    with pytest.raises(TooManySlots):
        resolve_picks(court.venue, picks, at=NOON, channel="desk")
    assert len(resolve_picks(court.venue, picks, at=NOON, channel="series")) == 2


# --- Notice ---------------------------------------------------------------------------


def test_on_line_a_slot_needs_the_notice_at_the_window_none() -> None:
    court = make.bookable(venue=make.venue(lead_minutes=60))
    slot = NOON + timedelta(hours=1)

    with pytest.raises(TooShortNotice) as refusal:
        resolve(court, slot, at=NOON)
    assert "2026-11-22 12:00" in str(refusal.value)
    assert resolve(court, slot, at=NOON - timedelta(seconds=1))
    assert resolve(court, slot, at=NOON, channel="desk")


def test_the_grid_sends_who_comes_too_late_to_the_window() -> None:
    court = make.bookable(venue=make.venue(lead_minutes=60))

    def state(channel: str) -> SlotState:
        grid = day_grid(
            court.venue,
            sport="badminton",
            on=date(2026, 11, 22),
            at=NOON,
            channel=channel,
        )
        row = next(
            row for row in grid.rows if row.starts_at == NOON + timedelta(hours=1)
        )
        return next(slot.state for slot in row.slots if slot)

    assert state("online") is SlotState.TOO_LATE
    assert state("desk") is SlotState.FREE


# --- The window's share ---------------------------------------------------------------


def ten_courts(**given: Any) -> Venue:
    venue = make.venue(**given)
    for _ in range(10):
        make.bookable(venue=venue)
    return venue


def kept(venue: Venue, on: date, percent: int) -> list[int]:
    """The courts that are kept at 18:00 on a day."""
    rules = house_rules(venue, today=date(2026, 11, 22))
    keys = rules.kept_for_desk("badminton", on, percent=percent)
    found = [key for key in keys if key.endswith("T18:00")]
    return sorted(int(key.split("@")[0]) for key in found)


@pytest.mark.parametrize(
    ("percent", "courts"),
    [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (55, 5), (99, 9), (100, 10)],
)
def test_so_many_courts_are_kept_rounded_down(percent: int, courts: int) -> None:
    assert len(kept(ten_courts(), date(2026, 11, 23), percent)) == courts


def test_every_court_has_its_turn_to_be_kept() -> None:
    venue = ten_courts()
    days = [date(2026, 11, 23) + timedelta(days=n) for n in range(10)]

    turns = [pk for day in days for pk in kept(venue, day, 20)]

    assert {turns.count(court.pk) for court in venue.bookables.all()} == {2}


def test_a_whole_hall_is_neither_counted_nor_kept() -> None:
    venue = make.venue()
    parts = [make.unit(venue=venue) for _ in range(2)]
    halves = [make.bookable(venue=venue, units=[part]) for part in parts]
    make.bookable(venue=venue, units=parts)

    assert kept(venue, date(2026, 11, 23), 50) in [[half.pk] for half in halves]
    assert len(kept(venue, date(2026, 11, 23), 100)) == 2


def test_kept_courts_open_to_all_before_the_start() -> None:
    venue = ten_courts(walk_in_percent=20, walk_in_until_minutes=120)
    slot = clock.at(date(2026, 11, 23), 18 * 60)
    one = venue.bookables.get(pk=kept(venue, date(2026, 11, 23), 20)[0])
    opens = slot - timedelta(minutes=120)

    with pytest.raises(SlotKeptForDesk) as refusal:
        resolve(one, slot, at=opens - timedelta(seconds=1))
    assert "2026-11-23 16:00" in str(refusal.value)
    assert resolve(one, slot, at=opens - timedelta(seconds=1), channel="desk")
    assert resolve(one, slot, at=opens)


def test_the_grid_shows_what_is_kept_and_when_it_opens() -> None:
    venue = ten_courts(walk_in_percent=20, walk_in_until_minutes=120)
    on = date(2026, 11, 23)

    grid = day_grid(venue, sport="badminton", on=on, at=NOON)
    at_six = next(r for r in grid.rows if r.starts_at == clock.at(on, 1080))
    shown = {s.bookable_id: s for s in at_six.slots if s and not s.is_free}

    assert sorted(shown) == kept(venue, on, 20)
    assert {slot.state for slot in shown.values()} == {SlotState.KEPT}
    assert {slot.opens_at for slot in shown.values()} == {clock.at(on, 960)}
    desk = day_grid(venue, sport="badminton", on=on, at=NOON, channel="desk")
    assert desk.free_count == 240


@time_machine.travel(NOON, tick=False)
def test_the_grid_and_the_booking_agree_about_what_is_kept() -> None:
    venue = ten_courts(walk_in_percent=30, lead_minutes=90)
    grid = day_grid(venue, sport="badminton", on=clock.today(), at=clock.now())
    for row in grid.rows:
        for slot in row.slots:
            if slot and slot.is_free:
                assert resolve(slot.bookable, slot.starts_at, at=clock.now())
            elif slot and slot.state in (SlotState.KEPT, SlotState.TOO_LATE):
                with pytest.raises((SlotKeptForDesk, TooShortNotice)):
                    make.held(court=slot.bookable, starts_at=slot.starts_at)


@time_machine.travel(NOON, tick=False)
def test_a_kept_court_cannot_be_had_by_changing_a_booking() -> None:
    venue = ten_courts(walk_in_percent=20)
    slot = clock.at(date(2026, 11, 23), 18 * 60)
    kept_ones = kept(venue, date(2026, 11, 23), 20)
    free = venue.bookables.exclude(pk__in=kept_ones).order_by("pk")[0]
    booking = make.confirmed(court=free, starts_at=slot)

    with pytest.raises(SlotKeptForDesk):
        actions.change_booking(
            booking=booking,
            line_ids=[booking.lines.get().pk],
            picks=[Pick(kept_ones[0], slot)],
            quoted_fen=make.PRICE_FEN,
            request_key=booking.request_key,
            by=booking.booked_by,
        )
