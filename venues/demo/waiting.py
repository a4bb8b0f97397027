"""Lines for busy times, an offer that waits, and a booking that was changed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bureau.accounts.demo import GUARDIAN, SENIOR, STUDENT
from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.common.demo import DemoCity
from bureau.common.errors import DomainError
from venues import actions
from venues.actions import Pick
from venues.models import Booking, BookingLine
from venues.queries import day_grid


def fill(city: DemoCity) -> None:
    waiting = [_wait_for_taken(city, person.user()) for person in (STUDENT, SENIOR)]
    offered = _be_offered(city, GUARDIAN.user())
    changed = _change(city, STUDENT.user())
    city.say(
        f"{sum(waiting)} people in line, {int(offered)} offer, {int(changed)} change"
    )


def _taken_by_others(city: DemoCity, person: User) -> list[BookingLine]:
    """Evening times that somebody else has booked, the next one first."""
    lines = BookingLine.objects.standing().filter(
        booking__state=Booking.State.CONFIRMED,
        booking__invoice=None,
        session=None,
        starts_at__gt=city.now,
        starts_at__hour__gte=18,
    )
    others = lines.exclude(booking__booked_by=person)
    return list(
        others.select_related(
            "booking__venue", "booking__booked_by", "bookable"
        ).order_by("starts_at", "pk")[20:60]
    )


def _join(line: BookingLine, person: User) -> bool:
    try:
        actions.join_waiting_list(
            venue=line.booking.venue,
            sport=line.bookable.sport,
            starts_at=line.starts_at,
            bookable=line.bookable,
            by=person,
        )
    except DomainError:
        return False  # it is the wrong kind of time for a line; the next one will do
    return True


def _wait_for_taken(city: DemoCity, person: User) -> bool:
    return any(_join(line, person) for line in _taken_by_others(city, person))


def _be_offered(city: DemoCity, person: User) -> bool:
    """Somebody gives a time back for which the person waits."""
    for line in _taken_by_others(city, person)[10:]:
        if _join(line, person):
            actions.cancel_booking(
                booking=line.booking, by=line.booking.booked_by, line_ids=[line.pk]
            )
            return True
    return False


def _change(city: DemoCity, person: User) -> bool:
    """The person moves a booking to another time of that day at the same price."""
    coming = Booking.objects.visible_to(person).upcoming_at(city.now)
    for booking in coming.filter(state=Booking.State.CONFIRMED).order_by(
        "-starts_at", "pk"
    ):
        line = booking.lines.standing().select_related("bookable").first()
        if line is None or booking.refund_of(line, at=city.now) < line.price_fen:
            continue  # late enough to cost something
        if start := _other_time(city, booking, line):
            actions.change_booking(
                booking=booking,
                line_ids=[line.pk],
                picks=[Pick(line.bookable_id, start)],
                quoted_fen=line.price_fen,
                request_key=UUID(int=city.dice.getrandbits(128), version=4),
                by=person,
            )
            return True
    return False


def _other_time(city: DemoCity, booking: Booking, line: BookingLine) -> datetime | None:
    grid = day_grid(
        booking.venue,
        sport=line.bookable.sport,
        on=line.starts_at.astimezone(city.now.tzinfo).date(),
        at=city.now,
        groups=eligible_groups(booking.booked_by, booking.dependant, on=city.today),
    )
    for row in grid.rows:
        for slot in row.slots:
            if (
                slot
                and slot.is_free
                and slot.bookable_id == line.bookable_id
                and slot.price.fen == line.price_fen
                and slot.starts_at > line.starts_at
            ):
                return slot.starts_at
    return None
