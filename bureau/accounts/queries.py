from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    load_backend,
)
from django.utils.crypto import constant_time_compare

from bureau.accounts.models import (
    OF_AGE,
    SENIOR_FROM_AGE,
    Consent,
    Dependant,
    Eligibility,
    Token,
    User,
    VerifiedIdentity,
)
from bureau.common import sealed
from bureau.common.db import rows_of

SENIOR = "senior"
MINOR = "minor"


def eligible_groups(
    user: User, dependant: Dependant | None = None, *, on: date
) -> frozenset[str]:
    """The price groups of a person on a day, or of a family member of theirs.

    `senior` (60 and older) and `minor` (under 18) follow from the verified ID; the
    kinds of `Eligibility` must have been proven and not have run out. Two queries.
    """
    proven = Eligibility.objects.of_person(user, dependant).in_force_on(on)
    groups = set(proven.values_list("kind", flat=True))
    person = dependant or identity_of(user)
    if person is not None:
        age = person.age_on(on)
        if age >= SENIOR_FROM_AGE:
            groups.add(SENIOR)
        elif age < OF_AGE:
            groups.add(MINOR)
    return frozenset(groups)


_ROLES = """
    coalesce((SELECT string_agg(name, ', ' ORDER BY name COLLATE "C")
                FROM accounts_user_groups AS held
                JOIN auth_group ON auth_group.id = held.group_id
               WHERE held.user_id = person.id), '')
"""
_PERSON = [str(field.column) for field in User._meta.concrete_fields]

_SIGNED_IN = f"""
    SELECT {", ".join(f"person.{column}" for column in _PERSON)}, {_ROLES} AS role_text
      FROM accounts_user AS person
     WHERE person.id = $1
"""  # noqa: S608 - the columns are our own

SESSION_COLUMNS = f"""
    session.session_data,
    {", ".join(f"person.{column} AS person__{column}" for column in _PERSON)},
    {_ROLES} AS person__role_text
"""
"""What `person_in_session` needs, of `SESSION_ROWS`."""
SESSION_ROWS = """
    django_session AS session
    LEFT JOIN usersessions_usersession AS device USING (session_key)
    LEFT JOIN accounts_user AS person ON person.id = device.user_id
"""
"""Stored sessions, and whose they are as far as the list of devices knows."""


def signed_in_person(user_id: int) -> User | None:
    """A person with their `role_text`, in one question."""
    found = rows_of(User, "accounts_signed_in", _SIGNED_IN, [user_id])
    return found[0] if found else None


def person_in_session(
    session: Mapping[str, Any], *, likely: User | None = None
) -> User | None:
    """Who a session belongs to, found as strictly as Django's `get_user` does.

    `likely` is a person just read (`SESSION_ROWS`): if it is they, nobody is asked
    again. It changes no session. Where there is more to do than to say yes (a key that
    was replaced, a password that was changed), nobody comes back.
    """
    path = session.get(BACKEND_SESSION_KEY)
    if path not in settings.AUTHENTICATION_BACKENDS:
        return None
    backend: Any = load_backend(path)
    key = session.get(SESSION_KEY, 0)
    person: User | None
    if likely and str(likely.pk) == key:
        person = likely if backend.user_can_authenticate(likely) else None
    else:
        person = backend.get_user(key)
    if person is None:
        return None
    told = str(session.get(HASH_SESSION_KEY, ""))
    return (
        person if constant_time_compare(told, person.get_session_auth_hash()) else None
    )


def is_verified(user: User) -> bool:
    """Whether the account's real name is confirmed."""
    return VerifiedIdentity.objects.filter(user=user).exists()


def identity_of(user: User) -> VerifiedIdentity | None:
    return VerifiedIdentity.objects.filter(user=user).first()


def personal_data_of(user: User) -> dict[str, Any]:
    """What accounts holds about a person, unsealed: it is the person's own copy."""
    identity = identity_of(user)
    dependants = Dependant.objects.of(user).order_by("pk")
    proofs = Eligibility.objects.visible_to(user).order_by("pk")
    consents = Consent.objects.visible_to(user).order_by("pk")
    devices = Token.objects.filter(user=user).order_by("created", "pk")
    return {
        "phone": user.phone,
        "registered_at": user.date_joined.isoformat(),
        "language": user.language,
        "identity": _identity(identity) if identity else None,
        "family": [{**_identity(row), "relation": row.relation} for row in dependants],
        "eligibilities": [
            {
                "kind": row.kind,
                "state": row.state,
                "expires_on": row.expires_on.isoformat(),
                "for": row.dependant_id,
                "reason": row.reason,
            }
            for row in proofs
        ],
        "consents": [
            {
                "text": row.kind,
                "version": row.text_version,
                "given_at": row.given_at.isoformat(),
                "withdrawn_at": row.withdrawn_at and row.withdrawn_at.isoformat(),
            }
            for row in consents
        ],
        "devices": [
            {"device": row.device, "signed_in_at": row.created.isoformat()}
            for row in devices
        ],
    }


def _identity(row: VerifiedIdentity | Dependant) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": sealed.unseal(row.sealed_name),
        "id_number": sealed.unseal(row.sealed_id_number),
        "birth_on": row.birth_on.isoformat(),
        "sex": row.sex,
    }
