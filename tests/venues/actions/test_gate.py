from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from bureau.common import clock, codes
from bureau.common.errors import DomainError
from tests import make
from venues import actions
from venues.errors.gate import (
    PassNeedsDigits,
    PassOfOtherVenue,
    PassOver,
    PassRevoked,
    PassStale,
    PassTooEarly,
    PassUsed,
    UnknownPass,
)
from venues.models import Admission, Booking, EntryPass

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking() -> Booking:
    return make.confirmed()


def shown(entry_pass: EntryPass) -> str:
    """What the QR code of a live pass says now."""
    step = codes.step_at(clock.now())
    proof = codes.proof_of(entry_pass.code, key=entry_pass.key, step=step)
    return f"https://sport.example/p/{entry_pass.code}?k={proof}"


def test_a_live_code_at_the_right_gate_is_let_in_once(booking: Booking) -> None:
    with time_machine.travel(booking.starts_at, tick=False):
        entry_pass = actions.check_pass(
            text=shown(make.pass_of(booking)), venue=booking.venue
        )
        actions.admit(entry_pass=entry_pass, venue=booking.venue, by=make.user())

        with pytest.raises(PassUsed, match=clock.at_text(booking.starts_at)):
            actions.check_pass(text=shown(entry_pass), venue=booking.venue)

    assert Admission.objects.get().entry_pass == entry_pass


def test_code_and_digits_can_be_typed(booking: Booking) -> None:
    entry_pass = make.pass_of(booking)
    with time_machine.travel(booking.starts_at, tick=False):
        digits = codes.digits_of(
            entry_pass.code, key=entry_pass.key, step=codes.step_at(clock.now())
        )
        typed = f"{codes.grouped(entry_pass.code).lower()} {digits}"

        assert actions.check_pass(text=typed, venue=booking.venue) == entry_pass


@pytest.mark.parametrize(("age", "refused"), [(30, False), (60, True), (3600, True)])
def test_a_screenshot_dies_within_a_minute(
    booking: Booking, age: int, *, refused: bool
) -> None:
    entry_pass = make.pass_of(booking)
    with time_machine.travel(booking.starts_at, tick=False) as traveller:
        picture = shown(entry_pass)
        traveller.shift(timedelta(seconds=age))
        if refused:
            with pytest.raises(PassStale):
                actions.check_pass(text=picture, venue=booking.venue)
        else:
            actions.check_pass(text=picture, venue=booking.venue)


def test_the_code_alone_is_not_enough(booking: Booking) -> None:
    with pytest.raises(PassNeedsDigits):
        actions.check_pass(text=make.pass_of(booking).code, venue=booking.venue)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "https://sport.example/v/ABCDEFGH1234?k=ABCDEFGH12", "ZZZZ" * 3],
)
def test_anything_else_is_unknown(booking: Booking, text: str) -> None:
    with pytest.raises(UnknownPass):
        actions.check_pass(text=text, venue=booking.venue)


def test_another_venue_sends_the_person_on(booking: Booking) -> None:
    with (
        time_machine.travel(booking.starts_at, tick=False),
        pytest.raises(PassOfOtherVenue, match=booking.venue.name),
    ):
        actions.check_pass(text=shown(make.pass_of(booking)), venue=make.venue())


def test_a_cancelled_booking_is_refused(booking: Booking) -> None:
    actions.cancel_booking(booking=booking, by=booking.booked_by)

    with pytest.raises(PassRevoked):
        actions.check_pass(text=shown(make.pass_of(booking)), venue=booking.venue)


@pytest.mark.parametrize(
    ("minutes", "refusal"),
    [(-31, PassTooEarly), (-30, None), (59, None), (60, PassOver)],
)
def test_the_gate_opens_half_an_hour_before_and_closes_at_the_end(
    booking: Booking, minutes: int, refusal: type[DomainError] | None
) -> None:
    moment = booking.starts_at + timedelta(minutes=minutes)
    with time_machine.travel(moment, tick=False):
        text = shown(make.pass_of(booking))
        if refusal:
            with pytest.raises(refusal):
                actions.check_pass(text=text, venue=booking.venue)
        else:
            actions.check_pass(text=text, venue=booking.venue)
