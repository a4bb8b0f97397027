"""Nobody came: release, points, ban, appeal, excuse. No judgement without a rule."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common import clock
from bureau.notices.models import Notice
from bureau.payments.models import Refund
from tests import make
from tests.promises import broken_promises
from venues import actions
from venues.errors.conduct import (
    AlreadyAppealed,
    AlreadyDecided,
    AlreadyExcused,
    AppealTooLate,
    Banned,
    NotANoShow,
    RuleInThePast,
)
from venues.models import (
    Ban,
    Block,
    Bookable,
    Booking,
    ConductPoint,
    ConductRule,
    EntryPass,
    GateDevice,
    Occupancy,
    OfflineScan,
    Venue,
    WaitingEntry,
)
from venues.queries import conduct

pytestmark = pytest.mark.django_db

AFTER = timedelta(minutes=15)


@pytest.fixture
def venue() -> Venue:
    return make.venue(no_show_minutes=15)


@pytest.fixture
def court(venue: Venue) -> Bookable:
    return make.bookable(venue=venue)


@pytest.fixture
def rule(db: None) -> ConductRule:
    return make.conduct_rule()


def after_start(booking: Booking, more: timedelta = AFTER) -> Any:
    return time_machine.travel(booking.starts_at + more, tick=False)


def sweep() -> int:
    marked = actions.mark_no_shows(at=clock.now())
    actions.impose_bans(at=clock.now())
    return marked


def miss(court: Bookable, person: User, starts_at: datetime) -> ConductPoint:
    """The person books, and does not come."""
    with time_machine.travel(starts_at - timedelta(hours=3), tick=False):
        booking = make.confirmed(court=court, by=person, starts_at=starts_at)
    with after_start(booking):
        assert sweep() == 1
    return ConductPoint.objects.get(booking=booking)


def banned_person(court: Bookable) -> User:
    person = make.citizen()
    for hour in (9, 12, 15):
        miss(court, person, make.tomorrow_at(hour))
    return person


# --- Nobody came ------------------------------------------------------------------


@pytest.mark.usefixtures("rule")
def test_an_unused_booking_is_released_and_its_money_stays(court: Bookable) -> None:
    booking = make.confirmed(court=court)

    with after_start(booking):
        assert sweep() == 1
        assert sweep() == 0

    booking.refresh_from_db()
    point = ConductPoint.objects.get()
    assert booking.state == Booking.State.NO_SHOW
    assert make.pass_of(booking).state == EntryPass.State.REVOKED
    assert not Occupancy.objects.exists()
    assert not Refund.objects.exists()
    assert (point.person, point.points) == (booking.booked_by, 1)
    assert point.counts_until == booking.starts_at + AFTER + timedelta(days=90)
    assert Notice.objects.filter(kind="venues.no_show").count() == 1
    assert broken_promises() == []


@pytest.mark.usefixtures("rule")
def test_not_a_minute_too_early(court: Bookable) -> None:
    booking = make.confirmed(court=court)

    with after_start(booking, AFTER - timedelta(seconds=1)):
        assert sweep() == 0


@pytest.mark.usefixtures("rule")
def test_who_came_has_no_points(court: Bookable) -> None:
    booking = make.confirmed(court=court)

    with after_start(booking):
        make.let_in(booking)
        assert sweep() == 0


@pytest.mark.usefixtures("rule")
def test_a_venue_that_sets_no_minutes_releases_nothing() -> None:
    booking = make.confirmed()

    with after_start(booking):
        assert sweep() == 0


def test_without_a_rule_the_court_is_released_and_nobody_has_points(
    court: Bookable,
) -> None:
    booking = make.confirmed(court=court)

    with after_start(booking):
        assert sweep() == 1

    assert not ConductPoint.objects.exists()


@pytest.mark.usefixtures("rule")
def test_nobody_is_given_points_for_what_lies_long_behind(court: Bookable) -> None:
    booking = make.confirmed(court=court)

    with after_start(booking, timedelta(hours=7)):
        assert sweep() == 0


@pytest.mark.usefixtures("rule")
def test_a_closure_gives_nobody_points(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    Block.objects.create(
        venue=court.venue,
        reason="Storm",
        is_closure=True,
        is_weather=True,
        announced_at=clock.now(),
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        set_by=make.user(),
        created_at=clock.now(),
    )

    with after_start(booking):
        assert sweep() == 0


@pytest.mark.usefixtures("rule")
def test_the_rest_of_a_long_booking_is_offered_to_who_waits(court: Bookable) -> None:
    start = make.tomorrow_at(18)
    booking = make.pay(
        actions.hold_slots(
            venue=court.venue,
            picks=[make.pick(court, start), make.pick(court, start.replace(hour=19))],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            by=make.citizen(),
        )
    )
    entry = actions.join_waiting_list(
        venue=court.venue,
        sport=court.sport,
        starts_at=start.replace(hour=19),
        by=make.citizen(),
    )

    with after_start(booking):
        assert sweep() == 1

    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.OFFERED


@pytest.mark.usefixtures("rule")
def test_who_misses_the_first_of_two_times_may_still_come_to_the_second(
    court: Bookable,
) -> None:
    start = make.tomorrow_at(10)
    booking = make.pay(
        actions.hold_slots(
            venue=court.venue,
            picks=[make.pick(court, start), make.pick(court, start.replace(hour=15))],
            quoted_fen=2 * make.PRICE_FEN,
            request_key=uuid4(),
            by=make.citizen(),
        )
    )

    with after_start(booking):
        assert sweep() == 0
    with after_start(booking, timedelta(hours=5) + AFTER):
        assert sweep() == 1


@pytest.mark.usefixtures("rule")
def test_tickets_that_nobody_used_free_their_places(venue: Venue) -> None:
    session = make.session(bookable=make.bookable(venue=venue))
    booking = make.pay(make.tickets(session, places=2))

    with after_start(booking):
        assert sweep() == 1

    session.refresh_from_db()
    assert session.taken == 0
    assert broken_promises() == []


@pytest.mark.usefixtures("rule")
def test_what_the_window_sold_late_has_its_minutes_from_then(venue: Venue) -> None:
    session = make.session(bookable=make.bookable(venue=venue))
    with time_machine.travel(session.starts_at + timedelta(minutes=50), tick=False):
        make.pay(make.tickets(session, channel=Booking.Channel.DESK))
        assert sweep() == 0


@pytest.mark.usefixtures("rule")
def test_a_companion_who_came_is_enough(court: Bookable) -> None:
    booking = make.confirmed(court=court)
    invited = actions.make_invite(booking=booking, by=booking.booked_by)
    friend = actions.join_booking(code=invited.invite_code or "", by=make.citizen())

    with after_start(booking):
        actions.admit(
            entry_pass=EntryPass.objects.get(companion=friend),
            venue=court.venue,
            by=make.gatekeeper(court.venue),
        )
        assert sweep() == 0


@pytest.mark.usefixtures("rule")
@pytest.mark.parametrize(("minutes", "is_excused"), [(5, True), (30, False)])
def test_who_a_gate_without_network_let_in_is_excused_when_it_tells(
    court: Bookable, minutes: int, *, is_excused: bool
) -> None:
    booking = make.confirmed(court=court)
    keeper = make.gatekeeper(court.venue)
    with after_start(booking):
        assert sweep() == 1
    device = GateDevice.objects.create(
        venue=court.venue,
        name="Tablet",
        registered_by=keeper,
        registered_at=clock.now(),
    )
    told_at = booking.starts_at + timedelta(hours=3)
    OfflineScan.objects.create(
        device=device,
        scan_key=uuid4(),
        pass_code=make.pass_of(booking).code,
        entry_pass=make.pass_of(booking),
        scanned_at=booking.starts_at + timedelta(minutes=minutes),
        received_at=told_at,
        scanned_by=keeper,
        outcome=OfflineScan.Outcome.CANCELLED,
    )

    with time_machine.travel(told_at, tick=False):
        assert actions.excuse_late_news(at=told_at) == int(is_excused)
        assert actions.excuse_late_news(at=told_at) == 0

    assert (ConductPoint.objects.get().excused_at is not None) is is_excused


# --- Late cancelling --------------------------------------------------------------


def cancel_late(court: Bookable) -> Booking:
    booking = make.confirmed(court=court)
    with time_machine.travel(booking.starts_at - timedelta(minutes=30), tick=False):
        actions.cancel_booking(booking=booking, by=booking.booked_by)
    return booking


def test_cancelling_too_late_costs_points_where_the_rule_says_so(
    court: Bookable,
) -> None:
    make.conduct_rule(late_cancel_points=1)

    booking = cancel_late(court)

    point = ConductPoint.objects.get(booking=booking)
    assert (point.reason, point.points) == ("late_cancel", 1)
    assert broken_promises() == []


@pytest.mark.usefixtures("rule")
def test_by_default_it_costs_none(court: Bookable) -> None:
    cancel_late(court)

    assert not ConductPoint.objects.exists()


def test_cancelling_in_time_costs_none(court: Bookable) -> None:
    make.conduct_rule(late_cancel_points=1)
    booking = make.confirmed(court=court)

    actions.cancel_booking(booking=booking, by=booking.booked_by)

    assert not ConductPoint.objects.exists()


def test_a_venue_that_returns_nothing_ever_knows_no_late_cancelling() -> None:
    make.conduct_rule(late_cancel_points=1)

    cancel_late(make.bookable(venue=make.venue(bands=())))

    assert not ConductPoint.objects.exists()


# --- Bans -------------------------------------------------------------------------


@pytest.mark.usefixtures("rule")
def test_the_third_point_bans_and_who_waits_leaves_the_line(court: Bookable) -> None:
    person = make.citizen()
    miss(court, person, make.tomorrow_at(9))
    miss(court, person, make.tomorrow_at(12))
    assert not Ban.objects.exists()
    taken = make.confirmed(court=court, starts_at=make.tomorrow_at(20))
    entry = actions.join_waiting_list(
        venue=court.venue, sport=court.sport, starts_at=taken.starts_at, by=person
    )

    miss(court, person, make.tomorrow_at(15))

    ban = Ban.objects.get()
    assert (ban.person, ban.points) == (person, 3)
    assert ban.ends_at == ban.starts_at + timedelta(days=30)
    entry.refresh_from_db()
    assert entry.state == WaitingEntry.State.LEFT
    assert Notice.objects.filter(kind="venues.banned").count() == 1
    with (
        time_machine.travel(ban.starts_at + timedelta(hours=1), tick=False),
        pytest.raises(Banned),
    ):
        make.held(court=court, by=person, starts_at=make.tomorrow_at(18))
    assert broken_promises() == []


@pytest.mark.usefixtures("rule")
def test_a_ban_uses_its_points_up(court: Bookable) -> None:
    person = banned_person(court)
    later = make.tomorrow_at(9) + timedelta(days=31)

    miss(court, person, later)

    assert Ban.objects.count() == 1
    with time_machine.travel(later + timedelta(hours=1), tick=False):
        assert conduct.standing_of(person, at=clock.now()).points == 1


@pytest.mark.usefixtures("rule")
def test_the_window_sells_tickets_to_who_is_banned(court: Bookable) -> None:
    person = banned_person(court)
    session = make.session(starts_at=make.tomorrow_at(20))

    with time_machine.travel(make.tomorrow_at(16), tick=False):
        with pytest.raises(Banned):
            make.tickets(session, by=person)
        make.tickets(session, by=person, channel=Booking.Channel.DESK)


def test_points_run_out(court: Bookable) -> None:
    make.conduct_rule(count_days=10)
    person = make.citizen()
    for days in (0, 6, 12):
        miss(court, person, make.tomorrow_at(9) + timedelta(days=days))

    assert not Ban.objects.exists()


@pytest.mark.usefixtures("rule")
def test_staff_lift_a_ban_with_a_reason(court: Bookable) -> None:
    person = banned_person(court)

    with time_machine.travel(make.tomorrow_at(16), tick=False):
        actions.lift_ban(ban=Ban.objects.get(), reason="Goodwill", by=make.user())
        assert sweep() == 0
        assert conduct.banned_until(person, at=clock.now()) is None
        make.held(court=court, by=person, starts_at=make.tomorrow_at(18))

    assert Ban.objects.count() == 1


# --- Appeals and excuses ------------------------------------------------------------


@pytest.mark.usefixtures("rule")
def test_a_granted_appeal_excuses_the_points_and_ends_the_ban(court: Bookable) -> None:
    person = banned_person(court)
    point = ConductPoint.objects.order_by("pk")[0]

    with time_machine.travel(make.tomorrow_at(16), tick=False):
        appeal = actions.appeal_against(point=point, words="The gate broke", by=person)
        with pytest.raises(AlreadyAppealed):
            actions.appeal_against(point=point, words="Again", by=person)
        actions.decide_appeal(
            appeal=appeal, is_granted=True, answer="It did", by=make.user()
        )
        with pytest.raises(AlreadyDecided):
            actions.decide_appeal(
                appeal=appeal, is_granted=False, answer="No", by=make.user()
            )
        assert conduct.banned_until(person, at=clock.now()) is None

    point.refresh_from_db()
    assert point.excuse == "It did"
    assert Ban.objects.get().lifted_at
    assert not Refund.objects.exists()
    assert broken_promises() == []


@pytest.mark.usefixtures("rule")
def test_a_denied_appeal_changes_nothing_and_says_why(court: Bookable) -> None:
    person = make.citizen()
    point = miss(court, person, make.tomorrow_at(9))

    with time_machine.travel(make.tomorrow_at(16), tick=False):
        appeal = actions.appeal_against(point=point, words="I forgot", by=person)
        actions.decide_appeal(
            appeal=appeal, is_granted=False, answer="Sorry", by=make.user()
        )

    point.refresh_from_db()
    notice = Notice.objects.get(kind="venues.appeal_denied")
    assert point.excused_at is None
    assert notice.context["answer"] == "Sorry"


@pytest.mark.usefixtures("rule")
def test_an_appeal_has_its_time(court: Bookable) -> None:
    person = make.citizen()
    point = miss(court, person, make.tomorrow_at(9))

    with (
        time_machine.travel(make.tomorrow_at(1) + timedelta(days=16), tick=False),
        pytest.raises(AppealTooLate),
    ):
        actions.appeal_against(point=point, words="Hello?", by=person)


@pytest.mark.usefixtures("rule")
def test_rain_excuses_all_of_a_venue_and_returns_the_money(court: Bookable) -> None:
    person = banned_person(court)
    points = conduct.no_shows_of(court.venue, make.tomorrow_at(0), make.tomorrow_at(13))
    assert points.count() == 2

    with time_machine.travel(make.tomorrow_at(16), tick=False):
        done = actions.excuse_no_shows(
            points=list(points), excuse="Rain", by=make.user(), with_refund=True
        )
        assert conduct.banned_until(person, at=clock.now()) is None

    assert done == 2
    states = sorted(Booking.objects.values_list("state", flat=True))
    assert states == ["cancelled", "cancelled", "no_show"]
    assert sum(Refund.objects.values_list("amount_fen", flat=True)) == 80_00
    assert broken_promises() == []


@pytest.mark.usefixtures("rule")
def test_points_are_excused_and_money_returned_once(court: Bookable) -> None:
    point = miss(court, make.citizen(), make.tomorrow_at(9))
    actions.excuse_point(point=point, excuse="Ill", by=make.user())
    actions.call_off_no_show(booking=point.booking, reason="Ill", by=None)

    with pytest.raises(AlreadyExcused):
        actions.excuse_point(point=point, excuse="Ill", by=make.user())
    with pytest.raises(NotANoShow):
        actions.call_off_no_show(booking=point.booking, reason="Ill", by=None)


def test_nobody_is_judged_by_a_rule_of_yesterday() -> None:
    rule = ConductRule(
        valid_from=date(2020, 1, 1),
        no_show_points=1,
        ban_from_points=3,
        count_days=90,
        ban_days=30,
    )

    with pytest.raises(RuleInThePast):
        actions.set_conduct_rule(rule=rule, by=make.user())

    rule.valid_from = clock.today() + timedelta(days=1)
    actions.set_conduct_rule(rule=rule, by=make.user())
    assert conduct.rule_on(clock.today()) is None
