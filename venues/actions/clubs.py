"""Clubs and their contacts: registered, corrected, checked by staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, credit_codes
from bureau.common.db import constraint_errors
from bureau.notices.actions import notify
from venues.errors import (
    ClubDecided,
    ClubNamed,
    CreditCodeTaken,
    CreditCodeWrong,
    ReasonMissing,
)
from venues.models import Club


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
    """Staff have checked the club. Raises `ClubDecided` or `CreditCodeTaken`."""
    now = clock.now()
    with constraint_errors(venues_club_credit_code_once=CreditCodeTaken):
        done = Club.objects.filter(pk=club.pk, is_approved=False).update(
            is_approved=True, refusal=""
        )
    if not done:
        raise ClubDecided
    club.refresh_from_db()
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
