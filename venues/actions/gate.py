from __future__ import annotations

from datetime import timedelta

from django.core import signing
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes
from venues.errors import (
    CheckTooOld,
    PassNeedsDigits,
    PassOfOtherVenue,
    PassOver,
    PassRevoked,
    PassStale,
    PassTooEarly,
    PassUsed,
    UnknownPass,
)
from venues.models import Admission, EntryPass, Venue

KIND = "p"  # https://<host>/p/<code>
CHECK_LIFE = timedelta(minutes=2)
_SALT = "venues.gate.check"


def check_pass(*, text: str, venue: Venue) -> EntryPass:
    """Read what was scanned or typed at a gate; the pass if it lets somebody in now.

    Changes nothing. Raises `UnknownPass`, `PassNeedsDigits`, `PassStale`,
    `PassOfOtherVenue`, `PassRevoked`, `PassUsed`, `PassTooEarly` or `PassOver`.
    """
    scanned = codes.parse(text, kind=KIND)
    if scanned is None:
        raise UnknownPass
    entry_pass = (
        EntryPass.objects.select_related("booking__venue", "booking__booked_by")
        .filter(code=scanned.code)
        .first()
    )
    if entry_pass is None:
        raise UnknownPass
    if not scanned.proof:
        raise PassNeedsDigits
    now = clock.now()
    if not codes.is_live(scanned.code, scanned.proof, key=entry_pass.key, at=now):
        raise PassStale
    _refuse_entry(entry_pass, venue)
    return entry_pass


def check_token(*, entry_pass: EntryPass, venue: Venue, by: User) -> str:
    """Sign that this person has just checked this pass at this venue's gate.

    Between the green card and the tap only the browser knows; it cannot change this.
    """
    checked = {"pass": entry_pass.pk, "user": by.pk, "venue": venue.pk}
    return signing.dumps(checked, salt=_SALT)


def admit_checked(
    *, token: str, by: User, venue: Venue | None = None
) -> tuple[Admission, bool]:
    """Let in whom this person checked a moment ago; True when it is news.

    A second tap of the same hand on the same check is the same admission. `venue` is
    where the person stands now, if that is known. Raises `CheckTooOld` for a token that
    is old, damaged, somebody else's or another gate's, and what `admit` raises.
    """
    try:
        checked = signing.loads(token, salt=_SALT, max_age=CHECK_LIFE)
    except signing.BadSignature as wrong:
        raise CheckTooOld from wrong
    post = Venue.objects.worked_at_by(by).filter(pk=checked["venue"]).first()
    entry_pass = EntryPass.objects.filter(pk=checked["pass"]).first()
    is_mine = checked["user"] == by.pk and venue in (None, post)
    if post is None or entry_pass is None or not is_mine:
        raise CheckTooOld
    try:
        return admit(entry_pass=entry_pass, venue=post, by=by), True
    except PassUsed:
        mine = Admission.objects.select_related("entry_pass", "venue").filter(
            entry_pass=entry_pass, venue=post, admitted_by=by
        )
        if (found := mine.first()) is None:
            raise
        return found, False


@transaction.atomic
def admit(*, entry_pass: EntryPass, venue: Venue, by: User) -> Admission:
    """Let the holder of a checked pass in, once.

    Raises what `check_pass` raises about the booking, and `CheckTooOld` when the pass
    changed hands with another gate in between.
    """
    now = clock.now()
    entry_pass = EntryPass.objects.select_related("booking__venue").get(
        pk=entry_pass.pk
    )
    _refuse_entry(entry_pass, venue)
    # Two gates may scan the same pass at once: only one of them moves its state.
    if not EntryPass.objects.filter(
        pk=entry_pass.pk, state=EntryPass.State.VALID
    ).update(state=EntryPass.State.USED):
        entry_pass.refresh_from_db()
        _refuse_entry(entry_pass, venue)
        raise CheckTooOld
    admission = Admission.objects.create(
        entry_pass=entry_pass, venue=venue, admitted_at=now, admitted_by=by
    )
    record("venues.pass.admitted", subject=entry_pass, by=by, at=now)
    return admission


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
