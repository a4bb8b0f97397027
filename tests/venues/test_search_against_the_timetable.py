"""The search asks the rules as sets, the grid walks through them: both say the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

import pytest
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bureau.accounts.models import User
from bureau.common import clock
from bureau.workdays.models import SchoolBreak
from tests import make
from venues.models import (
    Block,
    Bookable,
    DayTypeHours,
    HoursException,
    Occupancy,
    PriceRule,
    Unit,
    Venue,
    WeeklyHours,
)
from venues.models.rules import DayType
from venues.queries import day_grid
from venues.queries.grid import Slot
from venues.queries.search import Wish, find_venues, free_courts, next_free

pytestmark = pytest.mark.django_db

SPORTS = ("badminton", "tennis")
GROUPS = ("", "senior", "student")
ONE_DAY = timedelta(days=1)
# A working day, an eve of a make-up Saturday, a holiday, the turn of a year, 8 August.
FIRST_DAYS = [
    date(2026, 1, 29),
    date(2026, 2, 13),
    date(2026, 8, 5),
    date(2026, 8, 7),
    date(2026, 9, 30),
    date(2026, 12, 30),
]


def hours(chance: Random) -> tuple[int, int]:
    opens = chance.randrange(0, 24) * 60 + chance.choice((0, 30))
    closes = chance.choice((1440, opens + 90, opens + 240, 1440 + 120, 1440 + 420))
    return opens, min(max(closes, opens + 30), 2160)


def random_venue(chance: Random, today: date, staff: User) -> Venue:
    """A venue whose rules contradict each other as much as the tables allow."""
    venue = make.venue(
        days_ahead=chance.choice((0, 1, 3)),
        releases_at=chance.choice((0, 0, 480, 1200)),
        lead_minutes=chance.choice((0, 0, 45, 120)),
        walk_in_percent=chance.choice((0, 0, 34, 50, 100)),
        walk_in_until_minutes=chance.choice((0, 120, 2000)),
        max_slots=chance.choice((1, 2, 4)),
        is_low_fee=chance.random() < 0.7,
        sports=list(SPORTS),
        facilities=chance.sample(["indoor", "parking"], chance.randrange(3)),
    )
    venue.hours.all().delete()
    venue.prices.all().delete()
    units = [make.unit(venue=venue) for _ in range(chance.choice((2, 4)))]
    courts = [
        make.bookable(
            units=chance.sample(units, chance.choice((1, 1, 1, 2))),
            sport=chance.choice(SPORTS),
            slot_minutes=chance.choice((30, 60, 60, 90, 45)),
            buffer_minutes=chance.choice((0, 0, 10, 30)),
            position=chance.randrange(3),
            is_open=chance.random() < 0.9,
        )
        for _ in range(chance.choice((1, 3, 5)))
    ]
    for owner in (None, chance.choice(courts)):
        random_weeks(chance, venue, owner, today)
    for owner in [None, *courts]:
        random_special_days(chance, venue, owner, today)
    random_prices(chance, venue, courts, today)
    random_occupancies(chance, venue, units, today, staff)
    return venue


def random_versions(chance: Random, today: date) -> list[dict[str, date | None]]:
    """One that holds for good, or some that change in these days."""
    change = today + chance.randrange(-1, 4) * ONE_DAY
    always: dict[str, date | None] = {}
    before: dict[str, date | None] = {"valid_until": change}
    after: dict[str, date | None] = {"valid_from": change}
    return chance.choice(([always], [always], [before, after], [before], [after]))


def random_weeks(
    chance: Random, venue: Venue, owner: Bookable | None, today: date
) -> None:
    """Hours of some weekdays, sometimes in two parts, sometimes in two versions."""
    for version in random_versions(chance, today):
        for weekday in chance.sample(range(1, 8), chance.choice((2, 7, 7))):
            opens, closes = hours(chance)
            parts = [(opens, closes)]
            if closes < 1200 and chance.random() < 0.3:
                parts.append((closes + 60, closes + 240))
            for begin, end in parts:
                WeeklyHours.objects.create(
                    venue=venue, bookable=owner, weekday=weekday,
                    opens=begin, closes=end, **version,
                )  # fmt: skip


def random_special_days(
    chance: Random, venue: Venue, owner: Bookable | None, today: date
) -> None:
    """Hours of types of days, and of single dates; or none at all."""
    for day_type in DayType.values:
        if chance.random() < 0.15:
            for version in random_versions(chance, today):
                DayTypeHours.objects.create(
                    venue=venue,
                    bookable=owner,
                    day_type=day_type,
                    **version,
                    **maybe_shut(chance, 0.3),
                )
    for ahead in range(-1, 5):
        if chance.random() < 0.08:
            HoursException.objects.create(
                venue=venue, bookable=owner, on=today + ahead * ONE_DAY, reason="x",
                **maybe_shut(chance, 0.4),
            )  # fmt: skip


def maybe_shut(chance: Random, share: float) -> dict[str, int | None]:
    opens, closes = hours(chance)
    if chance.random() < share:
        return {"opens": None, "closes": None}
    return {"opens": opens, "closes": closes}


def random_prices(
    chance: Random, venue: Venue, courts: list[Bookable], today: date
) -> None:
    """Rules of each width, group and kind of day; none overlaps one of its own kind."""
    rules = []
    owners: list[tuple[Bookable | None, str]] = [(None, ""), (None, "badminton")]
    owners.append((chance.choice(courts), ""))
    for owner, sport in owners:
        for group in GROUPS:
            share = 0.2 if owner or sport or group else 0.8
            for weekday in range(1, 8):
                turn = chance.choice((600, 1080, 1441))
                rules += [
                    PriceRule(
                        venue=venue, bookable=owner, sport=sport, group=group,
                        weekday=weekday, starts=starts, ends=ends,
                        price_fen=chance.choice((0, 1999, 3000, 5001)),
                        valid_from=chance.choice((date(2020, 1, 1), today)),
                        valid_until=chance.choice((None, today + 2 * ONE_DAY)),
                    )
                    for starts, ends in ((0, turn), (turn, 2160))
                    if chance.random() < share
                ]  # fmt: skip
            for day_type in DayType.values:
                if chance.random() < 0.12:
                    rules.append(
                        PriceRule(
                            venue=venue, bookable=owner, sport=sport, group=group,
                            day_type=day_type, starts=chance.choice((0, 900)),
                            ends=2160,
                            price_fen=chance.choice((0, 777, 2000, 6000)),
                            valid_from=date(2020, 1, 1),
                        )
                    )  # fmt: skip
    PriceRule.objects.bulk_create(rules)


def random_occupancies(
    chance: Random, venue: Venue, units: list[Unit], today: date, staff: User
) -> None:
    block = Block.objects.create(
        venue=venue, reason="x", starts_at=clock.at(today, 0),
        ends_at=clock.at(today, 60), set_by=staff, created_at=clock.at(today, 0),
    )  # fmt: skip
    for unit in units:
        minute = 0
        while minute < 6 * 1440:
            minute += chance.choice((30, 45, 120, 600, 1200))
            length = chance.choice((15, 60, 90, 300))
            Occupancy.objects.create(
                unit=unit, kind="block", block=block,
                during=DateTimeTZRange(
                    clock.at(today - ONE_DAY, minute),
                    clock.at(today - ONE_DAY, minute + length),
                ),
            )  # fmt: skip
            minute += length


def free_slots(venue: Venue, at: datetime, groups: frozenset[str]) -> list[Slot]:
    """What the grids of all days and sports show as free: the slow way."""
    today = clock.local_day(at)
    return [
        slot
        for ahead in range(-1, venue.days_ahead + 2)
        for sport in SPORTS
        for row in day_grid(
            venue, sport=sport, on=today + ahead * ONE_DAY, at=at, groups=groups
        ).rows
        for slot in row.slots
        if slot and slot.is_free
    ]


def in_a_row(slot: Slot, slots: list[Slot]) -> int:
    """How many free slots follow each other on its court, from this one on."""
    court = slot.bookable
    step = timedelta(minutes=court.slot_minutes) + court.buffer
    starts = {
        one.starts_at
        for one in slots
        if one.bookable_id == court.pk
        and one.offer.business_day == slot.offer.business_day
    }
    count, moment = 0, slot.starts_at
    while moment in starts:
        count, moment = count + 1, moment + step
    return count


def fits(wish: Wish, slot: Slot, slots: list[Slot], at: datetime) -> bool:
    """The slow reading of a wish."""
    if wish.sport and slot.bookable.sport != wish.sport:
        return False
    if wish.now:
        if not at <= slot.starts_at < at + timedelta(hours=1):
            return False
    elif wish.since is not None or wish.until is not None:
        on = wish.on or clock.local_day(at)
        since = wish.since or 0
        until = wish.until if wish.until is not None else since + 60
        if not clock.at(on, since) <= slot.starts_at < clock.at(on, until):
            return False
    elif wish.is_timed and slot.offer.business_day != (wish.on or clock.local_day(at)):
        return False
    cheap = [
        one
        for one in slots
        if wish.most_fen is None or one.price.fen_per_hour <= wish.most_fen
    ]
    if slot not in cheap:
        return False
    number = min(in_a_row(slot, cheap), slot.bookable.venue.max_slots)
    return number * slot.bookable.slot_minutes >= wish.minutes


def random_wish(chance: Random, today: date) -> Wish:
    since = chance.choice((None, None, 0, 60, 600, 1140))
    return Wish(
        sport=chance.choice(("", *SPORTS)),
        on=chance.choice((None, today, today + ONE_DAY)),
        since=since,
        until=None if since is None else chance.choice((None, since + 200)),
        minutes=chance.choice((0, 0, 60, 120)),
        most_fen=chance.choice((None, None, 0, 2500)),
        now=chance.random() < 0.1,
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
@example(seed=14)  # one court opens while the night goes on at another
def test_both_find_the_same_free_slots_at_the_same_prices(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - the same rules for the same seed
    with transaction.atomic():
        today = chance.choice(FIRST_DAYS)
        at = clock.at(today, chance.randrange(1440)) + timedelta(
            seconds=chance.randrange(60)
        )
        staff = make.user()
        if chance.random() < 0.5:
            SchoolBreak.objects.create(
                name="x", first_on=today, last_on=today + chance.randrange(3) * ONE_DAY
            )
        groups = frozenset(chance.sample(GROUPS[1:], chance.randrange(3)))
        venues = [random_venue(chance, today, staff) for _ in range(2)]
        slots = {venue.pk: free_slots(venue, at, groups) for venue in venues}

        for venue in venues:
            found = free_courts(venue.pk, Wish(), groups=groups, at=at)
            assert [
                (one.bookable_id, one.starts_at, one.ends_at, one.fen) for one in found
            ] == sorted(
                (
                    (s.bookable_id, s.starts_at, s.ends_at, s.price.fen)
                    for s in slots[venue.pk]
                ),
                key=lambda slot: (slot[1], slot[0]),
            )
            first = next_free([venue.pk], Wish(), groups=groups, at=at).get(venue.pk)
            starts = [slot.starts_at for slot in slots[venue.pk]]
            assert (first and first.first_at) == min(starts, default=None)

        for _ in range(6):
            wish = random_wish(chance, today)
            expected = {}
            for venue in venues:
                meant = [
                    slot
                    for slot in slots[venue.pk]
                    if fits(wish, slot, slots[venue.pk], at)
                ]
                if meant:
                    expected[venue.pk] = (
                        len({slot.bookable_id for slot in meant}),
                        min(slot.price.fen_per_hour for slot in meant),
                        min(slot.starts_at for slot in meant),
                    )
            seen = {
                one.venue_id: (one.free_courts, one.from_fen, one.first_at)
                for one in find_venues(wish, groups=groups, at=at)
            }
            if wish.is_timed:
                assert seen == expected, wish
            else:
                assert set(seen) == {venue.pk for venue in venues}
        transaction.set_rollback(True)
