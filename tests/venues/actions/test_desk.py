from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from bureau.accounts import actions as accounts
from bureau.accounts.errors import (
    ConsentNeeded,
    IdentityTaken,
    NumberUnknown,
    PhoneTaken,
)
from bureau.accounts.models import User, VerifiedIdentity
from bureau.audit import actions as audit
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.id_numbers import check_digit
from bureau.notices.models import Notice
from bureau.payments import tasks
from bureau.payments.errors import ProviderNotOffered, RefundPaidOut
from bureau.payments.invariants import INVARIANTS
from bureau.payments.models import CashMovement, Payment, Refund
from tests import make
from venues import actions
from venues.errors.desk import NoPhoneForLink, WrongCash
from venues.errors.slots import PriceChanged, SlotKeptForDesk, SlotTaken
from venues.models import Bookable, Booking, Venue
from venues.queries.desk import cash_sheet, refunds_to_pay_out

pytestmark = pytest.mark.django_db


def id_number(born: str, serial: int) -> str:
    first = f"370811{born}{serial:03}"
    return first + check_digit(first)


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


@pytest.fixture
def clerk(court: Bookable) -> User:
    return make.gatekeeper(court.venue)


@pytest.fixture
def elder(clerk: User) -> User:
    """Seventy years old, without a phone, registered at the window."""
    return accounts.register_person(
        name="孔令仪", number=id_number("19560315", 21), agreed=True, by=clerk
    )


def book(court: Bookable, person: User, clerk: User, **given: object) -> Booking:
    fen = given.pop("fen", make.PRICE_FEN)
    at = given.pop("at", make.tomorrow_at(18))
    return actions.book_at_desk(
        venue=court.venue,
        picks=[make.pick(court, at)],  # type: ignore[arg-type]
        quoted_fen=fen,  # type: ignore[arg-type]
        request_key=given.pop("request_key", uuid4()),  # type: ignore[arg-type]
        person=person,
        way=given.pop("way", "cash"),  # type: ignore[arg-type]
        by=clerk,
    )


# --- Finding and registering ---------------------------------------------------


def test_a_person_is_found_by_the_whole_number_only(clerk: User, elder: User) -> None:
    with_phone = make.citizen(phone="13800138000")
    assert accounts.find_person(number="138 0013 8000", by=clerk) == with_phone
    number = id_number("19560315", 21)
    assert accounts.find_person(number=number.lower(), by=clerk) == elder
    assert accounts.find_person(number="13800138001", by=clerk) is None
    for wrong in ("1380013", "孔令仪", number[:17]):
        with pytest.raises(NumberUnknown):
            accounts.find_person(number=wrong, by=clerk)
    assert Entry.objects.filter(event="accounts.user.found_at_desk").count() == 2


def test_somebody_without_a_phone_is_registered_by_id_and_pays_as_60_plus(
    court: Bookable, clerk: User, elder: User
) -> None:
    make.price(venue=court.venue, fen=20_00, group="senior")
    assert elder.phone is None
    assert elder.display_name == "孔**"
    assert VerifiedIdentity.objects.get(user=elder).masked_id_number.endswith("1" * 0)
    assert elder.consents.count() == 2
    booking = book(court, elder, clerk, fen=20_00)
    assert booking.total_fen == 20_00


def test_nobody_is_registered_twice_or_without_agreeing(
    clerk: User, elder: User
) -> None:
    with pytest.raises(IdentityTaken):
        accounts.register_person(
            name="孔令仪", number=id_number("19560315", 21), agreed=True, by=clerk
        )
    accounts.register_person(name="张三", number="13900001111", agreed=True, by=clerk)
    with pytest.raises(PhoneTaken):
        accounts.register_person(
            name="张三", number="13900001111", agreed=True, by=clerk
        )
    with pytest.raises(ConsentNeeded):
        accounts.register_person(
            name="李四", number="13900002222", agreed=False, by=clerk
        )


# --- Booking -------------------------------------------------------------------


