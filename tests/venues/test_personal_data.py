from __future__ import annotations

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common.personal_data import Holder, holders
from tests import make
from venues import actions

pytestmark = pytest.mark.django_db


def holder() -> Holder:
    return next(holder for holder in holders() if holder.name == "venues")


def test_a_person_takes_away_a_copy_of_their_own_bookings(
    citizen: User, stranger: User
) -> None:
    booking = make.confirmed(by=citizen)
    make.confirmed(by=stranger)
    (copy,) = holder().export(citizen)
    assert copy["number"] == booking.number
    assert copy["state"] == "confirmed"
    assert copy["slots"][0]["price_fen"] == make.PRICE_FEN


def test_a_booking_that_is_still_ahead_keeps_the_account(citizen: User) -> None:
    booking = make.confirmed(by=citizen)
    assert [booking.number in reason for reason in holder().objections(citizen)] == [
        True
    ]
    actions.cancel_booking(booking=booking, by=citizen)
    assert list(holder().objections(citizen)) == []


def test_places_in_line_are_part_of_the_copy_and_are_left_with_the_account(
    citizen: User,
) -> None:
    taken = make.confirmed()
    entry = actions.join_waiting_list(
        venue=taken.venue,
        sport=taken.lines.get().bookable.sport,
        starts_at=taken.starts_at,
        by=citizen,
    )
    lines = next(one for one in holders() if one.name == "venues.waiting")
    (copy,) = lines.export(citizen)
    assert (copy["venue"], copy["court"]) == (taken.venue.name, None)
    lines.erase(citizen)
    entry.refresh_from_db()
    assert entry.state == "left"


def test_comings_and_goings_are_part_of_the_copy_and_cash_is_collected_first(
    citizen: User,
) -> None:
    booking = make.confirmed(by=citizen)
    keeper = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at, tick=False):
        actions.admit(entry_pass=make.pass_of(booking), venue=booking.venue, by=keeper)
    gate = next(one for one in holders() if one.name == "venues.gate")
    (copy,) = gate.export(citizen)
    assert (copy["venue"], copy["way"]) == (booking.venue.name, "in")

    cash = make.held(by=citizen, court=make.bookable(venue=booking.venue))
    actions.take_cash_for(booking=cash, by=keeper)
    assert list(gate.objections(citizen)) == []
    actions.cancel_booking(booking=cash, by=citizen)
    assert len(list(gate.objections(citizen))) == 1
