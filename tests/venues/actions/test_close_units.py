from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from bureau.common import clock
from bureau.common.errors import ReasonMissing
from bureau.notices.models import Notice
from bureau.payments.actions import request_refund
from bureau.payments.models import Payment, Refund
from tests import make
from tests.promises import broken_promises
from venues import actions, queries
from venues.actions import closures
from venues.actions.calling_off import call_off_alike
from venues.errors.closures import AnnouncedLater, ClosureOver, PeriodTooLong
from venues.errors.slots import NothingPicked, SlotTaken
from venues.models import Block, Bookable, Booking, Occupancy, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


def close(venue: Venue, **given: object) -> Block:
    given.setdefault("units", list(venue.units.all()))
    given.setdefault("starts_at", make.tomorrow_at(8))
    given.setdefault("ends_at", make.tomorrow_at(22))
    given.setdefault("reason", "A pipe has burst")
    given.setdefault("by", make.user())
    return actions.close_units(venue=venue, **given)  # type: ignore[arg-type]


def close_through(venue: Venue, **given: object) -> Block:
    block = close(venue, **given)
    actions.work_through_closure(block=block)
    return block


def all_taken_by(block: Block) -> bool:
    """Whether the closure has every piece of its floor."""
    pieces = Occupancy.objects.filter(block=block)
    seconds = sum(
        (row.during.upper - row.during.lower).total_seconds() for row in pieces
    )
    whole = (block.ends_at - block.starts_at).total_seconds() * len(block.unit_ids)
    return bool(seconds == whole)


def test_everybody_gets_all_money_back_and_is_told(court: Bookable) -> None:
    booking = make.confirmed(court=court)

    block = close_through(court.venue)

    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED
    assert booking.cancel_reason == "A pipe has burst"
    assert Refund.objects.get().amount_fen == make.PRICE_FEN
    told = Notice.objects.get(kind="venues.booking_cancelled")
    assert told.recipient == booking.booked_by
    assert told.context["reason"] == "A pipe has burst"
    assert told.context["closed"]  # the text leads to three other times
    assert all_taken_by(block)


def test_nobody_books_into_a_hall_while_it_is_being_closed(court: Bookable) -> None:
    make.confirmed(court=court)

    close(court.venue)  # nothing has been called off yet

    with pytest.raises(SlotTaken):
        make.held(court=court, starts_at=make.tomorrow_at(12))


def test_what_is_given_back_beneath_a_closure_falls_to_it(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    block = close(court.venue)

    actions.cancel_booking(booking=booking, by=booking.booked_by)

    with pytest.raises(SlotTaken):
        make.held(court=court)
    assert all_taken_by(block)


def test_a_freed_time_is_not_offered_to_who_waits_beneath_a_closure(
    court: Bookable,
) -> None:
    make.confirmed(court=court)
    entry = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=make.tomorrow_at(18),
        by=make.citizen(),
    )

    block = close_through(court.venue)

    entry.refresh_from_db()
    assert entry.state == "waiting"
    actions.lift_block(block=block, by=make.user())
    entry.refresh_from_db()
    assert entry.state == "offered"


def test_only_the_touched_slots_of_a_booking_go() -> None:
    court = make.bookable()
    start = make.tomorrow_at(18)
    later = start + timedelta(days=1)
    booking = make.pay(
        actions.hold_slots(
            venue=court.venue,
            picks=[make.pick(court, start), make.pick(court, later)],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            by=make.citizen(),
        )
    )

    close_through(court.venue)

    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED
    assert booking.total_fen == make.PRICE_FEN
    assert booking.starts_at == later
    assert Refund.objects.get().amount_fen == make.PRICE_FEN


def test_the_full_price_comes_back_even_when_the_terms_would_keep_it() -> None:
    court = make.bookable(venue=make.venue(bands=()))
    make.confirmed(court=court)

    close_through(court.venue)

    assert Refund.objects.get().amount_fen == make.PRICE_FEN


def test_a_hold_is_dropped_and_its_payment_closed(court: Bookable) -> None:
    booking = make.held(court=court)

    block = close_through(court.venue)

    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED
    assert make.payment_of(booking).state == "closed"
    assert all_taken_by(block)


def test_late_money_for_a_closed_time_goes_back(court: Bookable) -> None:
    booking = make.held(court=court)
    with time_machine.travel(make.end_of_hold(booking), tick=False):
        block = close(court.venue)
        actions.expire_holds(at=clock.now())
        make.pay(booking)

    booking.refresh_from_db()
    assert booking.state != Booking.State.CONFIRMED
    assert Refund.objects.get().amount_fen == make.PRICE_FEN
    assert all_taken_by(block)


