"""The prepared questions of the gate say what the querysets say."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.db import rows_of
from tests import make
from venues import actions
from venues.models import Booking, BookingLine, EntryPass, Venue
from venues.queries.gate import (
    doors_of,
    holder_of,
    latest_let_in,
    pass_of_code,
    standing_lines_of,
    two_posts_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking(citizen: User) -> Booking:
    return make.confirmed(by=citizen, court=make.bookable(name="Court 1", party_size=4))


def with_friend(booking: Booking) -> Booking:
    shared = actions.make_invite(booking=booking, by=booking.booked_by)
    actions.join_booking(code=shared.invite_code or "", by=make.citizen())
    return booking


def passes_of(booking: Booking) -> list[EntryPass]:
    return list(EntryPass.objects.with_holder().filter(booking=booking).order_by("pk"))


def test_a_pass_comes_with_all_that_a_check_needs(booking: Booking) -> None:
    child = make.dependant(booking.booked_by, masked_name="王*")
    Booking.objects.filter(pk=booking.pk).update(dependant=child)
    pass_of_code("000000000000")  # prepares the statement
    for expected in passes_of(with_friend(booking)):
        with CaptureQueriesContext(connection) as asked:
            found = pass_of_code(expected.code)
            assert found == expected
            assert found.key == expected.key
            assert (found.state, found.persons) == (expected.state, expected.persons)
            assert found.booking.venue.name == expected.booking.venue.name
            assert found.booking.starts_at == booking.starts_at
            assert found.booking.ends_at == booking.ends_at
            assert holder_of(found) == holder_of(expected)
        assert len(asked) == 1


def test_a_code_that_nobody_has_finds_nothing() -> None:
    assert pass_of_code("000000000000") is None


def test_the_posts_of_a_person_are_those_of_the_queryset(booking: Booking) -> None:
    keeper, boss = make.gatekeeper(booking.venue), make.user(is_superuser=True)
    gone = make.venue(closed_on=clock.today())
    gone.staff.create(user=keeper)
    make.venue(kind=Venue.Kind.BUSINESS).staff.create(user=keeper)
    second = make.venue()
    for person in (keeper, boss, booking.booked_by):
        worked_at = set(Venue.objects.worked_at_by(person))
        found = two_posts_of(person, first=second.code)
        assert set(found) <= worked_at
        assert len(found) == min(2, len(worked_at))
    assert two_posts_of(boss, first=second.code)[0] == second


def test_doors_are_in_the_order_of_their_names(booking: Booking) -> None:
    for name in ("West", "East"):
        booking.venue.gates.create(name=name)
    make.venue().gates.create(name="Elsewhere")
    assert [door.name for door in doors_of(booking.venue)] == ["East", "West"]


def test_only_what_stands_of_a_booking_is_shown(booking: Booking) -> None:
    entry_pass = make.pass_of(booking)
    [line] = standing_lines_of(entry_pass)
    stored = booking.lines.get()
    assert (line, line.bookable.name) == (stored, "Court 1")
    assert (line.quote, line.price_fen) == (stored.quote, stored.price_fen)
    assert line.session is None
    booking.lines.update(state=BookingLine.State.GIVEN_UP)
    assert standing_lines_of(entry_pass) == []


def test_who_was_let_in_last_comes_first_with_their_courts(booking: Booking) -> None:
    morning = clock.at(clock.today(), 0)
    other = make.confirmed(
        court=make.bookable(venue=booking.venue, name="Court 2"),
        starts_at=booking.starts_at,
    )
    Venue.objects.update(entry_minutes=2880)
    booking.venue.refresh_from_db()
    for one in (booking, other):
        make.let_in(Booking.objects.get(pk=one.pk))

    newest, oldest = latest_let_in(booking.venue, since=morning, most=30)

    assert (newest.courts, oldest.courts) == ("Court 2", "Court 1")
    assert oldest.name == booking.booked_by.display_name
    assert newest.starts_at == other.starts_at
    assert latest_let_in(booking.venue, since=morning, most=1) == [newest]


def test_a_related_row_that_is_not_there_is_none(booking: Booking) -> None:
    sql = """
        SELECT pass.id, NULL::bigint AS companion_id, NULL::bigint AS companion__id
          FROM venues_entrypass AS pass WHERE booking_id = $1
    """
    [found] = rows_of(EntryPass, "tests_no_companion", sql, [booking.pk])
    assert found.companion is None


def test_a_related_row_is_found_by_a_foreign_key_only(booking: Booking) -> None:
    sql = "SELECT id, id AS lines__id FROM venues_booking WHERE id = $1"
    with pytest.raises(TypeError, match="no single row"):
        rows_of(Booking, "tests_many_lines", sql, [booking.pk])
