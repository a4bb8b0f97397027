"""People who come to a window or call: found by a number, or registered by staff."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bureau.accounts.actions.identity import Confirmed, confirm
from bureau.accounts.actions.rights import note_consent
from bureau.accounts.actions.signing_in import (
    code_of,
    count_try,
    normal_phone,
    send_code,
    use_up,
)
from bureau.accounts.errors import (
    BadPhone,
    ConsentNeeded,
    IdCardNotSeen,
    IdentityTaken,
    NameNeeded,
    NumberUnknown,
    PhoneNotNeeded,
    PhoneOfAnother,
    PhoneTaken,
)
from bureau.accounts.models import Consent, LoginCode, User, VerifiedIdentity
from bureau.accounts.signals import happened
from bureau.common import clock, codes, id_numbers, limits, sealed
from bureau.common.db import constraint_errors
from bureau.common.errors import DomainError
from bureau.common.masking import masked_name, masked_phone

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


def send_code_to_attach(*, person: User, phone: str, network: str | None) -> LoginCode:
    """Send a code to the number that somebody at the desk says is theirs.

    Raises `PhoneNotNeeded`, `PhoneOfAnother` and what `send_code` raises.
    """
    _refuse_attaching(person, normal_phone(phone))
    return send_code(phone=phone, network=network)


def attach_phone(
    *,
    person: User,
    phone: str,
    code: str,
    id_card_seen: bool,
    network: str | None,
    by: User,
) -> User:
    """Give somebody who was registered by ID a number to sign in with.

    `code` is what was sent to the number, so that it is the person's, and
    `id_card_seen` says that staff compared the card with who stands there. Raises
    `IdCardNotSeen`, `PhoneNotNeeded`, `PhoneOfAnother`, `BadPhone`, `CodeNotAsked`,
    `CodeWrong`, `CodeExpired`, `CodeSpent`, `NumberLocked`, and from the limits
    `TooOften` and `LimitsAway`.
    """
    if not id_card_seen:
        raise IdCardNotSeen
    phone = normal_phone(phone)
    count_try(network)
    refusal = _attach(person, phone, code.strip(), by, at=clock.now())
    if refusal:
        raise refusal
    return person


@transaction.atomic
def _attach(
    person: User, phone: str, code: str, by: User, *, at: datetime
) -> DomainError | None:
    row = code_of(phone, code, at)
    if isinstance(row, DomainError):
        return row  # the wrong try stays counted
    _refuse_attaching(person, phone)
    use_up(row, at)
    with constraint_errors(accounts_user_phone_key=PhoneOfAnother):
        attached = User.objects.filter(pk=person.pk, phone=None, is_active=True).update(
            phone=phone, phone_verified_at=at
        )
    if not attached:
        raise PhoneNotNeeded
    person.refresh_from_db()
    happened.send(
        sender=User,
        event="accounts.user.phone_attached_at_desk",
        subject=person,
        by=by,
        at=at,
        detail={"phone": masked_phone(phone)},
    )
    return None


def _refuse_attaching(person: User, phone: str) -> None:
    known = VerifiedIdentity.objects.filter(user=person).exists()
    if person.phone or person.is_staff or not known:
        raise PhoneNotNeeded
    if User.objects.with_phone(phone).exists():
        raise PhoneOfAnother
