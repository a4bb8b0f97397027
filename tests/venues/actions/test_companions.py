from __future__ import annotations

from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock, codes
from bureau.notices.models import Notice
from tests import make
from tests.at_once import at_once
from tests.promises import broken_promises
from venues import actions, queries
from venues.actions import companions as companions_module
from venues.actions.gate import admit, check_pass
from venues.errors.companions import (
    InviteUnknown,
    NotAlong,
    NotShareable,
    OwnInvite,
    PartyFull,
    PartyTooLarge,
    TooLateForCompanions,
)
from venues.errors.gate import AlreadyAdmitted, PassRevoked
from venues.models import (
    Booking,
    BookingLine,
    Companion,
    EntryPass,
    Occupancy,
    OpenSession,
    Venue,
)
from venues.querysets import period

pytestmark = pytest.mark.django_db


def shared(**given: Any) -> Booking:
    """A paid booking of a court for four, with an invite link."""
    booking = make.confirmed(**given)
    return actions.make_invite(booking=booking, by=booking.booked_by)


def join(booking: Booking, by: User | None = None) -> Companion:
    return actions.join_booking(code=booking.invite_code or "", by=by or make.citizen())


def two_courts(party_size: int = 2) -> Booking:
    """A paid booking of two courts at the same time, with an invite link."""
    venue = make.venue()
    courts = [make.bookable(venue=venue, party_size=party_size) for _ in range(2)]
    booking = actions.hold_slots(
        venue=venue,
        picks=[make.pick(court, make.tomorrow_at(18)) for court in courts],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=make.citizen(),
    )
    make.pay(booking)
    return actions.make_invite(booking=booking, by=booking.booked_by)


def ticket_booking(places: int) -> Booking:
    """A free booking of an open session, as the ticket page would leave it behind."""
    court = make.bookable()
    starts_at = make.tomorrow_at(18)
    session = OpenSession.objects.create(
        venue=court.venue,
        bookable=court,
        name="Free play",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        capacity=20,
        taken=places,
    )
    Occupancy.objects.create(
        unit_id=court.parts.get().unit_id,
        during=period(session.starts_at, session.ends_at),
        kind=Occupancy.Kind.SESSION,
        session=session,
    )
    booking = Booking.objects.create(
        venue=court.venue,
        booked_by=make.citizen(),
        state=Booking.State.CONFIRMED,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        total_fen=0,
        created_at=clock.now(),
    )
    BookingLine.objects.create(
        booking=booking,
        bookable=court,
        session=session,
        places=places,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        price_fen=0,
    )
    EntryPass.objects.create(booking=booking, issued_at=clock.now(), persons=places)
    return actions.make_invite(booking=booking, by=booking.booked_by)


def kinds_told(user: User) -> list[str]:
    return list(
        Notice.objects.filter(recipient=user)
        .order_by("pk")
        .values_list("kind", flat=True)
    )


def live_pass(companion: Companion) -> EntryPass:
    return EntryPass.objects.live().get(companion=companion)


# --- Joining --------------------------------------------------------------------------


def test_whoever_has_the_link_joins_and_has_a_pass_of_their_own(
    citizen: User, stranger: User
) -> None:
    booking = shared(by=citizen)
    companion = join(booking, stranger)
    assert live_pass(companion).code != make.pass_of(booking).code
    assert "venues.companion_joined" in kinds_told(citizen)
    assert Entry.objects.filter(event="venues.companion.joined").count() == 1
    assert broken_promises(of="venues.") == []


def test_to_join_twice_is_to_join_once(stranger: User) -> None:
    booking = shared()
    assert join(booking, stranger) == join(booking, stranger)
    assert EntryPass.objects.filter(companion__user=stranger).count() == 1


def test_a_code_is_read_as_people_type_it(stranger: User) -> None:
    booking = shared()
    typed = codes.grouped(booking.invite_code or "").lower()
    assert actions.join_booking(code=typed, by=stranger).booking == booking


