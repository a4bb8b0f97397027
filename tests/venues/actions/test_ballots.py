"""Prime time is drawn: kept out of the rush, handed out once, the others in line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts.errors import IdentityNeeded
from bureau.accounts.models import User
from bureau.common import clock
from bureau.draws import actions as draws
from bureau.draws.actions import BeaconName
from bureau.draws.models import DrawEntry
from bureau.notices.models import Notice
from tests import make
from tests.at_once import at_once
from tests.draws import make as make_draws
from tests.promises import broken_promises
from venues import actions, queries
from venues.actions import BallotTimes, Pick, ballots, floor
from venues.errors.ballots import (
    AlreadyInBallot,
    BallotBackwards,
    BallotHandedOut,
    BallotNotOpen,
    BallotOver,
    BallotTwice,
    NotInBallot,
)
from venues.errors.conduct import Banned
from venues.errors.slots import SlotNotOffered, SlotTaken
from venues.models import (
    Ballot,
    BallotRequest,
    Ban,
    Bookable,
    Booking,
    Occupancy,
    Venue,
    WaitingEntry,
)

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 11, 23)
DRAWN_DAY = date(2026, 11, 28)
BEACONS = [BeaconName("fc-kl8", "2026320"), BeaconName("fc-3d", "2026320")]


def at(days: int, hour: int) -> datetime:
    return clock.at(MONDAY + timedelta(days=days), hour * 60)


TIMES = BallotTimes(at(0, 8), at(1, 18), at(1, 21), at(2, 20))


@pytest.fixture(autouse=True)
def monday_nine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The queue is away: tests hand out by themselves."""
    monkeypatch.setattr(ballots, "after_commit", lambda *_args, **_kwargs: None)
    with time_machine.travel(at(0, 9), tick=False):
        yield


def evening(court: Bookable, hour: int = 19) -> datetime:
    return clock.at(DRAWN_DAY, hour * 60)


def plan(
    courts: Sequence[Bookable], *, hours: Sequence[int] = (19,), **given: Any
) -> Ballot:
    given.setdefault("times", TIMES)
    given.setdefault("on", DRAWN_DAY)
    given.setdefault("sport", courts[0].sport)
    given.setdefault("beacons", BEACONS)
    given.setdefault("by", make.user())
    return actions.plan_ballot(
        venue=Venue.objects.get(pk=courts[0].venue_id),
        picks=[
            Pick(court.pk, evening(court, hour)) for court in courts for hour in hours
        ],
        **given,
    )


def two_courts(**given: Any) -> list[Bookable]:
    venue = make.venue(**given)
    return [make.bookable(venue=venue, position=place) for place in range(2)]


def ask(ballot: Ballot, by: User | None = None, hour: int = 19) -> BallotRequest:
    return actions.request_in_ballot(
        ballot=ballot,
        starts_at=clock.at(DRAWN_DAY, hour * 60),
        by=by or make.verified(),
    )


def draw(ballot: Ballot) -> None:
    """The whole draw, as the sweeps do it; nothing is handed out yet."""
    assert ballot.draw
    made = make_draws.freeze(ballot.draw)
    make_draws.read(made)
    make_draws.run(made)


def hand_out(ballot: Ballot) -> Ballot:
    with time_machine.travel(at(1, 22), tick=False):
        return actions.hand_out_ballot(ballot=ballot)


def ranked(ballot: Ballot) -> list[BallotRequest]:
    return list(ballot.requests.select_related("entry").order_by("entry__rank"))


# --- Planning ---------------------------------------------------------------------


def test_what_is_drawn_cannot_be_booked(citizen: User) -> None:
    courts = two_courts()
    ballot = plan(courts)
    assert ballot.state == "open"
    assert broken_promises(of="venues.") == []
    with pytest.raises(SlotTaken), time_machine.travel(at(1, 9)):
        make.held(court=courts[0], starts_at=evening(courts[0]), by=citizen)
    assert ballot.draw
    assert [(pool.prefix, pool.quota) for pool in ballot.draw.pools.all()] == [
        ("T1900", 2)
    ]


def test_a_taken_time_cannot_be_drawn() -> None:
    courts = two_courts()
    make.confirmed(court=courts[1], starts_at=evening(courts[1]))
    with pytest.raises(SlotTaken):
        plan(courts)
    assert not Ballot.objects.exists()


