"""A hall is closed while people book, pay, cancel and change there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from bureau.common import clock
from bureau.payments.models import Refund
from tests import make
from tests.at_once import at_once
from tests.promises import broken_promises
from venues import actions, queries
from venues.models import Block, Bookable, Booking, Occupancy

pytestmark = pytest.mark.django_db(transaction=True)
HOURS = range(8, 20)


@pytest.fixture
def courts() -> list[Bookable]:
    venue = make.venue(max_slots=24)
    return [make.bookable(venue=venue) for _ in range(2)]


@pytest.fixture(autouse=True)
def promises() -> Iterator[None]:
    yield
    assert broken_promises() == []


def close(courts: list[Bookable]) -> Block:
    return actions.close_units(
        venue=courts[0].venue,
        units=list(courts[0].venue.units.all()),
        starts_at=make.tomorrow_at(6),
        ends_at=make.tomorrow_at(22),
        reason="Storm",
        by=make.user(),
    )


def book(court: Bookable, hour: int) -> Callable[[], Any]:
    person = make.citizen()

    def call() -> Booking:
        return make.pay(
            actions.hold_slots(
                venue=court.venue,
                picks=[make.pick(court, make.tomorrow_at(hour))],
                quoted_fen=make.PRICE_FEN,
                request_key=uuid4(),
                by=person,
            )
        )

    return call


def closed_hours(block: Block) -> float:
    pieces = Occupancy.objects.filter(block=block)
    hours = (
        (row.during.upper - row.during.lower).total_seconds() / 3600 for row in pieces
    )
    return float(sum(hours))


def test_booking_and_closing_at_once_leaves_nobody_in_the_hall(
    courts: list[Bookable],
) -> None:
    buyers = [book(court, hour) for court in courts for hour in HOURS]
    made = at_once(*buyers[:12], lambda: close(courts), *buyers[12:])
    block = next(one for one in made if isinstance(one, Block))

    for _ in range(2):  # who was held a moment ago may have paid by now
        actions.work_through_closure(block=block)

    standing = Booking.objects.filter(state__in=["held", "confirmed"])
    assert not standing.exists()
    assert closed_hours(block) == 2 * 16
    called_off = Booking.objects.filter(state="cancelled").exclude(total_fen=0).count()
    assert Refund.objects.count() == called_off


def test_two_close_the_same_hall_at_once(courts: list[Bookable]) -> None:
    for hour in HOURS:
        make.confirmed(court=courts[0], starts_at=make.tomorrow_at(hour))

    blocks = at_once(lambda: close(courts), lambda: close(courts))
    at_once(*[partial(actions.work_through_closure, block=b) for b in blocks])

    assert sum(closed_hours(block) for block in blocks) == 2 * 16
    assert Refund.objects.count() == len(HOURS)  # each once


def test_giving_back_and_calling_off_at_once_refunds_once(
    courts: list[Bookable],
) -> None:
    bookings = [
        make.confirmed(court=courts[0], starts_at=make.tomorrow_at(hour))
        for hour in HOURS
    ]
    block = close(courts)

    at_once(
        lambda: actions.work_through_closure(block=block),
        lambda: actions.work_through_closure(block=block),
        *(
            lambda b=b: actions.cancel_booking(booking=b, by=b.booked_by)
            for b in bookings
        ),
    )

    assert queries.progress_of(block, at=clock.now()).is_done
    assert Refund.objects.count() == len(HOURS)
    assert closed_hours(block) == 2 * 16


def test_control_without_the_trigger_people_book_into_a_closed_hall(
    courts: list[Bookable],
) -> None:
    make.confirmed(court=courts[0])
    trigger = "venues_occupancy_goes_to_closures"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE venues_occupancy DISABLE TRIGGER {trigger}")
    try:
        block = close(courts)  # its task calls the booking off at once
        inside = make.confirmed(court=courts[0])
        assert inside.state == Booking.State.CONFIRMED
        actions.work_through_closure(block=block)  # the sweep heals even this
        assert closed_hours(block) == 2 * 16 - 1
        actions.work_through_closure(block=block)
        assert closed_hours(block) == 2 * 16
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE venues_occupancy ENABLE TRIGGER {trigger}")
