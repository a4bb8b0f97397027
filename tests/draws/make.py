"""Draws for tests: every argument is optional, and the result is valid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bureau.accounts.models import User
from bureau.common import clock
from bureau.draws import actions
from bureau.draws.actions import BeaconName, PoolPlan, Receipt
from bureau.draws.models import Beacon, Draw
from tests import make

_serial = count(1)
KL8 = "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20"
D3 = "3 8 0"
SIGNED_AT = datetime(2023, 8, 23, 15, 59, 24, tzinfo=UTC)
"""When round 1000 of drand quicknet was born; tests have no key to sign others with."""
SIGNATURE = (
    "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b1957"
    "6350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def draw(
    *,
    places: int = 2,
    pools: Sequence[PoolPlan] = (),
    at: datetime | None = None,
    **given: Any,
) -> Draw:
    """Announced now: open for a day, frozen an hour later, drawn two hours after."""
    at = at or clock.now()
    serial = next(_serial)
    given.setdefault("draw_id", f"TEST-{serial:04}")
    given.setdefault("title", f"Draw {serial}")
    given.setdefault("entries_close_at", at + DAY)
    given.setdefault("freezes_at", at + DAY + HOUR)
    given.setdefault("draws_at", at + DAY + 3 * HOUR)
    given.setdefault(
        "beacons", [BeaconName("fc-kl8", "2026001"), BeaconName("fc-3d", "2026001")]
    )
    given.setdefault("by", None)
    return actions.announce_draw(
        pools=pools or [PoolPlan("A", "All", places)], at=at, **given
    )


def entry(draw: Draw, *, pool: str = "A", **given: Any) -> Receipt:
    given.setdefault("id_number", f"ID{next(_serial):016}")
    given.setdefault("by", None)
    given.setdefault("at", draw.announced_at)
    return actions.enter(draw=draw, pool=pool, **given)


def frozen(*, entries: int = 5, **given: Any) -> Draw:
    """A draw with its list frozen."""
    made = draw(**given)
    for _n in range(entries):
        entry(made)
    return freeze(made)


def freeze(made: Draw) -> Draw:
    return actions.freeze_draw(draw=made, at=made.freezes_at)


def read(made: Draw, *, by: Sequence[User] = ()) -> None:
    """Two people type every result."""
    typed = {"fc-kl8": KL8, "fc-3d": D3, "fc-ssq": "1 2 3 4 5 6 7"}
    typed["drand-quicknet"] = "ab" * 32
    readers = by or [make.user(), make.user()]
    for beacon in Beacon.objects.filter(draw=made).order_by("position"):
        for reader in readers:
            actions.read_beacon(
                beacon=beacon, value=typed[beacon.source], by=reader, at=made.draws_at
            )


def of_round_1000(**given: Any) -> Draw:
    """Frozen; it waits for the one round of drand whose signature tests know."""
    given.setdefault("beacons", [BeaconName("drand-quicknet")])
    made = frozen(at=SIGNED_AT - DAY - 3 * HOUR, **given)
    assert made.draws_at == SIGNED_AT
    return made


def run(made: Draw) -> Draw:
    return actions.run_draw(draw=made, at=made.draws_at)


def drawn(**given: Any) -> Draw:
    made = frozen(**given)
    read(made)
    return run(made)
