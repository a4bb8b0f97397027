"""People who come to a window or call: found by a number, or registered by staff."""

from __future__ import annotations

from django.db import transaction

from bureau.accounts.actions.identity import Confirmed, confirm
from bureau.accounts.actions.rights import note_consent
from bureau.accounts.actions.signing_in import normal_phone
from bureau.accounts.errors import (
    BadPhone,
    ConsentNeeded,
    IdentityTaken,
    NameNeeded,
    NumberUnknown,
    PhoneTaken,
)
from bureau.accounts.models import Consent, User, VerifiedIdentity
from bureau.accounts.signals import happened
from bureau.common import clock, codes, id_numbers, limits, sealed
from bureau.common.db import constraint_errors
from bureau.common.masking import masked_name

LOOKUPS_A_DAY = 1000
REGISTRATIONS_A_DAY = 300
_DAY = 24 * 3600


def find_person(*, number: str, by: User) -> User | None:
    """Whose mobile or ID number this is, exactly; None when nobody is registered.

    Each find is recorded: staff see people that they do not know. Raises
    `NumberUnknown` for what is neither number, and from the limits `TooOften` and
    `LimitsAway`.
    """
    limits.take("desk-find", by.limit_key, limit=LOOKUPS_A_DAY, seconds=_DAY)
    phone, id_number = read_number(number)
    people = User.objects.filter(is_active=True, deleted_at=None)
    if phone:
        found = people.filter(phone=phone).first()
    else:
        mark = sealed.fingerprint(id_number, purpose="id-number")
        found = people.filter(identity__fingerprint=mark).first()
    if found:
        _tell_found(found, by)
    return found


@transaction.atomic
def _tell_found(found: User, by: User) -> None:
    happened.send(
        sender=User,
        event="accounts.user.found_at_desk",
        subject=found,
        by=by,
        at=clock.now(),
        detail={},
    )


def register_person(*, name: str, number: str, agreed: bool, by: User) -> User:
    """Open an account for somebody at the desk, by name and ID or mobile number.

    With an ID number the real name is confirmed as on line, and no phone is needed.
    With a mobile number the account is the number's: who signs in with it later has it.
    `agreed` says that the person heard the terms and agreed. Raises `ConsentNeeded`,
    `NameNeeded`, `NumberUnknown`, `PhoneTaken`, `IdentityTaken`, and what `confirm`
    raises.
    """
    if not agreed:
        raise ConsentNeeded
    name = "".join(name.split())
    if not name:
        raise NameNeeded
    phone, id_number = read_number(number)
    if phone:
        return _register(name, by, phone=phone)
    confirmed = confirm(
        name=name, id_number=id_number, by=by, times_a_day=REGISTRATIONS_A_DAY
    )
    return _register(name, by, confirmed=confirmed)


def read_number(typed: str) -> tuple[str, str]:
    """(mobile number, "") or ("", ID number). Raises `NumberUnknown`."""
    try:
        return normal_phone(typed), ""
    except BadPhone:
        pass
    try:
        return "", id_numbers.parse(typed, today=clock.today()).text
    except id_numbers.BadIdNumber as neither:
        raise NumberUnknown from neither


@transaction.atomic
def _register(
    name: str, by: User, *, phone: str | None = None, confirmed: Confirmed | None = None
) -> User:
    now = clock.now()
    user = User(
        username=f"c-{codes.new_code()}",
        phone=phone,
        date_joined=now,
        masked_name=masked_name(name),
    )
    user.set_unusable_password()
    with constraint_errors(accounts_user_phone_key=PhoneTaken):
        user.save()
    if confirmed:
        with constraint_errors(
            accounts_verifiedidentity_one_person_one_account=IdentityTaken
        ):
            VerifiedIdentity.objects.create(
                user=user,
                verified_at=now,
                provider=confirmed.provider,
                **confirmed.as_fields(),
            )
        note_consent(user, Consent.Kind.REAL_NAME, now=now)
    note_consent(user, Consent.Kind.TERMS, now=now)
    happened.send(
        sender=User,
        event="accounts.user.registered_at_desk",
        subject=user,
        by=by,
        at=now,
        detail={"with": "id" if confirmed else "phone"},
    )
    return user
