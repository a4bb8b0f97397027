from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.gis.geos import Point
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from bureau.audit.models import Entry
from bureau.common import clock
from tests import make
from venues import actions
from venues.actions import Band
from venues.errors.rules import (
    HoursBackwards,
    HoursInThePast,
    HoursOverlap,
    PriceInThePast,
)
from venues.models import Bookable, PriceRule, Venue, WeeklyHours
from venues.queries import Timetable


@pytest.mark.django_db
def test_a_court_with_hours_of_its_own_leaves_its_venues() -> None:
    court = make.bookable(venue=make.venue(opens=8 * 60, closes=22 * 60))
    weekday = clock.today().isoweekday()

    actions.set_weekly_hours(
        venue=court.venue,
        bookable=court,
        hours={weekday: [(600, 720), (840, 900)]},
        by=make.user(),
    )

    table = Timetable(court.venue, [court], since=clock.today())
    assert table.opening_text(court, clock.today()) == "10:00–12:00, 14:00–15:00"
    assert table.offers(court, clock.today() + timedelta(days=1)) == []


@pytest.mark.django_db
def test_overlapping_hours_are_refused_and_the_old_ones_stay() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1320))

    with pytest.raises(HoursOverlap):
        actions.set_weekly_hours(
            venue=court.venue,
            bookable=None,
            hours={1: [(480, 720), (700, 900)]},
            by=make.user(),
        )

    assert court.venue.hours.count() == 7


@pytest.mark.django_db
def test_hours_that_close_before_they_open_are_refused() -> None:
    with pytest.raises(HoursBackwards):
        actions.set_weekly_hours(
            venue=make.venue(), bookable=None, hours={1: [(720, 480)]}, by=make.user()
        )


# --- Versions of hours ----------------------------------------------------------------


def open_from(venue: Venue, opens: int, **given: Any) -> None:
    hours = {day: [(opens, 1320)] for day in range(1, 8)}
    given = {"bookable": None, "by": make.user(), **given}
    actions.set_weekly_hours(venue=venue, hours=hours, **given)


def text_on(court: Bookable, *, days: int) -> str:
    day = clock.today() + timedelta(days=days)
    return Timetable(court.venue, [court], since=day).opening_text(court, day)


@pytest.mark.django_db
def test_hours_can_be_told_before_they_begin() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1320))

    open_from(court.venue, 600, from_on=clock.today() + timedelta(days=3))

    assert text_on(court, days=2) == "08:00–22:00"
    assert text_on(court, days=3) == "10:00–22:00"
    table = Timetable(court.venue, [court], since=clock.today())
    shown = [
        table.opening_text(court, clock.today() + timedelta(days=n)) for n in (2, 3)
    ]
    assert shown == ["08:00–22:00", "10:00–22:00"]


@pytest.mark.django_db
def test_the_last_word_takes_the_place_of_what_was_planned_for_later() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1320))
    open_from(court.venue, 600, from_on=clock.today() + timedelta(days=3))

    open_from(court.venue, 540, from_on=clock.today() + timedelta(days=1))

    assert text_on(court, days=0) == "08:00–22:00"
    assert text_on(court, days=3) == "09:00–22:00"


@pytest.mark.django_db
def test_hours_of_yesterday_cannot_be_rewritten() -> None:
    with pytest.raises(HoursInThePast):
        open_from(make.venue(), 480, from_on=clock.today() - timedelta(days=1))
    with pytest.raises(HoursInThePast):
        actions.set_day_type_hours(
            venue=make.venue(),
            bookable=None,
            hours={},
            from_on=clock.today() - timedelta(days=1),
            by=make.user(),
        )


@pytest.mark.django_db
def test_of_a_day_that_is_over_one_can_note_that_it_was_shut_and_no_more() -> None:
    venue, by = make.venue(), make.user()
    given: dict[str, Any] = {"venue": venue, "bookable": None, "reason": "x", "by": by}
    yesterday = clock.today() - timedelta(days=1)

    shut = actions.set_hours_exception(on=yesterday, hours=None, **given)
    with pytest.raises(HoursInThePast):
        actions.set_hours_exception(on=yesterday, hours=(480, 1320), **given)
    with pytest.raises(HoursInThePast):
        actions.drop_hours_exception(exception=shut, by=by)
    today = actions.set_hours_exception(on=clock.today(), hours=(480, 1320), **given)
    actions.drop_hours_exception(exception=today, by=by)


@pytest.mark.django_db
def test_the_first_hours_of_a_venue_have_always_held() -> None:
    court = make.bookable()
    WeeklyHours.objects.all().delete()

    open_from(court.venue, 480)

    assert text_on(court, days=-400) == "08:00–22:00"


