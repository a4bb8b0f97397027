from __future__ import annotations

from datetime import date

from django.core.files.base import File
from django.db import transaction

from bureau.accounts.actions.rights import note_consent
from bureau.accounts.errors import (
    CertificateOutOfDate,
    ConsentNeeded,
    EligibilityChanged,
    EligibilityLive,
    IdentityNeeded,
    NotADependant,
    ReasonNeeded,
)
from bureau.accounts.models import (
    Consent,
    Dependant,
    Eligibility,
    User,
    VerifiedIdentity,
)
from bureau.accounts.signals import certificate_given, happened
from bureau.common import clock
from bureau.common.db import constraint_errors


@transaction.atomic
def ask_for_eligibility(
    *,
    kind: str,
    expires_on: date,
    certificate: File[bytes],
    agreed: bool,
    dependant: Dependant | None = None,
    by: User,
) -> Eligibility:
    """Hand in a certificate, for oneself or for a registered family member.

    Raises `ConsentNeeded`, `IdentityNeeded`, `NotADependant`, `CertificateOutOfDate`,
    `EligibilityLive`, and what the keeper of pictures refuses.
    """
    now = clock.now()
    if not agreed:
        raise ConsentNeeded
    if not VerifiedIdentity.objects.filter(user=by).exists():
        raise IdentityNeeded
    if dependant and not Dependant.objects.of(by).filter(pk=dependant.pk).exists():
        raise NotADependant
    if expires_on < clock.local_day(now):
        raise CertificateOutOfDate
    with constraint_errors(
        accounts_eligibility_one_live_per_person_and_kind=EligibilityLive
    ):
        row = Eligibility.objects.create(
            user=by, dependant=dependant, kind=kind, expires_on=expires_on, asked_at=now
        )
    certificate_given.send(sender=Eligibility, eligibility=row, file=certificate)
    note_consent(by, Consent.Kind.CERTIFICATE, now=now, dependant=dependant)
    _tell("asked", row, by=by)
    return row


@transaction.atomic
def approve_eligibility(
    *, eligibility: Eligibility, by: User, expires_on: date | None = None
) -> Eligibility:
    """The certificate is right; staff may correct its last day.

    Raises `EligibilityChanged` or `CertificateOutOfDate`.
    """
    last_day = expires_on or eligibility.expires_on
    if last_day < clock.today():
        raise CertificateOutOfDate
    _move(
        eligibility, Eligibility.State.APPROVED, by=by, reason="", expires_on=last_day
    )
    _tell("approved", eligibility, by=by)
    return eligibility


@transaction.atomic
def refuse_eligibility(
    *, eligibility: Eligibility, reason: str, by: User
) -> Eligibility:
    """The certificate is not right, or an approved one turned out not to be.

    The person reads `reason`. Raises `ReasonNeeded` or `EligibilityChanged`.
    """
    reason = reason.strip()
    if not reason:
        raise ReasonNeeded
    _move(eligibility, Eligibility.State.REFUSED, by=by, reason=reason)
    _tell("refused", eligibility, by=by, reason=reason)
    return eligibility


@transaction.atomic
def expire_eligibility(*, eligibility: Eligibility) -> None:
    """Its last day has passed. Of eight workers one does it, the others do nothing."""
    try:
        _move(eligibility, Eligibility.State.EXPIRED, by=None, reason="")
    except EligibilityChanged:
        return
    _tell("expired", eligibility, by=None)


def _move(
    row: Eligibility, to: Eligibility.State, *, by: User | None, **fields: object
) -> None:
    was = Eligibility.State(row.state)
    if to not in Eligibility.TRANSITIONS.get(was, ()):
        raise EligibilityChanged
    changed = {"state": to, "decided_at": clock.now(), "decided_by": by, **fields}
    if Eligibility.objects.filter(pk=row.pk, state=was).update(**changed) != 1:
        raise EligibilityChanged
    for name, value in changed.items():
        setattr(row, name, value)


def _tell(what: str, row: Eligibility, *, by: User | None, **detail: str) -> None:
    happened.send(
        sender=Eligibility,
        event=f"accounts.eligibility.{what}",
        subject=row,
        by=by,
        at=clock.now(),
        detail={"kind": row.kind, **detail},
    )