def test_a_day_and_sport_has_one_ballot() -> None:
    courts = two_courts()
    plan(courts[:1])
    with pytest.raises(BallotTwice):
        plan(courts[1:])


@pytest.mark.parametrize(
    "times",
    [
        BallotTimes(at(1, 18), at(0, 10), at(1, 21), at(2, 20)),
        BallotTimes(at(0, 8), at(0, 8), at(1, 21), at(2, 20)),
        BallotTimes(at(0, 8), at(1, 18), at(1, 21), at(5, 20)),
    ],
)
def test_the_steps_of_a_ballot_are_in_order(times: BallotTimes) -> None:
    with pytest.raises(BallotBackwards):
        plan(two_courts(), times=times)


def test_courts_of_another_day_or_sport_are_refused() -> None:
    with pytest.raises(SlotNotOffered):
        plan(two_courts(), on=DRAWN_DAY - timedelta(days=1))


# --- Requests ---------------------------------------------------------------------


def test_a_thousand_requests_of_one_weigh_as_one() -> None:
    ballot = plan(two_courts())
    one = make.verified()
    assert {ask(ballot, one).pk for _n in range(5)} == {ballot.requests.get().pk}
    assert DrawEntry.objects.get().person == one


def test_another_wish_needs_the_first_one_taken_back() -> None:
    ballot = plan(two_courts(), hours=(19, 20))
    one = make.verified()
    ask(ballot, one)
    with pytest.raises(AlreadyInBallot):
        ask(ballot, one, hour=20)
    actions.withdraw_from_ballot(ballot=ballot, by=one)
    assert ask(ballot, one, hour=20).entry.pool.prefix == "T2000"
    actions.withdraw_from_ballot(ballot=ballot, by=one)
    with pytest.raises(NotInBallot):
        actions.withdraw_from_ballot(ballot=ballot, by=one)
    assert not DrawEntry.objects.exists()


def test_only_verified_people_who_are_not_banned_may_ask(citizen: User) -> None:
    ballot = plan(two_courts())
    with pytest.raises(IdentityNeeded):
        ask(ballot, citizen)
    banned = make.verified()
    Ban.objects.create(person=banned, starts_at=at(0, 0), ends_at=at(20, 0), points=3)
    with pytest.raises(Banned):
        ask(ballot, banned)


def test_requests_have_their_time() -> None:
    ballot = plan(two_courts(), times=BallotTimes(at(0, 12), *TIMES_AFTER))
    assert ballot.state == "planned"
    with pytest.raises(BallotNotOpen):
        ask(ballot)
    with time_machine.travel(at(0, 12), tick=False):
        ask(ballot)
        actions.advance_ballots(at=clock.now())
        ballot.refresh_from_db()
        assert ballot.state == "open"
    with time_machine.travel(at(1, 18), tick=False):
        with pytest.raises(BallotOver):
            ask(ballot)
        actions.advance_ballots(at=clock.now())
        ballot.refresh_from_db()
        assert ballot.state == "closed"


TIMES_AFTER = (TIMES.closes_at, TIMES.draws_at, TIMES.pay_until)


# --- Handing out ------------------------------------------------------------------


def test_winners_hold_courts_in_order_and_losers_stand_in_line() -> None:
    courts = two_courts()
    ballot = plan(courts)
    for _n in range(5):
        ask(ballot)
    draw(ballot)
    ballot = hand_out(ballot)

    assert ballot.state == "drawn"
    order = ranked(ballot)
    slots = ballot.slots.order_by("bookable__position")
    assert [slot.booking and slot.booking.booked_by for slot in slots] == [
        request.person for request in order[:2]
    ]
    booking = slots[0].booking
    assert booking
    assert (booking.state, booking.channel, booking.hold_until) == (
        "held",
        "ballot",
        TIMES.pay_until,
    )
    line = WaitingEntry.objects.order_by("turn")
    assert [entry.person for entry in line] == [r.person for r in order[2:]]
    kinds = Notice.objects.filter(kind__startswith="venues.ballot")
    assert sorted(kinds.values_list("kind", flat=True)) == [
        "venues.ballot_lost",
        "venues.ballot_lost",
        "venues.ballot_lost",
        "venues.ballot_won",
        "venues.ballot_won",
    ]
    assert broken_promises(of="venues.") == []


