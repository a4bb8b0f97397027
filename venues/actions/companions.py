"""Sharing a booking: the invite link, who joins by it, who leaves or is removed.

Everything here takes the lock of the booking's row, and no other: places are counted
behind it, so the last one has one winner.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes
from venues.actions.floor import lock_booking
from venues.actions.telling import tell_one
from venues.errors.companions import (
    InviteUnknown,
    NotAlong,
    NotShareable,
    OwnInvite,
    PartyFull,
    PartyTooLarge,
    TooLateForCompanions,
)
from venues.errors.gate import AlreadyAdmitted
from venues.models import Booking, Companion, EntryPass
from venues.queries import companions_until, party_of


@transaction.atomic
def make_invite(*, booking: Booking, by: User) -> Booking:
    """Make the link by which others join; it takes the place of an older one.

    Who has joined stays. Raises `NotShareable` or `TooLateForCompanions`.
    """
    now = clock.now()
    booking = lock_booking(booking)
    _refuse_changes(booking, at=now)
    booking.invite_code = codes.new_code()
    booking.save(update_fields=["invite_code"])
    record("venues.booking.invite_made", subject=booking, by=by, at=now)
    return booking


@transaction.atomic
def withdraw_invite(*, booking: Booking, by: User) -> Booking:
    """Let nobody else join; who has joined stays. Nothing happens without a link."""
    booking = lock_booking(booking)
    if booking.invite_code is None:
        return booking
    booking.invite_code = None
    booking.save(update_fields=["invite_code"])
    record("venues.booking.invite_withdrawn", subject=booking, by=by, at=clock.now())
    return booking


@transaction.atomic
def join_booking(*, code: str, by: User) -> Companion:
    """Play along in a booking, with a pass of one's own.

    To join twice is to join once. Of a ticket booking, one of the tickets goes over
    from the booker's pass. Raises `InviteUnknown`, `OwnInvite`, `NotShareable`,
    `TooLateForCompanions`, `PartyFull` or `AlreadyAdmitted`.
    """
    now = clock.now()
    found = Booking.objects.filter(invite_code=codes.normalise(code)).first()
    if found is None:
        raise InviteUnknown
    booking = lock_booking(found)
    if booking.invite_code != found.invite_code:
        raise InviteUnknown  # withdrawn while we waited
    if booking.booked_by_id == by.pk:
        raise OwnInvite
    joined_before = Companion.objects.along().filter(booking=booking, user=by).first()
    if joined_before:
        return joined_before
    _refuse_changes(booking, at=now)
    party = party_of(booking)
    if not party.left:
        raise PartyFull(most=party.most)
    companion = Companion.objects.create(booking=booking, user=by, joined_at=now)
    if _is_by_ticket(booking) and not _move_tickets(booking, -1):
        raise AlreadyAdmitted
    EntryPass.objects.create(booking=booking, companion=companion, issued_at=now)
    record(
        "venues.companion.joined",
        subject=booking,
        by=by,
        at=now,
        detail={"companion": companion.pk},
    )
    tell_one(
        booking.booked_by,
        booking,
        "venues.companion_joined",
        at=now,
        person=by.display_name,
    )
    return companion


@transaction.atomic
def leave_booking(*, companion: Companion, by: User) -> Booking:
    """Not to play along after all; also at the last moment.

    Raises `NotAlong` or `AlreadyAdmitted`.
    """
    now = clock.now()
    booking = lock_booking(companion.booking)
    _part(booking, companion, event="venues.companion.left", at=now, by=by)
    tell_one(
        booking.booked_by,
        booking,
        "venues.companion_left",
        at=now,
        person=by.display_name,
    )
    return booking


@transaction.atomic
def remove_companion(*, companion: Companion, by: User) -> Booking:
    """The booker takes somebody's place back.

    Raises `NotShareable`, `TooLateForCompanions`, `NotAlong` or `AlreadyAdmitted`.
    """
    now = clock.now()
    booking = lock_booking(companion.booking)
    _refuse_changes(booking, at=now)
    _remove(booking, companion, at=now, by=by)
    return booking


def refuse_too_small(booking: Booking) -> None:
    """Raise `PartyTooLarge` when fewer may come along than have joined.

    Call it behind the booking's lock, after its lines have changed.
    """
    if booking.state != Booking.State.CONFIRMED:
        return
    party = party_of(booking)
    if party.along > party.most:
        raise PartyTooLarge(along=party.along, most=party.most)


def fit_party(booking: Booking, *, at: datetime, by: User | None) -> None:
    """Who joined last goes when staff, or late money, made a booking smaller.

    A closed court cannot wait until the booker has chosen. Those of them who were let
    in stay. Call it behind the booking's lock.
    """
    if booking.state != Booking.State.CONFIRMED:
        return
    party = party_of(booking)
    if party.along <= party.most:
        return
    inside = EntryPass.State.USED
    along = Companion.objects.along().filter(booking=booking).select_related("user")
    youngest_first = along.exclude(entry_pass__state=inside).order_by(
        "-joined_at", "-pk"
    )
    for companion in youngest_first[: party.along - party.most]:
        _remove(booking, companion, at=at, by=by)


def _refuse_changes(booking: Booking, *, at: datetime) -> None:
    if booking.state != Booking.State.CONFIRMED:
        raise NotShareable
    until = companions_until(booking)
    if at >= until:
        raise TooLateForCompanions(until=clock.at_text(until))


def _remove(
    booking: Booking, companion: Companion, *, at: datetime, by: User | None
) -> None:
    _part(booking, companion, event="venues.companion.removed", at=at, by=by)
    tell_one(companion.user, booking, "venues.companion_removed", at=at)


def leave_own_booking(booking: Booking, *, at: datetime, by: User | None) -> None:
    """Whoever became the booker plays along no more; behind the booking's lock."""
    along = Companion.objects.along().filter(booking=booking, user=booking.booked_by)
    for companion in along.exclude(entry_pass__state=EntryPass.State.USED):
        _part(booking, companion, event="venues.companion.left", at=at, by=by)


def _part(
    booking: Booking, companion: Companion, *, event: str, at: datetime, by: User | None
) -> None:
    """Somebody goes, and the pass with them; the booking's row is locked."""
    if not Companion.objects.along().filter(pk=companion.pk).update(left_at=at):
        raise NotAlong
    gone = EntryPass.objects.filter(companion=companion)
    # A gate may be letting them in this moment: only one of us moves the pass.
    revoked = gone.filter(state=EntryPass.State.VALID).update(
        state=EntryPass.State.REVOKED
    )
    if not revoked and gone.filter(state=EntryPass.State.USED).exists():
        raise AlreadyAdmitted
    if _is_by_ticket(booking):
        _move_tickets(booking, +1)
    record(event, subject=booking, by=by, at=at, detail={"companion": companion.pk})


def _is_by_ticket(booking: Booking) -> bool:
    standing = booking.lines.filter(state="standing", session__isnull=False)
    return standing.exists()


def _move_tickets(booking: Booking, people: int) -> bool:
    """Let the booker's pass let in more or fewer; False when it cannot any more."""
    unused = EntryPass.objects.of_bookers().filter(
        booking=booking, state=EntryPass.State.VALID, persons__gt=-people
    )
    return bool(unused.update(persons=F("persons") + people))
