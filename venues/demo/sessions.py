"""Open sessions of the demonstration, laid out before the crowd books around them.

The public pool at noon and in the evening, nights of basketball, free tennis.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from bureau.accounts.demo import CITY_STAFF, GUARDIAN, SENIOR, STUDENT
from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.common import clock
from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from venues import actions
from venues.actions import Prices
from venues.demo.bookings import settle_all
from venues.models import Bookable, BookableUnit, OpenSession, SessionPlan, Venue
from venues.queries import ticket_price
from venues.queries.sessions import sale_opens_at

WEEK, WEEKEND = (1, 2, 3, 4, 5, 6, 7), (6, 7)


@dataclass(frozen=True)
class _Weekly:
    floor: Bookable
    name: str
    weekdays: tuple[int, ...]
    hours: tuple[int, int]
    capacity: int
    prices: Prices


def fill(city: DemoCity) -> None:
    venues = list(Venue.objects.public().order_by("code"))
    pool = _part_of(venues[2], Sport.SWIMMING, "大众泳区", lanes=slice(3, 6))
    hall = venues[0].bookables.get(name="篮球馆全场")
    morning = _part_of(venues[3], Sport.TENNIS, "网球公益课场地", lanes=slice(1, 2))
    for weekly in (
        _Weekly(pool, "午间大众游泳", WEEK, (12, 14), 60, Prices(3000, 1500)),
        _Weekly(pool, "晚间大众游泳", WEEK, (18, 20), 80, Prices(4000, 2000)),
        _Weekly(hall, "散客篮球夜", (2, 4), (19, 21), 40, Prices(1000, 500)),
        _Weekly(morning, "周末公益网球", WEEKEND, (9, 11), 16, Prices()),
    ):
        _plan(city, weekly)
    _once(city, venues[1], "全民健身开放日")
    _people_go(city, pool)
    _people_wait(city, morning)
    city.say(f"{OpenSession.objects.count()} open sessions")


def _part_of(venue: Venue, sport: Sport, name: str, *, lanes: slice) -> Bookable:
    """A floor of some courts that is never hired as a whole."""
    courts = venue.bookables.filter(sport=sport).order_by("position", "pk")
    part = Bookable.objects.create(
        venue=venue, name=name, sport=sport, position=900, is_open=False
    )
    BookableUnit.objects.bulk_create(
        BookableUnit(bookable=part, unit=unit.unit)
        for court in courts[lanes]
        for unit in court.parts.order_by("pk")
    )
    return part


def _plan(city: DemoCity, weekly: _Weekly) -> None:
    starts, ends = (hour * 60 for hour in weekly.hours)
    for weekday in weekly.weekdays:
        plan = SessionPlan(
            venue=weekly.floor.venue,
            bookable=weekly.floor,
            name=weekly.name,
            weekday=weekday,
            starts=starts,
            ends=ends,
            capacity=weekly.capacity,
            price_fen=weekly.prices.full_fen,
            concession_fen=weekly.prices.concession_fen,
            valid_from=city.today - timedelta(days=30),
        )
        actions.set_session_plan(plan=plan, by=CITY_STAFF.user())


def _once(city: DemoCity, venue: Venue, name: str) -> None:
    on = city.today + timedelta(days=5)
    actions.open_session(
        bookable=venue.bookables.get(name="篮球馆全场"),
        name=name,
        starts_at=clock.at(on, 14 * 60),
        ends_at=clock.at(on, 17 * 60),
        capacity=120,
        prices=Prices(),
        by=CITY_STAFF.user(),
    )


def _people_go(city: DemoCity, pool: Bookable) -> None:
    """Somebody over 60 alone, a student with a friend, a father with two children."""
    evenings = [
        session
        for session in OpenSession.objects.filter(bookable=pool, name="晚间大众游泳")
        .select_related("venue", "bookable")
        .order_by("starts_at", "pk")
        if session.starts_at > city.now and sale_opens_at(session) <= city.now
    ]
    for person, places, session in (
        (SENIOR, 1, evenings[1]),
        (STUDENT, 2, evenings[2]),
        (GUARDIAN, 3, evenings[2]),
    ):
        _buy(city, person.user(), places, session)


def _people_wait(city: DemoCity, court: Bookable) -> None:
    """A small class is full, and two people wait for a place in it."""
    on = city.today + timedelta(days=4)
    lesson = actions.open_session(
        bookable=court,
        name="网球小班课",
        starts_at=clock.at(on, 15 * 60),
        ends_at=clock.at(on, 16 * 60),
        capacity=3,
        prices=Prices(2000, 1000),
        by=CITY_STAFF.user(),
    )
    _buy(city, GUARDIAN.user(), 3, lesson)
    for person in (STUDENT, SENIOR):
        actions.join_session_line(session=lesson, places=1, by=person.user())


def _buy(city: DemoCity, person: User, places: int, session: OpenSession) -> None:
    groups = eligible_groups(person, on=city.today)
    booking = actions.buy_tickets(
        session=session,
        places=places,
        quoted_fen=ticket_price(session, places, groups=groups).fen,
        request_key=UUID(int=city.dice.getrandbits(128), version=4),
        by=person,
    )
    settle_all(booking, at=city.now)
