"""Clubs: a season that is being decided, and one that takes applications.

One club has its weekly time and an open invoice, one is proposed, one was denied, and
one waits to be checked.
"""

from __future__ import annotations

from datetime import timedelta

from bureau.accounts.demo import (
    APPLICANT,
    CITY_STAFF,
    NEWCOMER,
    NOWHERE,
    SENIOR,
    STUDENT,
    Person,
)
from bureau.common import clock, credit_codes
from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from venues import actions
from venues.actions import ClubFacts
from venues.models import Bookable, Club, Season, Venue
from venues.queries.seasons import WeeklyTime

DAY = timedelta(days=1)
EVENING = (19 * 60, 21 * 60)
TUESDAY, THURSDAY = 2, 4
WEEKS = 8


def fill(city: DemoCity) -> None:
    playing = Venue.objects.public().filter(sports__contains=[Sport.BADMINTON])
    venues = list(playing.order_by("code")[:2])
    youth = _club("任城少年羽毛球俱乐部", 1, Club.Priority.YOUTH, APPLICANT)
    students = _club("大学生羽毛球协会", 2, Club.Priority.CLUB, STUDENT)
    seniors = _club("太白湖长青球友会", 3, Club.Priority.SENIOR, SENIOR)
    actions.register_club(
        facts=ClubFacts("运河企业联队", _code(4), Club.Priority.COMPANY),
        by=NEWCOMER.user(),
    )
    decided = _season(city, venues[0], "冬训季", ended_days=1)
    court = _court(venues[0])
    for club, weekday, wish in (
        (youth, TUESDAY, 1),
        (students, TUESDAY, 1),
        (students, THURSDAY, 2),
        (seniors, THURSDAY, 1),
    ):
        _ask(city, decided, club, court, weekday=weekday, wish=wish)
    staff = CITY_STAFF.user()
    actions.propose_allocation(season=decided, by=staff, at=city.now)
    requests = decided.requests.order_by("pk")
    actions.approve_request(request=requests.get(club=youth), by=staff, at=city.now)
    actions.deny_request(
        request=requests.get(club=seniors),
        reason="周四晚该场地安排青少年公益培训，请改报上午时段",
        by=staff,
        at=city.now,
    )
    actions.move_request(
        request=requests.get(club=students, weekday=THURSDAY),
        weekly=_weekly(decided, court, THURSDAY),
        reason="周二已满，安排在周四",
        by=staff,
        at=city.now,
    )
    _season(city, venues[1], "春季固定场", ended_days=-12)
    city.say(f"{Club.objects.count()} clubs, {Season.objects.count()} seasons")


def _code(number: int) -> str:
    seventeen = f"52{NOWHERE}MJDEM{number:04}"
    return seventeen + credit_codes.check_digit(seventeen)


def _club(name: str, number: int, priority: int, contact: Person) -> Club:
    club = actions.register_club(
        facts=ClubFacts(name, _code(number), priority), by=contact.user()
    )
    return actions.approve_club(club=club, by=CITY_STAFF.user())


def _season(city: DemoCity, venue: Venue, name: str, *, ended_days: int) -> Season:
    """Eight weeks, after the fortnight for which the crowd has booked."""
    first_on = city.today + 21 * DAY
    return actions.open_season(
        venue=venue,
        name=name,
        first_on=first_on,
        last_on=first_on + (7 * WEEKS - 1) * DAY,
        applies_until=clock.at(city.today - ended_days * DAY, 18 * 60),
        by=CITY_STAFF.user(),
        at=city.now - 20 * DAY,
    )


def _court(venue: Venue) -> Bookable:
    courts = venue.bookables.offered().filter(sport=Sport.BADMINTON, slot_minutes=60)
    return next(
        court for court in courts.with_units().in_order() if len(court.unit_ids) == 1
    )


def _weekly(season: Season, court: Bookable, weekday: int) -> WeeklyTime:
    return WeeklyTime(court.pk, weekday, *EVENING, season.first_on, season.last_on)


def _ask(
    city: DemoCity,
    season: Season,
    club: Club,
    court: Bookable,
    *,
    weekday: int,
    wish: int,
) -> None:
    actions.ask_for_season(
        season=season,
        club=club,
        weekly=_weekly(season, court, weekday),
        wish=wish,
        by=club.contact,
        at=city.now - 10 * DAY,
    )