@pytest.mark.django_db
def test_a_court_that_follows_its_venue_again_did_not_do_so_yesterday() -> None:
    court = make.bookable(venue=make.venue(opens=480, closes=1320))
    with time_machine.travel(clock.now() - timedelta(days=5), tick=False):
        open_from(court.venue, 600, bookable=court)

    actions.set_weekly_hours(
        venue=court.venue, bookable=court, hours={}, by=make.user()
    )

    assert text_on(court, days=-6) == "08:00–22:00"
    assert text_on(court, days=-1) == "10:00–22:00"
    assert text_on(court, days=0) == "08:00–22:00"


@pytest.mark.django_db
def test_yesterdays_price_cannot_be_rewritten() -> None:
    with pytest.raises(PriceInThePast):
        actions.set_prices(
            venue=make.venue(),
            band=Band(),
            price_fen=1,
            from_on=clock.today() - timedelta(days=1),
            by=make.user(),
        )


@pytest.mark.django_db
def test_a_new_price_ends_the_old_one_and_keeps_it_readable() -> None:
    venue = make.venue()
    actions.set_prices(
        venue=venue,
        band=Band(weekdays=(1,), starts=18 * 60, ends=22 * 60),
        price_fen=60_00,
        is_peak=True,
        from_on=clock.today(),
        by=make.user(),
    )

    monday = PriceRule.objects.filter(venue=venue, weekday=1)
    old = monday.get(valid_until=clock.today())
    now = monday.filter(valid_until=None).order_by("starts")
    assert (old.starts, old.ends, old.price_fen) == (0, 1440, make.PRICE_FEN)
    assert [(rule.starts, rule.ends, rule.price_fen) for rule in now] == [
        (0, 1080, make.PRICE_FEN),
        (1080, 1320, 60_00),
        (1320, 1440, make.PRICE_FEN),
    ]


@pytest.mark.django_db
def test_the_lowest_price_of_a_persons_groups_wins() -> None:
    venue = make.venue()
    court = make.bookable(venue=venue)
    make.price(venue=venue, fen=20_00, group="senior")
    table = Timetable(venue, [court], since=clock.today())

    def cost(*groups: str) -> int:
        return table.offers(court, clock.today(), groups=frozenset(groups))[0].price.fen

    assert cost() == make.PRICE_FEN
    assert cost("student") == make.PRICE_FEN
    assert cost("student", "senior") == 20_00


@pytest.mark.django_db
def test_the_narrower_rule_beats_the_wider() -> None:
    venue = make.venue()
    court = make.bookable(venue=venue)
    other = make.bookable(venue=venue)
    make.price(venue=venue, fen=50_00, sport=court.sport)
    make.price(venue=venue, fen=90_00, bookable=court)
    table = Timetable(venue, [court, other], since=clock.today())

    assert table.offers(court, clock.today())[0].price.fen == 90_00
    assert table.offers(other, clock.today())[0].price.fen == 50_00


@pytest.mark.django_db
def test_a_court_without_a_price_is_not_offered() -> None:
    court = make.bookable()
    court.venue.prices.all().delete()

    assert (
        Timetable(court.venue, [court], since=clock.today()).offers(
            court, clock.today()
        )
        == []
    )


@pytest.mark.django_db
def test_a_moved_pin_is_on_record_with_both_places() -> None:
    venue = make.venue()

    actions.move_pin(venue=venue, location=Point(116.6, 35.4), by=make.user())

    entry = Entry.objects.get(event="venues.venue.moved")
    assert entry.detail == {"from": [116.587, 35.415], "to": [116.6, 35.4]}


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 23),  # from o'clock
        st.integers(1, 24),  # until o'clock
        st.integers(0, 3),  # days from today
        st.integers(0, 500),  # yuan
    ).filter(lambda change: change[0] < change[1]),
    max_size=6,
)


class PriceHistory(HypothesisTestCase):
    @settings(max_examples=40, deadline=None)
    @given(changes=CHANGES)
    def test_any_history_of_prices_answers_as_a_diary_would(
        self, changes: list[tuple[int, int, int, int]]
    ) -> None:
        """The oracle writes each hour of each day into a diary, later ones over."""
        court = make.bookable()
        clerk = make.user()
        diary: dict[tuple[int, int], int] = {}
        for starts, ends, ahead, yuan in changes:
            actions.set_prices(
                venue=court.venue,
                band=Band(starts=starts * 60, ends=ends * 60),
                price_fen=yuan * 100,
                from_on=clock.today() + timedelta(days=ahead),
                by=clerk,
            )
            for day in range(ahead, 5):
                for hour in range(starts, ends):
                    diary[day, hour] = yuan * 100

        days = [clock.today() + timedelta(days=ahead) for ahead in range(5)]
        table = Timetable(court.venue, [court], since=clock.today())
        for ahead, on in enumerate(days):
            offered = [offer.price.fen for offer in table.offers(court, on)]
            expected = [diary.get((ahead, hour), make.PRICE_FEN) for hour in range(24)]
            assert offered == expected