def test_the_booker_needs_no_invitation(citizen: User) -> None:
    with pytest.raises(OwnInvite):
        join(shared(by=citizen), citizen)


def test_a_renewed_link_shuts_the_old_one_and_keeps_who_joined(stranger: User) -> None:
    booking = shared()
    companion = join(booking)
    renewed = actions.make_invite(booking=booking, by=booking.booked_by)
    assert renewed.invite_code != booking.invite_code
    with pytest.raises(InviteUnknown):
        join(booking, stranger)
    assert join(renewed, stranger).booking == booking
    assert live_pass(companion).state == EntryPass.State.VALID


def test_a_withdrawn_link_lets_nobody_join(stranger: User) -> None:
    booking = shared()
    actions.withdraw_invite(booking=booking, by=booking.booked_by)
    actions.withdraw_invite(booking=booking, by=booking.booked_by)
    with pytest.raises(InviteUnknown):
        join(booking, stranger)
    assert Entry.objects.filter(event="venues.booking.invite_withdrawn").count() == 1


def test_a_court_for_four_takes_three_along() -> None:
    booking = shared()
    for _ in range(3):
        join(booking)
    with pytest.raises(PartyFull):
        join(booking)


def test_a_court_counts_once_however_many_hours_it_is_booked_for() -> None:
    court = make.bookable(party_size=3)
    booking = actions.hold_slots(
        venue=court.venue,
        picks=[make.pick(court, make.tomorrow_at(hour)) for hour in (18, 19)],
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=make.citizen(),
    )
    assert queries.party_of(booking).most == 2


def test_two_courts_have_room_for_two_parties() -> None:
    assert queries.party_of(two_courts(party_size=4)).most == 7


def test_one_can_join_until_the_venue_says_so(stranger: User) -> None:
    court = make.bookable(venue=make.venue(companion_minutes=45))
    booking = shared(court=court)
    until = booking.starts_at - timedelta(minutes=45)
    with time_machine.travel(until, tick=False), pytest.raises(TooLateForCompanions):
        join(booking, stranger)
    with time_machine.travel(until - timedelta(seconds=1), tick=False):
        assert join(booking, stranger).user == stranger


def test_an_unpaid_booking_cannot_be_shared(citizen: User) -> None:
    with pytest.raises(NotShareable):
        actions.make_invite(booking=make.held(by=citizen), by=citizen)


def test_nobody_joins_a_cancelled_booking(stranger: User) -> None:
    booking = shared()
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    with pytest.raises(NotShareable):
        join(booking, stranger)


# --- Leaving --------------------------------------------------------------------------


def test_who_leaves_has_no_pass_and_can_come_back(stranger: User) -> None:
    booking = shared()
    companion = join(booking, stranger)
    actions.leave_booking(companion=companion, by=stranger)
    assert not EntryPass.objects.live().filter(companion__user=stranger).exists()
    with pytest.raises(NotAlong):
        actions.leave_booking(companion=companion, by=stranger)
    again = join(booking, stranger)
    assert again != companion
    assert live_pass(again).state == EntryPass.State.VALID
    assert broken_promises(of="venues.") == []


def test_the_booker_takes_a_place_back(stranger: User) -> None:
    booking = shared()
    companion = join(booking, stranger)
    ticket = live_pass(companion)
    actions.remove_companion(companion=companion, by=booking.booked_by)
    ticket.refresh_from_db()
    assert ticket.state == EntryPass.State.REVOKED
    assert kinds_told(stranger) == ["venues.companion_removed"]
    assert queries.party_of(booking).left == 3


def test_who_has_come_in_is_there() -> None:
    booking = shared()
    companion = join(booking)
    guard = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at - timedelta(minutes=5)):
        admit(entry_pass=live_pass(companion), venue=booking.venue, by=guard)
        with pytest.raises(AlreadyAdmitted):
            actions.leave_booking(companion=companion, by=companion.user)


