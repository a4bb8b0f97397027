"""Doors and what went through them, a desk that took cash, and a gate without network.

The week's admissions are rows of `bookings`; their crossings are written the same way.
Everything of today is done by actions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from bureau.accounts import actions as accounts
from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.demo import DemoCity
from bureau.common.id_numbers import check_digit
from venues import actions
from venues.actions import Pick, Scan
from venues.models import Admission, Booking, Crossing, EntryPass, Gate, Venue
from venues.models.rules import PriceGroup
from venues.queries import SlotState, day_grid

DOORS = ("东门", "西门")
ROOM_FOR = (120, 300, 60)  # people allowed inside, in turn
_FIRST_17 = "99990119540908021"  # somebody of 72; the county 9999 does not exist


def fill(city: DemoCity) -> None:
    venues = list(Venue.objects.public().order_by("code"))
    for index, venue in enumerate(venues):
        Gate.objects.bulk_create(
            Gate(venue=venue, name=name, equipment_code=f"JN-{index + 1:03}-{door + 1}")
            for door, name in enumerate(DOORS)
        )
        Venue.objects.filter(pk=venue.pk).update(
            most_inside=ROOM_FOR[index % len(ROOM_FOR)]
        )
    _week(city)
    _by_hand(city, venues)
    _window(city, venues[0])
    _without_network(city)
    city.say(f"{Crossing.objects.count()} crossings at the gates")


def _key(city: DemoCity) -> UUID:
    return UUID(int=city.dice.getrandbits(128), version=4)


def _week(city: DemoCity) -> None:
    """Whoever was let in came through a door, and has left when the time was over."""
    doors = {gate.venue_id: gate for gate in Gate.objects.order_by("-pk")}
    rows = []
    for admission in Admission.objects.select_related("entry_pass__booking").order_by(
        "pk"
    ):
        ways = [("in", admission.admitted_at)]
        left_at = admission.entry_pass.booking.ends_at
        if left_at < city.now:
            ways.append(("out", left_at))
        rows += [
            Crossing(
                venue_id=admission.venue_id,
                gate=doors.get(admission.venue_id),
                direction=direction,
                persons=1,
                crossed_at=at,
                admission=admission,
                counted_by_id=admission.admitted_by_id,
                request_key=_key(city),
            )
            for direction, at in ways
        ]
    Crossing.objects.bulk_create(rows, batch_size=2000)


def _by_hand(city: DemoCity, venues: list[Venue]) -> None:
    """People without a pass, in the hours behind us; they stay for an hour."""
    rows = []
    for venue in venues:
        for back in range(1, 8):
            start = clock.at(city.today - timedelta(days=back), 7 * 60)
            rows += _counted(city, venue, start, hours=13)
        morning = clock.at(city.today, 7 * 60)
        rows += _counted(city, venue, morning, hours=13)
    Crossing.objects.bulk_create(rows, batch_size=2000)


def _counted(
    city: DemoCity, venue: Venue, start: datetime, *, hours: int
) -> list[Crossing]:
    groups = [PriceGroup.EVERYONE, PriceGroup.SENIOR, PriceGroup.MINOR]
    rows = []
    for hour in range(hours):
        persons = city.dice.randint(1, 9)
        group = groups[city.dice.randrange(3)]
        came_at = start + timedelta(hours=hour, minutes=city.dice.randint(0, 59))
        for direction, at in (("in", came_at), ("out", came_at + timedelta(hours=1))):
            if at < city.now:
                rows.append(
                    Crossing(
                        venue=venue,
                        direction=direction,
                        persons=persons,
                        group=group,
                        crossed_at=at,
                        request_key=_key(city),
                    )
                )
    return rows


def _clerk(venue: Venue) -> User:
    return venue.staff.select_related("user").order_by("pk")[0].user


def _window(city: DemoCity, venue: Venue) -> None:
    """Somebody of 72 without a phone: registered, booked, paid in cash, on paper."""
    clerk = _clerk(venue)
    elder = accounts.register_person(
        name="孔繁荣",
        number=_FIRST_17 + check_digit(_FIRST_17),
        agreed=True,
        by=clerk,
    )
    on = city.today + timedelta(days=1)
    grid = day_grid(
        venue,
        sport=venue.sports[0],
        on=on,
        at=city.now,
        groups=frozenset({"senior"}),
        channel=Booking.Channel.DESK,
    )
    free = (
        slot
        for row in grid.rows
        for slot in row.slots
        if slot and slot.state is SlotState.FREE and slot.price.fen
    )
    if (slot := next(free, None)) is None:
        return
    booking = actions.book_at_desk(
        venue=venue,
        picks=[Pick(slot.bookable_id, slot.starts_at)],
        quoted_fen=slot.price.fen,
        request_key=_key(city),
        person=elder,
        way="cash",
        by=clerk,
    )
    actions.print_pass(booking=booking, by=clerk)


def _without_network(city: DemoCity) -> None:
    """Two gates lost the network yesterday, and both let the same pass in."""
    used = (
        EntryPass.objects.filter(state=EntryPass.State.USED)
        .select_related("booking__venue", "admission")
        .order_by("-booking__starts_at", "pk")
        .first()
    )
    if used is None:
        return
    venue = used.booking.venue
    clerk = _clerk(venue)
    device = actions.register_device(venue=venue, name="西门手机", by=clerk)
    at = used.admission.admitted_at + timedelta(minutes=3)
    scan = Scan(scan_key=_key(city), pass_code=used.code, scanned_at=min(at, city.now))
    actions.sync_scans(device=device, scans=[scan], by=clerk)
