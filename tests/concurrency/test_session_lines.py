"""Given-back places go to one of those who wait, whoever else reaches for them.

Real transactions, real threads. The control lets go of the places before they are
offered, and must see a passer-by have them.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.db import connection

from tests import make
from tests.at_once import at_once, outcomes
from tests.promises import broken_promises
from venues import actions
from venues.actions import cancellations
from venues.models import Booking, OpenSession, WaitingEntry

pytestmark = pytest.mark.django_db(transaction=True)


def wait(session: OpenSession, people: int) -> list[WaitingEntry]:
    return [
        actions.join_session_line(session=session, places=1, by=make.citizen())
        for _ in range(people)
    ]


def states(entries: list[WaitingEntry]) -> list[str]:
    for entry in entries:
        entry.refresh_from_db()
    return [entry.state for entry in entries]


def full(places: int) -> tuple[OpenSession, list[Booking]]:
    session = make.session(capacity=places)
    sold = [make.pay(make.tickets(session)) for _ in range(places)]
    for booking in sold:
        booking.refresh_from_db()
    return session, sold


def giving_back(sold: list[Booking]) -> list[partial[Booking]]:
    return [
        partial(actions.cancel_booking, booking=one, by=one.booked_by) for one in sold
    ]


def test_places_given_back_while_others_buy_go_to_the_line_alone() -> None:
    session, sold = full(4)
    line = wait(session, 4)
    buyers = [partial(make.tickets, session, by=make.citizen()) for _ in range(8)]

    answers = at_once(*giving_back(sold), *buyers)

    assert outcomes(answers) == {"done": 4, "session_full": 8}
    assert states(line) == ["offered"] * 4
    session.refresh_from_db()
    assert session.left == 0
    assert broken_promises() == []


def test_control_without_the_offer_in_the_same_step_passers_by_are_quicker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancellations, "offer_freed_places", lambda *_a, **_k: [])
    session, sold = full(4)
    line = wait(session, 4)

    at_once(*giving_back(sold))
    buyers = [partial(make.tickets, session, by=make.citizen()) for _ in range(8)]
    answers = at_once(*buyers)

    assert outcomes(answers)["done"] == 4
    assert states(line) == ["waiting"] * 4


def test_many_sweepers_offer_each_place_once() -> None:
    session, _sold = full(2)
    line = wait(session, 5)
    OpenSession.objects.filter(pk=session.pk).update(capacity=4)
    now = line[0].joined_at

    made = at_once(*[lambda: actions.offer_places_to_lines(at=now)] * 6)

    assert sum(made) == 2
    assert states(line) == ["offered", "offered", "waiting", "waiting", "waiting"]
    assert broken_promises() == []


def test_joining_while_places_come_back_leaves_none_free_beside_a_line() -> None:
    session, sold = full(3)
    people = [make.citizen() for _ in range(6)]
    joining = [
        partial(actions.join_session_line, session=session, places=1, by=person)
        for person in people
    ]

    at_once(*giving_back(sold), *joining)

    session.refresh_from_db()
    waiting = WaitingEntry.objects.for_session(session.pk)
    assert session.left == 0 or not waiting.exists()
    assert broken_promises() == []


def test_offers_that_run_out_under_many_hands_go_down_the_line() -> None:
    session, sold = full(2)
    line = wait(session, 5)
    for booking in sold:
        actions.cancel_booking(booking=booking, by=booking.booked_by)
    assert states(line) == ["offered", "offered", "waiting", "waiting", "waiting"]
    offered = Booking.objects.filter(waiting_entry__in=line)
    lapsed = max(map(make.end_of_hold, offered)) + timedelta(seconds=1)

    with time_machine.travel(lapsed, tick=False):
        buyers = [partial(make.tickets, session, by=make.citizen()) for _ in range(6)]
        answers = at_once(
            *[partial(actions.expire_holds, at=lapsed)] * 3,
            *[partial(actions.offer_places_to_lines, at=lapsed)] * 2,
            *buyers,
        )
        connection.close()

    assert outcomes(answers)["session_full"] == 6
    assert states(line) == ["missed", "missed", "offered", "offered", "waiting"]
    assert broken_promises() == []


def test_calling_off_ends_the_line_whoever_is_being_served() -> None:
    session, sold = full(3)
    line = wait(session, 4)

    at_once(
        *giving_back(sold),
        partial(actions.cancel_session, session=session, reason="Pump", by=make.user()),
        partial(actions.offer_places_to_lines, at=line[0].joined_at),
    )
    actions.finish_cancelled_sessions(at=line[0].joined_at)

    assert set(states(line)) <= {"over", "left"}
    session.refresh_from_db()
    assert session.taken == 0
    assert broken_promises() == []
