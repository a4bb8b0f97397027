from __future__ import annotations

from django.db import transaction

from bureau.accounts.actions.identity import Confirmed, confirm
from bureau.accounts.actions.rights import forget_dependant, note_consent
from bureau.accounts.errors import (
    ConsentNeeded,
    DependantIsSelf,
    DependantKnown,
    GuardianConsentNeeded,
    IdentityNeeded,
    NotADependant,
    TooManyDependants,
)
from bureau.accounts.models import (
    GUARDIAN_CONSENT_UNDER_AGE,
    Consent,
    Dependant,
    Eligibility,
    User,
    VerifiedIdentity,
)
from bureau.accounts.signals import happened
from bureau.common import clock
from bureau.common.db import constraint_errors

MOST_DEPENDANTS = 8


def register_dependant(
    *,
    name: str,
    id_number: str,
    relation: str,
    agreed: bool,
    guardian_consent: bool = False,
    by: User,
) -> Dependant:
    """Register a child or a parent without a phone, for whom `by` will book.

    `guardian_consent` is the separate consent that the law asks for under 14.
    Raises `IdentityNeeded`, `ConsentNeeded`, `GuardianConsentNeeded`, `DependantKnown`,
    `DependantIsSelf`, `TooManyDependants`, and what `confirm` raises.
    """
    if not agreed:
        raise ConsentNeeded
    identity = VerifiedIdentity.objects.filter(user=by).first()
    if identity is None:
        raise IdentityNeeded
    confirmed = confirm(name=name, id_number=id_number, by=by)
    if confirmed.fingerprint == identity.fingerprint:
        raise DependantIsSelf
    return _keep_dependant(confirmed, relation, by, guardian_consent=guardian_consent)


@transaction.atomic
def _keep_dependant(
    confirmed: Confirmed, relation: str, by: User, *, guardian_consent: bool
) -> Dependant:
    now = clock.now()
    # One guardian's registrations wait for each other, so that the count holds.
    User.objects.select_for_update(of=("self",)).get(pk=by.pk)
    if Dependant.objects.of(by).count() >= MOST_DEPENDANTS:
        raise TooManyDependants(limit=MOST_DEPENDANTS)
    with constraint_errors(
        accounts_dependant_registered_once_by_a_guardian=DependantKnown
    ):
        dependant = Dependant.objects.create(
            guardian=by, relation=relation, registered_at=now, **confirmed.as_fields()
        )
    if dependant.age_on(clock.local_day(now)) < GUARDIAN_CONSENT_UNDER_AGE:
        if not guardian_consent:
            raise GuardianConsentNeeded
        note_consent(by, Consent.Kind.GUARDIAN, now=now, dependant=dependant)
    note_consent(by, Consent.Kind.REAL_NAME, now=now, dependant=dependant)
    happened.send(
        sender=Dependant,
        event="accounts.dependant.registered",
        subject=dependant,
        by=by,
        at=now,
        detail={"relation": relation},
    )
    return dependant


@transaction.atomic
def remove_dependant(*, dependant: Dependant, by: User) -> None:
    """Forget a family member; past bookings keep a nameless row.

    Raises `NotADependant` for a stranger's, or one that is already removed.
    """
    now = clock.now()
    locked = (
        Dependant.objects.select_for_update(of=("self",))
        .of(by)
        .filter(pk=dependant.pk)
        .first()
    )
    if locked is None:
        raise NotADependant
    forget_dependant(locked, now=now)
    Eligibility.objects.filter(dependant=locked, state__in=Eligibility.LIVE).update(
        state=Eligibility.State.EXPIRED, decided_at=now
    )
    Consent.objects.filter(dependant=locked, withdrawn_at=None).update(withdrawn_at=now)
    happened.send(
        sender=Dependant,
        event="accounts.dependant.removed",
        subject=locked,
        by=by,
        at=now,
        detail={},
    )
