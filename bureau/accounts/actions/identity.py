from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from bureau.accounts.actions.rights import note_consent
from bureau.accounts.errors import (
    AlreadyVerified,
    BadIdentity,
    ConsentNeeded,
    IdentityCheckAway,
    IdentityNotConfirmed,
    IdentityTaken,
    ReasonNeeded,
)
from bureau.accounts.models import Consent, Dependant, Sex, User, VerifiedIdentity
from bureau.accounts.providers import ProviderAway, identity_provider
from bureau.accounts.signals import happened
from bureau.common import clock, id_numbers, limits, sealed
from bureau.common.db import constraint_errors
from bureau.common.masking import masked_id_number, masked_name


@dataclass(frozen=True)
class Confirmed:
    """A name and number that a provider said belong together."""

    name: str
    number: id_numbers.IdNumber
    provider: str

    @property
    def fingerprint(self) -> str:
        return sealed.fingerprint(self.number.text, purpose="id-number")

    def as_fields(self) -> dict[str, object]:
        """The columns that an identity and a dependant have in common."""
        return {
            "sealed_name": sealed.seal(self.name),
            "sealed_id_number": sealed.seal(self.number.text),
            "fingerprint": self.fingerprint,
            "masked_name": masked_name(self.name),
            "masked_id_number": masked_id_number(self.number.text),
            "birth_on": self.number.born_on,
            "sex": Sex.MALE if self.number.is_male else Sex.FEMALE,
        }


def confirm(*, name: str, id_number: str, by: User, times_a_day: int = 10) -> Confirmed:
    """Check a number, then ask the provider. Never inside a transaction.

    `times_a_day` is how often this person may ask; a desk asks more often.
    Raises `BadIdentity`, `IdentityNotConfirmed`, `IdentityCheckAway`, and from the
    limits `TooOften` and `LimitsAway`.
    """
    name = "".join(name.split())
    try:
        number = id_numbers.parse(id_number, today=clock.today())
    except id_numbers.BadIdNumber as why:
        raise BadIdentity from why
    # A provider charges for each question, and would tell a guesser who exists.
    limits.take("identity", by.limit_key, limit=times_a_day, seconds=24 * 3600)
    provider = identity_provider()
    try:
        is_confirmed = provider.confirms(name=name, id_number=number.text)
    except ProviderAway as away:
        raise IdentityCheckAway from away
    if not is_confirmed:
        raise IdentityNotConfirmed
    return Confirmed(name, number, provider.name)


def verify_identity(
    *, name: str, id_number: str, agreed: bool, by: User
) -> VerifiedIdentity:
    """Tie a real name and resident ID to the account, once and for one account only.

    Raises `ConsentNeeded`, `AlreadyVerified`, `IdentityTaken`, and what `confirm`
    raises.
    """
    if not agreed:
        raise ConsentNeeded
    if VerifiedIdentity.objects.filter(user=by).exists():
        raise AlreadyVerified
    confirmed = confirm(name=name, id_number=id_number, by=by)
    return _keep_identity(confirmed, by)


@transaction.atomic
def _keep_identity(confirmed: Confirmed, by: User) -> VerifiedIdentity:
    now = clock.now()
    with constraint_errors(
        accounts_verifiedidentity_one_person_one_account=IdentityTaken,
        accounts_verifiedidentity_user_id_key=AlreadyVerified,
    ):
        identity = VerifiedIdentity.objects.create(
            user=by,
            verified_at=now,
            provider=confirmed.provider,
            **confirmed.as_fields(),
        )
    User.objects.filter(pk=by.pk).update(masked_name=identity.masked_name)
    by.masked_name = identity.masked_name
    note_consent(by, Consent.Kind.REAL_NAME, now=now)
    happened.send(
        sender=VerifiedIdentity,
        event="accounts.identity.verified",
        subject=identity,
        by=by,
        at=now,
        detail={"provider": identity.provider},
    )
    return identity


@dataclass(frozen=True)
class Revealed:
    name: str
    id_number: str


@transaction.atomic
def reveal_identity(*, identity: VerifiedIdentity, reason: str, by: User) -> Revealed:
    """Unmask a person for a staff member, who says why and is recorded.

    Raises `ReasonNeeded`.
    """
    return _reveal(identity, "accounts.identity.revealed", reason, by)


@transaction.atomic
def reveal_dependant(*, dependant: Dependant, reason: str, by: User) -> Revealed:
    """As `reveal_identity`, for a family member."""
    return _reveal(dependant, "accounts.dependant.revealed", reason, by)


def _reveal(
    row: VerifiedIdentity | Dependant, event: str, reason: str, by: User
) -> Revealed:
    reason = reason.strip()
    if not reason:
        raise ReasonNeeded
    happened.send(
        sender=type(row),
        event=event,
        subject=row,
        by=by,
        at=clock.now(),
        detail={"reason": reason},
    )
    return Revealed(sealed.unseal(row.sealed_name), sealed.unseal(row.sealed_id_number))
