"""Clubs and their contacts: registered, corrected, checked by staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.accounts.queries import identity_of
from bureau.audit.models import record
from bureau.common import clock, credit_codes
from bureau.common.db import constraint_errors
from bureau.common.errors import ReasonMissing
from bureau.notices.actions import notify
from venues.actions.companions import leave_own_booking
from venues.actions.floor import issue_pass
from venues.actions.money import close_due, lock_invoice_money
from venues.errors.seasons import (
    ClubCorrected,
    ClubDecided,
    ClubNamed,
    ContactAlready,
    ContactUnknown,
    CreditCodeTaken,
    CreditCodeWrong,
)
from venues.models import Booking, Club, EntryPass


@dataclass(frozen=True)
class ClubFacts:
    """What a club says of itself; staff check it."""

    name: str
    credit_code: str
    priority: int = Club.Priority.CLUB

    @property
    def code(self) -> str:
        """As it is kept. Raises `CreditCodeWrong`."""
        try:
            return credit_codes.parse(self.credit_code)
        except credit_codes.BadCreditCode as wrong:
            raise CreditCodeWrong from wrong


@transaction.atomic
@constraint_errors(venues_club_name_key=ClubNamed)
def register_club(*, facts: ClubFacts, by: User) -> Club:
    """Become the contact of a club; staff check it before it can apply.

    Raises `CreditCodeWrong` or `ClubNamed`.
    """
    code = facts.code
    if Club.objects.filter(name=facts.name).exists():
        raise ClubNamed
    club = Club.objects.create(
        name=facts.name, credit_code=code, priority=facts.priority, contact=by
    )
    record("venues.club.registered", subject=club, by=by, at=clock.now())
    return club


@transaction.atomic
@constraint_errors(venues_club_name_key=ClubNamed)
def correct_club(*, club: Club, facts: ClubFacts, by: User) -> Club:
    """The contact corrects what staff could not approve, and asks again.

    Raises `ClubDecided`, `CreditCodeWrong` or `ClubNamed`.
    """
    code = facts.code
    club = Club.objects.select_for_update().get(pk=club.pk)
    if club.is_approved:
        raise ClubDecided
    if Club.objects.filter(name=facts.name).exclude(pk=club.pk).exists():
        raise ClubNamed
    club.name, club.credit_code, club.priority = facts.name, code, facts.priority
    club.refusal = ""
    club.save(update_fields=["name", "credit_code", "priority", "refusal"])
    record("venues.club.corrected", subject=club, by=by, at=clock.now())
    return club


@transaction.atomic
def approve_club(*, club: Club, by: User) -> Club:
    """Staff have checked the club; `club` says of itself what they looked at.

    Raises `ClubDecided`, `ClubCorrected` or `CreditCodeTaken`.
    """
    now = clock.now()
    looked_at = Club.objects.filter(
        name=club.name, credit_code=club.credit_code, priority=club.priority
    )
    with constraint_errors(venues_club_credit_code_once=CreditCodeTaken):
        done = looked_at.filter(pk=club.pk, is_approved=False).update(
            is_approved=True, refusal=""
        )
    club.refresh_from_db()
    if not done:
        raise ClubDecided if club.is_approved else ClubCorrected
    record("venues.club.approved", subject=club, by=by, at=now)
    _tell_contact(club, "venues.club_approved", at=now)
    return club


@transaction.atomic
def refuse_club(*, club: Club, reason: str, by: User) -> Club:
    """Staff could not approve it. Raises `ReasonMissing` or `ClubDecided`."""
    now = clock.now()
    reason = given_reason(reason)
    if not Club.objects.filter(pk=club.pk, is_approved=False).update(refusal=reason):
        raise ClubDecided
    club.refresh_from_db()
    record(
        "venues.club.refused", subject=club, by=by, at=now, detail={"reason": reason}
    )
    _tell_contact(club, "venues.club_refused", at=now, reason=reason)
    return club


@transaction.atomic
def hand_over_club(*, club: Club, contact: User | None, reason: str, by: User) -> Club:
    """Staff make another person the contact of a club.

    With it go the club's requests, invoices and its bookings that are not over, under
    new passes; what is over stays with who booked it. `contact` is whom the desk found
    (`accounts.find_person`). Raises `ReasonMissing`, `ContactUnknown` or
    `ContactAlready`.
    """
    now = clock.now()
    reason = given_reason(reason)
    if contact is None or identity_of(contact) is None:
        raise ContactUnknown
    # A cashier that the old contact has open asks for money no more.
    for pk in club.invoices.order_by("-pk").values_list("pk", flat=True):
        close_due(lock_invoice_money(pk), by=by)
    club = lock_club(club.pk)
    old = club.contact
    if old == contact:
        raise ContactAlready
    club.contact = contact
    club.save(update_fields=["contact"])
    moved = _move_bookings(club, old, at=now, by=by)
    record(
        "venues.club.handed_over",
        subject=club,
        by=by,
        at=now,
        detail={
            "reason": reason,
            "from": old.pk,
            "to": contact.pk,
            "bookings": [booking.number for booking in moved],
        },
    )
    facts = {"club": club.name, "reason": reason, "count": str(len(moved))}
    for person, kind in (
        (old, "venues.club_handed_over"),
        (contact, "venues.club_taken_over"),
    ):
        notify(recipient=person, kind=kind, context=facts, subject=club, at=now)
    return club


def lock_club(club_id: int) -> Club:
    """With its contact: who books for it waits for a hand-over, and the other way."""
    clubs = Club.objects.select_related("contact")
    return clubs.select_for_update(of=["self"], no_key=True).get(pk=club_id)


def _move_bookings(club: Club, old: User, *, at: datetime, by: User) -> list[Booking]:
    """What is still to come goes to the contact; old passes and invitations die."""
    coming = Booking.objects.filter(
        invoice__club=club,
        booked_by=old,
        state=Booking.State.CONFIRMED,
        ends_at__gt=at,
    )
    # A gate may be letting them in this moment: who is inside stays the booker.
    unused = EntryPass.objects.of_bookers().filter(state=EntryPass.State.VALID)
    rows = coming.filter(passes__in=unused).select_for_update(of=["self"], no_key=True)
    moved = []
    for booking in rows.order_by("pk"):
        mine = unused.filter(booking=booking)
        if not mine.update(state=EntryPass.State.REVOKED):
            continue
        booking.booked_by = club.contact
        booking.invite_code = None
        booking.save(update_fields=["booked_by", "invite_code"])
        leave_own_booking(booking, at=at, by=by)
        issue_pass(booking, at=at)
        moved.append(booking)
    return moved


def _tell_contact(club: Club, kind: str, *, at: datetime, **more: str) -> None:
    notify(
        recipient=club.contact,
        kind=kind,
        context={"club": club.name, **more},
        subject=club,
        at=at,
    )


def given_reason(reason: str) -> str:
    reason = reason.strip()[:200]
    if not reason:
        raise ReasonMissing
    return reason
