"""A pass at the gate: from the scan to green or red, four gates at once."""

from __future__ import annotations

from os import getloadavg
from urllib.parse import urlencode
from uuid import uuid4

from bench import city
from bench.portal import Portal
from bench.table import Line
from bench.wrk import Request, drive
from bureau.common import clock, codes
from venues import actions
from venues.actions import Pick
from venues.models import EntryPass, PriceRule

GATES, PASSES, SECONDS = 4, 200, 6
LIMIT_MS = 100


def measure(portal: Portal) -> list[Line]:
    # The gate opens two days before, so that tomorrow's passes are good now.
    hall = city.venue(courts=30, entry_minutes=2 * 1440)
    PriceRule.objects.filter(venue=hall).update(price_fen=0)
    people = city.citizens(PASSES)
    for person, place in zip(people, city.places(hall, day=1), strict=False):
        actions.hold_slots(
            venue=hall,
            picks=[Pick(place.bookable.pk, place.starts_at)],
            quoted_fen=0,
            request_key=uuid4(),
            by=person.user,
        )
    keeper = city.citizens(1)[0]
    hall.staff.create(user=keeper.user)
    drive(portal.url, _checks(keeper), seconds=2, connections=1)  # warm
    checked = drive(portal.url, _checks(keeper), seconds=SECONDS, connections=GATES)
    bare = drive(
        portal.url,
        [Request("POST", "/bench/insert")] * GATES,
        seconds=SECONDS,
        connections=GATES,
    )
    return [
        Line(
            what=f"gate check, {GATES} gates at once, p95",
            figure=f"{checked.p95_ms:.1f} ms",
            limit=f"{bare.p95_ms:.1f} ms",
            ratio=checked.p95_ms / bare.p95_ms if bare.p95_ms else None,
            goal=f"≤ {LIMIT_MS} ms",
            met=checked.p95_ms <= LIMIT_MS and checked.count("2") == checked.answers,
            note=f"median {checked.median_ms:.1f} ms, {checked.per_second:.0f} a s;"
            " the bare limit is one INSERT behind the same middleware; load "
            f"{getloadavg()[0]:.1f}",
        )
    ]


def _checks(keeper: city.Citizen) -> list[Request]:
    """One scan of every pass; its proof is good for half a minute at least."""
    step = codes.step_at(clock.now())
    return [
        Request(
            "POST",
            "/gate/",
            urlencode(
                {
                    "csrfmiddlewaretoken": city.CSRF,
                    "code": f"https://bench/p/{row.code}"
                    f"?k={codes.proof_of(row.code, key=row.key, step=step)}",
                }
            ),
            keeper.cookie,
        )
        for row in EntryPass.objects.order_by("-pk")[:PASSES]
    ]