def test_an_unpaid_win_goes_to_the_best_of_the_others() -> None:
    ballot = plan(two_courts())
    for _n in range(4):
        ask(ballot)
    draw(ballot)
    hand_out(ballot)
    with time_machine.travel(TIMES.pay_until, tick=False):
        actions.expire_holds(at=clock.now())
    third = ranked(ballot)[2]
    offer = Booking.objects.get(booked_by=third.person)
    assert (offer.channel, offer.state) == ("offer", "held")


def test_a_paid_win_is_booked() -> None:
    ballot = plan(two_courts())
    one = make.verified()
    ask(ballot, one)
    draw(ballot)
    hand_out(ballot)
    with time_machine.travel(at(1, 23), tick=False):
        assert make.pay(Booking.objects.get(booked_by=one)).state == "confirmed"
    assert broken_promises(of="venues.") == []


def test_what_nobody_asked_for_is_open_to_everybody(citizen: User) -> None:
    courts = two_courts()
    ballot = plan(courts)
    ask(ballot)
    draw(ballot)
    hand_out(ballot)
    with time_machine.travel(at(2, 9), tick=False):
        booking = make.held(court=courts[1], starts_at=evening(courts[1]), by=citizen)
    assert booking.state == "held"


def test_a_ballot_without_requests_opens_all_of_it() -> None:
    ballot = plan(two_courts(), hours=(19, 20))
    draw(ballot)
    assert hand_out(ballot).state == "drawn"
    assert not Occupancy.objects.exists()
    assert not Booking.objects.exists()


def test_handing_out_twice_is_once() -> None:
    ballot = plan(two_courts())
    for _n in range(3):
        ask(ballot)
    draw(ballot)
    hand_out(ballot)
    hand_out(ballot)
    assert (Booking.objects.count(), WaitingEntry.objects.count()) == (2, 1)
    assert Notice.objects.filter(kind="venues.ballot_won").count() == 2


def test_nothing_is_handed_out_before_the_draw() -> None:
    ballot = plan(two_courts())
    ask(ballot)
    assert hand_out(ballot).state == "open"
    assert not Booking.objects.exists()


def test_who_was_banned_since_is_passed_over() -> None:
    ballot = plan(two_courts())
    one, other = make.verified(), make.verified()
    ask(ballot, one)
    ask(ballot, other)
    draw(ballot)
    Ban.objects.create(person=one, starts_at=at(0, 0), ends_at=at(20, 0), points=3)
    hand_out(ballot)
    assert Booking.objects.get().booked_by == other
    assert (
        Notice.objects.filter(kind="venues.ballot_passed_over").get().recipient == one
    )
    assert broken_promises(of="venues.ballot") == []


def test_a_late_draw_leaves_winners_time_to_pay() -> None:
    ballot = plan(two_courts())
    ask(ballot)
    draw(ballot)
    with time_machine.travel(at(4, 12), tick=False):
        actions.hand_out_ballot(ballot=ballot)
    booking = Booking.objects.select_related("venue").get()
    assert booking.hold_until == at(4, 12) + timedelta(
        minutes=booking.venue.offer_minutes
    )


class KilledError(Exception):
    pass


