"""Weekly times of clubs: who gets them, which dates are booked, what is owed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.errors import ReasonMissing
from bureau.notices.models import Notice
from bureau.notices.queries import letter_of
from bureau.payments.models import Payment, Refund
from bureau.schedule import SCHEDULE
from tests import make
from tests.promises import broken_promises
from venues import actions, queries, tasks
from venues.actions import ClubFacts, season_bookings
from venues.errors.seasons import (
    AskedAlready,
    ClubCorrected,
    ClubDecided,
    ClubNamed,
    ClubNotChecked,
    ContactAlready,
    ContactUnknown,
    CreditCodeTaken,
    CreditCodeWrong,
    InvoiceNotOpen,
    NoDateToBook,
    OutsideSeason,
    ReferenceMissing,
    RequestMovedOn,
    RequestsCollide,
    SeasonBackwards,
    SeasonBeingDecided,
    SeasonClosed,
    SeasonNamed,
    SeasonStillOpen,
    TransferDone,
    TransferInTheFuture,
)
from venues.errors.slots import SlotNotOffered, VenueShut
from venues.models import (
    Bookable,
    Booking,
    Club,
    ConductPoint,
    DayTypeHours,
    EntryPass,
    HoursException,
    Invoice,
    Occupancy,
    Season,
    SeasonRequest,
    SkippedDate,
    TransferBack,
    Venue,
)
from venues.queries.seasons import (
    WeeklyTime,
    in_turn,
    invoices_of,
    plan_season,
    requests_of,
    ticket,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 23)  # a Monday
FIRST = date(2026, 12, 1)
LAST = date(2026, 12, 31)
DEADLINE = clock.at(date(2026, 11, 25), 18 * 60)
DECIDED = clock.at(date(2026, 11, 26), 9 * 60)
TUESDAY = 2
EVENING = (19 * 60, 21 * 60)
CODES = (
    "91350100M000100Y43",
    "91110108551385082Q",
    "914403001922038216",
)


@pytest.fixture(autouse=True)
def monday_nine() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.at(TODAY, 9 * 60), tick=False) as traveller:
        yield traveller


def season(venue: Venue, **given: Any) -> Season:
    given.setdefault("name", "Winter")
    given.setdefault("first_on", FIRST)
    given.setdefault("last_on", LAST)
    given.setdefault("applies_until", DEADLINE)
    return actions.open_season(venue=venue, by=make.user(), **given)


def club(**given: Any) -> Club:
    given.setdefault("name", f"Club {Club.objects.count()}")
    given.setdefault("contact", make.citizen())
    given.setdefault("is_approved", True)
    return Club.objects.create(**given)


def weekly(court: Bookable, **given: Any) -> WeeklyTime:
    given.setdefault("weekday", TUESDAY)
    given.setdefault("starts", EVENING[0])
    given.setdefault("ends", EVENING[1])
    given.setdefault("first_on", FIRST)
    given.setdefault("last_on", LAST)
    return WeeklyTime(court.pk, **given)


def ask(
    opened: Season, club: Club, court: Bookable, *, wish: int = 1, **given: Any
) -> SeasonRequest:
    return actions.ask_for_season(
        season=opened,
        club=club,
        weekly=weekly(court, **given),
        wish=wish,
        by=club.contact,
    )


def propose(opened: Season) -> None:
    actions.propose_allocation(season=opened, by=make.user(), at=DECIDED)


def approve(request: SeasonRequest) -> Invoice:
    return actions.approve_request(request=request, by=make.user(), at=DECIDED)


def approved(court: Bookable, **given: Any) -> Invoice:
    opened = season(court.venue)
    request = ask(opened, club(), court, **given)
    propose(opened)
    return approve(request)


def dates_of(invoice: Invoice) -> list[date]:
    return [
        clock.local_day(moment)
        for moment in invoice.bookings.order_by("starts_at").values_list(
            "starts_at", flat=True
        )
    ]


def kinds(user: User) -> list[str]:
    return list(
        Notice.objects.filter(recipient=user)
        .order_by("pk")
        .values_list("kind", flat=True)
    )


# --- Clubs ------------------------------------------------------------------------


def test_a_club_is_registered_checked_and_told(citizen: User) -> None:
    made = actions.register_club(
        facts=ClubFacts("Shuttle", "9135 0100-m000100y43"), by=citizen
    )
    assert (made.credit_code, made.is_approved) == (CODES[0], False)
    actions.refuse_club(club=made, reason="Name differs", by=make.user())
    made.refresh_from_db()
    assert made.refusal == "Name differs"
    actions.correct_club(
        club=made, facts=ClubFacts("Shuttle Club", CODES[0]), by=citizen
    )
    with pytest.raises(ClubCorrected):  # `made` is what it was before
        actions.approve_club(club=made, by=make.user())
    made.refresh_from_db()
    assert not made.is_approved
    actions.approve_club(club=made, by=make.user())
    assert (made.name, made.is_approved, made.refusal) == ("Shuttle Club", True, "")
    assert kinds(citizen) == ["venues.club_refused", "venues.club_approved"]
    with pytest.raises(ClubDecided):
        actions.approve_club(club=made, by=make.user())
    with pytest.raises(ClubDecided):
        actions.correct_club(club=made, facts=ClubFacts("X", CODES[0]), by=citizen)
    with pytest.raises(ClubDecided):
        actions.refuse_club(club=made, reason="late", by=make.user())


def test_a_wrong_code_or_a_name_in_use_is_refused(citizen: User) -> None:
    with pytest.raises(CreditCodeWrong):
        actions.register_club(facts=ClubFacts("A", "91350100M000100Y44"), by=citizen)
    actions.register_club(facts=ClubFacts("A", CODES[0]), by=citizen)
    with pytest.raises(ClubNamed):
        actions.register_club(facts=ClubFacts("A", CODES[1]), by=citizen)


def test_a_code_belongs_to_one_approved_club_only(citizen: User) -> None:
    for name in "AB":
        actions.register_club(facts=ClubFacts(name, CODES[0]), by=citizen)
    first, second = Club.objects.order_by("pk")
    actions.approve_club(club=second, by=make.user())
    with pytest.raises(CreditCodeTaken):
        actions.approve_club(club=first, by=make.user())


def test_to_refuse_a_club_asks_for_a_reason() -> None:
    with pytest.raises(ReasonMissing):
        actions.refuse_club(club=club(is_approved=False), reason=" ", by=make.user())


# --- Seasons and requests ---------------------------------------------------------


def test_a_season_has_its_seed_from_the_beginning() -> None:
    venue = make.venue()
    opened = season(venue)
    assert len(opened.seed) == 64
    with pytest.raises(SeasonNamed):
        season(venue)


@pytest.mark.parametrize(
    "given",
    [
        {"last_on": date(2026, 11, 30)},
        {"last_on": date(2027, 12, 2)},
        {"applies_until": clock.at(TODAY, 8 * 60)},
        {"applies_until": clock.at(FIRST, 0)},
    ],
)
def test_a_season_that_is_turned_round_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SeasonBackwards):
        season(make.venue(), **given)


def test_a_closed_venue_opens_no_season() -> None:
    with pytest.raises(VenueShut):
        season(make.venue(closed_on=TODAY))


def test_who_asks_hears_that_it_arrived() -> None:
    court = make.bookable()
    mine = club()
    request = ask(season(court.venue), mine, court)
    assert request.state == "asked"
    assert kinds(mine.contact) == ["venues.season_received"]


def test_only_an_approved_club_asks_and_only_through_its_contact() -> None:
    court = make.bookable()
    opened = season(court.venue)
    with pytest.raises(ClubNotChecked):
        ask(opened, club(is_approved=False), court)
    with pytest.raises(ClubNotChecked):
        actions.ask_for_season(
            season=opened, club=club(), weekly=weekly(court), by=make.citizen()
        )


def test_after_the_deadline_nobody_asks(
    monday_nine: time_machine.Traveller,
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    monday_nine.move_to(DEADLINE)
    with pytest.raises(SeasonClosed):
        ask(opened, club(), court)


@pytest.mark.parametrize(
    "given",
    [
        {"first_on": FIRST - timedelta(days=1)},
        {"last_on": LAST + timedelta(days=1)},
        {"first_on": LAST, "last_on": FIRST},
        {"starts": 1260, "ends": 1140},
    ],
)
def test_a_time_outside_of_the_season_is_refused(given: dict[str, Any]) -> None:
    court = make.bookable()
    with pytest.raises(OutsideSeason):
        ask(season(court.venue), club(), court, **given)


def test_a_court_of_another_venue_is_refused() -> None:
    with pytest.raises(SlotNotOffered):
        ask(season(make.venue()), club(), make.bookable())


def test_a_time_of_which_no_date_can_be_booked_is_refused() -> None:
    court = make.bookable()
    with pytest.raises(NoDateToBook):
        ask(season(court.venue), club(), court, starts=19 * 60 + 30, ends=20 * 60)


def test_the_same_time_is_asked_for_once_and_again_after_withdrawal() -> None:
    court = make.bookable()
    opened, mine = season(court.venue), club()
    request = ask(opened, mine, court)
    with pytest.raises(AskedAlready):
        ask(opened, mine, court)
    actions.withdraw_request(request=request, by=mine.contact)
    ask(opened, mine, court)
    with pytest.raises(RequestMovedOn):
        actions.withdraw_request(request=request, by=mine.contact)


# --- The dates --------------------------------------------------------------------


def test_the_preview_names_why_a_date_is_skipped() -> None:
    court = make.bookable()
    venue = court.venue
    HoursException.objects.create(
        venue=venue, on=date(2026, 12, 1), reason="Floor is waxed"
    )
    unit = court.units.get()
    actions.block_units(
        venue=venue,
        units=[unit],
        starts_at=clock.at(date(2026, 12, 8), 8 * 60),
        ends_at=clock.at(date(2026, 12, 8), 22 * 60),
        reason="Match day",
        by=make.user(),
    )
    with time_machine.travel(clock.at(date(2026, 12, 14), 9 * 60), tick=False):
        make.confirmed(court=court, starts_at=clock.at(date(2026, 12, 15), 20 * 60))
    venue.refresh_from_db()
    plan = plan_season(venue, weekly(court), at=clock.now())
    assert {one.on.day: one.problem for one in plan.dates} == {
        1: "Floor is waxed",
        8: "Closed: Match day",
        15: "Already booked by somebody else.",
        22: "",
        29: "",
    }
    assert plan.total_fen == 2 * 2 * make.PRICE_FEN


def test_a_series_over_new_year_skips_the_holiday_and_follows_its_make_up_day() -> None:
    """2026-01-01 is a holiday; Sunday 2026-01-04 is a working day (调休)."""
    call_command("load_workdays", stdout=StringIO())
    court = make.bookable()
    venue = court.venue
    DayTypeHours.objects.create(venue=venue, day_type="holiday")
    DayTypeHours.objects.create(venue=venue, day_type="working")
    venue.refresh_from_db()
    given = {"first_on": date(2025, 12, 28), "last_on": date(2026, 1, 11)}
    with time_machine.travel(clock.at(date(2025, 12, 20), 0), tick=False):
        at = clock.now()
        sundays = plan_season(venue, weekly(court, weekday=7, **given), at=at)
        thursdays = plan_season(venue, weekly(court, weekday=4, **given), at=at)
    assert [(one.on, one.problem) for one in sundays.dates] == [
        (date(2025, 12, 28), ""),
        (date(2026, 1, 4), "Make-up working day: not open at this time."),
        (date(2026, 1, 11), ""),
    ]
    assert [(one.on, one.problem) for one in thursdays.dates] == [
        (date(2026, 1, 1), "Public holiday: not open at this time."),
        (date(2026, 1, 8), "Not open, or without a price, at this time."),
    ]


def test_a_year_whose_holidays_are_not_published_yet_is_told() -> None:
    call_command("load_workdays", stdout=StringIO())
    court = make.bookable()
    given = {"first_on": date(2031, 12, 20), "last_on": date(2032, 1, 10)}
    with time_machine.travel(clock.at(date(2031, 12, 1), 0), tick=False):
        plan = plan_season(court.venue, weekly(court, **given), at=clock.now())
    assert plan.provisional == (2031, 2032)
    known = {"first_on": date(2025, 12, 1), "last_on": date(2025, 12, 20)}
    with time_machine.travel(clock.at(date(2025, 11, 20), 0), tick=False):
        plan = plan_season(court.venue, weekly(court, **known), at=clock.now())
    assert plan.provisional == ()


def test_a_night_belongs_to_the_day_it_begins_with() -> None:
    court = make.bookable(venue=make.venue(opens=18 * 60, closes=26 * 60))
    make.price(venue=court.venue, starts=24 * 60, ends=26 * 60)
    invoice = approved(court, starts=23 * 60, ends=26 * 60)
    first = invoice.bookings.order_by("starts_at")[0]
    assert first.starts_at == clock.at(date(2026, 12, 1), 23 * 60)
    assert first.ends_at == clock.at(date(2026, 12, 2), 2 * 60)
    assert first.lines.count() == 3
    assert dates_of(invoice) == [date(2026, 12, day) for day in (1, 8, 15, 22, 29)]
    assert broken_promises(of="venues.") == []


def test_a_buffer_between_the_slots_is_part_of_the_series() -> None:
    court = make.bookable(buffer_minutes=15)
    plan = plan_season(court.venue, weekly(court, starts=0, ends=135), at=clock.now())
    assert [len(one.offers) for one in plan.bookable] == [2] * 5


# --- Allocation -------------------------------------------------------------------


def test_the_class_comes_first_then_the_wish_then_the_drawn_order() -> None:
    court = make.bookable()
    opened = season(court.venue)
    youth = club(priority=Club.Priority.YOUTH)
    others = [club(), club()]
    by_club = {
        one: [ask(opened, one, court, wish=wish, weekday=wish) for wish in (1, 2)]
        for one in [*others, youth]
    }
    turns = in_turn(SeasonRequest.objects.select_related("club"), seed=opened.seed)
    assert [turn.request for turn in turns[:2]] == by_club[youth]
    assert [turn.round for turn in turns[2:]] == [1, 1, 2, 2]
    drawn = [turn.ticket for turn in turns[2:]]
    assert drawn[:2] == sorted(drawn[:2])
    assert drawn[0] == ticket(opened.seed, turns[2].request.number)


def test_to_call_all_wishes_dearest_brings_nothing() -> None:
    court = make.bookable()
    opened = season(court.venue)
    greedy, modest = club(), club()
    for day in (1, 2, 3):
        ask(opened, greedy, court, weekday=day, wish=1)
    ask(opened, modest, court, weekday=4, wish=5)
    turns = in_turn(SeasonRequest.objects.select_related("club"), seed=opened.seed)
    assert {turn.request.club for turn in turns[:2]} == {greedy, modest}


def test_two_who_ask_for_one_time_one_is_proposed() -> None:
    court = make.bookable()
    opened = season(court.venue)
    requests = [ask(opened, club(), court) for _ in range(2)]
    with pytest.raises(SeasonStillOpen):
        actions.propose_allocation(season=opened, by=make.user())
    rows = actions.propose_allocation(season=opened, by=make.user(), at=DECIDED)
    assert [row.can_be_given for row in rows] == [True, False]
    assert rows[1].rival == rows[0].request
    states = sorted(
        SeasonRequest.objects.filter(pk__in=[one.pk for one in requests]).values_list(
            "state", flat=True
        )
    )
    assert states == ["asked", "proposed"]


def test_half_and_whole_hall_are_in_each_others_way() -> None:
    venue = make.venue()
    halves = [make.unit(venue=venue), make.unit(venue=venue)]
    whole = make.bookable(units=halves)
    half = make.bookable(units=halves[:1])
    opened = season(venue)
    ask(opened, club(priority=1), half, starts=20 * 60, ends=21 * 60)
    ask(opened, club(), whole)
    rows = actions.propose_allocation(season=opened, by=make.user(), at=DECIDED)
    assert [row.can_be_given for row in rows] == [True, False]


def test_a_proposal_run_again_is_the_same_until_something_is_approved() -> None:
    court = make.bookable()
    opened = season(court.venue)
    for _ in range(4):
        ask(opened, club(), court)
    first, again = (
        [
            row.request.pk
            for row in actions.propose_allocation(
                season=opened, by=make.user(), at=DECIDED
            )
            if row.can_be_given
        ]
        for _ in range(2)
    )
    assert first == again
    approve(SeasonRequest.objects.get(pk=first[0]))
    with pytest.raises(SeasonBeingDecided):
        propose(opened)


def test_staff_move_a_request_to_another_time_with_a_reason() -> None:
    court = make.bookable()
    opened = season(court.venue)
    for _ in range(2):
        ask(opened, club(), court)
    propose(opened)
    loser = SeasonRequest.objects.get(state="asked")
    given: Any = {"request": loser, "by": make.user(), "at": DECIDED}
    with pytest.raises(RequestsCollide):
        actions.move_request(weekly=weekly(court), reason="try", **given)
    with pytest.raises(ReasonMissing):
        actions.move_request(weekly=weekly(court, weekday=3), reason="", **given)
    moved = actions.move_request(
        weekly=weekly(court, weekday=3), reason="Tuesday is full", **given
    )
    assert (moved.state, moved.weekday, moved.reason) == (
        "proposed",
        3,
        "Tuesday is full",
    )


def test_a_denied_request_says_why_and_the_last_decision_ends_the_season() -> None:
    court = make.bookable()
    opened = season(court.venue)
    mine = club()
    request = ask(opened, mine, court)
    propose(opened)
    with pytest.raises(ReasonMissing):
        actions.deny_request(request=request, reason=" ", by=make.user())
    actions.deny_request(request=request, reason="Repairs", by=make.user(), at=DECIDED)
    assert kinds(mine.contact)[-1] == "venues.season_denied"
    opened.refresh_from_db()
    assert opened.state == "decided"
    with pytest.raises(RequestMovedOn):
        actions.deny_request(request=request, reason="again", by=make.user())


# --- Approval ---------------------------------------------------------------------


def test_an_approved_request_is_booked_date_by_date_on_one_invoice() -> None:
    court = make.bookable()
    invoice = approved(court)
    booking = invoice.bookings.order_by("starts_at")[0]
    assert (booking.channel, booking.state) == ("series", "confirmed")
    assert [line.price_fen for line in booking.lines.all()] == [make.PRICE_FEN] * 2
    assert booking.lines.all()[0].quote["fen_per_hour"] == make.PRICE_FEN
    assert EntryPass.objects.filter(booking=booking).count() == 1
    assert (invoice.state, invoice.total_fen) == ("open", 5 * 2 * make.PRICE_FEN)
    assert kinds(invoice.club.contact)[-2:] == [
        "venues.season_allocated",
        "venues.invoice_open",
    ]
    assert broken_promises(of="venues.") == []


def test_a_date_that_was_taken_meanwhile_is_skipped_and_the_rest_goes_on() -> None:
    court = make.bookable()
    opened = season(court.venue)
    request = ask(opened, club(), court)
    propose(opened)
    with time_machine.travel(clock.at(date(2026, 12, 7), 9 * 60), tick=False):
        make.confirmed(court=court, starts_at=clock.at(date(2026, 12, 8), 19 * 60))
    invoice = approve(request)
    skipped = SkippedDate.objects.get()
    assert skipped.on == date(2026, 12, 8)
    assert skipped.reason
    assert len(dates_of(invoice)) == 4
    assert "venues.season_dates_skipped" in kinds(invoice.club.contact)
    assert broken_promises(of="venues.") == []


def test_a_kill_between_two_dates_loses_nothing_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    request = ask(opened, club(), court)
    propose(opened)
    whole = season_bookings.book_date

    def dies(*args: Any, **given: Any) -> None:
        if Booking.objects.count() == 2:
            raise KeyboardInterrupt
        whole(*args, **given)

    with monkeypatch.context() as patch:
        patch.setattr(season_bookings, "book_date", dies)
        with pytest.raises(KeyboardInterrupt):
            approve(request)
    invoice = Invoice.objects.get()
    assert (invoice.state, invoice.bookings.count()) == ("new", 2)
    with pytest.raises(InvoiceNotOpen):
        actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
    assert actions.finish_approvals(at=DECIDED) == 1
    assert actions.finish_approvals(at=DECIDED) == 0
    invoice.refresh_from_db()
    assert (invoice.state, invoice.bookings.count()) == ("open", 5)
    assert kinds(invoice.club.contact).count("venues.invoice_open") == 1
    assert broken_promises(of="venues.") == []


@pytest.mark.django_db(transaction=True)
def test_a_whole_proposal_is_approved_at_once_and_booked_by_workers() -> None:
    court = make.bookable()
    opened = season(court.venue)
    for day in (2, 4):
        ask(opened, club(), court, weekday=day)
    propose(opened)
    assert len(actions.approve_proposal(season=opened, by=make.user(), at=DECIDED)) == 2
    assert actions.approve_proposal(season=opened, by=make.user(), at=DECIDED) == []
    for request in SeasonRequest.objects.all():
        tasks.book_season(request_id=request.pk)
        tasks.book_season(request_id=request.pk)
    tasks.finish_approvals()
    assert [invoice.state for invoice in Invoice.objects.all()] == ["open", "open"]
    assert Booking.objects.count() == 10
    assert broken_promises(of="venues.") == []


def test_what_is_approved_is_not_approved_again() -> None:
    court = make.bookable()
    invoice = approved(court)
    with pytest.raises(RequestMovedOn):
        approve(invoice.request)
    assert Invoice.objects.count() == 1


def test_the_price_is_that_of_the_day_of_approval() -> None:
    court = make.bookable()
    opened = season(court.venue)
    request = ask(opened, club(), court)
    propose(opened)
    court.venue.prices.update(price_fen=50_00)
    assert approve(request).total_fen == 5 * 2 * 50_00


def test_a_season_that_costs_nothing_has_nothing_to_pay() -> None:
    court = make.bookable()
    court.venue.prices.update(price_fen=0)
    invoice = approved(court)
    assert (invoice.state, invoice.total_fen) == ("void", 0)
    assert "venues.invoice_open" not in kinds(invoice.club.contact)


# --- Money ------------------------------------------------------------------------


def give_back(invoice: Invoice, place: int = 0) -> None:
    booking = invoice.bookings.filter(state="confirmed").order_by("starts_at")[place]
    actions.cancel_booking(booking=booking, by=booking.booked_by)


def refunded() -> int:
    return sum(Refund.objects.values_list("amount_fen", flat=True))


def test_before_payment_a_date_given_back_shrinks_the_invoice() -> None:
    invoice = approved(make.bookable())
    give_back(invoice)
    invoice.refresh_from_db()
    assert invoice.total_fen == 4 * 2 * make.PRICE_FEN
    assert broken_promises(of="venues.") == []


def test_an_invoice_of_which_all_was_given_back_is_void() -> None:
    invoice = approved(make.bookable())
    payment = actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
    for _ in range(5):
        give_back(invoice)
    invoice.refresh_from_db()
    payment.refresh_from_db()
    assert (invoice.state, invoice.total_fen) == ("void", 0)
    assert payment.state == "closed"
    assert broken_promises(of="venues.") == []


def test_money_on_line_pays_the_invoice_and_dates_go_back_by_the_bands() -> None:
    venue = make.venue(bands=((24 * 60, 50),))
    invoice = approved(make.bookable(venue=venue))
    payment = actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
    assert actions.pay_invoice(invoice=invoice, by=invoice.club.contact) == payment
    make.settle(payment)
    invoice.refresh_from_db()
    assert invoice.state == "paid"
    with pytest.raises(InvoiceNotOpen):
        actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
    give_back(invoice)
    invoice.refresh_from_db()
    assert refunded() == make.PRICE_FEN  # half of two hours
    assert invoice.retained_fen == make.PRICE_FEN
    assert invoice.total_fen == 9 * make.PRICE_FEN
    assert broken_promises() == []


def test_a_late_give_back_keeps_the_same_share_before_payment() -> None:
    """Else a club could play on credit and hand everything back at the door."""
    venue = make.venue(bands=((24 * 60, 50),))
    invoice = approved(make.bookable(venue=venue))
    give_back(invoice)
    invoice.refresh_from_db()
    assert (invoice.total_fen, invoice.retained_fen) == (
        9 * make.PRICE_FEN,
        make.PRICE_FEN,
    )
    assert broken_promises(of="venues.") == []


def test_money_that_comes_after_the_invoice_shrank_goes_back_in_part() -> None:
    invoice = approved(make.bookable())
    payment = actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
    give_back(invoice)
    make.settle(payment)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.total_fen) == ("paid", 8 * make.PRICE_FEN)
    assert refunded() == 2 * make.PRICE_FEN
    assert broken_promises() == []


def test_money_for_an_invoice_that_is_paid_already_goes_back_whole() -> None:
    invoice = approved(make.bookable())
    payer = invoice.club.contact
    first = actions.pay_invoice(invoice=invoice, by=payer)
    with time_machine.travel(clock.at(TODAY, 10 * 60), tick=False):
        second = actions.pay_invoice(invoice=invoice, by=payer)
        assert second != first
        make.settle(second)
        make.settle(first)
        make.settle(first)  # and the callback comes again, with other money
    assert refunded() == 2 * first.amount_fen
    assert Payment.objects.filter(state="paid").count() == 3
    assert broken_promises() == []


def test_a_transfer_is_noted_with_its_reference_and_ends_what_is_due() -> None:
    invoice = approved(make.bookable())
    payment = actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
    staff = make.user()
    given: Any = {"invoice": invoice, "by": staff}
    with pytest.raises(ReferenceMissing):
        actions.note_transfer(reference=" ", paid_on=TODAY, **given)
    with pytest.raises(TransferInTheFuture):
        actions.note_transfer(
            reference="A1", paid_on=TODAY + timedelta(days=1), **given
        )
    actions.note_transfer(reference="A1", paid_on=TODAY, **given)
    with pytest.raises(InvoiceNotOpen):
        actions.note_transfer(reference="A1", paid_on=TODAY, **given)
    invoice.refresh_from_db()
    payment.refresh_from_db()
    assert (invoice.state, invoice.transferred_fen) == ("paid", 10 * make.PRICE_FEN)
    assert (payment.state, invoice.transfer_noted_by) == ("closed", staff)
    make.settle(payment)  # and they paid on line all the same
    assert refunded() == payment.amount_fen
    assert broken_promises() == []


def test_what_came_by_transfer_goes_back_by_transfer() -> None:
    invoice = approved(make.bookable())
    actions.note_transfer(
        invoice=invoice, reference="A1", paid_on=TODAY, by=make.user()
    )
    give_back(invoice)
    transfer = TransferBack.objects.get()
    assert (transfer.fen, transfer.done_at) == (2 * make.PRICE_FEN, None)
    with pytest.raises(ReferenceMissing):
        actions.note_transfer_back(transfer=transfer, reference="", by=make.user())
    actions.note_transfer_back(transfer=transfer, reference="B2", by=make.user())
    with pytest.raises(TransferDone):
        actions.note_transfer_back(transfer=transfer, reference="B2", by=make.user())
    assert kinds(invoice.club.contact)[-1] == "venues.invoice_money_back"
    assert broken_promises(of="venues.") == []


def test_a_hall_that_closes_lowers_an_invoice_in_full_whatever_the_bands_say() -> None:
    venue = make.venue(bands=())
    court = make.bookable(venue=venue)
    invoice = approved(court)
    actions.close_units(
        venue=venue,
        units=list(court.units.all()),
        starts_at=clock.at(date(2026, 12, 8), 0),
        ends_at=clock.at(date(2026, 12, 16), 0),
        reason="Burst pipe",
        by=make.user(),
    )
    block = venue.blocks.get()
    assert actions.work_through_closure(block=block) == 2
    invoice.refresh_from_db()
    assert (invoice.total_fen, invoice.retained_fen) == (6 * make.PRICE_FEN, 0)
    assert broken_promises(of="venues.") == []


@pytest.mark.parametrize("is_paid", [False, True])
def test_a_preview_says_what_comes_off_invoices(*, is_paid: bool) -> None:
    court = make.bookable()
    invoice = approved(court)
    given_back = invoice.bookings.order_by("starts_at")[1]
    if is_paid:
        payment = actions.pay_invoice(invoice=invoice, by=invoice.club.contact)
        make.settle(payment)
    actions.cancel_booking(booking=given_back, by=given_back.booked_by)
    before = Invoice.objects.get().total_fen
    closed: dict[str, Any] = {
        "starts_at": clock.at(date(2026, 12, 8), 0),
        "ends_at": clock.at(date(2026, 12, 17), 0),
    }
    units = list(court.units.all())
    seen = queries.preview_closure(
        unit_ids=[unit.pk for unit in units], at=clock.now(), **closed
    )
    actions.close_units(
        venue=court.venue, units=units, reason="Burst pipe", by=make.user(), **closed
    )
    actions.work_through_closure(block=court.venue.blocks.get())
    after = Invoice.objects.get().total_fen
    assert seen.invoice_fen == before - after == 2 * make.PRICE_FEN
    assert seen.invoice_paid_fen == (seen.invoice_fen if is_paid else 0)
    assert (seen.bookings, seen.refund_fen) == (1, 0)


def test_an_excused_no_show_of_a_club_comes_off_its_invoice() -> None:
    invoice = approved(make.bookable())
    booking = invoice.bookings.order_by("starts_at")[0]
    EntryPass.objects.filter(booking=booking).update(state="revoked")
    Occupancy.objects.filter(line__booking=booking).delete()
    Booking.objects.filter(pk=booking.pk).update(state="no_show")
    actions.call_off_no_show(booking=booking, reason="Gate broken", by=make.user())
    invoice.refresh_from_db()
    assert invoice.total_fen == 8 * make.PRICE_FEN
    assert broken_promises(of="venues.") == []


def test_the_contact_gets_no_points_for_what_the_club_does_not_use() -> None:
    make.conduct_rule(late_cancel_points=1)
    invoice = approved(make.bookable())
    booking = invoice.bookings.order_by("starts_at")[0]
    with time_machine.travel(booking.starts_at - timedelta(minutes=5), tick=False):
        actions.cancel_booking(booking=booking, by=booking.booked_by)
    invoice.refresh_from_db()
    assert invoice.retained_fen == 2 * make.PRICE_FEN
    assert not ConductPoint.objects.exists()


# --- Reminders of invoices ---------------------------------------------------------

SOON, OVERDUE = "venues.invoice_due_soon", "venues.invoice_overdue"


def remind(invoice: Invoice, days: int, hour: int = 9) -> list[str]:
    """What the club is told by a sweep so many days after the last day to pay."""
    known = Notice.objects.count()
    at = clock.at(invoice.due_on + timedelta(days=days), hour * 60)
    with time_machine.travel(at, tick=False):
        told = actions.remind_of_invoices(at=at)
        assert actions.remind_of_invoices(at=at) == 0  # twice is once
    assert told == Notice.objects.count() - known
    return kinds(invoice.club.contact)[-told:] if told else []


def test_a_club_is_reminded_three_days_before_and_on_the_day_after() -> None:
    invoice = approved(make.bookable())
    given = {days: remind(invoice, days) for days in range(-5, 5)}
    assert {days: told for days, told in given.items() if told} == {
        -3: [SOON],
        1: [OVERDUE],
    }


def test_a_day_begins_and_ends_here_and_not_in_greenwich() -> None:
    invoice = approved(make.bookable())
    assert remind(invoice, -4, hour=23) == []
    assert remind(invoice, -3, hour=0) == [SOON]
    assert remind(invoice, 0, hour=23) == []
    assert remind(invoice, 1, hour=0) == [OVERDUE]


@pytest.mark.parametrize("days", [-1, 0])
def test_a_missed_reminder_is_made_up_for_until_the_invoice_is_due(days: int) -> None:
    assert remind(approved(make.bookable()), days) == [SOON]


def test_a_missed_last_word_is_made_up_for_and_not_the_first() -> None:
    assert remind(approved(make.bookable()), 9) == [OVERDUE]


@pytest.mark.parametrize("state", ["new", "paid", "void"])
def test_who_owes_nothing_is_not_reminded(state: str) -> None:
    invoice = approved(make.bookable())
    if state == "paid":
        given: dict[str, Any] = {"invoice": invoice, "by": make.user()}
        actions.note_transfer(reference="A1", paid_on=TODAY, **given)
    elif state == "void":
        for _each in range(5):
            give_back(invoice)
    else:
        Invoice.objects.update(state="new")
    assert Invoice.objects.get().state == state
    assert remind(invoice, -3) == remind(invoice, 1) == []


def test_a_reminder_asks_for_what_is_left_to_pay() -> None:
    invoice = approved(make.bookable())
    give_back(invoice)
    remind(invoice, -3)
    remind(invoice, 1)
    read = {
        notice.kind: letter_of(notice)
        for notice in Notice.objects.filter(recipient=invoice.club.contact)
    }
    assert "320 yuan, to be paid by 2026-12-10" in read[SOON].body
    assert "320 yuan were to be paid by 2026-12-10" in read[OVERDUE].body
    assert "2026-12-10" in read[SOON].subject


def test_the_schedule_reminds_by_day() -> None:
    tasks.remind_of_invoices()
    entry = SCHEDULE["venues-remind-of-invoices"]
    assert entry["task"] == tasks.remind_of_invoices.name
    assert entry["schedule"].hour == set(range(9, 20))


# --- Another contact --------------------------------------------------------------


def hand_over(club: Club, to: User | None, reason: str = "Has moved away") -> Club:
    return actions.hand_over_club(club=club, contact=to, reason=reason, by=make.user())


def test_a_club_with_all_that_is_to_come_goes_to_another_contact() -> None:
    invoice = approved(make.bookable())
    old, new = invoice.club.contact, make.verified()
    asked = ask(
        season(invoice.request.season.venue, name="Spring"),
        invoice.club,
        invoice.request.bookable,
        weekday=3,
    )
    played, *coming = invoice.bookings.order_by("starts_at")
    codes = set(EntryPass.objects.filter(booking__in=coming).values_list("code"))

    with time_machine.travel(played.ends_at, tick=False):
        hand_over(invoice.club, new)

    mine = Booking.objects.filter(invoice=invoice)
    assert list(mine.visible_to(old)) == [played]
    assert set(mine.visible_to(new)) == set(coming)
    live = EntryPass.objects.live().filter(booking__in=coming)
    assert len(live) == 4
    assert codes.isdisjoint(live.values_list("code"))
    assert not requests_of(old).exists()
    assert not invoices_of(old).exists()
    assert set(requests_of(new)) == {asked, invoice.request}
    assert list(invoices_of(new)) == [invoice]
    assert kinds(old)[-1] == "venues.club_handed_over"
    assert kinds(new) == ["venues.club_taken_over"]
    told = letter_of(Notice.objects.get(recipient=new)).body
    assert "Has moved away" in told
    assert "new passes: 4" in told
    entry = Entry.objects.get(event="venues.club.handed_over")
    assert entry.detail["reason"] == "Has moved away"
    assert (entry.detail["from"], entry.detail["to"]) == (old.pk, new.pk)
    assert broken_promises(of="venues.") == []


def test_only_a_person_who_is_verified_and_new_takes_a_club_over() -> None:
    held = club(contact=make.verified())
    for nobody in (None, make.citizen()):
        with pytest.raises(ContactUnknown):
            hand_over(held, nobody)
    with pytest.raises(ContactAlready):
        hand_over(held, held.contact)
    with pytest.raises(ReasonMissing):
        hand_over(held, make.verified(), reason=" ")


def test_a_cashier_of_the_old_contact_is_closed() -> None:
    invoice = approved(make.bookable())
    old, new = invoice.club.contact, make.verified()
    payment = actions.pay_invoice(invoice=invoice, by=old)
    hand_over(invoice.club, new)
    payment.refresh_from_db()
    assert payment.state == "closed"
    assert actions.pay_invoice(invoice=invoice, by=new).payer == new


def test_who_is_inside_stays_and_an_invited_contact_needs_one_pass_only() -> None:
    invoice = approved(make.bookable())
    old, new = invoice.club.contact, make.verified()
    inside, shared = invoice.bookings.order_by("starts_at")[:2]
    inside.passes.update(state="used")
    shared = actions.make_invite(booking=shared, by=old)
    code = shared.invite_code or ""
    actions.join_booking(code=code, by=new)
    hand_over(invoice.club, new)
    inside.refresh_from_db()
    shared.refresh_from_db()
    assert (inside.booked_by, shared.booked_by) == (old, new)
    assert shared.passes.live().count() == 1
    assert not Booking.objects.filter(invite_code=code).exists()


def test_a_season_that_is_being_booked_goes_on_for_the_new_contact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court = make.bookable()
    opened = season(court.venue)
    request = ask(opened, club(), court)
    propose(opened)
    old, new = request.club.contact, make.verified()
    whole = season_bookings.book_date

    def interrupted(*args: Any, **given: Any) -> None:
        if Booking.objects.count() == 2:
            hand_over(Club.objects.get(), new)
        whole(*args, **given)

    monkeypatch.setattr(season_bookings, "book_date", interrupted)
    approve(request)
    assert Booking.objects.visible_to(new).count() == 5
    assert kinds(old)[-1] == "venues.club_handed_over"
    assert kinds(new)[-2:] == ["venues.season_allocated", "venues.invoice_open"]
    assert broken_promises(of="venues.") == []


# --- Words ------------------------------------------------------------------------


def test_every_message_names_its_facts() -> None:
    court = make.bookable()
    HoursException.objects.create(venue=court.venue, on=FIRST, reason="Floor is waxed")
    invoice = approved(court)
    actions.note_transfer(
        invoice=invoice, reference="A1", paid_on=TODAY, by=make.user()
    )
    give_back(invoice)
    actions.note_transfer_back(
        transfer=TransferBack.objects.get(), reference="B2", by=make.user()
    )
    denied = ask(season(court.venue, name="Spring"), invoice.club, court, weekday=3)
    actions.deny_request(request=denied, reason="Repairs", by=make.user(), at=DECIDED)
    read = {
        notice.kind: letter_of(notice).body
        for notice in Notice.objects.filter(recipient=invoice.club.contact)
    }
    assert court.name in read["venues.season_received"]
    assert "Tuesday 19:00–21:00" in read["venues.season_allocated"]
    assert "2026-12-01 Floor is waxed" in read["venues.season_dates_skipped"]
    assert "320 yuan, to be paid by 2026-12-10" in read["venues.invoice_open"]
    assert invoice.number in read["venues.invoice_paid"]
    assert "80 yuan" in read["venues.invoice_money_back"]
    assert "Repairs" in read["venues.season_denied"]
