"""Seasons of clubs against everybody else. Real transactions, real threads, real locks.

The guard is the same as for all floor: sorted locks, a look behind them, and the
constraint. One more lock makes those who go on with the same season take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from threading import Event
from time import sleep
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments.models import Payment, Refund
from tests import make
from tests.at_once import at_once, outcomes
from tests.concurrency.test_hold_slots import (
    behind_a_shut_door,
    door,
    no_constraint,
    slow_insert,
)
from tests.promises import broken_promises
from tests.venues.actions import test_seasons as clubs
from venues import actions
from venues.actions import clubs as club_actions
from venues.actions import invoices, season_bookings, slots
from venues.models import (
    Bookable,
    Booking,
    Club,
    Invoice,
    SeasonRequest,
    SkippedDate,
)

__all__ = ["door", "no_constraint", "slow_insert"]
pytestmark = pytest.mark.django_db(transaction=True)

EVE = clock.at(date(2026, 11, 30), 9 * 60)
WANTED_AT = clock.at(date(2026, 12, 1), 19 * 60)
DATES = 5


@pytest.fixture(autouse=True)
def the_eve() -> Iterator[None]:
    with time_machine.travel(EVE, tick=False):
        yield


def proposed(court: Bookable) -> SeasonRequest:
    with time_machine.travel(clock.at(clubs.TODAY, 9 * 60), tick=False):
        opened = clubs.season(court.venue)
        request = clubs.ask(opened, clubs.club(), court)
    clubs.propose(opened)
    return request


def approve(request: SeasonRequest) -> Any:
    return actions.approve_request(request=request, by=make.user())


def on_the_court() -> int:
    return Booking.objects.filter(
        state__in=["held", "confirmed"], starts_at=WANTED_AT
    ).count()


def race_for_the_first_date(court: Bookable) -> list[Any]:
    request = proposed(court)
    people = [make.citizen() for _ in range(3)]
    return at_once(
        partial(approve, request),
        *[
            partial(make.held, court=court, starts_at=WANTED_AT, by=person)
            for person in people
        ],
    )


@pytest.mark.usefixtures("slow_insert")
def test_a_season_and_citizens_want_one_court_and_one_of_them_has_it() -> None:
    answers = race_for_the_first_date(make.bookable())

    assert on_the_court() == 1
    citizens = outcomes(answers[1:])
    skipped = SkippedDate.objects.count()
    assert citizens["done"] + (1 - skipped) == 1
    assert isinstance(answers[0], Invoice)
    assert answers[0].bookings.count() == DATES - skipped
    assert broken_promises(of="venues.") == []


@pytest.mark.usefixtures("door", "no_constraint")
def test_control_without_the_guard_the_court_is_sold_more_than_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "lock_statement", lambda _: ("SELECT 1", []))
    monkeypatch.setattr(season_bookings, "lock_floor", lambda _wanted: None)

    behind_a_shut_door(partial(race_for_the_first_date, make.bookable()))

    assert on_the_court() > 1


def test_two_who_approve_at_once_approve_once() -> None:
    request = proposed(make.bookable())

    answers = at_once(*[partial(approve, request)] * 3)

    assert outcomes(answers) == {"done": 1, "request_moved_on": 2}
    assert Invoice.objects.get().bookings.count() == DATES
    assert broken_promises(of="venues.") == []


def left_by_a_crash(court: Bookable) -> SeasonRequest:
    """Decided, and not one date of it is booked."""
    request = proposed(court)
    season_bookings._decide(request, by=make.user(), at=EVE)
    return request


@pytest.mark.usefixtures("slow_insert")
def test_workers_that_go_on_with_one_season_do_the_work_of_one() -> None:
    request = left_by_a_crash(make.bookable())

    at_once(*[partial(actions.book_season, request=request, at=EVE)] * 3)

    invoice = Invoice.objects.get()
    assert (invoice.state, invoice.bookings.count()) == ("open", DATES)
    assert invoice.total_fen == DATES * 2 * make.PRICE_FEN
    assert not SkippedDate.objects.exists()
    assert broken_promises(of="venues.") == []


@pytest.mark.usefixtures("slow_insert")
def test_control_without_their_lock_the_workers_get_into_each_others_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(season_bookings, "lock_invoice_money", lambda _invoice: [])
    monkeypatch.setattr(season_bookings, "lock_floor", lambda _wanted: None)
    unlocked = Club.objects.select_related("contact")
    monkeypatch.setattr(season_bookings, "lock_club", lambda pk: unlocked.get(pk=pk))
    request = left_by_a_crash(make.bookable())
    work = [partial(actions.book_season, request=request, at=EVE)] * 3

    with pytest.raises(IntegrityError, match="venues_booking_one_per_request"):
        at_once(*work)


def test_money_and_a_date_given_back_at_once_end_with_the_right_sum() -> None:
    invoice = approve(proposed(make.bookable()))
    payment = actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
    going = list(invoice.bookings.order_by("starts_at")[1:4])

    answers = at_once(
        partial(make.settle, payment),
        *[
            partial(actions.cancel_booking, booking=one, by=one.booked_by)
            for one in going
        ],
    )

    assert outcomes(answers) == {"done": 4}
    invoice.refresh_from_db()
    assert invoice.total_fen == 2 * 2 * make.PRICE_FEN
    # Paid in full and partly paid back; or closed first, and the late money came back.
    kept = sum(one.amount_fen - one.refunded_fen for one in Payment.objects.all())
    assert invoice.state == "paid"
    assert kept == invoice.total_fen
    assert sum(Refund.objects.values_list("amount_fen", flat=True)) == (
        3 * 2 * make.PRICE_FEN
    )
    assert broken_promises(of="venues.") == []


def test_a_card_and_a_transfer_at_once_pay_once() -> None:
    invoice = approve(proposed(make.bookable()))
    payment = actions.pay_invoice(invoice=invoice, by=invoice.club.contact)

    at_once(
        partial(make.settle, payment),
        partial(
            actions.note_transfer,
            invoice=invoice,
            reference="A1",
            paid_on=clock.local_day(EVE),
            by=make.user(),
        ),
    )

    assert Invoice.objects.get().state == "paid"
    assert broken_promises(of="venues.") == []


def test_who_pays_on_two_devices_is_asked_for_one_payment() -> None:
    invoice = approve(proposed(make.bookable()))
    contact = invoice.club.contact

    answers = at_once(*[partial(actions.pay_invoice, invoice=invoice, by=contact)] * 4)

    assert len(set(answers)) == 1
    assert Payment.objects.for_owner(invoice).count() == 1


def test_control_without_the_invoices_lock_two_can_lower_it_past_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A read without its row's lock, and one of two sums is lost."""
    invoice = approve(proposed(make.bookable()))
    going = list(invoice.bookings.order_by("starts_at")[1:5])

    def dawdle(pk: int) -> Invoice:
        found = Invoice.objects.select_related(
            "club__contact", "request__season__venue"
        ).get(pk=pk)
        sleep(0.2)
        return found

    monkeypatch.setattr(invoices, "_lock", dawdle)
    monkeypatch.setattr("venues.actions.money.lock_invoice_money", lambda _pk: [])

    at_once(
        *[
            partial(actions.call_off_booking, booking=one, reason="Rain", by=None)
            for one in going
        ]
    )

    assert "venues.invoice.total_is_its_slots_and_what_is_kept" in broken_promises()


