"""A hall closes whose prime time was to be drawn, or has been."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from bureau.common import clock
from bureau.draws.models import Draw
from bureau.notices.models import Notice
from bureau.payments.models import Refund
from tests import make
from tests.promises import broken_promises
from tests.venues.actions.test_ballots import (
    ask,
    at,
    draw,
    evening,
    hand_out,
    monday_nine,  # noqa: F401 - a fixture, for every test here
    plan,
    ranked,
    two_courts,
)
from venues import actions, queries
from venues.models import Ballot, Block, Bookable, Booking, Occupancy, WaitingEntry

pytestmark = pytest.mark.django_db


def close(court: Bookable) -> Block:
    """Close one court in the evening that is drawn, and work it through."""
    block = actions.close_units(
        venue=court.venue,
        units=list(court.venue.units.filter(parts__bookable=court)),
        starts_at=evening(court, 18),
        ends_at=evening(court, 22),
        reason="The floor is wet",
        by=make.user(),
    )
    actions.work_through_closure(block=block)
    return block


def is_all_closed(block: Block) -> bool:
    seconds = sum(
        (row.during.upper - row.during.lower).total_seconds()
        for row in Occupancy.objects.filter(block=block)
    )
    return bool(seconds == (block.ends_at - block.starts_at).total_seconds())


def test_a_ballot_that_is_not_drawn_is_called_off() -> None:
    shut, other = two_courts()
    ballot = plan([shut, other])
    requests = [ask(ballot) for _n in range(3)]
    seen = queries.preview_closure(
        unit_ids=[unit.pk for unit in shut.venue.units.filter(parts__bookable=shut)],
        starts_at=evening(shut, 18),
        ends_at=evening(shut, 22),
        at=clock.now(),
    )

    block = close(shut)

    assert seen.ballots == (ballot.number,)
    ballot.refresh_from_db()
    assert ballot.state == Ballot.State.CALLED_OFF
    assert ballot.draw
    assert ballot.draw.state == Draw.State.VOID
    assert ballot.draw.void_reason == "The floor is wet"
    told = Notice.objects.filter(kind="venues.ballot_called_off")
    assert {notice.recipient_id for notice in told} == {
        request.person_id for request in requests
    }
    assert {notice.context["reason"] for notice in told} == {"The floor is wet"}
    assert is_all_closed(block)
    make.held(court=other, starts_at=evening(other))  # open to everybody
    assert queries.progress_of(block, at=clock.now()).is_done
    assert broken_promises() == []


def test_a_closure_twice_calls_a_ballot_off_once() -> None:
    shut, other = two_courts()
    ballot = plan([shut, other])
    ask(ballot)

    block = close(shut)
    actions.work_through_closure(block=block)

    assert Notice.objects.filter(kind="venues.ballot_called_off").count() == 1


def test_a_ballot_elsewhere_goes_on() -> None:
    shut, other = two_courts()
    ballot = plan([other])

    close(shut)

    ballot.refresh_from_db()
    assert ballot.state == Ballot.State.OPEN


def test_who_won_and_paid_gets_the_money_back() -> None:
    shut, other = two_courts()
    ballot = plan([shut, other])
    for _n in range(3):
        ask(ballot)
    draw(ballot)
    hand_out(ballot)
    with time_machine.travel(at(1, 23), tick=False):
        won = Booking.objects.get(lines__bookable=shut)
        make.pay(won)
        block = close(shut)

        won.refresh_from_db()
        assert won.state == Booking.State.CANCELLED
        assert Refund.objects.get().amount_fen == won.total_fen
        assert Booking.objects.get(lines__bookable=other).state == "held"
        ballot.refresh_from_db()
        assert ballot.state == Ballot.State.DRAWN
        assert is_all_closed(block)
        assert queries.progress_of(block, at=clock.now()).is_done
        assert broken_promises() == []


def test_who_won_and_has_not_paid_is_asked_no_more() -> None:
    shut, _other = courts = two_courts()
    ballot = plan(courts)
    ask(ballot)
    draw(ballot)
    hand_out(ballot)
    with time_machine.travel(at(1, 23), tick=False):
        close(shut)

    won = Booking.objects.get(lines__bookable=shut)
    assert won.state == Booking.State.CANCELLED
    assert make.payment_of(won).state == "closed"


def test_drawn_but_not_handed_out_the_best_get_what_is_left() -> None:
    shut, other = two_courts()
    ballot = plan([shut, other])
    for _n in range(3):
        ask(ballot)
    draw(ballot)
    with time_machine.travel(at(1, 22), tick=False):
        block = close(shut)

    first, second, third = ranked(ballot)
    booking = Booking.objects.get()
    assert booking.booked_by == first.person
    assert [line.bookable for line in booking.lines.all()] == [other]
    told = Notice.objects.get(kind="venues.ballot_passed_over")
    assert told.recipient == second.person
    assert WaitingEntry.objects.get().person == third.person
    ballot.refresh_from_db()
    assert ballot.state == Ballot.State.DRAWN
    assert is_all_closed(block)


def test_the_promise_tells_of_a_ballot_that_a_closure_forgot() -> None:
    shut, other = two_courts()
    plan([shut, other])
    block = close(other)
    Block.objects.filter(pk=block.pk).update(
        unit_ids=list(shut.venue.units.values_list("pk", flat=True)),
        created_at=block.created_at - timedelta(days=400),
    )
    plan([shut])

    assert "venues.closure.no_ballot_gives_its_courts" in broken_promises()
