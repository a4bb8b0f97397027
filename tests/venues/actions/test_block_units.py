from __future__ import annotations

import pytest

from tests import make
from venues import actions
from venues.errors.closures import BlockAlreadyLifted, PeriodTooLong, UnitsTaken
from venues.errors.slots import SlotTaken
from venues.models import Block, Bookable, Occupancy

pytestmark = pytest.mark.django_db


def block(court: Bookable, *, hours: tuple[int, int] = (8, 22)) -> Block:
    return actions.block_units(
        venue=court.venue,
        units=list(court.units.all()),
        starts_at=make.tomorrow_at(hours[0]),
        ends_at=make.tomorrow_at(hours[1]),
        reason="New floor",
        by=make.user(),
    )


def test_nobody_can_book_a_blocked_court() -> None:
    court = make.bookable()
    block(court)

    with pytest.raises(SlotTaken):
        make.held(court=court)


def test_bookings_in_the_way_are_named_and_stay() -> None:
    court = make.bookable()
    booking = make.confirmed(court=court)

    with pytest.raises(UnitsTaken, match=booking.number):
        block(court)

    assert Occupancy.objects.get().kind == Occupancy.Kind.BOOKING
    assert not Block.objects.exists()


def test_a_lifted_block_gives_the_court_back_once() -> None:
    court = make.bookable()
    blocked = block(court)

    actions.lift_block(block=blocked, by=make.user())
    make.held(court=court)

    with pytest.raises(BlockAlreadyLifted):
        actions.lift_block(block=blocked, by=make.user())


def test_two_blocks_do_not_overlap() -> None:
    court = make.bookable()
    block(court)

    with pytest.raises(SlotTaken):
        block(court, hours=(21, 23))


def test_a_block_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(PeriodTooLong):
        block(make.bookable(), hours=(22, 8))
