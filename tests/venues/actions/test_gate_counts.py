from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock, codes
from tests import make
from tests.at_once import at_once, outcomes
from venues import actions
from venues.errors.gate import (
    NobodyInside,
    PassLeft,
    PassNeedsDigits,
    PassNotInside,
    PassUsed,
    VenueFull,
)
from venues.models import Admission, Booking, Crossing, EntryPass, Venue
from venues.queries.gate import crossings_by_hour, inside_at, morning_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking() -> Booking:
    return make.confirmed()


@pytest.fixture
def keeper(booking: Booking) -> User:
    return make.gatekeeper(booking.venue)


def shown(booking: Booking) -> str:
    entry_pass = make.pass_of(booking)
    step = codes.step_at(clock.now())
    proof = codes.proof_of(entry_pass.code, key=entry_pass.key, step=step)
    return f"https://sport.example/p/{entry_pass.code}?k={proof}"


def count(venue: Venue, by: User, *, direction: str = "in", **given: object) -> object:
    return actions.count_people(
        venue=venue,
        direction=Crossing.Direction(direction),
        persons=given.pop("persons", 1),  # type: ignore[arg-type]
        by=by,
        request_key=given.pop("request_key", uuid4()),  # type: ignore[arg-type]
        **given,  # type: ignore[arg-type]
    )


def test_who_is_let_in_is_counted_with_their_door_and_group(
    booking: Booking, keeper: User
) -> None:
    door = booking.venue.gates.create(name="East door")
    with time_machine.travel(booking.starts_at, tick=False):
        done, is_new = actions.let_in(
            text=shown(booking), venue=booking.venue, by=keeper, gate=door
        )
        crowd = inside_at(booking.venue, clock.now())

    assert is_new
    crossing = Crossing.objects.get()
    assert crossing.admission == done
    assert (crossing.gate, crossing.group, crossing.persons) == (door, "", 1)
    assert crowd.inside == 1


def test_a_code_read_twice_within_seconds_is_one_admission(
    booking: Booking, keeper: User
) -> None:
    with time_machine.travel(booking.starts_at, tick=False) as now:
        first, _ = actions.let_in(text=shown(booking), venue=booking.venue, by=keeper)
        now.shift(8)
        again, is_new = actions.let_in(
            text=shown(booking), venue=booking.venue, by=keeper
        )
        assert (again, is_new) == (first, False)
        now.shift(3)
        with pytest.raises(PassUsed):
            actions.let_in(text=shown(booking), venue=booking.venue, by=keeper)
    assert Admission.objects.count() == 1


def test_a_pass_counts_out_once_and_only_whom_it_let_in(
    booking: Booking, keeper: User
) -> None:
    venue, code = booking.venue, make.pass_of(booking).code
    with time_machine.travel(booking.starts_at, tick=False) as now:
        with pytest.raises(PassNotInside):
            actions.let_out(text=code, venue=venue, by=keeper)
        actions.let_in(text=shown(booking), venue=venue, by=keeper)
        now.shift(600)
        left = actions.let_out(text=code, venue=venue, by=keeper)
        assert actions.let_out(text=code, venue=venue, by=keeper) == left
        now.shift(60)
        with pytest.raises(PassLeft):
            actions.let_out(text=code, venue=venue, by=keeper)
        assert inside_at(venue, clock.now()).inside == 0


def test_people_without_a_pass_are_counted_by_hand_once_a_tap(
    booking: Booking, keeper: User
) -> None:
    venue, key = booking.venue, uuid4()
    for _ in range(2):
        count(venue, keeper, persons=12, group="minor", request_key=key)
    assert inside_at(venue, clock.now()).inside == 12
    count(venue, keeper, direction="out", persons=2)
    with pytest.raises(NobodyInside):
        count(venue, keeper, direction="out", persons=11)
    assert inside_at(venue, clock.now()).inside == 10