def test_a_change_to_a_closed_time_is_dropped(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    make.price(venue=court.venue, bookable=court, fen=60_00)
    away = make.tomorrow_at(18) + timedelta(days=1)
    line = booking.standing_lines[0]
    change = actions.change_booking(
        booking=booking,
        line_ids=[line.pk],
        picks=[make.pick(court, away)],
        quoted_fen=60_00,
        request_key=uuid4(),
        by=booking.booked_by,
    )

    block = close_through(
        court.venue,
        starts_at=away - timedelta(hours=1),
        ends_at=away + timedelta(hours=3),
    )

    change.refresh_from_db()
    booking.refresh_from_db()
    assert change.state == "dropped"
    assert booking.state == Booking.State.CONFIRMED
    assert all_taken_by(block)


def test_sessions_on_the_floor_are_called_off_and_refunded(court: Bookable) -> None:
    session = make.session(bookable=court)
    booking = make.pay(make.tickets(session, places=2))

    block = close_through(court.venue)

    session.refresh_from_db()
    booking.refresh_from_db()
    assert session.cancelled_at
    assert booking.state == Booking.State.CANCELLED
    assert Refund.objects.get().amount_fen == 40_00
    assert all_taken_by(block)


def test_other_free_times_are_named(court: Bookable) -> None:
    other = make.bookable(venue=court.venue)
    booking = make.confirmed(court=court)
    shut = list(court.venue.units.filter(parts__bookable=court))

    close_through(court.venue, units=shut)

    told = Notice.objects.get(kind="venues.booking_cancelled")
    start = booking.starts_at.astimezone(clock.CHINA)
    assert (
        f"{start:%Y-%m-%d %H:%M} {court.venue} {other.name}" in told.context["instead"]
    )
    assert told.context["instead"] in told.text("body")


def test_more_bookings_than_one_transaction_takes(
    court: Bookable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closures, "CHUNK", 3)
    for hour in range(9, 17):
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    make.held(court=court, starts_at=make.tomorrow_at(20))
    block = close(court.venue)

    done = [
        actions.work_through_closure(block=block, share=share, of=4)
        for share in range(4)
    ]

    assert sum(done) == 9
    assert Refund.objects.count() == 8
    assert all_taken_by(block)


def test_a_hall_that_opens_again_calls_nobody_else_off(
    court: Bookable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closures, "CHUNK", 1)
    for hour in (9, 10):
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    block = close(court.venue)
    by_staff = call_off_alike

    def then_it_is_lifted(**given: Any) -> set[int]:
        done = by_staff(**given)
        actions.lift_block(block=block, by=make.user())
        return done

    monkeypatch.setattr(closures, "call_off_alike", then_it_is_lifted)

    assert actions.work_through_closure(block=block) == 1
    assert Booking.objects.filter(state=Booking.State.CONFIRMED).count() == 1


def test_who_is_inside_keeps_the_slot_and_later_slots_go_back() -> None:
    court = make.bookable()
    start = make.tomorrow_at(18)
    later = start + timedelta(days=1)
    booking = make.pay(
        actions.hold_slots(
            venue=court.venue,
            picks=[make.pick(court, start), make.pick(court, later)],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            by=make.citizen(),
        )
    )
    with time_machine.travel(start + timedelta(minutes=5), tick=False):
        make.let_in(booking)
        block = close_through(
            court.venue,
            starts_at=clock.now(),
            ends_at=later + timedelta(hours=4),
            is_weather=True,
        )
        progress = queries.progress_of(block, at=clock.now())

    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED
    assert [line.starts_at for line in booking.standing_lines] == [start]
    assert Refund.objects.get().amount_fen == make.PRICE_FEN
    assert (progress.left, progress.inside) == (0, 1)


def test_other_courts_stay_open() -> None:
    venue = make.venue()
    shut, kept = make.bookable(venue=venue), make.bookable(venue=venue)
    booking = make.confirmed(court=kept)

    close_through(venue, units=list(shut.units.all()))

    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_a_whole_hall_goes_when_one_half_is_closed() -> None:
    half = make.unit()
    other = make.unit(venue=half.venue)
    hall = make.bookable(venue=half.venue, units=[half, other])
    booking = make.confirmed(court=hall)

    block = close_through(half.venue, units=[half])

    booking.refresh_from_db()
    assert booking.state == Booking.State.CANCELLED
    assert all_taken_by(block)
    assert not Occupancy.objects.filter(unit=other).exists()


def test_a_closure_goes_on_after_a_crash(court: Bookable) -> None:
    bookings = [
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
        for hour in (9, 10, 11)
    ]
    block = close(court.venue)
    actions.call_off_booking(  # so far it came
        booking=bookings[0], reason=block.reason, by=block.set_by, closed=True
    )
    assert queries.progress_of(block, at=clock.now()).left == 2

    assert actions.finish_closures(at=clock.now()) == 2
    assert actions.finish_closures(at=clock.now()) == 0

    assert queries.progress_of(block, at=clock.now()).is_done
    assert Refund.objects.count() == 3
    assert all_taken_by(block)


def test_a_second_closure_takes_over_when_the_first_is_lifted(court: Bookable) -> None:
    first = close(court.venue)
    second = close(court.venue, ends_at=make.tomorrow_at(23))

    actions.lift_block(block=first, by=make.user())

    assert all_taken_by(second)


def test_the_preview_says_what_the_closure_then_does(court: Bookable) -> None:
    make.confirmed(court=court)
    make.held(court=court, starts_at=make.tomorrow_at(12))
    session = make.session(bookable=make.bookable(venue=court.venue))
    make.pay(make.tickets(session, places=3))
    units = list(court.venue.units.values_list("pk", flat=True))

    seen = queries.preview_closure(
        unit_ids=units,
        starts_at=make.tomorrow_at(8),
        ends_at=make.tomorrow_at(22),
        at=clock.now(),
    )
    block = close(court.venue)
    done = actions.work_through_closure(block=block)

    assert (seen.bookings, seen.slots, seen.people) == (3, 2, 5)
    assert (seen.sessions, seen.unpaid) == (1, 1)
    assert seen.refund_fen == sum(Refund.objects.values_list("amount_fen", flat=True))
    assert done == seen.bookings


def test_less_than_seven_days_of_notice_is_late_save_for_the_weather(
    court: Bookable,
) -> None:
    def seen(days: int, *, is_weather: bool = False) -> tuple[int, bool]:
        start = make.tomorrow_at(8) + timedelta(days=days - 1)
        preview = queries.preview_closure(
            unit_ids=[],
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            is_weather=is_weather,
            at=clock.now(),
        )
        return preview.notice_days, preview.is_late

    assert seen(6) == (6, True)
    assert seen(7) == (7, False)
    assert seen(6, is_weather=True) == (6, False)


def test_a_preview_asks_the_same_for_one_booking_and_for_ten(
    django_assert_num_queries: object, court: Bookable
) -> None:
    def ask() -> None:
        queries.preview_closure(
            unit_ids=list(court.venue.units.values_list("pk", flat=True)),
            starts_at=make.tomorrow_at(8),
            ends_at=make.tomorrow_at(22),
            at=clock.now(),
        )

    make.confirmed(court=court)
    with django_assert_num_queries(5):  # type: ignore[operator]
        ask()
    for hour in range(9, 17):
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    with django_assert_num_queries(5):  # type: ignore[operator]
        ask()


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"units": []}, NothingPicked),
        ({"reason": "  "}, ReasonMissing),
        ({"ends_at": datetime(2020, 1, 2, tzinfo=clock.CHINA)}, PeriodTooLong),
        (
            {
                "starts_at": datetime(2020, 1, 1, tzinfo=clock.CHINA),
                "ends_at": datetime(2020, 1, 2, tzinfo=clock.CHINA),
            },
            ClosureOver,
        ),
        ({"announced_at": datetime(2100, 1, 1, tzinfo=clock.CHINA)}, AnnouncedLater),
    ],
)
def test_what_makes_no_sense_is_refused(
    court: Bookable, given: dict[str, object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        close(court.venue, **given)


def test_units_of_another_venue_are_refused(court: Bookable) -> None:
    with pytest.raises(NothingPicked):
        close(court.venue, units=[make.unit()])


def test_every_promise_holds_after_a_closure(court: Bookable) -> None:
    for hour in (9, 12, 15):
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    make.held(court=court, starts_at=make.tomorrow_at(20))
    close_through(court.venue)

    assert broken_promises() == []


def test_one_that_cannot_be_refunded_like_the_others_does_not_stop_them(
    court: Bookable,
) -> None:
    odd = make.confirmed(court=court, starts_at=make.tomorrow_at(9))
    others = [
        make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
        for hour in (10, 11)
    ]
    # A refund of another sum stands under the same key already.
    request_refund(
        payment=make.payment_of(odd), amount_fen=1, reason="x", by=None, key="cancel"
    )
    Payment.objects.filter(owner_id=odd.pk).update(refunded_fen=0)

    close_through(court.venue)

    for booking in others:
        booking.refresh_from_db()
        assert booking.state == Booking.State.CANCELLED
    odd.refresh_from_db()
    assert odd.state == Booking.State.CONFIRMED
