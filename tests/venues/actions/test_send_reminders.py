from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common import clock
from bureau.notices.actions import set_mutes
from bureau.notices.models import Delivery, Notice
from tests import make
from tests.at_once import at_once
from venues import actions
from venues.models import Booking

pytestmark = pytest.mark.django_db

DAY, SOON = "venues.reminder_day", "venues.reminder_soon"


def in_days(days: int, hour: int = 18) -> datetime:
    return clock.at(clock.today() + timedelta(days=days), hour * 60)


def booked(**given: object) -> Booking:
    """A paid booking three days ahead."""
    return make.confirmed(starts_at=in_days(3), **given)


def remind(at: datetime) -> int:
    with time_machine.travel(at, tick=False):
        return actions.send_reminders(at=at)


def told(user: User) -> list[str]:
    notices = Notice.objects.filter(recipient=user, kind__startswith="venues.reminder")
    return list(notices.order_by("pk").values_list("kind", flat=True))


def before(booking: Booking, **gap: int) -> datetime:
    return booking.starts_at - timedelta(**gap)


def test_a_player_is_reminded_on_the_day_before_and_two_hours_before(
    citizen: User,
) -> None:
    booking = booked(by=citizen)
    assert remind(before(booking, hours=24, minutes=1)) == 0
    assert remind(before(booking, hours=24)) == 1
    assert remind(before(booking, hours=23)) == 0
    assert remind(before(booking, hours=2)) == 1
    assert remind(before(booking, hours=1)) == 0
    assert told(citizen) == [DAY, SOON]


def test_nobody_is_reminded_after_the_start(citizen: User) -> None:
    booking = booked(by=citizen)
    assert remind(booking.starts_at) == 0


def test_a_missed_day_is_not_made_up_for_beside_the_two_hours(citizen: User) -> None:
    booking = booked(by=citizen)
    assert remind(before(booking, hours=1)) == 1
    assert told(citizen) == [SOON]


def test_who_books_for_tonight_is_reminded_only_shortly_before(citizen: User) -> None:
    start = in_days(1)
    with time_machine.travel(start - timedelta(hours=5)):
        booking = make.confirmed(by=citizen, starts_at=start)
    assert remind(before(booking, hours=4)) == 0
    assert remind(before(booking, hours=2)) == 1
    assert told(citizen) == [SOON]


def test_who_books_for_the_next_hour_is_not_reminded(citizen: User) -> None:
    start = in_days(1)
    with time_machine.travel(start - timedelta(hours=1)):
        booking = make.confirmed(by=citizen, starts_at=start)
    assert remind(before(booking, minutes=30)) == 0


def test_cancelled_and_unpaid_ones_are_not_reminded(citizen: User) -> None:
    booking = booked(by=citizen)
    make.held(starts_at=in_days(3))
    actions.cancel_booking(booking=booking, by=citizen)
    assert remind(before(booking, hours=24)) == 0


def test_a_moved_booking_is_reminded_of_its_new_time(citizen: User) -> None:
    booking = booked(by=citizen)
    remind(before(booking, hours=20))
    line = booking.lines.get()
    with time_machine.travel(before(booking, hours=19)):
        actions.change_booking(
            booking=booking,
            line_ids=[line.pk],
            picks=[make.pick(line.bookable, in_days(5))],
            quoted_fen=make.PRICE_FEN,
            request_key=uuid4(),
            by=citizen,
        )
    booking.refresh_from_db()
    assert remind(before(booking, hours=24)) == 1
    assert told(citizen) == [DAY, DAY]
    newest = Notice.objects.filter(kind=DAY).order_by("-pk")[0]
    assert newest.context["starts_at"] == booking.starts_at.isoformat()


def test_who_plays_along_is_reminded_too(citizen: User, stranger: User) -> None:
    booking = actions.make_invite(booking=booked(by=citizen), by=citizen)
    actions.join_booking(code=booking.invite_code or "", by=stranger)
    remind(before(booking, hours=24))
    assert told(stranger) == [DAY]


def test_a_person_can_mute_them(citizen: User) -> None:
    set_mutes(user=citizen, muted={(DAY, "sms")})
    booking = booked(by=citizen)
    remind(before(booking, hours=24))
    remind(before(booking, hours=2))
    sent = Delivery.objects.filter(notice__kind__startswith="venues.reminder")
    assert list(sent.values_list("notice__kind", flat=True)) == [SOON]


@pytest.mark.django_db(transaction=True)
def test_many_workers_remind_once(citizen: User) -> None:
    booking = booked(by=citizen)
    at = before(booking, hours=24)
    assert sum(at_once(*[partial(actions.send_reminders, at=at)] * 6)) == 1
    assert told(citizen) == [DAY]
