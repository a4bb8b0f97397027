"""Freed time goes to one of those who wait, whoever else reaches for it.

Real transactions, real threads. The control takes the guard off and must see one court
offered to two people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
import time_machine
from django.db import connection

from tests import make
from tests.at_once import at_once
from tests.promises import broken_promises
from venues import actions
from venues.actions import waiting
from venues.errors.slots import SlotTaken
from venues.errors.waiting import NotInLine, OfferOver
from venues.models import (
    Bookable,
    Booking,
    BookingChange,
    BookingLine,
    Occupancy,
    WaitingEntry,
)

PEOPLE = 6

pytestmark = pytest.mark.django_db(transaction=True)


def wait(court: Bookable, *, hour: int = 18, people: int = 1) -> list[WaitingEntry]:
    return [
        actions.join_waiting_list(
            venue=court.venue,
            sport=court.sport,
            starts_at=make.tomorrow_at(hour),
            bookable=court,
            by=make.citizen(),
        )
        for _ in range(people)
    ]


def states(entries: list[WaitingEntry]) -> list[str]:
    for entry in entries:
        entry.refresh_from_db()
    return [entry.state for entry in entries]


def change_to(booking: Booking, hour: int) -> BookingChange:
    line = BookingLine.objects.standing().filter(booking=booking).get()
    return actions.change_booking(
        booking=booking,
        line_ids=[line.pk],
        picks=[make.pick(line.bookable, make.tomorrow_at(hour))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        by=booking.booked_by,
    )


@pytest.fixture
def slow_insert(db: None) -> Iterator[None]:
    """Widen the gap between look and insert, so that a missing guard shows."""
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION test_linger() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(0.15); RETURN NEW; END $$;
            CREATE TRIGGER test_linger BEFORE INSERT ON venues_booking
                FOR EACH ROW EXECUTE FUNCTION test_linger();
        """)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER test_linger ON venues_booking")
        cursor.execute("DROP FUNCTION test_linger")


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


@pytest.fixture
def freed() -> list[WaitingEntry]:
    """Two in line for a court that became free without anybody being told."""
    court = make.bookable()
    taken = make.confirmed(court=court)
    line = wait(court, people=2)
    Occupancy.objects.filter(line__booking=taken).delete()
    return line


# --- One offer ---------------------------------------------------------------------


@pytest.mark.usefixtures("slow_insert")
def test_two_people_and_one_offer(freed: list[WaitingEntry]) -> None:
    now = freed[0].joined_at
    at_once(*[partial(actions.offer_to_line, entry=entry, at=now) for entry in freed])

    assert sorted(states(freed)) == ["offered", "waiting"]
    assert Occupancy.objects.count() == 1


