from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts import actions
from bureau.accounts.errors import (
    DependantIsSelf,
    DependantKnown,
    GuardianConsentNeeded,
    IdentityNeeded,
    NotADependant,
    TooManyDependants,
)
from bureau.accounts.models import Consent, Dependant, User, VerifiedIdentity
from bureau.common import clock, sealed
from tests.accounts.conftest import new_id_number

pytestmark = pytest.mark.django_db


def register(by: User, **given: Any) -> Dependant:
    given.setdefault("name", "张小")
    given.setdefault("id_number", new_id_number())
    given.setdefault("relation", "other")
    given.setdefault("agreed", True)
    return actions.register_dependant(**given, by=by)


def test_a_guardian_registers_a_parent(verified: VerifiedIdentity) -> None:
    guardian = verified.user

    mother = register(
        guardian, relation="parent", id_number=new_id_number(date(1950, 1, 1))
    )

    assert list(Dependant.objects.of(guardian)) == [mother]
    assert str(mother) == "张*"


def test_the_guardian_comes_first(citizen: User) -> None:
    with pytest.raises(IdentityNeeded):
        register(citizen)


def test_a_child_under_14_needs_a_separate_consent(verified: VerifiedIdentity) -> None:
    today = clock.today()
    birthday = date(today.year - 13, 1, 2)
    number = new_id_number(birthday)

    with pytest.raises(GuardianConsentNeeded):
        register(verified.user, id_number=number)
    assert not Dependant.objects.exists()

    child = register(verified.user, id_number=number, guardian_consent=True)
    kinds = Consent.objects.filter(dependant=child).values_list("kind", flat=True)
    assert set(kinds) == {"guardian", "real_name"}


def test_on_the_14th_birthday_the_consent_is_no_longer_needed(
    verified: VerifiedIdentity,
) -> None:
    birthday = date(2012, 6, 15)
    fourteenth = clock.at(date(2026, 6, 15), 0)
    eve = fourteenth - timedelta(seconds=1)
    with time_machine.travel(eve), pytest.raises(GuardianConsentNeeded):
        register(verified.user, id_number=new_id_number(birthday))
    with time_machine.travel(fourteenth):
        register(verified.user, id_number=new_id_number(birthday))


def test_nobody_is_registered_twice(verified: VerifiedIdentity) -> None:
    number = new_id_number()
    register(verified.user, id_number=number)

    with pytest.raises(DependantKnown):
        register(verified.user, id_number=number)


def test_nobody_is_their_own_child(citizen: User) -> None:
    number = new_id_number()
    actions.verify_identity(name="张三", id_number=number, agreed=True, by=citizen)

    with pytest.raises(DependantIsSelf):
        register(citizen, id_number=number)


def test_a_family_has_an_end(verified: VerifiedIdentity) -> None:
    for _ in range(8):
        register(verified.user)

    with pytest.raises(TooManyDependants, match="8"):
        register(verified.user)


def test_a_removed_person_leaves_no_name(verified: VerifiedIdentity) -> None:
    number = new_id_number()
    child = register(verified.user, id_number=number)

    actions.remove_dependant(dependant=child, by=verified.user)

    child.refresh_from_db()
    assert sealed.unseal(child.sealed_name) == ""
    assert sealed.unseal(child.sealed_id_number) == ""
    assert not Dependant.objects.of(verified.user).exists()
    assert not Consent.objects.filter(dependant=child, withdrawn_at=None).exists()
    register(verified.user, id_number=number)


def test_a_strangers_child_cannot_be_removed(
    verified: VerifiedIdentity, stranger: User
) -> None:
    child = register(verified.user)

    with pytest.raises(NotADependant):
        actions.remove_dependant(dependant=child, by=stranger)