def test_killed_in_the_middle_the_sweep_finishes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stop at any write of the second start leaves the first one as it is."""
    ballot = plan(two_courts(), hours=(19, 20))
    for hour in (19, 19, 19, 20, 20, 20):
        ask(ballot, hour=hour)
    draw(ballot)
    real = floor.open_booking
    calls: list[int] = []

    def dies_at_the_fourth(**given: Any) -> Booking:
        calls.append(1)
        if len(calls) == 4:
            raise KilledError
        return real(**given)

    monkeypatch.setattr(ballots, "open_booking", dies_at_the_fourth)
    with pytest.raises(KilledError):
        hand_out(ballot)
    assert Booking.objects.count() == 2
    assert WaitingEntry.objects.count() == 1
    ballot.refresh_from_db()
    assert ballot.state != "drawn"

    with time_machine.travel(at(1, 22), tick=False):
        actions.advance_ballots(at=clock.now())
    ballot.refresh_from_db()
    assert ballot.state == "drawn"
    assert (Booking.objects.count(), WaitingEntry.objects.count()) == (4, 2)
    assert broken_promises(of="venues.") == []


# --- Calling off ------------------------------------------------------------------


def test_called_off_the_times_are_free_and_people_are_told(citizen: User) -> None:
    courts = two_courts()
    ballot = plan(courts)
    asked = ask(ballot)
    actions.call_off_ballot(ballot=ballot, reason="Burst pipe", by=make.user())
    ballot.refresh_from_db()
    assert ballot.state == "called_off"
    assert ballot.draw
    assert ballot.draw.void_reason == "Burst pipe"
    told = Notice.objects.get(kind="venues.ballot_called_off")
    assert told.recipient == asked.person
    make.held(court=courts[0], starts_at=evening(courts[0]), by=citizen)
    with pytest.raises(BallotOver):
        actions.call_off_ballot(ballot=ballot, reason="Again", by=make.user())
    with pytest.raises(BallotOver):
        ask(ballot)
    assert plan(courts[1:]).state == "open"  # another one may take its place


def test_a_void_draw_ends_its_ballot() -> None:
    ballot = plan(two_courts())
    assert ballot.draw
    draws.void_draw(draw=ballot.draw, reason="Issue cancelled", by=make.user())
    ballot.refresh_from_db()
    assert ballot.state == "called_off"


def test_what_was_handed_out_cannot_be_voided() -> None:
    ballot = plan(two_courts())
    ask(ballot)
    draw(ballot)
    ballot = hand_out(ballot)
    assert ballot.draw
    with pytest.raises(BallotHandedOut):
        draws.void_draw(draw=ballot.draw, reason="Too late", by=make.user())
    ballot.draw.refresh_from_db()
    assert ballot.draw.state == "drawn"


def test_ones_own_data_tells_of_ballots() -> None:
    ballot = plan(two_courts())
    asked = ask(ballot)
    (told,) = queries.ballot_data_of(asked.person)
    assert told["entry"] == asked.entry.entry_id
    actions.withdraw_from_all(asked.person)
    assert queries.ballot_data_of(asked.person) == []


# --- Races ------------------------------------------------------------------------


def race_to_hand_out(ballot: Ballot) -> tuple[int, int, int]:
    at_once(*[lambda: actions.hand_out_ballot(ballot=ballot, at=at(1, 22))] * 4)
    return (
        Booking.objects.count(),
        WaitingEntry.objects.count(),
        Notice.objects.filter(kind="venues.ballot_lost").count(),
    )


@pytest.mark.django_db(transaction=True)
def test_four_workers_hand_out_once() -> None:
    ballot = plan(two_courts(), hours=(19, 20))
    for hour in (19, 19, 19, 20, 20, 20):
        ask(ballot, hour=hour)
    draw(ballot)
    assert race_to_hand_out(ballot) == (4, 2, 2)
    assert broken_promises(of="venues.") == []


@pytest.mark.django_db(transaction=True)
def test_without_its_mark_a_start_is_handed_out_more_than_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: losers would be told once per worker."""
    ballot = plan(two_courts())
    for _n in range(3):
        ask(ballot)
    draw(ballot)
    monkeypatch.setattr(ballots, "_let_go", lambda _ballot, _slots: True)
    _bookings, _line, told = race_to_hand_out(ballot)
    assert told > 1


@pytest.mark.django_db(transaction=True)
def test_many_requests_of_one_at_once_are_one() -> None:
    ballot = plan(two_courts())
    one = make.verified()
    made = at_once(*[lambda: ask(ballot, one).pk] * 6)
    assert len(set(made)) == 1
    assert DrawEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_calling_off_and_asking_at_once_end_somehow_but_whole() -> None:
    ballot = plan(two_courts())
    people = [make.verified() for _n in range(4)]
    boss = make.user()
    works: list[Any] = [lambda who=who: ask(ballot, who).pk for who in people]
    works.append(
        lambda: actions.call_off_ballot(ballot=ballot, reason="Flood", by=boss)
    )
    at_once(*works)
    ballot.refresh_from_db()
    assert ballot.state == "called_off"
    assert not Occupancy.objects.filter(kind="ballot").exists()


def test_a_win_that_waits_for_its_payment_is_no_hoarded_court() -> None:
    """Who won may still hold two courts of their own."""
    ballot = plan(two_courts())
    one = make.verified()
    ask(ballot, one)
    draw(ballot)
    hand_out(ballot)
    with time_machine.travel(at(1, 23), tick=False):
        for _n in range(2):
            assert make.held(by=one, starts_at=at(3, 18)).state == "held"


def test_the_draw_queues_the_handing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[Any] = []
    monkeypatch.setattr(ballots, "after_commit", lambda _task, **of: queued.append(of))
    ballot = plan(two_courts())
    draw(ballot)
    assert queued == [{"ballot_id": ballot.pk}]