@pytest.mark.usefixtures("slow_insert", "no_constraint")
def test_control_without_the_guard_one_court_is_offered_to_two(
    freed: list[WaitingEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "lock_floor", lambda _wanted: None)
    now = freed[0].joined_at
    at_once(*[partial(actions.offer_to_line, entry=entry, at=now) for entry in freed])

    assert states(freed) == ["offered", "offered"]


@pytest.mark.usefixtures("slow_insert")
def test_many_sweepers_make_one_offer(freed: list[WaitingEntry]) -> None:
    now = freed[0].joined_at
    made = at_once(*[lambda: actions.offer_to_lines(at=now)] * 4)

    assert sum(made) == 1
    assert states(freed) == ["offered", "waiting"]


@pytest.mark.usefixtures("slow_insert")
def test_one_person_twice_in_line_is_offered_each_place_once() -> None:
    court = make.bookable()
    taken = make.confirmed(court=court)
    (entry,) = wait(court)
    Occupancy.objects.filter(line__booking=taken).delete()

    at_once(*[partial(actions.offer_to_line, entry=entry, at=entry.joined_at)] * 4)

    assert Booking.objects.filter(channel=Booking.Channel.OFFER).count() == 1


def test_leaving_while_the_offer_comes_ends_in_one_of_both() -> None:
    for _ in range(4):
        court = make.bookable()
        taken = make.confirmed(court=court)
        (entry,) = wait(court)

        results = at_once(
            partial(actions.cancel_booking, booking=taken, by=taken.booked_by),
            partial(actions.leave_waiting_list, entry=entry, by=entry.person),
        )

        (state,) = states([entry])
        left = not isinstance(results[1], NotInLine)
        assert state == ("left" if left else "offered")
        assert (entry.booking is None) == left
    assert broken_promises() == []


def test_accepting_a_free_offer_in_two_tabs_and_its_end_agree() -> None:
    court = make.bookable()
    make.price(venue=court.venue, bookable=court, fen=0)
    taken = make.held(court=court, quoted_fen=0)
    first, second = wait(court, people=2)
    actions.cancel_booking(booking=taken, by=taken.booked_by)
    first.refresh_from_db()
    offer = first.booking
    assert offer

    accept = partial(actions.accept_offer, booking=offer, by=first.person)
    with time_machine.travel(make.end_of_hold(offer), tick=False):
        late = make.end_of_hold(offer)
        results = at_once(accept, accept, lambda: actions.expire_holds(at=late))

    assert all(isinstance(result, OfferOver) for result in results[:2])
    assert states([first, second]) == ["missed", "offered"]
    assert broken_promises() == []


# --- Those who pass by -------------------------------------------------------------


@pytest.mark.usefixtures("slow_insert")
def test_cancelling_and_booking_at_once_gives_it_to_who_waits() -> None:
    for _ in range(3):
        court = make.bookable()
        taken = make.confirmed(court=court)
        (entry,) = wait(court)
        rivals = [make.citizen() for _ in range(PEOPLE)]

        results = at_once(
            partial(actions.cancel_booking, booking=taken, by=taken.booked_by),
            *(partial(make.held, court=court, by=rival) for rival in rivals),
        )

        assert states([entry]) == ["offered"]
        assert all(isinstance(result, SlotTaken) for result in results[1:])
    assert broken_promises() == []


def test_a_hold_that_runs_out_goes_to_the_line_and_the_sweep_runs_twice() -> None:
    court = make.bookable()
    hold = make.held(court=court)
    line = wait(court, people=2)
    later = make.end_of_hold(hold)
    rivals = [make.citizen() for _ in range(3)]

    with time_machine.travel(later, tick=False):
        results = at_once(
            *[lambda: actions.expire_holds(at=later)] * 3,
            *(partial(make.held, court=court, by=rival) for rival in rivals),
        )

    assert sorted(int(str(count)) for count in results[:3]) == [0, 0, 1]
    assert all(isinstance(result, SlotTaken) for result in results[3:])
    assert states(line) == ["offered", "waiting"]


# --- Changes -----------------------------------------------------------------------


@pytest.mark.usefixtures("slow_insert")
def test_a_change_and_a_hold_for_one_slot_have_one_winner() -> None:
    for _ in range(3):
        court = make.bookable()
        booking = make.confirmed(court=court)
        rivals = [make.citizen() for _ in range(PEOPLE)]
        start = make.tomorrow_at(20)

        results = at_once(
            partial(change_to, booking, 20),
            *(
                partial(make.held, court=court, starts_at=start, by=rival)
                for rival in rivals
            ),
        )

        winners = [one for one in results if not isinstance(one, SlotTaken)]
        assert len(winners) == 1
        assert isinstance(winners[0], Booking | BookingChange)
    assert broken_promises() == []


def test_two_bookings_that_want_each_others_time_never_wait_in_a_circle() -> None:
    court = make.bookable()
    six, eight = (
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
        for hour in (18, 20)
    )

    results = at_once(
        partial(change_to, six, 20),
        partial(change_to, eight, 18),
    )

    assert all(isinstance(result, SlotTaken) for result in results)
    assert broken_promises() == []


def test_a_change_cancelled_paid_and_run_out_at_once_ends_whole() -> None:
    for _ in range(3):
        court = make.bookable()
        make.price(venue=court.venue, bookable=court, fen=80_00, starts=1200, ends=1440)
        booking = make.confirmed(court=court)
        line = BookingLine.objects.get(booking=booking)
        asked = actions.change_booking(
            booking=booking,
            line_ids=[line.pk],
            picks=[make.pick(court, make.tomorrow_at(20))],
            quoted_fen=80_00,
            request_key=uuid4(),
            by=booking.booked_by,
        )
        assert asked.hold_until
        later = asked.hold_until + timedelta(seconds=1)
        at_once(
            partial(make.settle, asked.payment),
            partial(actions.drop_change, change=asked, by=booking.booked_by),
            partial(actions.cancel_booking, booking=booking, by=booking.booked_by),
            partial(actions.expire_changes, at=later),
        )
    assert broken_promises() == []


def test_the_expiry_sweep_of_changes_run_twice_frees_once() -> None:
    court = make.bookable()
    make.price(venue=court.venue, bookable=court, fen=80_00, starts=1200, ends=1440)
    booking = make.confirmed(court=court)
    line = BookingLine.objects.get(booking=booking)
    asked = actions.change_booking(
        booking=booking,
        line_ids=[line.pk],
        picks=[make.pick(court, make.tomorrow_at(20))],
        quoted_fen=80_00,
        request_key=uuid4(),
        by=booking.booked_by,
    )
    assert asked.hold_until
    line_up = wait(court, hour=20, people=2)
    later = asked.hold_until

    swept = at_once(*[lambda: actions.expire_changes(at=later)] * 4)

    assert sum(swept) == 1
    assert states(line_up) == ["offered", "waiting"]
    assert Occupancy.objects.count() == 2