def test_the_pass_of_who_plays_along_opens_the_gate_like_the_bookers() -> None:
    booking = shared()
    ticket = live_pass(join(booking))
    guard = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at, tick=False):
        step = codes.step_at(clock.now())
        digits = codes.digits_of(ticket.code, key=ticket.key, step=step)
        read = check_pass(text=f"{ticket.code} {digits}", venue=booking.venue)
        assert read == ticket
        admit(entry_pass=read, venue=booking.venue, by=guard)
        mine = make.pass_of(booking)
        assert mine.state == EntryPass.State.VALID
        admit(entry_pass=mine, venue=booking.venue, by=guard)
    assert broken_promises(of="venues.") == []


# --- What becomes of the booking ------------------------------------------------------


def test_a_cancelled_booking_voids_every_pass_and_tells_everybody(
    stranger: User,
) -> None:
    booking = shared()
    ticket = live_pass(join(booking, stranger))
    actions.cancel_booking(booking=booking, by=booking.booked_by)
    assert not EntryPass.objects.live().filter(booking=booking).exists()
    assert kinds_told(stranger) == ["venues.shared_cancelled"]
    guard = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at), pytest.raises(PassRevoked):
        admit(entry_pass=ticket, venue=booking.venue, by=guard)
    assert broken_promises(of="venues.") == []


