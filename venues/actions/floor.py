"""The rows of a booking: what is written when floor is taken, and when it is let go.

Everything here runs inside an action, behind `lock_floor`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db.models import Max, Min

from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import eligible_groups
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import insert, new
from bureau.payments import actions as payments
from venues.actions.slots import PickedSlot, Wanted, lock_floor
from venues.models import (
    Booking,
    BookingChange,
    BookingLine,
    EntryPass,
    Occupancy,
    Venue,
)
from venues.queries import house_rules
from venues.querysets import period


def open_booking(
    *,
    venue: Venue,
    slots: Sequence[PickedSlot],
    person: User,
    dependant: Dependant | None,
    channel: Booking.Channel,
    hold_until: datetime | None,
    at: datetime,
    by: User | None,
    request_key: UUID | None = None,
) -> Booking:
    """Write a booking with its lines, its floor, and the payment it waits for.

    With `hold_until` it is held, even when it is free (an offer that somebody has to
    accept); without, it is confirmed at once and has its pass. Inside of `one_trip` or
    `write_if_clear` all rows of one that is held go to the database together.
    """
    total = sum(slot.offer.price.fen for slot in slots)
    booking = new(
        Booking,
        venue=venue,
        booked_by=person,
        dependant=dependant,
        channel=channel,
        state=Booking.State.HELD if hold_until else Booking.State.CONFIRMED,
        starts_at=min(slot.offer.starts_at for slot in slots),
        ends_at=max(slot.offer.ends_at for slot in slots),
        total_fen=total,
        cancel_terms=house_rules(venue, today=clock.local_day(at)).cancel_terms,
        created_at=at,
        hold_until=hold_until,
        request_key=request_key or uuid.uuid4(),
    )
    insert(booking)
    take_floor(write_lines(booking, slots), hold_until=hold_until)
    record(f"venues.booking.{booking.state}", subject=booking, by=by, at=at)
    if not hold_until:
        issue_pass(booking, at=at)
    elif total:
        booking.payment_due = payments.request_payment(
            owner=booking,
            payer=person,
            amount_fen=total,
            title=f"{venue.name} {clock.at_text(booking.starts_at)}",
            expires_at=hold_until,
            return_path=booking.get_absolute_url(),
            by=by,
            is_first=True,
        )
    return booking


def write_lines(
    booking: Booking,
    slots: Sequence[PickedSlot],
    *,
    change: BookingChange | None = None,
) -> list[BookingLine]:
    """A line per slot; those of a change wait for it."""
    pending = change is not None
    lines = [
        new(
            BookingLine,
            booking=booking,
            bookable=slot.bookable,
            starts_at=slot.offer.starts_at,
            ends_at=slot.offer.ends_at,
            price_fen=slot.offer.price.fen,
            quote=slot.offer.as_quote(),
            session=slot.session,
            places=slot.places,
            arrives_with=change,
            state=BookingLine.State.PENDING if pending else BookingLine.State.STANDING,
        )
        for slot in slots
    ]
    insert(*lines)
    return lines


def take_floor(
    lines: Sequence[BookingLine],
    *,
    hold_until: datetime | None,
    only: Collection[Wanted] | None = None,
) -> None:
    """Occupy every unit of every line, or `only` these pieces of it.

    The lines' courts come from `with_units`.
    """
    kind = Occupancy.Kind.HOLD if hold_until else Occupancy.Kind.BOOKING
    rows = [
        new(
            Occupancy,
            unit_id=unit_id,
            during=period(start, end),
            kind=kind,
            line=line,
            hold_until=hold_until,
        )
        for line in lines
        for unit_id, start, end in _pieces(line, only)
    ]
    if rows:
        insert(*rows)


def issue_pass(booking: Booking, *, at: datetime) -> EntryPass:
    """The booker's pass; the people of its tickets come in with it."""
    tickets = booking.lines.filter(session__isnull=False, state="standing")
    persons = max([1, *tickets.values_list("places", flat=True)])
    return EntryPass.objects.create(booking=booking, issued_at=at, persons=persons)


def refit(booking: Booking) -> None:
    """Make total and times of a booking those of its standing lines, and save them."""
    left = BookingLine.objects.standing().filter(booking=booking)
    span = left.aggregate(starts_at=Min("starts_at"), ends_at=Max("ends_at"))
    if booking.starts_at != span["starts_at"]:
        # Of another time people are reminded anew.
        booking.reminded_at = booking.reminded_soon_at = None
    booking.starts_at, booking.ends_at = span["starts_at"], span["ends_at"]
    booking.total_fen = sum(left.values_list("price_fen", flat=True))
    booking.save(
        update_fields=[
            "starts_at",
            "ends_at",
            "total_fen",
            "retained_fen",
            "reminded_at",
            "reminded_soon_at",
        ]
    )


def lock_booking(booking: Booking) -> Booking:
    return (
        Booking.objects.select_related("venue", "booked_by")
        .select_for_update(of=["self"])
        .get(pk=booking.pk)
    )


def lock_lines(booking: Booking, line_ids: Collection[int] = ()) -> list[BookingLine]:
    """The standing lines meant (all without `line_ids`), their floor locked.

    So is the floor of slots that wait for a change: it may go with them.
    """
    live = BookingLine.objects.exclude(state=BookingLine.State.GIVEN_UP)
    lines = list(live.filter(booking=booking).with_courts())
    meant = [
        line
        for line in lines
        if line.state == BookingLine.State.STANDING
        and (not line_ids or line.pk in line_ids)
    ]
    arriving = [line for line in lines if line.state == BookingLine.State.PENDING]
    if wanted := wanted_of([*meant, *arriving]):
        lock_floor(wanted)
    return meant


def wanted_of(lines: Iterable[BookingLine]) -> list[Wanted]:
    """The floor of lines with their buffers; tickets to a session have none."""
    return [
        (unit_id, line.starts_at, line.ends_at + line.bookable.buffer)
        for line in lines
        if line.session_id is None
        for unit_id in line.bookable.unit_ids
    ]


def beyond(wanted: Iterable[Wanted], own: Sequence[Wanted]) -> list[Wanted]:
    """The pieces of `wanted` that lie outside of `own`."""
    pieces = list(wanted)
    for unit, start, end in own:
        cut = []
        for piece in pieces:
            if piece[0] != unit or piece[2] <= start or end <= piece[1]:
                cut.append(piece)
                continue
            if piece[1] < start:
                cut.append((unit, piece[1], start))
            if end < piece[2]:
                cut.append((unit, end, piece[2]))
        pieces = cut
    return pieces


def groups_of(
    person: User, dependant: Dependant | None, *, venue: Venue, on: date
) -> frozenset[str]:
    """The price groups of whoever plays; not asked where no group has its price."""
    if not house_rules(venue, today=on).asks_for_groups:
        return frozenset()
    return eligible_groups(person, dependant=dependant, on=on)


def _pieces(line: BookingLine, only: Collection[Wanted] | None) -> list[Wanted]:
    whole = wanted_of([line])
    if only is None:
        return whole
    return [
        piece
        for piece in only
        for unit, start, end in whole
        if piece[0] == unit and start <= piece[1] and piece[2] <= end
    ]
