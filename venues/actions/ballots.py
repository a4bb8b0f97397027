"""Prime time by ballot: times that are drawn, not raced for (docs/venues/ballots.md).

A ballot's floor is taken from the moment of planning, so that nobody can race for it.
The draws app draws; here courts are handed out as it drew. Each start is handed out in
one transaction behind the locks of its floor, and `ballot` rows of the floor are its
mark: where none is left, it has been done. So a crash loses nothing, and doing it twice
is doing it once.
Locks: (person) → the draw → floor. Whoever holds floor never waits for a draw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.accounts.errors import IdentityNeeded
from bureau.accounts.models import Dependant, User
from bureau.accounts.queries import identity_of
from bureau.audit.models import record
from bureau.common import clock, codes, sealed
from bureau.common.db import advisory_locks, constraint_errors
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.sports import Sport
from bureau.common.tasks import after_commit
from bureau.draws import actions as draws
from bureau.draws.actions import BeaconName, PoolPlan
from bureau.draws.models import Draw, DrawEntry
from bureau.notices.actions import Message, notify, notify_each
from venues.actions.floor import groups_of, open_booking
from venues.actions.quotas import may_be_offered, refuse_banned
from venues.actions.slots import (
    Pick,
    PickedSlot,
    Wanted,
    lock_floor,
    person_key,
    refuse_taken,
    resolve_picks,
)
from venues.actions.telling import tell
from venues.actions.waiting import offer_freed
from venues.errors.ballots import (
    AlreadyInBallot,
    BallotBackwards,
    BallotByRequestOnly,
    BallotHandedOut,
    BallotNotOpen,
    BallotNotRedrawn,
    BallotOver,
    BallotTwice,
    NotInBallot,
)
from venues.errors.slots import SlotNotOffered, SlotTaken
from venues.models import (
    Ballot,
    BallotRequest,
    BallotSlot,
    Bookable,
    Booking,
    Occupancy,
    Venue,
    WaitingEntry,
)
from venues.querysets import period

State = Ballot.State
UNDRAWN = (State.PLANNED, State.OPEN, State.CLOSED)


@dataclass(frozen=True)
class BallotTimes:
    """When requests open and close, when it is drawn, until when winners pay."""

    opens_at: datetime
    closes_at: datetime
    draws_at: datetime
    pay_until: datetime


# --- Planning ---------------------------------------------------------------------


@transaction.atomic
@constraint_errors(
    venues_occupancy_no_overlap=SlotTaken,
    venues_ballot_one_per_day_and_sport=BallotTwice,
)
def plan_ballot(
    *,
    venue: Venue,
    sport: str,
    on: date,
    picks: Sequence[Pick],
    times: BallotTimes,
    beacons: Sequence[BeaconName],
    by: User,
    at: datetime | None = None,
) -> Ballot:
    """Take slots of a day out of the rush, and announce the draw that gives them out.

    Raises `BallotBackwards`, `BallotTwice`, `SlotTaken`, the refusals of
    `resolve_picks`, and those of `draws.announce_draw` about times and sources.
    """
    at = at or clock.now()
    slots = resolve_picks(venue, picks, at=at, channel=Booking.Channel.BALLOT)
    if any(
        slot.bookable.sport != sport or slot.offer.business_day != on for slot in slots
    ):
        raise SlotNotOffered
    first = min(slot.offer.starts_at for slot in slots)
    in_order = (times.opens_at, times.closes_at, times.draws_at, times.pay_until)
    if not (
        all(a < b for a, b in pairwise(in_order))
        and at < times.closes_at
        and times.pay_until <= first
    ):
        raise BallotBackwards
    wanted = [w for slot in slots for w in slot.wanted]
    lock_floor(wanted)
    refuse_taken(wanted, at=at)
    ballot = Ballot(
        number=f"B{on:%Y%m%d}-{codes.new_code()}",
        venue=venue,
        sport=sport,
        on=on,
        state=State.OPEN if times.opens_at <= at else State.PLANNED,
        opens_at=times.opens_at,
        closes_at=times.closes_at,
        draws_at=times.draws_at,
        pay_until=times.pay_until,
        set_by=by,
    )
    ballot.draw = _announce(ballot, slots, beacons, by=by, at=at)
    ballot.save(force_insert=True)
    _keep_out_of_the_rush(ballot, slots)
    record(
        "venues.ballot.planned",
        subject=ballot,
        by=by,
        at=at,
        detail={"slots": [slot.offer.key for slot in slots]},
    )
    return ballot


def _announce(
    ballot: Ballot,
    slots: Sequence[PickedSlot],
    beacons: Sequence[BeaconName],
    *,
    by: User,
    at: datetime,
) -> Draw:
    """One pool per start; as many places as courts."""
    places = Counter(slot.offer.starts_at for slot in slots)
    with translation.override(settings.LANGUAGE_CODE):
        title = _("%(venue)s, %(sport)s on %(day)s") % {
            "venue": ballot.venue.name,
            "sport": Sport(ballot.sport).label,
            "day": ballot.on.isoformat(),
        }
    return draws.announce_draw(
        draw_id=ballot.number,
        title=title,
        pools=[
            PoolPlan(
                prefix_of(ballot.on, starts_at),
                f"{starts_at.astimezone(clock.CHINA):%H:%M}",
                count,
            )
            for starts_at, count in sorted(places.items())
        ],
        entries_close_at=ballot.closes_at,
        freezes_at=ballot.closes_at,
        draws_at=ballot.draws_at,
        beacons=beacons,
        by=by,
        at=at,
    )


def prefix_of(on: date, starts_at: datetime) -> str:
    """The pool of a start: `T1900`; `T2530` is half past one in the night after."""
    minutes = (starts_at - clock.at(on, 0)) // timedelta(minutes=1)
    return f"T{minutes // 60:02}{minutes % 60:02}"


def _keep_out_of_the_rush(ballot: Ballot, slots: Sequence[PickedSlot]) -> None:
    for slot in slots:
        row = BallotSlot.objects.create(
            ballot=ballot,
            bookable=slot.bookable,
            starts_at=slot.offer.starts_at,
            ends_at=slot.offer.ends_at,
        )
        Occupancy.objects.bulk_create(
            Occupancy(
                unit_id=unit_id,
                during=period(start, end),
                kind=Occupancy.Kind.BALLOT,
                ballot_slot=row,
            )
            for unit_id, start, end in slot.wanted
        )


# --- Requests ---------------------------------------------------------------------


@transaction.atomic
def request_in_ballot(
    *,
    ballot: Ballot,
    starts_at: datetime,
    by: User,
    dependant: Dependant | None = None,
    at: datetime | None = None,
) -> BallotRequest:
    """Ask for a court at one start. One request per verified person and ballot.

    The same wish again comes back as it is; the receipt is that of its entry in the
    draw. Raises `IdentityNeeded`, `Banned`, `BallotNotOpen`, `BallotOver`,
    `SlotNotOffered`, `AlreadyInBallot`, and `AlreadyEntered` of the draw.
    """
    at = at or clock.now()
    advisory_locks([person_key(by)])
    mine = BallotRequest.objects.filter(ballot=ballot, person=by).first()
    if mine and mine.starts_at == starts_at:
        return mine
    if mine:
        raise AlreadyInBallot
    ballot = Ballot.objects.select_related("draw").get(pk=ballot.pk)
    if ballot.draw is None or ballot.state == State.CALLED_OFF:
        raise BallotOver
    if at < ballot.opens_at:
        raise BallotNotOpen(opens_at=clock.at_text(ballot.opens_at))
    if ballot.closes_at <= at or ballot.state not in (State.PLANNED, State.OPEN):
        raise BallotOver
    if not ballot.slots.filter(starts_at=starts_at).exists():
        raise SlotNotOffered
    identity = identity_of(by)
    if identity is None:
        raise IdentityNeeded
    refuse_banned(by, at=at)
    receipt = draws.enter(
        draw=ballot.draw,
        pool=prefix_of(ballot.on, starts_at),
        id_number=sealed.unseal(identity.sealed_id_number),
        person=by,
        by=by,
        at=at,
    )
    request = BallotRequest.objects.create(
        ballot=ballot,
        person=by,
        dependant=dependant,
        starts_at=starts_at,
        entry=receipt.entry,
        asked_at=at,
    )
    record("venues.ballot.requested", subject=request, by=by, at=at)
    return request


@transaction.atomic
def withdraw_from_ballot(
    *, ballot: Ballot, by: User, at: datetime | None = None
) -> None:
    """Take one's wish back while requests are open.

    Raises `NotInBallot`, or `DrawClosed`.
    """
    at = at or clock.now()
    advisory_locks([person_key(by)])
    mine = BallotRequest.objects.filter(ballot=ballot, person=by)
    request = mine.select_related("entry__draw").first()
    if request is None:
        raise NotInBallot
    record("venues.ballot.withdrawn", subject=request, by=by, at=at)
    request.delete()
    draws.withdraw(entry=request.entry, by=by, at=at)


def withdraw_from_all(user: User) -> None:
    """Somebody deletes their account: no court is drawn for them any more."""
    now = clock.now()
    asked = BallotRequest.objects.filter(
        person=user, ballot__state__in=[State.PLANNED, State.OPEN]
    )
    for request in asked.filter(ballot__closes_at__gt=now).select_related("ballot"):
        withdraw_from_ballot(ballot=request.ballot, by=user, at=now)


# --- Time passes ------------------------------------------------------------------


def advance_ballots(*, at: datetime) -> int:
    """Open and close what is due, and finish what a crash left; how many moved.

    Safe to run by many workers at once.
    """
    moved = Ballot.objects.filter(
        state=State.PLANNED, opens_at__lte=at, closes_at__gt=at
    ).update(state=State.OPEN)
    moved += Ballot.objects.filter(
        state__in=[State.PLANNED, State.OPEN], closes_at__lte=at
    ).update(state=State.CLOSED)
    drawn = Ballot.objects.filter(state=State.CLOSED, draw__state=Draw.State.DRAWN)
    for ballot in drawn.order_by("pk"):
        hand_out_ballot(ballot=ballot, at=at)
        moved += 1
    return moved


def queue_hand_out(*, draw: Draw) -> None:
    """The draw is done: its courts are handed out once that is committed."""
    from venues.tasks import hand_out_courts  # noqa: PLC0415 - tasks call actions

    ballot = Ballot.objects.filter(draw=draw).first()
    if ballot:
        after_commit(hand_out_courts, ballot_id=ballot.pk)


# --- Handing out ------------------------------------------------------------------


def hand_out_ballot(*, ballot: Ballot, at: datetime | None = None) -> Ballot:
    """Give the courts to those who were drawn, in order; the others come to the line.

    One transaction per start. Run again it goes on where it was interrupted, and does
    nothing where it was not. A court that nobody was drawn for is free for everybody.
    """
    at = at or clock.now()
    ballot = Ballot.objects.select_related("venue", "draw").get(pk=ballot.pk)
    if ballot.draw is None or ballot.draw.state != Draw.State.DRAWN:
        return ballot
    starts = ballot.slots.order_by("starts_at").values_list("starts_at", flat=True)
    for starts_at in dict.fromkeys(starts):
        _hand_out_start(ballot, starts_at, at=at)
    with transaction.atomic():
        if Ballot.objects.filter(pk=ballot.pk, state__in=UNDRAWN).update(
            state=State.DRAWN
        ):
            record("venues.ballot.handed_out", subject=ballot, by=None, at=at)
    ballot.refresh_from_db()
    return ballot


@transaction.atomic
def _hand_out_start(ballot: Ballot, starts_at: datetime, *, at: datetime) -> None:
    slots = _slots_of(ballot, starts_at)
    wanted = _floor_of(slots)
    lock_floor(wanted)
    if not _let_go(ballot, slots):
        return
    left = list(slots)
    asked = (
        BallotRequest.objects.filter(ballot=ballot, starts_at=starts_at)
        .select_related("person", "dependant", "entry")
        .order_by("entry__rank")
    )
    for request in asked:
        if request.entry.outcome == DrawEntry.Outcome.WON:
            won = _hold_for(request, left, ballot, at=at)
            if won is None:
                _stay_out(request, ballot, at=at)
            else:
                left.remove(won)
        else:
            _stand_in_line(request, ballot, slots[0], at=at)
    offer_freed(ballot.venue, _floor_of(left), at=at)


def _slots_of(ballot: Ballot, starts_at: datetime | None = None) -> list[BallotSlot]:
    """Slots in the order in which they are handed out, their courts with units."""
    slots = ballot.slots.order_by("starts_at", "bookable__position", "bookable__pk")
    if starts_at:
        slots = slots.filter(starts_at=starts_at)
    rows = list(slots)
    courts = Bookable.objects.with_units().in_bulk([row.bookable_id for row in rows])
    for row in rows:
        row.bookable = courts[row.bookable_id]
    return rows


def _floor_of(slots: Sequence[BallotSlot]) -> list[Wanted]:
    return [
        (unit_id, slot.starts_at, slot.ends_at + slot.bookable.buffer)
        for slot in slots
        for unit_id in slot.bookable.unit_ids
    ]


def _let_go(ballot: Ballot, slots: Sequence[BallotSlot]) -> bool:
    """Free the floor that the ballot kept; False where that has happened before."""
    kept = Occupancy.objects.filter(ballot_slot__in=slots)
    if Ballot.objects.filter(pk=ballot.pk, state=State.CALLED_OFF).exists():
        return False
    freed, _by_model = kept.delete()
    return freed > 0


def _hold_for(
    request: BallotRequest, left: Sequence[BallotSlot], ballot: Ballot, *, at: datetime
) -> BallotSlot | None:
    """Hold the first court that is left; None for who may not have it any more."""
    venue, person = ballot.venue, request.person
    if not person.is_active:
        return None
    groups = groups_of(person, request.dependant, venue=venue, on=clock.local_day(at))
    for row in left:
        try:
            (slot,) = resolve_picks(
                venue,
                [Pick(row.bookable_id, row.starts_at)],
                at=at,
                groups=groups,
                channel=Booking.Channel.BALLOT,
            )
        except DomainError:
            continue  # the court was shut in the meantime
        if Occupancy.objects.during_any_of(slot.wanted).exists():
            continue  # it went to a closure
        if not may_be_offered(venue, slot, person=person, at=at):
            return None
        booking = open_booking(
            venue=venue,
            slots=[slot],
            person=person,
            dependant=request.dependant,
            channel=Booking.Channel.BALLOT,
            hold_until=_hold_until(ballot, row, at=at),
            at=at,
            by=None,
        )
        row.booking = booking
        row.save(update_fields=["booking"])
        tell(
            booking,
            "venues.ballot_won",
            at=at,
            total=yuan(booking.total_fen),
            until=booking.hold_until.isoformat() if booking.hold_until else "",
        )
        return row
    return None


def _hold_until(ballot: Ballot, slot: BallotSlot, *, at: datetime) -> datetime:
    """As announced; where the draw was late, as long as an offer stands."""
    least = at + timedelta(minutes=ballot.venue.offer_minutes)
    return min(max(ballot.pay_until, least), slot.starts_at)


def _stay_out(request: BallotRequest, ballot: Ballot, *, at: datetime) -> None:
    """Drawn, but banned, over a quota or shut out: the court is the next one's."""
    record("venues.ballot.passed_over", subject=request, by=None, at=at)
    _say(request, ballot, "venues.ballot_passed_over", at=at)


