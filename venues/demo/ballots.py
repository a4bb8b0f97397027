"""Two ballots of the demonstration: one to ask in, one that was drawn.

It is laid out before the crowd books. The numbers "of the lottery" are invented.
"""

from __future__ import annotations

from datetime import date, timedelta

from bureau.accounts.demo import (
    CITY_STAFF,
    GUARDIAN,
    RENCHENG_STAFF,
    SENIOR,
    STUDENT,
)
from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from bureau.draws import actions as draws
from bureau.draws.actions import BeaconName
from venues import actions
from venues.actions import BallotTimes, Pick
from venues.models import Ballot, Bookable, Occupancy, Venue
from venues.querysets import period

DAY = timedelta(days=1)
EVENING = (19 * 60, 20 * 60)
RECORDED = {
    "fc-kl8": "03 07 11 14 18 22 25 29 33 36 40 44 47 51 55 58 62 66 71 78",
    "fc-3d": "4 0 7",
}


def fill(city: DemoCity) -> None:
    today = city.today
    made = [
        _plan(on=today + 6 * DAY, draws_on=today + 2 * DAY),
        _plan(on=today + 4 * DAY, draws_on=today - 2 * DAY),
    ]
    open_one, drawn = made
    if open_one:
        _ask(open_one, people=[STUDENT.user(), SENIOR.user()])
    if drawn:
        _ask(drawn, people=[GUARDIAN.user(), STUDENT.user(), SENIOR.user()])
        _draw(city, drawn)
    city.say(f"{sum(one is not None for one in made)} ballots")


def _plan(*, on: date, draws_on: date) -> Ballot | None:
    """Two badminton courts in the evening; asked for three days, till six o'clock."""
    playing = Venue.objects.public().filter(sports__contains=[Sport.BADMINTON])
    venue = playing.order_by("code")[:1].get()
    announced_at = clock.at(draws_on - 4 * DAY, 9 * 60)
    picks = [
        Pick(court.pk, clock.at(on, minute))
        for court in _free_courts(venue, on)
        for minute in EVENING
    ]
    if not picks:
        return None
    issue = f"{draws_on:%Y}{draws_on.timetuple().tm_yday:03}"
    return actions.plan_ballot(
        venue=venue,
        sport=Sport.BADMINTON,
        on=on,
        picks=picks,
        times=BallotTimes(
            opens_at=announced_at + timedelta(hours=1),
            closes_at=clock.at(draws_on, 18 * 60),
            draws_at=clock.at(draws_on, 21 * 60 + 30),
            pay_until=clock.at(draws_on + 3 * DAY, 12 * 60),
        ),
        beacons=[BeaconName("fc-kl8", issue), BeaconName("fc-3d", issue)],
        by=CITY_STAFF.user(),
        at=announced_at,
    )


def _free_courts(venue: Venue, on: date) -> list[Bookable]:
    """The first two courts on which nothing lies that evening."""
    evening = period(clock.at(on, EVENING[0]), clock.at(on, EVENING[-1] + 60))
    taken = Occupancy.objects.filter(during__overlap=evening).values("unit")
    courts = venue.bookables.offered().filter(sport=Sport.BADMINTON, slot_minutes=60)
    alone = [
        court
        for court in courts.exclude(units__in=taken).with_units().in_order()
        if len(court.unit_ids) == 1
    ]
    return alone[:2]


def _ask(ballot: Ballot, *, people: list[User]) -> None:
    """All want the same hour, so that somebody loses."""
    starts_at = clock.at(ballot.on, EVENING[0])
    for minutes, person in enumerate(people, start=1):
        actions.request_in_ballot(
            ballot=ballot,
            starts_at=starts_at,
            by=person,
            at=ballot.opens_at + timedelta(minutes=minutes),
        )


def _draw(city: DemoCity, ballot: Ballot) -> None:
    draw = ballot.draw
    assert draw  # noqa: S101 - it was announced with the ballot
    draws.freeze_draw(draw=draw, at=draw.freezes_at)
    read_at = draw.draws_at + timedelta(minutes=10)
    for beacon in draw.beacons.order_by("position"):
        for reader in (CITY_STAFF.user(), RENCHENG_STAFF.user()):
            draws.read_beacon(
                beacon=beacon,
                value=RECORDED[beacon.source],
                by=reader,
                at=read_at,
            )
    draws.run_draw(draw=draw, at=read_at + timedelta(minutes=1))
    # Now, since messages that are two days old would count as unsent.
    actions.hand_out_ballot(ballot=ballot, at=city.now)