# --- Reminders --------------------------------------------------------------------


def test_many_workers_remind_a_club_once() -> None:
    invoice = approve(proposed(make.bookable()))
    at = clock.at(invoice.due_on, 9 * 60)

    told = at_once(*[partial(actions.remind_of_invoices, at=at)] * 6)

    assert sum(told) == 1
    assert clubs.kinds(invoice.club.contact).count("venues.invoice_due_soon") == 1


def test_control_without_the_mark_every_worker_reminds() -> None:
    """As if its mark were taken off before each looked."""
    invoice = approve(proposed(make.bookable()))
    at = clock.at(invoice.due_on, 9 * 60)

    def forgetful() -> int:
        Invoice.objects.update(reminded_at=None)
        return actions.remind_of_invoices(at=at)

    assert sum(forgetful() for _worker in range(3)) == 3


# --- Another contact --------------------------------------------------------------


def hand_over(request: SeasonRequest, to: User) -> Any:
    return actions.hand_over_club(
        club=request.club, contact=to, reason="Moved away", by=make.user()
    )


def test_a_club_handed_over_while_its_season_is_booked_is_handed_over_whole() -> None:
    request = proposed(make.bookable())
    new = make.verified()

    answers = at_once(partial(approve, request), partial(hand_over, request, new))

    assert outcomes(answers) == {"done": 2}
    assert Booking.objects.visible_to(new).count() == DATES
    assert broken_promises(of="venues.") == []


def test_control_without_the_clubs_lock_a_booking_stays_with_the_old_contact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = proposed(make.bookable())
    old, new = request.club.contact, make.verified()

    was_read, is_handed = Event(), Event()

    def dawdle(pk: int) -> Club:
        found = Club.objects.select_related("contact").get(pk=pk)
        was_read.set()
        assert is_handed.wait(20)
        return found

    def meanwhile() -> None:
        assert was_read.wait(20)
        hand_over(request, new)
        is_handed.set()

    monkeypatch.setattr(season_bookings, "lock_club", dawdle)
    # Nor do they take turns by the invoice, which a new one is not yet part of.
    monkeypatch.setattr(club_actions, "lock_invoice_money", lambda _pk: [])

    at_once(partial(approve, request), meanwhile)

    assert Booking.objects.visible_to(old).count() == 1
    assert Booking.objects.visible_to(new).count() == DATES - 1
