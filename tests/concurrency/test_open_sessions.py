"""Many people, few places. Real transactions, real threads, real locks.

The guard is one conditional UPDATE of the counter, and a constraint behind it. The
control takes both off and must see more places sold than there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from time import sleep
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import F

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments.models import Refund
from tests import make
from tests.at_once import at_once
from tests.concurrency.test_hold_slots import bookings_in
from tests.promises import broken_promises
from venues import actions
from venues.actions import tickets
from venues.errors.sessions import SessionFull
from venues.models import (
    Admission,
    Ban,
    Booking,
    ConductPoint,
    OpenSession,
    SessionPlan,
)

PEOPLE = 50

pytestmark = pytest.mark.django_db(transaction=True)


def rush(session: OpenSession, people: list[User]) -> list[Any]:
    return at_once(*[partial(make.tickets, session, by=person) for person in people])


def crowd(count: int = PEOPLE) -> list[User]:
    return [make.citizen() for _ in range(count)]


@pytest.fixture
def no_constraint(db: None) -> Iterator[None]:
    constraint = next(
        one
        for one in OpenSession._meta.constraints
        if one.name == "venues_opensession_never_oversold"
    )
    with connection.schema_editor() as editor:
        editor.remove_constraint(OpenSession, constraint)
    yield
    OpenSession.objects.update(taken=0)
    with connection.schema_editor() as editor:
        editor.add_constraint(OpenSession, constraint)


def test_fifty_people_and_the_last_five_places() -> None:
    session = make.session(capacity=5)

    results = rush(session, crowd())

    session.refresh_from_db()
    assert len(bookings_in(results)) == 5
    assert sum(isinstance(one, SessionFull) for one in results) == PEOPLE - 5
    assert session.taken == 5
    assert broken_promises() == []


@pytest.mark.usefixtures("no_constraint")
def test_control_without_the_guard_more_is_sold_than_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look_then_take(session_id: int, places: int) -> bool:
        session = OpenSession.objects.get(pk=session_id)
        sleep(0.05)
        if session.left < places:
            return False
        OpenSession.objects.filter(pk=session_id).update(taken=F("taken") + places)
        return True

    monkeypatch.setattr(tickets, "count_in", look_then_take)
    session = make.session(capacity=5)

    assert len(bookings_in(rush(session, crowd(20)))) > 5


def test_places_of_lapsed_holds_are_sold_once() -> None:
    session = make.session(capacity=6)
    lapsed = [make.tickets(session, places=2) for _ in range(3)]

    later = max(make.end_of_hold(hold) for hold in lapsed) + timedelta(seconds=1)
    with time_machine.travel(later, tick=False):
        people = crowd(14)
        buying = [partial(make.tickets, session, by=person) for person in people]
        sweeping = [partial(actions.expire_holds, at=later)] * 2
        results = at_once(*buying, *sweeping)

    session.refresh_from_db()
    sold = bookings_in(results)
    # A buyer may meet a hold that the sweep is just clearing; nobody waits in a circle.
    assert 1 <= len(sold) <= 6
    assert session.taken == len(sold)
    assert broken_promises() == []


def test_late_money_and_the_next_buyers_never_share_a_place() -> None:
    session = make.session(capacity=1)
    lapsed = make.tickets(session)

    with time_machine.travel(
        make.end_of_hold(lapsed) + timedelta(seconds=1), tick=False
    ):
        people = crowd(4)
        at_once(
            partial(make.pay, lapsed),
            *(partial(make.tickets, session, by=person) for person in people),
        )

    session.refresh_from_db()
    lapsed.refresh_from_db()
    assert session.taken <= 1
    assert Refund.objects.exists() is (lapsed.state != Booking.State.CONFIRMED)
    assert broken_promises() == []


def test_buying_paying_cancelling_and_calling_off_at_once_ends_whole() -> None:
    for _ in range(3):
        session = make.session(capacity=8)
        paid = [make.pay(make.tickets(session)) for _ in range(3)]
        held = [make.tickets(session) for _ in range(2)]
        staff = make.user()
        at_once(
            *(partial(make.tickets, session, by=one) for one in crowd(4)),
            *(partial(make.pay, booking) for booking in held),
            *(
                partial(actions.cancel_booking, booking=one, by=one.booked_by)
                for one in paid[:2]
            ),
            partial(actions.cancel_session, session=session, reason="Storm", by=staff),
        )
        actions.finish_cancelled_sessions(at=clock.now())

        session.refresh_from_db()
        assert session.taken == 0
        assert broken_promises() == []


def test_many_workers_lay_a_plan_out_once() -> None:
    court = make.bookable()
    plan = SessionPlan.objects.create(
        venue=court.venue,
        bookable=court,
        name="Evening swim",
        weekday=(clock.today() + timedelta(days=1)).isoweekday(),
        starts=18 * 60,
        ends=20 * 60,
        capacity=10,
        valid_from=clock.today(),
    )
    now = clock.now()

    laid_out = at_once(*[partial(actions.lay_out_sessions, at=now)] * 6)

    there = OpenSession.objects.filter(plan=plan).count()
    assert sum(laid_out) == there == 2


# --- Conduct --------------------------------------------------------------------------


def test_the_gate_and_the_sweep_agree_on_who_came() -> None:
    make.conduct_rule()
    for _ in range(6):
        court = make.bookable(venue=make.venue(no_show_minutes=15))
        booking = make.confirmed(court=court)
        with time_machine.travel(booking.starts_at + timedelta(minutes=15), tick=False):
            at_once(
                partial(make.let_in, booking),
                partial(actions.mark_no_shows, at=clock.now()),
                partial(actions.mark_no_shows, at=clock.now()),
            )

        booking.refresh_from_db()
        came = Admission.objects.filter(entry_pass__booking=booking).exists()
        assert came is (booking.state == Booking.State.CONFIRMED)
        assert came is not ConductPoint.objects.filter(booking=booking).exists()
    assert broken_promises() == []


def test_many_workers_mark_and_ban_once() -> None:
    make.conduct_rule(ban_from_points=2)
    venue = make.venue(no_show_minutes=15)
    person = make.citizen()
    court = make.bookable(venue=venue)
    booked = [
        make.confirmed(court=court, by=person, starts_at=make.tomorrow_at(hour))
        for hour in (17, 18)
    ]
    at = booked[1].starts_at + timedelta(minutes=15)

    with time_machine.travel(at, tick=False):
        marked = at_once(*[partial(actions.mark_no_shows, at=at)] * 5)
        banned = at_once(*[partial(actions.impose_bans, at=at)] * 5)

    assert sum(marked) == 2
    assert sum(banned) == 1
    assert Ban.objects.count() == 1
    assert ConductPoint.objects.count() == 2
