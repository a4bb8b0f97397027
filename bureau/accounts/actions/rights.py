"""Consents, and what a person may ask of us: a copy of the data, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction

from bureau.accounts.errors import AccountStillNeeded, StaffAccount
from bureau.accounts.models import (
    Consent,
    Dependant,
    LoginCode,
    User,
    VerifiedIdentity,
)
from bureau.accounts.signals import happened
from bureau.common import clock, sealed
from bureau.common.personal_data import holders


def note_consent(
    user: User, kind: Consent.Kind, *, now: datetime, dependant: Dependant | None = None
) -> None:
    """Keep that the person agreed to today's text; agreeing again changes nothing.

    For actions only: it is written inside their transaction.
    """
    row, is_new = Consent.objects.get_or_create(
        user=user,
        dependant=dependant,
        kind=kind,
        text_version=settings.CONSENT_VERSION,
        withdrawn_at=None,
        defaults={"given_at": now},
    )
    if is_new:
        happened.send(
            sender=Consent,
            event="accounts.consent.given",
            subject=row,
            by=user,
            at=now,
            detail={"kind": kind.value, "version": row.text_version},
        )


@transaction.atomic
def give_consent(*, user: User, kind: Consent.Kind) -> None:
    """Note the person's consent to a text as it stands today."""
    note_consent(user, kind, now=clock.now())


@transaction.atomic
def withdraw_consent(*, consent: Consent, by: User) -> None:
    """End a consent. What was done while it stood stays lawful; nothing new is done."""
    now = clock.now()
    ended = Consent.objects.filter(pk=consent.pk, withdrawn_at=None).update(
        withdrawn_at=now
    )
    if ended:
        happened.send(
            sender=Consent,
            event="accounts.consent.withdrawn",
            subject=consent,
            by=by,
            at=now,
            detail={"kind": consent.kind, "version": consent.text_version},
        )


@transaction.atomic
def change_language(*, language: str, by: User) -> None:
    """The language of messages to the person, one of settings.LANGUAGES."""
    by.language = language
    by.save(update_fields=["language"])


@transaction.atomic
def save_staff_account(*, user: User, changed: Sequence[str], by: User) -> None:
    """Keep what the staff form says of an account; `changed` names the fields."""
    is_new = user.pk is None
    user.save()
    happened.send(
        sender=User,
        event=f"accounts.user.{'added' if is_new else 'changed'}",
        subject=user,
        by=by,
        at=clock.now(),
        detail={"fields": ", ".join(changed)},
    )


@transaction.atomic
def export_personal_data(*, by: User) -> dict[str, Any]:
    """Everything that is held about a person, as JSON types, by who holds it."""
    now = clock.now()
    happened.send(
        sender=User,
        event="accounts.user.exported",
        subject=by,
        by=by,
        at=now,
        detail={},
    )
    return {
        "exported_at": now.isoformat(),
        **{holder.name: holder.export(by) for holder in holders()},
    }


@transaction.atomic
def delete_account(*, by: User) -> None:
    """Close the person's own account and leave an anonymous row for what the law keeps.

    The number is free again at once. Raises `StaffAccount`, or `AccountStillNeeded`
    while another app objects (a booking next week, a refund under way).
    """
    now = clock.now()
    user = User.objects.select_for_update(of=("self",)).get(pk=by.pk)
    if user.is_staff:
        raise StaffAccount
    objections = [why for holder in holders() for why in holder.objections(user)]
    if objections:
        raise AccountStillNeeded(why=" ".join(objections))

    happened.send(
        sender=User,
        event="accounts.user.deleted",
        subject=user,
        by=user,
        at=now,
        detail={},
    )
    for holder in holders():
        holder.erase(user)
    _erase_account(user, now)  # last: the others may look for the number or the name


def _erase_account(user: User, now: datetime) -> None:
    VerifiedIdentity.objects.filter(user=user).delete()
    for dependant in Dependant.objects.filter(guardian=user).iterator():
        forget_dependant(dependant, now=now)
    Consent.objects.filter(user=user, withdrawn_at=None).update(withdrawn_at=now)
    LoginCode.objects.filter(phone=user.phone).delete()
    user.auth_token_set.all().delete()
    Authenticator.objects.filter(user=user).delete()
    for session in UserSession.objects.filter(user=user):
        session.end()

    user.username = f"deleted-{user.pk}"
    user.phone = None
    user.phone_verified_at = None
    user.masked_name = user.first_name = user.last_name = user.email = ""
    user.is_active = False
    user.deleted_at = now
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


def forget_dependant(dependant: Dependant, *, now: datetime) -> None:
    """Leave a nameless row, which past bookings and entries may point at."""
    dependant.sealed_name = sealed.seal("")
    dependant.sealed_id_number = sealed.seal("")
    dependant.fingerprint = f"removed-{dependant.pk}"
    dependant.masked_name = "*"
    dependant.masked_id_number = ""
    # The year alone keeps statistics by age possible.
    dependant.birth_on = dependant.birth_on.replace(month=1, day=1)
    dependant.removed_at = dependant.removed_at or now
    dependant.save()
