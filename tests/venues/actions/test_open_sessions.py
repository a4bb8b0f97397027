"""A floor that many share: laid out, sold place by place, called off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from bureau.accounts.models import Eligibility, User
from bureau.common import clock
from bureau.payments.models import Payment, Refund
from tests import make
from venues import actions
from venues.actions.sessions import Prices
from venues.errors.closures import UnitsTaken
from venues.errors.gate import AlreadyAdmitted
from venues.errors.sessions import (
    CapacityTooSmall,
    SessionBegun,
    SessionCancelled,
    SessionFull,
    SessionNotOpenYet,
    TooManyTickets,
)
from venues.errors.slots import PriceChanged, SlotTaken
from venues.models import (
    Booking,
    EntryPass,
    HoursException,
    Occupancy,
    OpenSession,
    SessionPlan,
)
from venues.queries import sessions

pytestmark = pytest.mark.django_db


def entitle(person: User) -> None:
    Eligibility.objects.create(
        user=person,
        kind=Eligibility.Kind.STUDENT,
        state=Eligibility.State.APPROVED,
        expires_on=clock.today() + timedelta(days=100),
        asked_at=clock.now(),
        decided_at=clock.now(),
    )


def plan_for(**given: Any) -> SessionPlan:
    court = given.pop("court", None) or make.bookable()
    day = clock.today() + timedelta(days=2)
    given = {
        "name": "Evening swim",
        "weekday": day.isoweekday(),
        "starts": 18 * 60,
        "ends": 20 * 60,
        "capacity": 10,
        "price_fen": 20_00,
        "concession_fen": 10_00,
        "valid_from": clock.today(),
        **given,
    }
    return SessionPlan(venue=court.venue, bookable=court, **given)


# --- Plans ------------------------------------------------------------------------


def test_a_plan_is_laid_out_for_all_its_days_before_they_can_be_booked() -> None:
    plan = plan_for()

    laid_out = actions.set_session_plan(plan=plan, by=make.user())

    days = [clock.local_day(session.starts_at) for session in laid_out]
    today = clock.today()
    assert days == [today + timedelta(days=2), today + timedelta(days=9)]
    assert Occupancy.objects.filter(kind="session").count() == 2
    assert actions.lay_out_sessions(at=clock.now()) == 0


def test_a_court_under_a_session_cannot_be_booked() -> None:
    session = make.session()

    with pytest.raises(SlotTaken):
        make.held(court=session.bookable, starts_at=session.starts_at)


def test_a_date_with_a_booking_in_the_way_is_passed_over_and_told() -> None:
    plan = plan_for()
    day = clock.today() + timedelta(days=2)
    booking = make.held(court=plan.bookable, starts_at=clock.at(day, 19 * 60))

    laid_out = actions.set_session_plan(plan=plan, by=make.user())

    assert [clock.local_day(s.starts_at) for s in laid_out] == [day + timedelta(days=7)]
    days = actions.sessions.plan_days(plan, today=clock.today())
    first, second = sessions.dates_of(plan, days, at=clock.now())
    assert first.in_the_way == (booking.number,)
    assert second.session

    actions.cancel_booking(booking=booking, by=booking.booked_by)
    assert actions.lay_out_sessions(at=clock.now()) == 1


def test_a_closed_day_has_no_session() -> None:
    plan = plan_for()
    day = clock.today() + timedelta(days=2)
    HoursException.objects.create(venue=plan.venue, on=day, reason="Holiday")

    laid_out = actions.set_session_plan(plan=plan, by=make.user())

    assert len(laid_out) == 1
    days = actions.sessions.plan_days(plan, today=clock.today())
    assert sessions.dates_of(plan, days, at=clock.now())[0].is_shut


def test_a_cancelled_date_does_not_come_back() -> None:
    session, _later = actions.set_session_plan(plan=plan_for(), by=make.user())
    actions.cancel_session(session=session, reason="The pump broke", by=make.user())

    assert actions.lay_out_sessions(at=clock.now()) == 0


def test_a_session_for_once_names_the_bookings_in_its_way() -> None:
    booking = make.confirmed()
    court = booking.lines.get().bookable

    with pytest.raises(UnitsTaken, match=booking.number):
        make.session(bookable=court)


# --- Tickets ----------------------------------------------------------------------


def test_places_are_held_until_they_are_paid() -> None:
    session = make.session(capacity=5)

    booking = make.tickets(session, places=3)

    session.refresh_from_db()
    assert (booking.state, booking.total_fen) == ("held", 60_00)
    assert session.taken == 3
    make.pay(booking)
    assert make.pass_of(booking).persons == 3


def test_the_entitled_booker_pays_less_and_the_companions_in_full() -> None:
    person = make.citizen()
    entitle(person)
    session = make.session()

    booking = make.tickets(session, places=3, by=person)

    assert booking.total_fen == 10_00 + 2 * 20_00
    assert booking.lines.get().quote == {
        "group": "student",
        "tickets": [
            {"places": 1, "fen": 10_00, "reduced": True},
            {"places": 2, "fen": 20_00, "reduced": False},
        ],
    }


def test_free_places_are_booked_at_once() -> None:
    booking = make.tickets(make.session(prices=Prices(0, 0)), places=2)

    assert booking.state == Booking.State.CONFIRMED
    assert make.pass_of(booking).persons == 2
    assert not Payment.objects.exists()


def test_another_price_than_the_one_shown_is_asked_again() -> None:
    with pytest.raises(PriceChanged, match="20"):
        make.tickets(make.session(), places=1, quoted_fen=1)


def test_the_same_request_is_the_same_booking() -> None:
    session, person, key = make.session(), make.citizen(), uuid4()

    first = make.tickets(session, by=person, request_key=key)
    again = make.tickets(session, by=person, request_key=key)

    session.refresh_from_db()
    assert first == again
    assert session.taken == 1


def test_no_more_places_than_there_are() -> None:
    session = make.session(capacity=4)
    make.tickets(session, places=3)

    with pytest.raises(SessionFull, match="1"):
        make.tickets(session, places=2)

    make.tickets(session, places=1)


def test_nobody_gathers_places_in_several_bookings() -> None:
    session, person = make.session(capacity=50), make.citizen()
    make.tickets(session, places=4, by=person)

    with pytest.raises(TooManyTickets):
        make.tickets(session, places=2, by=person)


def test_a_hold_that_ran_out_makes_way_for_the_next_person() -> None:
    session = make.session(capacity=2)
    lapsed = make.tickets(session, places=2)

    with time_machine.travel(
        make.end_of_hold(lapsed) + timedelta(seconds=1), tick=False
    ):
        make.tickets(session, places=1)

    session.refresh_from_db()
    lapsed.refresh_from_db()
    assert (session.taken, lapsed.state) == (1, Booking.State.EXPIRED)


def test_on_line_the_sale_ends_at_the_start_and_goes_on_at_the_window() -> None:
    session = make.session()

    with time_machine.travel(session.starts_at, tick=False):
        with pytest.raises(SessionBegun):
            make.tickets(session)
        make.tickets(session, channel=Booking.Channel.DESK)


def test_the_sale_begins_with_the_courts_of_the_day() -> None:
    day = clock.today() + timedelta(days=9)
    session = make.session(starts_at=clock.at(day, 18 * 60))

    with pytest.raises(SessionNotOpenYet):
        make.tickets(session)

    with time_machine.travel(clock.at(day - timedelta(days=7), 1), tick=False):
        make.tickets(session)


def test_giving_tickets_back_gives_their_places_back() -> None:
    session = make.session(capacity=3)
    booking = make.pay(make.tickets(session, places=3))

    actions.cancel_booking(booking=booking, by=booking.booked_by)

    session.refresh_from_db()
    assert session.taken == 0
    assert Refund.objects.get().amount_fen == 60_00


def late(booking: Booking, after: timedelta = timedelta(seconds=1)) -> Any:
    return time_machine.travel(make.end_of_hold(booking) + after, tick=False)


def test_late_money_takes_the_places_again() -> None:
    session = make.session(capacity=3)
    booking = make.tickets(session, places=3)

    with late(booking):
        actions.expire_holds(at=clock.now())
        session.refresh_from_db()
        assert session.taken == 0
        make.pay(booking)

    session.refresh_from_db()
    assert (booking.state, session.taken) == (Booking.State.CONFIRMED, 3)
    assert make.pass_of(booking).persons == 3


def test_late_money_goes_back_when_the_places_are_gone() -> None:
    session = make.session(capacity=3)
    booking = make.tickets(session, places=3)

    with late(booking):
        make.tickets(session, places=1)
        make.pay(booking)

    session.refresh_from_db()
    assert (booking.state, session.taken) == (Booking.State.EXPIRED, 1)
    assert Refund.objects.get().amount_fen == 60_00


def test_late_money_goes_back_when_the_session_is_called_off() -> None:
    session = make.session()
    booking = make.tickets(session)

    with late(booking):
        actions.expire_holds(at=clock.now())
        actions.cancel_session(session=session, reason="Storm", by=make.user())
        make.pay(booking)

    assert booking.state == Booking.State.EXPIRED
    assert Refund.objects.get().amount_fen == 20_00


# --- Calling off ------------------------------------------------------------------


def test_everybody_gets_everything_back_when_a_session_is_called_off() -> None:
    session = make.session()
    paid = make.pay(make.tickets(session, places=2))
    held = make.tickets(session)

    done = actions.cancel_session(session=session, reason="Storm", by=make.user())

    session.refresh_from_db()
    for booking in (paid, held):
        booking.refresh_from_db()
        assert (booking.state, booking.cancel_reason) == ("cancelled", "Storm")
    assert set(done) == {paid, held}
    assert session.taken == 0
    assert Refund.objects.get().amount_fen == 40_00
    assert not Occupancy.objects.exists()
    with pytest.raises(SessionCancelled):
        make.tickets(session)
    with pytest.raises(SessionCancelled):
        actions.cancel_session(session=session, reason="Storm", by=make.user())


def test_the_sweep_refunds_what_a_crash_left() -> None:
    session = make.session()
    booking = make.pay(make.tickets(session))
    Occupancy.objects.all().delete()
    OpenSession.objects.update(cancelled_at=clock.now())

    assert actions.finish_cancelled_sessions(at=clock.now()) == 1

    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED
    assert actions.finish_cancelled_sessions(at=clock.now()) == 0


def test_who_is_inside_keeps_the_ticket() -> None:
    session = make.session()
    booking = make.pay(make.tickets(session))
    with time_machine.travel(session.starts_at, tick=False):
        make.let_in(booking)
        done = actions.cancel_session(session=session, reason="Storm", by=make.user())
        assert actions.finish_cancelled_sessions(at=clock.now()) == 0

    assert done == []
    assert EntryPass.objects.get().state == EntryPass.State.USED
    with pytest.raises(AlreadyAdmitted):
        actions.call_off_booking(booking=booking, reason="Storm", by=None)


def test_a_capacity_is_never_below_what_is_taken() -> None:
    session = make.session(capacity=9)
    make.tickets(session, places=4)

    with pytest.raises(CapacityTooSmall, match="4"):
        actions.set_session_capacity(session=session, capacity=3, by=make.user())
    actions.set_session_capacity(session=session, capacity=4, by=make.user())

    with pytest.raises(SessionFull):
        make.tickets(session)