def _stand_in_line(
    request: BallotRequest, ballot: Ballot, slot: BallotSlot, *, at: datetime
) -> None:
    """Who was not drawn waits for any court of that time, in the order of the draw."""
    if request.starts_at > at and request.person.is_active:
        WaitingEntry.objects.bulk_create(
            [
                WaitingEntry(
                    person=request.person,
                    dependant=request.dependant,
                    venue=ballot.venue,
                    sport=ballot.sport,
                    starts_at=slot.starts_at,
                    ends_at=slot.ends_at,
                    turn=request.entry.rank or 0,
                    joined_at=at,
                )
            ],
            ignore_conflicts=True,
        )
    rank = str(request.entry.rank or "")
    _say(request, ballot, "venues.ballot_lost", at=at, rank=rank)


def _say(
    request: BallotRequest, ballot: Ballot, kind: str, *, at: datetime, **more: str
) -> None:
    notify(
        recipient=request.person,
        kind=kind,
        context={**_facts(request, ballot), **more},
        subject=request,
        at=at,
    )


def _facts(request: BallotRequest, ballot: Ballot) -> dict[str, str]:
    return {
        "venue": ballot.venue.name,
        "number": ballot.number,
        "starts_at": request.starts_at.isoformat(),
    }


# --- Calling off ------------------------------------------------------------------