def test_cash_confirms_at_once_with_receipt_and_pass(
    court: Bookable, clerk: User, elder: User
) -> None:
    booking = book(court, elder, clerk)
    assert booking.state == Booking.State.CONFIRMED
    assert booking.channel == Booking.Channel.DESK
    taken = CashMovement.objects.get()
    assert (taken.fen, taken.moved_by) == (make.PRICE_FEN, clerk)
    payment = make.payment_of(booking)
    assert (payment.provider, payment.provider_ref) == ("cash", taken.number)
    assert payment.payer == elder
    assert make.pass_of(booking).printed_at is None
    assert actions.print_pass(booking=booking, by=clerk).printed_at


def test_the_same_form_sent_twice_takes_the_money_once(
    court: Bookable, clerk: User, elder: User
) -> None:
    key = uuid4()
    first = book(court, elder, clerk, request_key=key)
    assert book(court, elder, clerk, request_key=key) == first
    assert CashMovement.objects.count() == 1


def test_what_is_taken_or_dearer_is_refused_and_no_cash_is_noted(
    court: Bookable, clerk: User, elder: User
) -> None:
    with pytest.raises(PriceChanged):
        book(court, elder, clerk, fen=1)
    make.held(court=court)
    with pytest.raises(SlotTaken):
        book(court, elder, clerk)
    assert not CashMovement.objects.exists()


def test_the_desk_books_what_begins_too_soon_to_be_booked_on_line(
    court: Bookable, clerk: User, elder: User
) -> None:
    venue = court.venue
    venue.lead_minutes = 120
    venue.save()
    with time_machine.travel(make.tomorrow_at(17, 30), tick=False):
        at = clock.at(clock.today(), 18 * 60)
        assert book(court, elder, clerk, at=at).state == "confirmed"


def test_on_the_telephone_a_link_to_pay_is_sent(
    court: Bookable, clerk: User, elder: User
) -> None:
    caller = make.citizen()
    booking = book(court, caller, clerk, way="link")
    assert booking.state == Booking.State.HELD
    notice = Notice.objects.get(kind="venues.pay_link")
    assert notice.recipient == caller
    assert make.payment_of(booking).number in notice.text("sms")
    # They come by after all.
    actions.take_cash_for(booking=booking, by=clerk)
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED
    with pytest.raises(WrongCash):
        actions.take_cash_for(booking=booking, by=clerk)
    with pytest.raises(NoPhoneForLink):
        book(court, elder, clerk, way="link", at=make.tomorrow_at(20))


def test_nobody_pays_cash_on_line(court: Bookable) -> None:
    payment = make.payment_of(make.held(court=court))
    from bureau.payments import actions as payments  # noqa: PLC0415

    with pytest.raises(ProviderNotOffered):
        payments.start_payment(payment=payment, provider="cash", by=None)


# --- Giving back and changing ----------------------------------------------------


def test_cash_comes_back_over_the_desk_once(
    court: Bookable, clerk: User, elder: User
) -> None:
    booking = book(court, elder, clerk)
    actions.cancel_booking(booking=booking, by=clerk)
    refund = refunds_to_pay_out(court.venue).get()
    tasks.send_refund(refund_id=refund.pk)
    refund.refresh_from_db()
    assert refund.state == Refund.State.SENT
    assert refunds_to_pay_out(court.venue).get() == refund

    colleague = make.gatekeeper(court.venue)
    actions.pay_out_refund(refund=refund, venue=court.venue, by=colleague)
    refund.refresh_from_db()
    assert refund.state == Refund.State.DONE
    assert not refunds_to_pay_out(court.venue).exists()
    with pytest.raises(RefundPaidOut):
        actions.pay_out_refund(refund=refund, venue=court.venue, by=colleague)
    with pytest.raises(WrongCash):
        actions.pay_out_refund(refund=refund, venue=make.venue(), by=colleague)

    sheet = cash_sheet(court.venue, clock.today())
    by_person = {row.person: (row.taken_fen, row.paid_out_fen) for row in sheet.drawers}
    assert by_person == {clerk: (make.PRICE_FEN, 0), colleague: (0, make.PRICE_FEN)}
    assert sheet.left_fen == 0


