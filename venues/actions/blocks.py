from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.words import listed
from venues.actions.slots import lock_floor, refuse_taken
from venues.actions.waiting import offer_freed
from venues.errors.closures import BlockAlreadyLifted, PeriodTooLong, UnitsTaken
from venues.errors.slots import NothingPicked, SlotTaken
from venues.models import Block, Booking, Occupancy, Unit, Venue
from venues.querysets import period

LONGEST = timedelta(days=366)


@constraint_errors(venues_occupancy_no_overlap=SlotTaken)
def block_units(
    *,
    venue: Venue,
    units: Sequence[Unit],
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    by: User,
) -> Block:
    """Take courts out of use for a while.

    Bookings are never pushed aside silently: `UnitsTaken` names the first ten of those
    in the way, and staff call them off first (`call_off_booking`). Also raises
    `NothingPicked`, `PeriodTooLong`, and `SlotTaken` when another block is there.
    """
    now = clock.now()
    if not units:
        raise NothingPicked
    if not starts_at < ends_at <= starts_at + LONGEST:
        raise PeriodTooLong(days=LONGEST.days)
    wanted = [(unit.pk, starts_at, ends_at) for unit in units]

    lock_floor(wanted)
    try:
        refuse_taken(wanted, at=now)
    except SlotTaken:
        _name_the_bookings(wanted, at=now)
        raise
    block = Block.objects.create(
        venue=venue,
        unit_ids=sorted(unit.pk for unit in units),
        reason=reason,
        starts_at=starts_at,
        ends_at=ends_at,
        set_by=by,
        created_at=now,
    )
    Occupancy.objects.bulk_create(
        Occupancy(
            unit_id=unit_id,
            during=period(start, end),
            kind=Occupancy.Kind.BLOCK,
            block=block,
        )
        for unit_id, start, end in wanted
    )
    record(
        "venues.block.set",
        subject=block,
        by=by,
        at=now,
        detail={"units": [unit.pk for unit in units], "reason": reason},
    )
    return block


@transaction.atomic
def lift_block(*, block: Block, by: User) -> Block:
    """Open blocked or closed courts again; who waits for them comes first.

    Raises `BlockAlreadyLifted`.
    """
    now = clock.now()
    freed = [(unit_id, block.starts_at, block.ends_at) for unit_id in block.unit_ids]
    lock_floor(freed)
    if not Block.objects.filter(pk=block.pk, lifted_at=None).update(lifted_at=now):
        raise BlockAlreadyLifted
    Occupancy.objects.filter(block=block).delete()
    record("venues.block.lifted", subject=block, by=by, at=now)
    offer_freed(block.venue, freed, at=now)
    block.refresh_from_db()
    return block


def _name_the_bookings(
    wanted: Sequence[tuple[int, datetime, datetime]], *, at: datetime
) -> None:
    in_the_way = Occupancy.objects.during_any_of(wanted).standing_at(at)
    numbers = Booking.objects.filter(
        pk__in=in_the_way.exclude(line=None).values("line__booking")
    ).order_by("starts_at", "pk")[:10]
    if numbers:
        raise UnitsTaken(numbers=listed(booking.number for booking in numbers))
