from __future__ import annotations

import pytest

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