def test_a_change_at_the_desk_takes_the_difference_in_cash(
    court: Bookable, clerk: User, elder: User
) -> None:
    booking = book(court, elder, clerk)
    wish = [
        make.pick(court, make.tomorrow_at(20)),
        make.pick(court, make.tomorrow_at(21)),
    ]
    actions.change_at_desk(
        booking=booking,
        picks=wish,
        quoted_fen=2 * make.PRICE_FEN,
        request_key=uuid4(),
        by=clerk,
    )
    booking.refresh_from_db()
    assert booking.total_fen == 2 * make.PRICE_FEN
    assert sum(CashMovement.objects.values_list("fen", flat=True)) == booking.total_fen
    assert not Payment.objects.for_owner(booking).due().exists()
    assert audit.prove().broken == 0


def move(booking: Booking, court: Bookable, clerk: User, hour: int) -> None:
    actions.change_at_desk(
        booking=booking,
        picks=[make.pick(court, make.tomorrow_at(hour))],
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        by=clerk,
    )
    booking.refresh_from_db()


def test_a_change_at_the_desk_needs_no_notice(
    court: Bookable, clerk: User, elder: User
) -> None:
    booking = book(court, elder, clerk, at=make.tomorrow_at(20))
    Venue.objects.filter(pk=court.venue_id).update(lead_minutes=120)
    booking.refresh_from_db()
    start = make.tomorrow_at(18)
    with time_machine.travel(start - timedelta(minutes=30), tick=False):
        actions.change_at_desk(
            booking=booking,
            picks=[make.pick(court, start)],
            quoted_fen=make.PRICE_FEN,
            request_key=uuid4(),
            by=clerk,
        )
    booking.refresh_from_db()
    assert booking.starts_at == start


def test_a_change_at_the_desk_may_take_a_court_that_is_kept_for_the_desk(
    court: Bookable, clerk: User, elder: User
) -> None:
    Venue.objects.filter(pk=court.venue_id).update(
        walk_in_percent=100, walk_in_until_minutes=30
    )
    court.venue.refresh_from_db()
    booking = book(court, elder, clerk)
    with pytest.raises(SlotKeptForDesk):
        actions.change_booking(
            booking=booking,
            line_ids=[booking.lines.get().pk],
            picks=[make.pick(court, make.tomorrow_at(20))],
            quoted_fen=make.PRICE_FEN,
            request_key=uuid4(),
            by=elder,
        )
    move(booking, court, clerk, 20)
    assert booking.starts_at == make.tomorrow_at(20)


def test_a_change_at_the_desk_is_bound_by_no_quota(
    court: Bookable, clerk: User, elder: User
) -> None:
    booking = book(court, elder, clerk)
    actions.set_quota(
        venue=court.venue, per="day", most_minutes=60, most_bookings=None, by=clerk
    )
    book(court, elder, clerk, at=make.tomorrow_at(21))
    wish = [make.pick(court, make.tomorrow_at(hour)) for hour in (18, 20)]
    actions.change_at_desk(
        booking=booking,
        picks=wish,
        quoted_fen=make.PRICE_FEN,
        request_key=uuid4(),
        by=clerk,
    )
    assert booking.lines.filter(state="standing").count() == 2


def test_the_drawer_agrees_with_the_books(
    court: Bookable, clerk: User, elder: User
) -> None:
    from django.db import connection  # noqa: PLC0415

    promise = next(one for one in INVARIANTS if "drawer" in one.name)
    booking = book(court, elder, clerk)
    actions.cancel_booking(booking=booking, by=clerk)
    refund = refunds_to_pay_out(court.venue).get()
    actions.pay_out_refund(refund=refund, venue=court.venue, by=clerk)
    with connection.cursor() as cursor:
        cursor.execute(promise.sql)
        assert cursor.fetchall() == []
        CashMovement.objects.filter(refund=refund).delete()
        cursor.execute(promise.sql)
        assert len(cursor.fetchall()) == 1


def test_a_night_later_the_sheet_is_empty(
    court: Bookable, clerk: User, elder: User
) -> None:
    book(court, elder, clerk)
    assert cash_sheet(court.venue, clock.today()).movements
    tomorrow = clock.today() + timedelta(days=1)
    assert not cash_sheet(court.venue, tomorrow).movements
