from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import UserManager
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from bureau.accounts.models import (
        Consent,
        Dependant,
        Eligibility,
        LoginCode,
        User,
    )


class People(UserManager["User"]):
    """Django's own user manager, with our question."""

    def with_phone(self, phone: str) -> models.QuerySet[User]:
        return self.filter(phone=phone)


class LoginCodeQuerySet(models.QuerySet["LoginCode"]):
    def stale_at(self, moment: datetime) -> Self:
        """Rows that no longer hold a live code, a lock or a count worth keeping."""
        return self.filter(keep_until__lt=moment)


class DependantQuerySet(models.QuerySet["Dependant"]):
    def of(self, guardian: User) -> Self:
        return self.filter(guardian=guardian, removed_at=None)

    def visible_to(self, user: User) -> Self:
        return self.of(user)


class EligibilityQuerySet(models.QuerySet["Eligibility"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(user=user)

    def of_person(self, user: User, dependant: Dependant | None) -> Self:
        return self.filter(user=user, dependant=dependant)

    def in_force_on(self, day: date) -> Self:
        return self.filter(state="approved", expires_on__gte=day)

    def run_out_on(self, day: date) -> Self:
        """Approved, and past the last day."""
        return self.filter(state="approved", expires_on__lt=day)

    def waiting(self) -> Self:
        return self.filter(state="pending")

    def checked_by(self, person: User) -> Self:
        """What a member of staff may look at who may check certificates.

        All, for the whole city; what waits, and what they decided, for a district.
        """
        if person.sees_the_city:
            return self
        return self.filter(Q(state="pending") | Q(decided_by=person))


class ConsentQuerySet(models.QuerySet["Consent"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(user=user)

    def in_force_at(self, moment: datetime) -> Self:
        return self.filter(
            Q(withdrawn_at=None) | Q(withdrawn_at__gt=moment), given_at__lte=moment
        )