def test_another_time_keeps_the_passes(stranger: User) -> None:
    booking = shared()
    ticket = live_pass(join(booking, stranger))
    line = booking.lines.get()
    actions.change_booking(
        booking=booking,
        line_ids=[line.pk],
        picks=[make.pick(line.bookable, make.tomorrow_at(20))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        by=booking.booked_by,
    )
    ticket.refresh_from_db()
    assert ticket.state == EntryPass.State.VALID
    assert kinds_told(stranger) == ["venues.shared_changed"]
    assert broken_promises(of="venues.") == []


def test_a_part_is_not_given_back_below_those_who_joined() -> None:
    booking = two_courts(party_size=2)
    for _ in range(3):
        join(booking)
    line = booking.lines.order_by("pk")[0]
    with pytest.raises(PartyTooLarge):
        actions.cancel_booking(
            booking=booking, by=booking.booked_by, line_ids=[line.pk]
        )
    line.refresh_from_db()
    assert line.state == BookingLine.State.STANDING
    for companion in Companion.objects.along().in_order()[1:]:
        actions.remove_companion(companion=companion, by=booking.booked_by)
    actions.cancel_booking(booking=booking, by=booking.booked_by, line_ids=[line.pk])
    assert queries.party_of(booking).left == 0
    assert broken_promises(of="venues.") == []


def test_a_change_to_fewer_courts_is_refused_below_those_who_joined() -> None:
    booking = two_courts(party_size=2)
    for _ in range(3):
        join(booking)
    lines = list(booking.lines.order_by("pk"))
    with pytest.raises(PartyTooLarge):
        actions.change_booking(
            booking=booking,
            line_ids=[line.pk for line in lines],
            picks=[make.pick(lines[0].bookable, make.tomorrow_at(20))],
            quoted_fen=make.PRICE_FEN,
            request_key=uuid4(),
            by=booking.booked_by,
        )
    assert booking.changes.count() == 0


def test_while_a_change_waits_for_money_only_as_many_join_as_fit_both_ways() -> None:
    venue = make.venue()
    big = make.bookable(venue=venue, party_size=4)
    small = make.bookable(venue=venue, party_size=2)
    make.price(venue=venue, fen=make.PRICE_FEN * 2, bookable=small)
    booking = shared(court=big)
    change = actions.change_booking(
        booking=booking,
        line_ids=[booking.lines.get().pk],
        picks=[make.pick(small, make.tomorrow_at(20))],
        quoted_fen=make.PRICE_FEN * 2,
        request_key=uuid4(),
        by=booking.booked_by,
    )
    assert queries.party_of(booking).most == 1
    actions.drop_change(change=change, by=booking.booked_by)
    assert queries.party_of(booking).most == 3


def test_a_closed_court_sends_who_joined_last_home() -> None:
    booking = two_courts(party_size=2)
    first, *later = [join(booking) for _ in range(3)]
    line = booking.lines.order_by("pk")[0]
    actions.call_off_booking(
        booking=booking, reason="Rain", by=None, line_ids=[line.pk]
    )
    assert list(Companion.objects.along()) == [first]
    assert kinds_told(later[0].user)[-1] == "venues.companion_removed"
    assert broken_promises(of="venues.") == []


# --- Tickets --------------------------------------------------------------------------


def test_a_ticket_goes_over_to_who_joins_and_comes_back() -> None:
    booking = ticket_booking(places=3)
    assert queries.party_of(booking).most == 2
    companion = join(booking)
    assert make.pass_of(booking).persons == 2
    assert broken_promises(of="venues.") == []
    actions.leave_booking(companion=companion, by=companion.user)
    assert make.pass_of(booking).persons == 3
    join(booking)
    join(booking)
    with pytest.raises(PartyFull):
        join(booking)
    assert make.pass_of(booking).persons == 1
    assert broken_promises(of="venues.") == []


def test_who_came_in_with_all_tickets_gives_none_away() -> None:
    court_opens_early = timedelta(minutes=40)
    booking = ticket_booking(places=2)
    Venue.objects.filter(pk=booking.venue_id).update(entry_minutes=60)
    booking.venue.refresh_from_db()
    guard = make.gatekeeper(booking.venue)
    with time_machine.travel(booking.starts_at - court_opens_early):
        admit(entry_pass=make.pass_of(booking), venue=booking.venue, by=guard)
        with pytest.raises(AlreadyAdmitted):
            join(booking)
    assert not Companion.objects.exists()


# --- Races ----------------------------------------------------------------------------


def rush_for_the_last_place() -> list[Any]:
    booking = shared(court=make.bookable(party_size=2))
    people = [make.citizen() for _ in range(6)]
    return at_once(*[partial(join, booking, person) for person in people])


@pytest.mark.django_db(transaction=True)
def test_the_last_place_has_one_winner() -> None:
    results = rush_for_the_last_place()
    assert sum(isinstance(result, Companion) for result in results) == 1
    assert sum(isinstance(result, PartyFull) for result in results) == 5
    assert broken_promises(of="venues.") == []


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_last_place_is_given_away_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: it shows that the guard of the test above matters."""
    counted = Barrier(6, timeout=10)
    party_of = queries.party_of

    def count_together(booking: Booking) -> queries.Party:
        party = party_of(booking)
        counted.wait()
        return party

    monkeypatch.setattr(
        companions_module,
        "lock_booking",
        lambda booking: Booking.objects.select_related("venue", "booked_by").get(
            pk=booking.pk
        ),
    )
    monkeypatch.setattr(companions_module, "party_of", count_together)
    results = rush_for_the_last_place()
    assert sum(isinstance(result, Companion) for result in results) > 1


@pytest.mark.django_db(transaction=True)
def test_joining_and_giving_a_court_back_never_leave_too_many() -> None:
    for _ in range(4):
        booking = two_courts(party_size=2)
        join(booking)
        line = booking.lines.order_by("pk")[0]
        at_once(
            partial(join, booking, make.citizen()),
            partial(
                actions.cancel_booking,
                booking=booking,
                by=booking.booked_by,
                line_ids=[line.pk],
            ),
        )
        party = queries.party_of(booking)
        assert party.along <= party.most
    assert broken_promises(of="venues.") == []


@pytest.mark.django_db(transaction=True)
def test_leaving_and_being_let_in_at_once_is_one_of_both() -> None:
    for _ in range(4):
        booking = shared()
        companion = join(booking)
        guard = make.gatekeeper(booking.venue)
        with time_machine.travel(booking.starts_at - timedelta(minutes=5)):
            at_once(
                partial(actions.leave_booking, companion=companion, by=companion.user),
                partial(
                    admit,
                    entry_pass=live_pass(companion),
                    venue=booking.venue,
                    by=guard,
                ),
            )
    assert broken_promises(of="venues.") == []
