"""A booking that is shared, and what the people to sign in as keep for themselves."""

from __future__ import annotations

from bureau.accounts.demo import GUARDIAN, SENIOR, STUDENT
from bureau.common.demo import DemoCity
from venues import actions
from venues.models import Booking, Venue


def fill(city: DemoCity) -> None:
    _share(city)
    venues = list(Venue.objects.public().order_by("code"))
    for person, kept in ((STUDENT, (11, 0, 2)), (GUARDIAN, (2, 4)), (SENIOR, (0,))):
        for index in kept:
            actions.add_favourite(venue=venues[index], by=person.user())


def _share(city: DemoCity) -> None:
    """The student's next booking: the mother of two plays along."""
    coming = Booking.objects.visible_to(STUDENT.user()).upcoming_at(city.now)
    stands = coming.filter(state=Booking.State.CONFIRMED).order_by("starts_at", "pk")
    booking = stands.first()
    if booking is None:
        return
    invited = actions.make_invite(booking=booking, by=STUDENT.user())
    actions.join_booking(code=invited.invite_code or "", by=GUARDIAN.user())
    city.say("a booking that two people share")