def test_a_full_house_refuses_until_staff_say_why(
    booking: Booking, keeper: User
) -> None:
    venue = booking.venue
    venue.most_inside = 10
    venue.save()
    with time_machine.travel(booking.starts_at, tick=False):
        count(venue, keeper, persons=8)
        assert not inside_at(venue, clock.now()).is_nearly_full
        count(venue, keeper)
        assert inside_at(venue, clock.now()).is_nearly_full
        count(venue, keeper)
        assert inside_at(venue, clock.now()).is_full
        with pytest.raises(VenueFull, match="10 of at most 10"):
            count(venue, keeper)
        with pytest.raises(VenueFull):
            actions.let_in(text=shown(booking), venue=venue, by=keeper)
        assert make.pass_of(booking).state == EntryPass.State.VALID  # still good
        actions.admit(
            entry_pass=make.pass_of(booking),
            venue=venue,
            by=keeper,
            over_limit_because="A parent of a child inside",
        )
    told = Entry.objects.get(event="venues.gate.over_limit")
    assert told.detail["reason"] == "A parent of a child inside"


def test_the_count_begins_anew_in_the_morning_not_at_midnight(
    booking: Booking, keeper: User
) -> None:
    evening = clock.at(clock.today() + timedelta(days=1), 23 * 60)
    with time_machine.travel(evening, tick=False) as now:
        count(booking.venue, keeper, persons=3)
        now.shift(3 * 3600)
        assert inside_at(booking.venue, clock.now()).inside == 3
        count(booking.venue, keeper, direction="out")
        on = clock.local_day(morning_of(clock.now()))
        hours = crossings_by_hour(booking.venue, on)
        assert [(hour.came, hour.left) for hour in hours] == [(3, 0), (0, 1)]
        now.shift(3 * 3600)
        assert inside_at(booking.venue, clock.now()).inside == 0


def test_a_printed_pass_needs_no_digits_but_a_look_at_the_name(
    booking: Booking, keeper: User
) -> None:
    code = make.pass_of(booking).code
    with time_machine.travel(booking.starts_at, tick=False):
        with pytest.raises(PassNeedsDigits):
            actions.check_pass(text=code, venue=booking.venue)
        actions.print_pass(booking=booking, by=keeper)
        assert actions.check_pass(text=code, venue=booking.venue).is_on_paper
        done, _ = actions.let_in(text=code, venue=booking.venue, by=keeper)
        assert isinstance(done, EntryPass)
        assert not Admission.objects.exists()
        actions.admit(entry_pass=done, venue=booking.venue, by=keeper)
        with pytest.raises(PassUsed):
            actions.check_pass(text=code, venue=booking.venue)


def test_the_key_of_a_day_proves_that_day_only() -> None:
    key, code = codes.new_key(), codes.new_code()
    late = clock.at(clock.today(), 24 * 60) - timedelta(seconds=1)
    step = codes.step_at(late)
    assert codes.day_of(step) == clock.today()
    tomorrow = codes.day_of(step + 1)
    assert tomorrow == clock.today() + timedelta(days=1)
    assert codes.day_key(key, clock.today()) != codes.day_key(key, tomorrow)
    # A code shown just before midnight is good just after it.
    proof = codes.proof_of(code, key=key, step=step)
    assert codes.is_live(code, proof, key=key, at=late + timedelta(seconds=20))


@pytest.mark.django_db(transaction=True)
def test_fifty_gates_let_one_pass_in_once() -> None:
    booking = make.confirmed()
    keeper = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at, tick=False):
        text = shown(booking)

        def one_gate() -> None:
            checked = actions.check_pass(text=text, venue=booking.venue)
            actions.admit(entry_pass=checked, venue=booking.venue, by=keeper)

        assert outcomes(at_once(*[one_gate] * 50))["done"] == 1
    assert Admission.objects.count() == 1
    assert Crossing.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_gates_at_once_let_no_more_in_than_are_allowed() -> None:
    venue = make.venue(most_inside=10)
    keeper = make.gatekeeper(venue)

    answers = at_once(*[partial(count, venue, keeper)] * 24)

    assert outcomes(answers) == {"done": 10, VenueFull.code: 14}
    assert inside_at(venue, clock.now()).inside == 10


@pytest.mark.django_db(transaction=True)
def test_without_its_lock_the_limit_does_not_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: it is the lock that keeps the house from overfilling."""
    venue = make.venue(most_inside=10)
    keeper = make.gatekeeper(venue)
    monkeypatch.setattr("venues.actions.gate._lock_crowd", lambda _venue: None)

    for _attempt in range(20):
        Crossing.objects.all().delete()
        at_once(*[partial(count, venue, keeper)] * 24)
        if inside_at(venue, clock.now()).inside > 10:
            return
    pytest.fail("the race was not seen without the lock")
