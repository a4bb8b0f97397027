"""Many people, one court. Real transactions, real threads, real locks.

The guard has three layers: sorted advisory locks, a check behind them, and the
exclusion constraint. The control takes the guard off and must see the court sold twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from bureau.common.db import advisory_locks
from bureau.payments.models import Refund
from tests import make
from tests.at_once import SECONDS, at_once
from tests.promises import broken_promises
from venues import actions
from venues.actions import bookings, slots
from venues.errors.gate import PassUsed
from venues.errors.slots import SlotTaken
from venues.models import Admission, Bookable, Booking, Occupancy

PEOPLE = 8
DOOR = 7, 7  # no floor's lock: their second number is a day's

pytestmark = pytest.mark.django_db(transaction=True)


def rush(courts: list[Bookable]) -> list[Any]:
    people = [make.citizen() for _ in courts]
    return at_once(
        *[
            partial(make.held, court=court, by=person)
            for court, person in zip(courts, people, strict=True)
        ]
    )


def bookings_in(results: list[Any]) -> list[Booking]:
    return [result for result in results if isinstance(result, Booking)]


@pytest.fixture
def slow_insert(db: None) -> Iterator[None]:
    """Widen the gap between check and insert, so that a missing guard shows."""
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION test_dawdle() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(0.15); RETURN NEW; END $$;
            CREATE TRIGGER test_dawdle BEFORE INSERT ON venues_booking
                FOR EACH ROW EXECUTE FUNCTION test_dawdle();
        """)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER test_dawdle ON venues_booking")
        cursor.execute("DROP FUNCTION test_dawdle")


@pytest.fixture
def door(db: None) -> Iterator[None]:
    """Behind the check and before the insert; shut by who holds its lock."""
    with connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE FUNCTION test_door() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock_shared({DOOR[0]}, {DOOR[1]});
            RETURN NEW; END $$;
            CREATE TRIGGER test_door BEFORE INSERT ON venues_booking
                FOR EACH ROW EXECUTE FUNCTION test_door();
        """)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER test_door ON venues_booking")
        cursor.execute("DROP FUNCTION test_door")


def behind_a_shut_door(race: Callable[[], list[Any]]) -> list[Any]:
    """Open the `door` when two of a race stand before it; what the race came to."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.extend(race())
        finally:
            connection.close()

    running = Thread(target=run, daemon=True)
    with transaction.atomic():
        advisory_locks([DOOR])
        running.start()
        wait_for_two_at_the_door()
    running.join(SECONDS)
    return results


def wait_for_two_at_the_door() -> None:
    until = monotonic() + SECONDS
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND NOT granted AND classid = %s AND objid = %s AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())",
                DOOR,
            )
            if cursor.fetchone()[0] >= 2:
                return
        assert monotonic() < until, "nobody else came"
        sleep(0.02)


@pytest.fixture
def no_constraint(db: None) -> Iterator[None]:
    constraint = next(
        c
        for c in Occupancy._meta.constraints
        if c.name == "venues_occupancy_no_overlap"
    )
    with connection.schema_editor() as editor:
        editor.remove_constraint(Occupancy, constraint)
    yield
    Occupancy.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Occupancy, constraint)


@pytest.mark.usefixtures("slow_insert")
def test_one_slot_has_exactly_one_winner() -> None:
    court = make.bookable()

    results = rush([court] * PEOPLE)

    assert len(bookings_in(results)) == 1
    assert sum(isinstance(result, SlotTaken) for result in results) == PEOPLE - 1
    assert Occupancy.objects.count() == 1


@pytest.mark.usefixtures("slow_insert", "no_constraint")
def test_the_lock_alone_is_enough() -> None:
    court = make.bookable()

    assert len(bookings_in(rush([court] * PEOPLE))) == 1


@pytest.mark.usefixtures("slow_insert")
def test_the_constraint_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "lock_statement", lambda _: ("SELECT 1", []))
    court = make.bookable()

    assert len(bookings_in(rush([court] * 3))) == 1


@pytest.mark.usefixtures("door", "no_constraint")
def test_control_without_the_guard_the_court_is_sold_more_than_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "lock_statement", lambda _: ("SELECT 1", []))
    court = make.bookable()

    results = behind_a_shut_door(partial(rush, [court] * PEOPLE))

    assert len(bookings_in(results)) > 1


def test_halves_and_the_whole_hall_never_overlap_and_never_deadlock() -> None:
    venue = make.venue()
    left, right = make.unit(venue=venue), make.unit(venue=venue)
    halves = [make.bookable(venue=venue, units=[part]) for part in (left, right)]
    # The two whole halls name their units in opposite orders on purpose.
    halls = [
        make.bookable(venue=venue, units=[left, right]),
        make.bookable(venue=venue, units=[right, left]),
    ]

    sold = bookings_in(rush([*halves, *halls] * 2))

    assert len(sold) in (1, 2)
    assert Occupancy.objects.count() == 2 or len(sold) == 1


def test_a_lapsed_hold_is_taken_over_by_one_person() -> None:
    court = make.bookable()
    lapsed = make.held(court=court)

    with time_machine.travel(
        make.end_of_hold(lapsed) + timedelta(seconds=1), tick=False
    ):
        results = rush([court] * PEOPLE)

    assert len(bookings_in(results)) == 1


def test_late_money_and_a_new_booking_never_share_the_court() -> None:
    court = make.bookable()
    lapsed = make.held(court=court)

    with time_machine.travel(
        make.end_of_hold(lapsed) + timedelta(seconds=1), tick=False
    ):
        rival = make.citizen()
        at_once(
            lambda: make.pay(lapsed),
            lambda: make.held(court=court, by=rival),
        )

    lapsed.refresh_from_db()
    kept = lapsed.state == Booking.State.CONFIRMED
    assert Occupancy.objects.count() == 1
    assert Refund.objects.exists() is not kept


def test_paying_and_cancelling_at_once_ends_whole() -> None:
    for _ in range(5):
        held = make.held()
        at_once(
            partial(make.pay, held),
            partial(actions.cancel_booking, booking=held, by=held.booked_by),
        )

    assert broken_promises() == []


def test_cancelling_twice_refunds_once() -> None:
    booking = make.confirmed()

    at_once(
        *[lambda: actions.cancel_booking(booking=booking, by=booking.booked_by)] * 4
    )

    assert Refund.objects.count() == 1


def test_one_person_cannot_pass_the_limit_of_holds_with_many_tabs() -> None:
    person = make.citizen()
    courts = [make.bookable() for _ in range(6)]

    results = at_once(*[partial(make.held, court=court, by=person) for court in courts])

    assert len(bookings_in(results)) == bookings.MOST_HOLDS


def test_one_pass_at_many_gates_lets_one_person_in() -> None:
    booking = make.confirmed()
    entry_pass = make.pass_of(booking)
    keepers = [make.gatekeeper(booking.venue) for _ in range(PEOPLE)]

    with time_machine.travel(booking.starts_at, tick=False):
        results = at_once(
            *[
                partial(
                    actions.admit, entry_pass=entry_pass, venue=booking.venue, by=keeper
                )
                for keeper in keepers
            ]
        )

    assert sum(isinstance(result, Admission) for result in results) == 1
    assert sum(isinstance(result, PassUsed) for result in results) == PEOPLE - 1


def test_many_sweepers_do_the_work_of_one() -> None:
    holds = [make.held() for _ in range(5)]
    later = max(make.end_of_hold(hold) for hold in holds)

    cleared = at_once(*[lambda: actions.expire_holds(at=later)] * 4)

    assert sum(cleared) == len(holds)
    assert not Occupancy.objects.exists()
