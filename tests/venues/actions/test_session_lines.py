"""Given-back places of a full session are held for the first in line, and no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common import clock
from bureau.notices.models import Notice
from bureau.payments.models import Payment
from tests import make
from tests.promises import broken_promises
from venues import actions, queries
from venues.errors.conduct import Banned
from venues.errors.sessions import (
    SessionBegun,
    SessionCancelled,
    SessionFull,
    TooManyTickets,
)
from venues.errors.waiting import AlreadyInLine, NotInLine, PlacesLeft
from venues.models import Ban, Booking, OpenSession, WaitingEntry

pytestmark = pytest.mark.django_db


def wait(
    session: OpenSession, by: User | None = None, *, places: int = 1, **given: Any
) -> WaitingEntry:
    return actions.join_session_line(
        session=session, places=places, by=by or make.citizen(), **given
    )


def states(*entries: WaitingEntry) -> list[str]:
    for entry in entries:
        entry.refresh_from_db()
    return [entry.state for entry in entries]


def full(places: int = 2, **given: Any) -> tuple[OpenSession, list[Booking]]:
    """A session with all its places paid for, one by one."""
    session = make.session(capacity=places, **given)
    sold = [make.tickets(session) for _ in range(places)]
    if session.price_fen:
        for booking in sold:
            make.pay(booking)
    session.refresh_from_db()
    return session, sold


def give_back(booking: Booking) -> None:
    booking.refresh_from_db()
    actions.cancel_booking(booking=booking, by=booking.booked_by)


def offer_of(entry: WaitingEntry) -> Booking:
    entry.refresh_from_db()
    assert entry.booking
    return entry.booking


# --- One place after another ----------------------------------------------------------


def test_a_place_that_is_given_back_is_held_for_who_was_first() -> None:
    session, (sold, _other) = full()
    first, second = wait(session), wait(session)

    give_back(sold)

    assert states(first, second) == ["offered", "waiting"]
    offer = offer_of(first)
    assert (offer.state, offer.channel) == ("held", Booking.Channel.OFFER)
    assert offer.total_fen == session.price_fen
    session.refresh_from_db()
    assert session.left == 0
    told = Notice.objects.filter(recipient=first.person, kind="venues.slot_offered")
    assert told.count() == 1
    assert broken_promises() == []


def test_a_passer_by_cannot_buy_what_is_offered() -> None:
    session, (sold, _other) = full()
    wait(session)
    give_back(sold)

    with pytest.raises(SessionFull):
        make.tickets(session)


def test_an_offer_that_runs_out_goes_to_the_next_and_to_no_passer_by() -> None:
    session, (sold, _other) = full()
    first, second = wait(session), wait(session)
    give_back(sold)
    lapsed = make.end_of_hold(offer_of(first)) + timedelta(seconds=1)

    with time_machine.travel(lapsed, tick=False):
        with pytest.raises(SessionFull):
            make.tickets(session)
        actions.expire_holds(at=lapsed)
        with pytest.raises(SessionFull):
            make.tickets(session)

    assert states(first, second) == ["missed", "offered"]
    assert broken_promises() == []


def test_an_unpaid_hold_that_lapses_belongs_to_who_waits() -> None:
    session = make.session(capacity=1)
    hold = make.tickets(session)
    entry = wait(session)
    lapsed = make.end_of_hold(hold) + timedelta(seconds=1)

    with time_machine.travel(lapsed, tick=False):
        with pytest.raises(SessionFull):
            make.tickets(session)
        actions.expire_holds(at=lapsed)

    assert states(entry) == ["offered"]


def test_a_paid_offer_is_taken_and_lets_its_people_in() -> None:
    session, (sold, other) = full()
    entry = wait(session, places=2)
    give_back(sold)
    assert states(entry) == ["waiting"]  # one place is not enough for two
    give_back(other)

    booking = make.pay(offer_of(entry))

    assert states(entry) == ["taken"]
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED
    assert booking.passes.get().persons == 2
    assert broken_promises() == []


def test_declining_makes_it_the_next_ones_turn() -> None:
    session, (sold, _other) = full()
    first, second = wait(session), wait(session)
    give_back(sold)

    actions.decline_offer(booking=offer_of(first), by=first.person)

    assert states(first, second) == ["left", "offered"]


def test_a_place_free_of_charge_is_offered_and_accepted() -> None:
    free = actions.Prices()
    session, (sold, _other) = full(prices=free)
    entry = wait(session)
    give_back(sold)

    offer = offer_of(entry)
    assert offer.state == Booking.State.HELD
    actions.accept_offer(booking=offer, by=entry.person)

    assert states(entry) == ["taken"]
    assert broken_promises() == []


def test_who_wants_more_than_is_left_keeps_the_turn_while_others_are_served() -> None:
    session, (sold, other, _third) = full(places=3)
    pair, single = wait(session, places=2), wait(session)

    give_back(sold)
    assert states(pair, single) == ["waiting", "offered"]
    give_back(other)
    assert states(pair) == ["waiting"]
    actions.decline_offer(booking=offer_of(single), by=single.person)

    assert states(pair) == ["offered"]


def test_more_places_go_to_the_line_first() -> None:
    session, _sold = full()
    line = [wait(session) for _ in range(3)]

    actions.set_session_capacity(session=session, capacity=4, by=make.user())

    assert states(*line) == ["offered", "offered", "waiting"]
    with pytest.raises(SessionFull):
        make.tickets(session)


def test_what_became_free_untold_is_found_by_the_sweep() -> None:
    session, _sold = full()
    entry = wait(session)
    OpenSession.objects.filter(pk=session.pk).update(capacity=3)

    assert actions.offer_places_to_lines(at=clock.now()) == 1
    assert actions.offer_places_to_lines(at=clock.now()) == 0
    assert states(entry) == ["offered"]


def test_somebody_who_has_as_many_as_one_may_is_passed_over() -> None:
    session, _sold = full()
    greedy, next_one = wait(session, places=3), wait(session)
    make.tickets(make.session(), by=greedy.person)
    OpenSession.objects.filter(pk=session.pk).update(capacity=5)
    make.tickets(session, by=greedy.person, places=3)

    actions.set_session_capacity(session=session, capacity=9, by=make.user())

    assert states(greedy, next_one) == ["waiting", "offered"]


# --- Who may stand in line ------------------------------------------------------------


def test_nobody_waits_for_places_that_are_left() -> None:
    with pytest.raises(PlacesLeft):
        wait(make.session(capacity=2), places=2)


def test_one_stands_in_a_line_once_and_for_five_places_at_most() -> None:
    session, _sold = full()
    entry = wait(session)
    with pytest.raises(AlreadyInLine):
        wait(session, by=entry.person)
    with pytest.raises(TooManyTickets):
        wait(session, places=6)


def test_no_line_for_a_session_that_has_begun_or_was_cancelled() -> None:
    session, _sold = full()
    with (
        time_machine.travel(session.starts_at, tick=False),
        pytest.raises(SessionBegun),
    ):
        wait(session)
    actions.cancel_session(session=session, reason="Pump", by=make.user())
    with pytest.raises(SessionCancelled):
        wait(session)


def test_who_is_banned_neither_joins_nor_is_offered() -> None:
    session, (sold, _other) = full()
    first, second = wait(session), wait(session)
    now = clock.now()
    Ban.objects.create(
        person=first.person,
        starts_at=now,
        ends_at=now + timedelta(days=9),
        points=6,
    )

    give_back(sold)

    assert states(first, second) == ["waiting", "offered"]
    with pytest.raises(Banned):
        wait(session, by=first.person)


# --- The line itself ------------------------------------------------------------------


def test_leaving_lets_the_next_one_move_up() -> None:
    session, _sold = full()
    first, second = wait(session), wait(session)
    assert queries.people_ahead([first, second]) == {first.pk: 0, second.pk: 1}

    actions.leave_waiting_list(entry=first, by=first.person)

    assert queries.people_ahead([second]) == {second.pk: 0}
    with pytest.raises(NotInLine):
        actions.leave_waiting_list(entry=first, by=first.person)


def test_a_cancelled_session_ends_its_line_and_takes_its_offers_back() -> None:
    session, (sold, _other) = full()
    first, second = wait(session), wait(session)
    give_back(sold)

    actions.cancel_session(session=session, reason="The pump broke", by=make.user())

    assert states(first, second) == ["left", "over"]
    assert offer_of(first).state == Booking.State.CANCELLED
    told = Notice.objects.get(kind="venues.session_line_over")
    assert told.recipient == second.person
    assert not Payment.objects.filter(state="due").exists()
    assert broken_promises() == []


def test_a_line_ends_when_the_session_begins() -> None:
    session, _sold = full()
    entry = wait(session)

    actions.close_lines(at=session.starts_at)

    assert states(entry) == ["over"]


def test_a_line_for_places_holds_no_court_and_a_line_for_courts_no_place() -> None:
    """Both kinds wait at the same venue and time, and neither is served the other."""
    session, (sold, _other) = full()
    court = make.bookable(venue=session.venue)
    session.venue.refresh_from_db()
    make.confirmed(court=court, starts_at=session.starts_at)
    for_court = actions.join_waiting_list(
        venue=session.venue,
        sport=court.sport,
        starts_at=session.starts_at,
        bookable=court,
        by=make.citizen(),
    )
    for_place = wait(session)
    assert queries.people_ahead([for_place]) == {for_place.pk: 0}

    give_back(sold)

    assert states(for_court, for_place) == ["waiting", "offered"]
    assert actions.offer_to_lines(at=clock.now()) == 0
