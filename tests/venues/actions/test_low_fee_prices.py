"""Which prices may be published; seasons; prices for types of day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from tests import make
from venues import actions
from venues.actions import Band
from venues.errors.rules import (
    BandsTurnedRound,
    MarketPriceThere,
    NotForYouToGrant,
    PriceBreaksRule,
    PriceEndsTooEarly,
)
from venues.invariants import INVARIANTS
from venues.models import (
    CancelBand,
    MarketPrice,
    PriceException,
    PriceRule,
    Venue,
)
from venues.queries import Timetable, house_rules

pytestmark = pytest.mark.django_db


def market(fen: int, **given: Any) -> MarketPrice:
    given.setdefault("sport", "badminton")
    given.setdefault("district", None)
    given.setdefault("valid_from", date(2020, 1, 1))
    return actions.set_market_price(
        fen_per_hour=fen, source="Survey", by=make.user(), **given
    )


def set_price(venue: Venue, fen: int, **given: Any) -> list[PriceRule]:
    band = {
        name: given.pop(name)
        for name in ("bookable", "sport", "group", "day_types", "weekdays")
        if name in given
    }
    given.setdefault("by", make.user())
    given.setdefault("from_on", clock.today())
    return actions.set_prices(venue=venue, band=Band(**band), price_fen=fen, **given)


def granter() -> User:
    person = make.user()
    person.user_permissions.add(
        Permission.objects.get(codename="grant_price_exception")
    )
    return User.objects.get(pk=person.pk)


# --- The market price -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "most"),
    [
        ("", 70_00),
        ("minor", 70_00),
        ("senior", 50_00),
        ("disabled", 50_00),
        ("student", 50_00),
        ("military", 50_00),
        ("fire_service", 50_00),
    ],
)
def test_a_price_is_at_most_its_share_of_the_market_price(
    group: str, most: int
) -> None:
    market(100_00)
    court = make.bookable()

    assert set_price(court.venue, most, group=group)
    with pytest.raises(PriceBreaksRule) as refusal:
        set_price(court.venue, most + 1, group=group)
    assert "Badminton" in str(refusal.value)
    assert not PriceRule.objects.filter(price_fen=most + 1).exists()


def test_the_districts_market_price_goes_before_the_citys_and_the_latest_counts() -> (
    None
):
    court = make.bookable()
    market(200_00)
    market(100_00, district=court.venue.district)
    market(
        500_00,
        district=court.venue.district,
        valid_from=clock.today() + timedelta(days=9),
    )
    market(500_00, sport="tennis", valid_from=clock.today())

    with pytest.raises(PriceBreaksRule):
        set_price(court.venue, 70_01)
    assert set_price(court.venue, 350_00, from_on=clock.today() + timedelta(days=9))


def test_a_sport_without_a_market_price_is_not_judged() -> None:
    court = make.bookable()

    assert set_price(court.venue, 999_00)


def test_a_price_for_all_sports_keeps_to_the_cheapest_market() -> None:
    court = make.bookable()
    make.bookable(venue=court.venue, sport="table_tennis")
    market(100_00)
    market(20_00, sport="table_tennis")

    with pytest.raises(PriceBreaksRule, match="Table tennis"):
        set_price(court.venue, 15_00)
    assert set_price(court.venue, 15_00, sport="badminton")


def test_a_whole_hall_is_worth_as_many_courts_as_it_has() -> None:
    venue = make.venue()
    parts = [make.unit(venue=venue) for _ in range(2)]
    whole = make.bookable(venue=venue, units=parts)
    market(100_00)

    assert set_price(venue, 140_00, bookable=whole)
    with pytest.raises(PriceBreaksRule):
        set_price(venue, 140_01, bookable=whole)


def test_a_venue_that_does_not_take_part_asks_what_it_likes() -> None:
    market(100_00)
    court = make.bookable(venue=make.venue(is_low_fee=False))

    assert set_price(court.venue, 300_00)
    assert set_price(court.venue, 300_00, day_types=("fitness_day",))


def test_a_market_price_is_set_once_a_day() -> None:
    market(100_00)
    with pytest.raises(MarketPriceThere):
        market(200_00)
    actions.drop_market_price(price=MarketPrice.objects.get(), by=make.user())
    assert market(200_00).fen_per_hour == 200_00


# --- Exceptions -----------------------------------------------------------------------


def test_an_exception_needs_a_reason_and_somebody_who_may_grant_it() -> None:
    market(100_00)
    court = make.bookable()

    with pytest.raises(NotForYouToGrant):
        set_price(court.venue, 90_00, exception_reason="New floor")
    with pytest.raises(PriceBreaksRule):
        set_price(court.venue, 90_00, exception_reason="  ", by=granter())
    by = granter()
    rules = set_price(court.venue, 90_00, exception_reason="New floor", by=by)

    exceptions = PriceException.objects.filter(rule__in=rules)
    assert exceptions.count() == 7
    assert {(row.reason, row.granted_by) for row in exceptions} == {("New floor", by)}
    assert Entry.objects.filter(event="venues.price_exception.granted").count() == 7


def test_a_reason_without_a_breach_makes_no_exception() -> None:
    court = make.bookable()
    set_price(court.venue, 10_00, exception_reason="Just in case")

    assert not PriceException.objects.exists()


def test_what_is_left_of_an_excepted_price_stays_excepted() -> None:
    market(100_00)
    court = make.bookable()
    set_price(court.venue, 90_00, exception_reason="New floor", by=granter())

    actions.set_prices(
        venue=court.venue,
        band=Band(starts=600, ends=660),
        price_fen=50_00,
        from_on=clock.today() + timedelta(days=1),
        by=make.user(),
    )

    dear = PriceRule.objects.filter(price_fen=90_00)
    assert dear.count() == 7 * 3  # until today; before ten; from eleven
    assert dear.filter(exception=None).count() == 0


# --- 8 August -------------------------------------------------------------------------


def test_on_8_august_everything_is_free_without_any_rule() -> None:
    court = make.bookable()
    make.price(venue=court.venue, fen=90_00, bookable=court)
    table = Timetable(court.venue, [court], since=date(2026, 8, 1))

    fitness_day = table.offers(court, date(2026, 8, 8))

    assert len(fitness_day) == 24
    assert {offer.price.fen for offer in fitness_day} == {0}
    assert fitness_day[0].price.in_words == "National Fitness Day, 8 August"
    assert {offer.price.fen for offer in table.offers(court, date(2026, 8, 9))} == {
        90_00
    }


def test_a_price_on_8_august_is_refused_but_for_an_exception() -> None:
    court = make.bookable()
    with pytest.raises(PriceBreaksRule, match="8 August"):
        set_price(court.venue, 1, day_types=("fitness_day",))
    set_price(
        court.venue,
        5_00,
        day_types=("fitness_day",),
        exception_reason="Charity match",
        by=granter(),
    )

    table = Timetable(court.venue, [court], since=clock.today())
    next_year = date(clock.today().year + 1, 8, 8)
    assert table.offers(court, next_year)[0].price.fen == 5_00


def test_a_venue_that_leaves_low_fee_opening_charges_on_8_august_at_once() -> None:
    court = make.bookable()
    with time_machine.travel(clock.at(date(2026, 8, 6), 600), tick=False):
        venue = Venue.objects.get(pk=court.venue.pk)

        def fen() -> int:
            rules = house_rules(venue, today=clock.today())
            return rules.offers(court, date(2026, 8, 8))[0].price.fen

        assert fen() == 0
        Venue.objects.filter(pk=venue.pk).update(is_low_fee=False)
        venue.refresh_from_db()
        assert fen() == make.PRICE_FEN


def test_the_invariant_finds_a_price_on_8_august() -> None:
    found = next(
        one for one in INVARIANTS if one.name == "venues.price.fitness_day_is_free"
    )
    court = make.bookable()
    assert not list(PriceRule.objects.raw(found.sql))
    PriceRule.objects.create(
        venue=court.venue, day_type="fitness_day", price_fen=1, valid_from=clock.today()
    )
    assert list(PriceRule.objects.raw(found.sql))


# --- Seasons and types of day ---------------------------------------------------------


def test_a_season_ends_and_the_price_from_before_comes_back() -> None:
    court = make.bookable()
    first, last = clock.today() + timedelta(days=2), clock.today() + timedelta(days=5)
    set_price(court.venue, 60_00, from_on=first, until_on=last)
    table = Timetable(court.venue, [court], since=clock.today())

    paid = [
        table.offers(court, clock.today() + timedelta(days=n))[0].price.fen
        for n in range(7)
    ]
    old, new = make.PRICE_FEN, 60_00
    assert paid == [old, old, new, new, new, old, old]


def test_a_season_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(PriceEndsTooEarly):
        set_price(make.venue(), 1, from_on=clock.today(), until_on=clock.today())


def test_a_price_tells_how_it_came_about() -> None:
    court = make.bookable(slot_minutes=90)
    set_price(court.venue, 20_00, group="senior", is_peak=True)
    table = Timetable(court.venue, [court], since=clock.today())

    offer = table.offers(court, clock.today(), groups=frozenset({"senior"}))[0]
    assert offer.price.in_words == "60 and over · peak time · ¥20 an hour × 1.5 h"
    assert offer.as_quote() == {
        "rule": offer.price.rule_id,
        "group": "senior",
        "fen_per_hour": 20_00,
        "minutes": 90,
        "day_type": "",
        "is_peak": True,
        "on": clock.today().isoformat(),
    }


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 7),  # from o'clock
        st.integers(1, 8),  # until o'clock
        st.integers(0, 4),  # days from today
        st.one_of(st.none(), st.integers(1, 4)),  # for so many days
        st.integers(0, 500),  # yuan
    ).filter(lambda change: change[0] < change[1]),
    max_size=6,
)


class SeasonDiary(HypothesisTestCase):
    @settings(max_examples=25, deadline=None)
    @given(changes=CHANGES)
    def test_any_history_of_seasons_answers_as_a_diary_would(
        self, changes: list[tuple[int, int, int, int | None, int]]
    ) -> None:
        """The oracle writes each hour of each day into a diary, later ones over."""
        court = make.bookable(venue=make.venue(closes=480))
        clerk = make.user()
        diary: dict[tuple[int, int], int] = {}
        for starts, ends, ahead, length, yuan in changes:
            last = (
                None
                if length is None
                else clock.today() + timedelta(days=ahead + length)
            )
            actions.set_prices(
                venue=court.venue,
                band=Band(starts=starts * 60, ends=ends * 60),
                price_fen=yuan * 100,
                from_on=clock.today() + timedelta(days=ahead),
                until_on=last,
                by=clerk,
            )
            for day in range(ahead, 10 if length is None else ahead + length):
                for hour in range(starts, ends):
                    diary[day, hour] = yuan * 100

        table = Timetable(court.venue, [court], since=clock.today())
        for ahead in range(10):
            on = clock.today() + timedelta(days=ahead)
            offered = [offer.price.fen for offer in table.offers(court, on)]
            expected = [diary.get((ahead, hour), make.PRICE_FEN) for hour in range(8)]
            assert offered == expected


# --- Bands ----------------------------------------------------------------------------


def test_bands_are_set_as_a_whole_and_promises_stay() -> None:
    court = make.bookable()
    promised = make.held(court=court)

    actions.set_cancel_bands(
        venue=court.venue, bands=[(120, 50), (1440, 100)], by=make.user()
    )

    bands = CancelBand.objects.filter(venue=court.venue).order_by("-minutes_before")
    assert list(bands.values_list("minutes_before", "percent")) == [
        (1440, 100),
        (120, 50),
    ]
    court.venue.refresh_from_db()
    later = make.held(court=court, starts_at=make.tomorrow_at(20))
    assert promised.cancel_terms == [[120, 100]]
    assert later.cancel_terms == [[1440, 100], [120, 50]]


@pytest.mark.parametrize(
    "bands", [[(120, 100), (1440, 50)], [(120, 50), (1440, 50)], [(60, 50), (60, 40)]]
)
def test_bands_that_are_turned_round_are_refused(bands: list[tuple[int, int]]) -> None:
    venue = make.venue()
    with pytest.raises(BandsTurnedRound):
        actions.set_cancel_bands(venue=venue, bands=bands, by=make.user())
    assert venue.cancel_bands.count() == 1
