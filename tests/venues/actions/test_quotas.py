"""How much one person may book, whichever way they book it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from bureau.accounts.models import Eligibility, User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.db import lock_statement
from tests import make
from tests.at_once import at_once
from venues import actions
from venues.actions import Pick, bookings, quotas
from venues.actions import slots as floor_locks
from venues.errors.conduct import Banned
from venues.errors.rules import QuotaLimitsNothing
from venues.errors.slots import QuotaUsedUp
from venues.models import Ban, Bookable, Booking, Quota, Venue, WaitingEntry

pytestmark = pytest.mark.django_db

SUNDAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def sunday_noon() -> Any:
    with time_machine.travel(clock.at(SUNDAY, 720), tick=False):
        yield


def quota(venue: Venue | None, **given: Any) -> Quota:
    given.setdefault("per", "day")
    given.setdefault("most_minutes", None)
    given.setdefault("most_bookings", None)
    return actions.set_quota(venue=venue, by=make.user(), **given)


def at(days: int, hour: int) -> datetime:
    return clock.at(SUNDAY + timedelta(days=days), hour * 60)


def book(court: Bookable, person: User, *moments: datetime, **given: Any) -> Booking:
    """Book and pay, so that unpaid bookings do not get in the way."""
    booking = actions.hold_slots(
        venue=Venue.objects.get(pk=court.venue_id),
        picks=[Pick(court.pk, moment) for moment in moments],
        quoted_fen=make.PRICE_FEN * len(moments),
        request_key=uuid4(),
        by=person,
        **given,
    )
    return make.pay(booking)


def test_minutes_of_a_day_are_counted_to_the_last(citizen: User) -> None:
    court = make.bookable()
    quota(court.venue, most_minutes=120)
    book(court, citizen, at(1, 9))
    book(court, citizen, at(1, 10))

    with pytest.raises(QuotaUsedUp) as refusal:
        book(court, citizen, at(1, 11))
    assert "2 hours a day" in str(refusal.value)
    assert court.venue.name in str(refusal.value)
    book(court, citizen, at(2, 9))
    book(court, make.citizen(), at(1, 11))


def test_more_than_the_quota_in_one_booking_is_refused(citizen: User) -> None:
    court = make.bookable()
    quota(court.venue, most_minutes=60)

    with pytest.raises(QuotaUsedUp):
        book(court, citizen, at(1, 9), at(1, 10))


def test_bookings_are_counted_whatever_their_length(citizen: User) -> None:
    court = make.bookable()
    quota(court.venue, most_bookings=1)
    book(court, citizen, at(1, 9), at(1, 10), at(1, 11))

    with pytest.raises(QuotaUsedUp, match="1 booking a day"):
        book(court, citizen, at(1, 13))


@pytest.mark.parametrize(
    ("per", "last_inside", "first_outside"),
    [
        ("week", date(2026, 11, 29), date(2026, 11, 30)),  # Sunday, Monday
        ("month", date(2026, 11, 30), date(2026, 12, 1)),
    ],
)
def test_weeks_are_iso_and_months_the_calendars(
    citizen: User, per: str, last_inside: date, first_outside: date
) -> None:
    court = make.bookable(venue=make.venue(days_ahead=20))
    quota(court.venue, per=per, most_minutes=60)
    book(court, citizen, at(2, 9))

    with pytest.raises(QuotaUsedUp):
        book(court, citizen, clock.at(last_inside, 1200))
    book(court, citizen, clock.at(first_outside, 1200))


def test_a_night_counts_for_its_evening(citizen: User) -> None:
    venue = make.venue(opens=1080, closes=1560)
    make.price(venue=venue, starts=1440, ends=1560)
    court = make.bookable(venue=venue)
    quota(venue, most_minutes=120)
    book(court, citizen, at(1, 20))
    book(court, citizen, at(1, 25))  # 01:00 of the next day

    with pytest.raises(QuotaUsedUp):
        book(court, citizen, at(1, 22))
    book(court, citizen, at(2, 20))
    book(court, citizen, at(2, 22))


def test_a_quota_of_a_sport_counts_that_sport(citizen: User) -> None:
    court = make.bookable()
    tennis = make.bookable(venue=court.venue, sport="tennis")
    quota(court.venue, sport="badminton", most_minutes=60)
    book(court, citizen, at(1, 9))
    book(tennis, citizen, at(1, 10))

    with pytest.raises(QuotaUsedUp, match="Badminton"):
        book(court, citizen, at(1, 11))


def test_a_quota_of_the_city_counts_all_venues(citizen: User) -> None:
    here, there = make.bookable(), make.bookable()
    quota(None, most_minutes=60)
    book(here, citizen, at(1, 9))

    with pytest.raises(QuotaUsedUp, match="all venues"):
        book(there, citizen, at(1, 11))


def test_a_quota_of_a_venue_does_not_count_elsewhere(citizen: User) -> None:
    here, there = make.bookable(), make.bookable()
    quota(here.venue, most_minutes=60)
    book(there, citizen, at(1, 9))
    book(here, citizen, at(1, 9))

    with pytest.raises(QuotaUsedUp):
        book(here, citizen, at(1, 11))


def student(person: User) -> User:
    Eligibility.objects.create(
        user=person,
        kind="student",
        state="approved",
        expires_on=SUNDAY + timedelta(days=90),
        asked_at=clock.now(),
        decided_at=clock.now(),
    )
    return person


def test_the_quota_of_a_group_stands_in_place_of_everybodys(citizen: User) -> None:
    court = make.bookable()
    quota(court.venue, most_minutes=60)
    quota(court.venue, group="student", most_minutes=120)
    student(citizen)
    book(court, citizen, at(1, 9))
    book(court, citizen, at(1, 10))

    with pytest.raises(QuotaUsedUp):
        book(court, citizen, at(1, 11))
    stranger = make.citizen()
    book(court, stranger, at(1, 12))
    with pytest.raises(QuotaUsedUp):
        book(court, stranger, at(1, 13))


def test_what_is_booked_for_the_family_counts_for_who_books(citizen: User) -> None:
    child = make.dependant(citizen)
    court = make.bookable()
    quota(court.venue, most_minutes=60)
    book(court, citizen, at(1, 9), dependant=child)

    with pytest.raises(QuotaUsedUp):
        book(court, citizen, at(1, 11))


def test_what_was_given_up_or_not_paid_does_not_count(citizen: User) -> None:
    court = make.bookable()
    quota(court.venue, most_minutes=60)
    booking = book(court, citizen, at(1, 9))
    actions.cancel_booking(booking=booking, by=citizen)
    held = make.held(court=court, by=citizen, starts_at=at(1, 10))

    with pytest.raises(QuotaUsedUp):
        book(court, citizen, at(1, 11))
    with time_machine.travel(make.end_of_hold(held), tick=False):
        book(court, citizen, at(1, 11))


def test_what_was_booked_and_not_used_counts(citizen: User) -> None:
    court = make.bookable()
    quota(court.venue, per="week", most_minutes=60)
    booking = book(court, citizen, at(1, 9))
    Booking.objects.filter(pk=booking.pk).update(state="no_show")

    with pytest.raises(QuotaUsedUp):
        book(court, citizen, at(2, 11))


def test_a_change_may_not_go_beyond_the_quota(citizen: User) -> None:
    court = make.bookable()
    quota(court.venue, most_minutes=120)
    booking = book(court, citizen, at(1, 9), at(1, 10))
    first = booking.lines.order_by("starts_at")[0]

    def change(*moments: datetime) -> None:
        actions.change_booking(
            booking=booking,
            line_ids=[first.pk],
            picks=[Pick(court.pk, moment) for moment in moments],
            quoted_fen=make.PRICE_FEN * len(moments),
            request_key=uuid4(),
            by=citizen,
        )

    with pytest.raises(QuotaUsedUp):
        change(at(1, 13), at(1, 14))
    change(at(1, 13))
    assert booking.lines.filter(state="standing").count() == 2


def test_who_has_too_much_by_a_smaller_quota_may_still_move_it(citizen: User) -> None:
    court = make.bookable()
    booking = book(court, citizen, at(1, 9), at(1, 10))
    quota(court.venue, most_minutes=60, most_bookings=1)
    first = booking.lines.order_by("starts_at")[0]

    actions.change_booking(
        booking=booking,
        line_ids=[first.pk],
        picks=[Pick(court.pk, at(1, 13))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        by=citizen,
    )

    assert booking.lines.filter(state="standing", starts_at=at(1, 13)).exists()


def test_who_is_banned_may_move_but_not_add(citizen: User) -> None:
    court = make.bookable()
    booking = book(court, citizen, at(1, 9))
    ban(citizen)
    line = booking.lines.get()
    given: dict[str, Any] = {"booking": booking, "line_ids": [line.pk], "by": citizen}

    with pytest.raises(Banned):
        actions.change_booking(
            picks=[Pick(court.pk, at(1, 13)), Pick(court.pk, at(1, 14))],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            **given,
        )
    actions.change_booking(
        picks=[Pick(court.pk, at(1, 13))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        **given,
    )


def ban(person: User) -> None:
    Ban.objects.create(
        person=person,
        starts_at=clock.now(),
        ends_at=clock.now() + timedelta(days=30),
        points=3,
    )


def join(court: Bookable, person: User, moment: datetime) -> WaitingEntry:
    return actions.join_waiting_list(
        venue=Venue.objects.get(pk=court.venue_id),
        sport=court.sport,
        starts_at=moment,
        bookable=court,
        by=person,
    )


def test_the_line_is_closed_to_who_is_banned_or_has_enough(citizen: User) -> None:
    court, other = make.bookable(), make.bookable()
    book(court, make.citizen(), at(1, 9))
    quota(None, most_minutes=60)
    book(other, citizen, at(1, 12))

    with pytest.raises(QuotaUsedUp):
        join(court, citizen, at(1, 9))
    banned = make.citizen()
    ban(banned)
    with pytest.raises(Banned):
        join(court, banned, at(1, 9))


def test_an_offer_passes_over_who_has_enough_by_now(citizen: User) -> None:
    court, other = make.bookable(), make.bookable()
    quota(None, most_minutes=60)
    owner, second = make.citizen(), make.citizen()
    booking = book(court, owner, at(1, 9))
    first_in_line = join(court, citizen, at(1, 9))
    next_in_line = join(court, second, at(1, 9))
    book(other, citizen, at(1, 12))

    actions.cancel_booking(booking=booking, by=owner)

    first_in_line.refresh_from_db()
    next_in_line.refresh_from_db()
    assert (first_in_line.state, next_in_line.state) == ("waiting", "offered")


def test_an_offer_counts_from_the_moment_it_is_made(citizen: User) -> None:
    court, other = make.bookable(), make.bookable()
    quota(None, most_minutes=60)
    owner = make.citizen()
    booking = book(court, owner, at(1, 9))
    join(court, citizen, at(1, 9))
    actions.cancel_booking(booking=booking, by=owner)

    with pytest.raises(QuotaUsedUp):
        book(other, citizen, at(1, 12))


def test_a_quota_takes_the_place_of_the_one_before() -> None:
    venue = make.venue()
    quota(venue, most_minutes=60)
    changed = quota(venue, most_minutes=120)
    with pytest.raises(QuotaLimitsNothing):
        quota(venue)

    assert Quota.objects.get() == changed
    assert Entry.objects.filter(event="venues.quota.set").count() == 2
    actions.drop_quota(quota=changed, by=make.user())
    assert not Quota.objects.exists()


@pytest.mark.parametrize(("has_quota", "more"), [(False, 0), (True, 1)])
def test_a_quota_costs_one_question_and_none_where_there_is_none(
    citizen: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    *,
    has_quota: bool,
    more: int,
) -> None:
    court = make.bookable()
    if has_quota:
        quota(court.venue, most_minutes=60)
    venue = Venue.objects.get(pk=court.venue_id)
    slots = floor_locks.resolve_picks(venue, [Pick(court.pk, at(1, 9))], at=clock.now())
    quotas.refuse_over_quota(venue, slots, person=citizen, at=clock.now())

    with django_assert_num_queries(more):
        quotas.refuse_over_quota(venue, slots, person=citizen, at=clock.now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_guarded", [True, False])
def test_two_requests_at_once_share_one_quota(
    monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    """The control without the person's lock books both."""
    courts = [make.bookable() for _ in range(2)]
    quota(None, most_minutes=60)
    person = make.citizen()
    ready = Barrier(2, timeout=10)
    check = quotas.refuse_over_quota

    def check_then_wait(*args: Any, **given: Any) -> None:
        check(*args, **given)
        ready.wait()

    if not is_guarded:
        unlocked = lock_statement
        monkeypatch.setattr(
            floor_locks,
            "lock_statement",
            lambda keys: unlocked({key for key in keys if key[0] > 0}),
        )
        monkeypatch.setattr(bookings, "refuse_over_quota", check_then_wait)

    at_once(
        *[
            partial(make.held, court=court, by=person, starts_at=at(1, 9))
            for court in courts
        ]
    )

    assert Booking.objects.count() == (1 if is_guarded else 2)


def test_the_database_keeps_no_quota_without_a_limit() -> None:
    with pytest.raises(IntegrityError, match="venues_quota_limits_something"):
        Quota.objects.create(per=Quota.Period.DAY)
