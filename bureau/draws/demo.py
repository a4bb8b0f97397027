"""Two draws: one to check, and one whose numbers staff should type now.

The numbers "of the lottery" are invented here, and so is what is drawn.
"""

from __future__ import annotations

from datetime import date, timedelta

from bureau.accounts.demo import (
    CITY_STAFF,
    GUARDIAN,
    RENCHENG_STAFF,
    SENIOR,
    STUDENT,
    crowd,
)
from bureau.accounts.models import User
from bureau.common import clock, sealed
from bureau.common.demo import DemoCity
from bureau.draws import actions
from bureau.draws.actions import BeaconName, PoolPlan
from bureau.draws.models import Draw

HOUR = timedelta(hours=1)


def fill(city: DemoCity) -> None:
    drawn = _frozen(number=1, on=city.today - timedelta(days=3), entries=400)
    _read(city, drawn)
    actions.run_draw(draw=drawn, at=drawn.draws_at + timedelta(minutes=20))
    _frozen(number=2, on=city.today - timedelta(days=1), entries=120)
    city.say("2 draws: one to check, one that waits for two people to type its numbers")


def _frozen(*, number: int, on: date, entries: int) -> Draw:
    """A draw of that evening at half past nine, its list frozen at six."""
    draws_at = clock.at(on, 21 * 60 + 30)
    issue = f"{on:%Y}{on.timetuple().tm_yday:03}"
    draw = actions.announce_draw(
        draw_id=f"DEMO-{on:%Y%m%d}-{number}",
        title=f"演示摇号第{'一二'[number - 1]}场：周末教练带练名额",
        pools=[PoolPlan("A", "少年组", 20), PoolPlan("B", "成人组", 40)],
        entries_close_at=draws_at - 4 * HOUR,
        freezes_at=draws_at - 3.5 * HOUR,
        draws_at=draws_at,
        beacons=[BeaconName("fc-kl8", issue), BeaconName("fc-3d", issue)],
        by=CITY_STAFF.user(),
        at=draws_at - 48 * HOUR,
    )
    at = draws_at - 20 * HOUR
    for person in (GUARDIAN, STUDENT, SENIOR):
        user = person.user()
        actions.enter(
            draw=draw,
            pool="B",
            id_number=sealed.unseal(user.identity.sealed_id_number),
            person=user,
            by=user,
            at=at,
        )
    others = crowd()
    for place in range(entries - 3):
        actions.enter(
            draw=draw,
            pool="AB"[place % 2],
            id_number=f"DEMO{number}{place:013}",
            person=others[place % len(others)] if others else None,
            weight=1 + (place % 10 == 0),
            by=None,
            at=at,
        )
    return actions.freeze_draw(draw=draw, at=draw.freezes_at)


def _read(city: DemoCity, draw: Draw) -> None:
    numbers = city.dice.sample(range(1, 81), 20)
    digits = [city.between(0, 9) for _n in range(3)]
    values = {"fc-kl8": numbers, "fc-3d": digits}
    readers: list[User] = [CITY_STAFF.user(), RENCHENG_STAFF.user()]
    for beacon in draw.beacons.order_by("position"):
        for reader in readers:
            actions.read_beacon(
                beacon=beacon,
                value=" ".join(map(str, values[beacon.source])),
                by=reader,
                at=draw.draws_at + timedelta(minutes=10),
            )
