"""The gate: who may come in now, who went in and out, and how full the house is."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from django.core import signing
from django.db import transaction

from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.audit.models import record
from bureau.common import clock, codes
from bureau.common.db import advisory_locks, constraint_errors, insert
from venues.errors.gate import (
    CheckTooOld,
    NobodyInside,
    PassLeft,
    PassNeedsDigits,
    PassNotInside,
    PassOfOtherVenue,
    PassOver,
    PassRevoked,
    PassStale,
    PassTooEarly,
    PassUsed,
    UnknownPass,
    VenueFull,
)
from venues.models import Admission, Crossing, EntryPass, Gate, Venue
from venues.models.rules import PriceGroup
from venues.queries.gate import inside_at, pass_of_code

KIND = "p"  # https://<host>/p/<code>
CHECK_LIFE = timedelta(minutes=2)
DOUBLE_SCAN = timedelta(seconds=10)
"""A hand scanner often reads a code twice; the second time is the same admission."""
_SALT = "venues.gate.check.with_key"
_CROWD_LOCK = -1  # beside (unit, day) and (person, 0): days are positive
# Somebody of several groups is counted in the first of these.
_COUNTED_AS = (
    PriceGroup.SENIOR,
    PriceGroup.MINOR,
    PriceGroup.DISABLED,
    PriceGroup.STUDENT,
    PriceGroup.MILITARY,
    PriceGroup.FIRE_SERVICE,
)


def check_pass(*, text: str, venue: Venue) -> EntryPass:
    """Read what was scanned or typed at a gate; the pass if it lets somebody in now.

    A pass printed at the desk needs no proof; then `is_on_paper` asks the staff to
    compare the name. Changes nothing. Raises `UnknownPass`, `PassNeedsDigits`,
    `PassStale`, `PassOfOtherVenue`, `PassRevoked`, `PassUsed`, `PassTooEarly` or
    `PassOver`.
    """
    entry_pass = _read(text)
    _refuse_entry(entry_pass, venue)
    return entry_pass


def check_token(*, entry_pass: EntryPass, venue: Venue, by: User) -> str:
    """Sign that this person has just checked this pass at this venue's gate.

    Between the green card and the tap only the browser knows; it cannot change this.
    Each check has a key of its own: two gates may work under one person's name.
    """
    checked = {
        "pass": entry_pass.pk,
        "user": by.pk,
        "venue": venue.pk,
        "key": str(uuid4()),
    }
    return signing.dumps(checked, salt=_SALT)


def admit_checked(
    *,
    token: str,
    by: User,
    venue: Venue | None = None,
    gate: Gate | None = None,
    over_limit_because: str = "",
) -> tuple[Admission, bool]:
    """Let in whom this person checked a moment ago; True when it is news.

    A second tap on the same check is the same admission; another check of the pass, at
    another gate, is not. `venue` is where the person stands now, if that is known.
    Raises `CheckTooOld` for a token that is old, damaged, somebody else's or another
    gate's, and what `admit` raises.
    """
    try:
        checked = signing.loads(token, salt=_SALT, max_age=CHECK_LIFE)
    except signing.BadSignature as wrong:
        raise CheckTooOld from wrong
    post = Venue.objects.worked_at_by(by).filter(pk=checked["venue"]).first()
    entry_pass = EntryPass.objects.filter(pk=checked["pass"]).first()
    is_mine = checked["user"] == by.pk and venue in (None, post)
    key = UUID(checked["key"])
    if post is None or entry_pass is None or not is_mine:
        raise CheckTooOld
    try:
        admission = admit(
            entry_pass=entry_pass,
            venue=post,
            by=by,
            gate=gate,
            over_limit_because=over_limit_because,
            request_key=key,
        )
    except PassUsed:
        if (found := _mine(entry_pass.code, post, by, key)) is None:
            raise
        return found, False
    return admission, True


def let_in(
    *,
    text: str,
    venue: Venue,
    by: User,
    gate: Gate | None = None,
    reader: str = "",
) -> tuple[Admission | EntryPass, bool]:
    """Check and let in at one go, for a hand scanner or a turnstile; True: it is news.

    The same code read twice within seconds by the same `reader` (a browser, a device)
    is one admission. A pass on paper is only checked, and comes back as it is: somebody
    has to compare the name first. Raises what `check_pass` and `admit` raise.
    """
    read = codes.parse(text, kind=KIND)
    code = read.code if read else ""
    key = uuid5(NAMESPACE_OID, f"{KIND}|{code}|{by.pk}|{reader}")
    try:
        entry_pass = check_pass(text=text, venue=venue)
    except PassUsed:
        found = _mine(code, venue, by, key)
        if found is None or clock.now() - found.admitted_at > DOUBLE_SCAN:
            raise
        return found, False
    if entry_pass.is_on_paper:
        return entry_pass, True
    done = admit(entry_pass=entry_pass, venue=venue, by=by, gate=gate, request_key=key)
    return done, True


@transaction.atomic
def admit(
    *,
    entry_pass: EntryPass,
    venue: Venue,
    by: User,
    gate: Gate | None = None,
    over_limit_because: str = "",
    request_key: UUID | None = None,
) -> Admission:
    """Let the holder of a checked pass in, once, and count who comes with it.

    `request_key` names the tap or the read that does it. `over_limit_because` is why
    staff let somebody into a full house; it is recorded. Raises what `check_pass`
    raises about the booking, `VenueFull`, and `CheckTooOld` when the pass changed hands
    with another gate in between.
    """
    now = clock.now()
    entry_pass = EntryPass.objects.with_holder().get(pk=entry_pass.pk)
    _refuse_entry(entry_pass, venue)
    # Two gates may scan the same pass at once: only one of them moves its state.
    if not EntryPass.objects.filter(
        pk=entry_pass.pk, state=EntryPass.State.VALID
    ).update(state=EntryPass.State.USED):
        entry_pass.refresh_from_db()
        _refuse_entry(entry_pass, venue)
        raise CheckTooOld
    _refuse_crowd(venue, entry_pass.persons, by=by, at=now, because=over_limit_because)
    return write_admission(
        entry_pass, venue, at=now, by=by, gate=gate, request_key=request_key or uuid4()
    )


def write_admission(
    entry_pass: EntryPass,
    venue: Venue,
    *,
    at: datetime,
    by: User,
    gate: Gate | None,
    request_key: UUID,
) -> Admission:
    """The rows of an admission whose pass was just moved to used."""
    admission = Admission.objects.create(
        entry_pass=entry_pass, venue=venue, admitted_at=at, admitted_by=by
    )
    insert(
        Crossing(
            venue=venue,
            gate=gate,
            direction=Crossing.Direction.IN,
            persons=entry_pass.persons,
            group=group_of(entry_pass, at=at),
            crossed_at=at,
            admission=admission,
            counted_by=by,
            request_key=request_key,
        )
    )
    record("venues.pass.admitted", subject=entry_pass, by=by, at=at)
    return admission


@transaction.atomic
def let_out(*, text: str, venue: Venue, by: User, gate: Gate | None = None) -> Crossing:
    """Count the holder of a used pass out; no proof is asked of who leaves.

    Raises `UnknownPass`, `PassOfOtherVenue`, `PassNotInside` or `PassLeft`.
    """
    entry_pass = _find(text)[0]
    if entry_pass.booking.venue_id != venue.pk:
        raise PassOfOtherVenue(venue=entry_pass.booking.venue.display_name)
    admission = Admission.objects.filter(entry_pass=entry_pass).first()
    if admission is None:
        raise PassNotInside
    now = clock.now()
    crossing = Crossing(
        venue=venue,
        gate=gate,
        direction=Crossing.Direction.OUT,
        persons=entry_pass.persons,
        group=group_of(entry_pass, at=now),
        crossed_at=now,
        admission=admission,
        counted_by=by,
    )
    left = Crossing.objects.filter(admission=admission, direction="out").first()
    if left and now - left.crossed_at <= DOUBLE_SCAN and left.counted_by_id == by.pk:
        return left
    with constraint_errors(venues_crossing_once_each_way_per_admission=PassLeft):
        insert(crossing)
    return crossing


@transaction.atomic
def count_people(
    *,
    venue: Venue,
    direction: Crossing.Direction,
    persons: int,
    by: User,
    request_key: UUID,
    group: str = "",
    gate: Gate | None = None,
    over_limit_because: str = "",
) -> Crossing:
    """Count people who go in or out without a pass. The same key again is one count.

    Raises `VenueFull`, or `NobodyInside` when more would leave than came.
    """
    _lock_crowd(venue)
    now = clock.now()  # behind the lock: who counted before us is in the past
    if found := Crossing.objects.filter(request_key=request_key).first():
        return found
    if direction == Crossing.Direction.IN:
        _refuse_crowd(venue, persons, by=by, at=now, because=over_limit_because)
    elif inside_at(venue, now).inside < persons:
        raise NobodyInside
    crossing = Crossing(
        venue=venue,
        gate=gate,
        direction=direction,
        persons=persons,
        group=group,
        crossed_at=now,
        counted_by=by,
        request_key=request_key,
    )
    insert(crossing)
    return crossing


def group_of(entry_pass: EntryPass, *, at: datetime) -> str:
    """The group in which the holder of a pass is counted; needs its booking loaded."""
    booking, companion = entry_pass.booking, entry_pass.companion
    groups = eligible_groups(
        companion.user if companion else booking.booked_by,
        None if companion else booking.dependant,
        on=clock.local_day(at),
    )
    return next((group.value for group in _COUNTED_AS if group in groups), "")


def _find(text: str) -> tuple[EntryPass, str]:
    scanned = codes.parse(text, kind=KIND)
    if scanned is None:
        raise UnknownPass
    found = pass_of_code(scanned.code)
    if found is None:
        raise UnknownPass
    return found, scanned.proof


def _read(text: str) -> EntryPass:
    entry_pass, proof = _find(text)
    if not proof:
        if entry_pass.printed_at is None:
            raise PassNeedsDigits
        entry_pass.is_on_paper = True
    elif not codes.is_live(entry_pass.code, proof, key=entry_pass.key, at=clock.now()):
        raise PassStale
    return entry_pass


def _mine(code: str, venue: Venue, by: User, key: UUID) -> Admission | None:
    """The admission that this very tap or read made a moment ago."""
    return (
        Admission.objects.select_related("entry_pass", "venue")
        .filter(entry_pass__code=code, venue=venue, admitted_by=by)
        .filter(crossings__request_key=key)
        .first()
    )


def _lock_crowd(venue: Venue) -> None:
    advisory_locks([(venue.pk, _CROWD_LOCK)])


def _refuse_crowd(
    venue: Venue, persons: int, *, by: User, at: datetime, because: str
) -> None:
    """Raise `VenueFull` when these people would be too many, unless staff say why."""
    if venue.most_inside is None:
        return
    _lock_crowd(venue)
    # Who crossed while we waited for the lock is inside, too.
    crowd = inside_at(venue, max(at, clock.now()))
    if crowd.inside + persons <= venue.most_inside:
        return
    if not because.strip():
        raise VenueFull(inside=crowd.inside, most=venue.most_inside)
    record(
        "venues.gate.over_limit",
        subject=venue,
        by=by,
        at=at,
        detail={
            "reason": because.strip()[:200],
            "inside": crowd.inside,
            "persons": persons,
            "most": venue.most_inside,
        },
    )


def _refuse_entry(entry_pass: EntryPass, venue: Venue) -> None:
    booking = entry_pass.booking
    now = clock.now()
    if booking.venue_id != venue.pk:
        raise PassOfOtherVenue(venue=booking.venue.display_name)
    if entry_pass.state == EntryPass.State.REVOKED:
        raise PassRevoked
    if entry_pass.state == EntryPass.State.USED:
        raise PassUsed(at=clock.at_text(entry_pass.admission.admitted_at))
    opens_at = booking.starts_at - timedelta(minutes=venue.entry_minutes)
    if now < opens_at:
        raise PassTooEarly(at=clock.at_text(opens_at))
    if now >= booking.ends_at:
        raise PassOver(at=clock.at_text(booking.ends_at))