@transaction.atomic
def call_off_ballot(*, ballot: Ballot, reason: str, by: User) -> Ballot:
    """Declare the draw void: its times are open to everybody, all who asked are told.

    Raises `BallotHandedOut`, `BallotOver`, and `VoidNeedsReason` of the draw.
    """
    if ballot.draw is None or ballot.state == State.CALLED_OFF:
        raise BallotOver
    if ballot.draw.state == Draw.State.VOID:
        raise BallotOver
    draws.void_draw(draw=ballot.draw, reason=reason, by=by)
    ballot.refresh_from_db()
    return ballot


def end_ballot_of(*, draw: Draw, reason: str, at: datetime | None = None) -> None:
    """A draw was declared void: so is its ballot, in the same transaction.

    Raises `BallotHandedOut` when courts were given out: their bookings are called off
    one by one, and the draw stays.
    """
    ballot = Ballot.objects.select_related("venue").filter(draw=draw).first()
    if ballot is None:
        return
    at = at or clock.now()
    slots = _slots_of(ballot)
    freed = _floor_of(slots)
    lock_floor(freed)
    if ballot.slots.exclude(booking=None).exists():
        raise BallotHandedOut
    if not Ballot.objects.filter(pk=ballot.pk, state__in=UNDRAWN).update(
        state=State.CALLED_OFF
    ):
        raise BallotHandedOut
    Occupancy.objects.filter(ballot_slot__in=slots).delete()
    record(
        "venues.ballot.called_off",
        subject=ballot,
        by=None,
        at=at,
        detail={"reason": reason},
    )
    asked = BallotRequest.objects.filter(ballot=ballot).select_related("person")
    notify_each(
        kind="venues.ballot_called_off",
        messages=[
            Message(
                request.person,
                {**_facts(request, ballot), "reason": reason},
                request,
            )
            for request in asked.order_by("pk")
        ],
        at=at,
    )
    offer_freed(ballot.venue, freed, at=at)


def refuse_entries_by_staff(*, draw: Draw) -> None:
    """Raise `BallotByRequestOnly` for a ballot's draw.

    Who is in it without a request could win a court that is then nobody's.
    """
    if Ballot.objects.filter(draw=draw).exists():
        raise BallotByRequestOnly


def refuse_redraw(*, draw: Draw) -> None:
    """Raise `BallotNotRedrawn` for the void draw of a ballot.

    It was called off together with its draw, and its times were opened to all.
    """
    if Ballot.objects.filter(draw=draw).exists():
        raise BallotNotRedrawn
