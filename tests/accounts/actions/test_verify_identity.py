from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pytest_django import Settings

from bureau.accounts import actions, providers
from bureau.accounts.errors import (
    AlreadyVerified,
    BadIdentity,
    ConsentNeeded,
    IdentityCheckAway,
    IdentityNotConfirmed,
    IdentityTaken,
    ReasonNeeded,
)
from bureau.accounts.models import Consent, User, VerifiedIdentity
from bureau.common.limits import TooOften
from tests.accounts.conftest import new_id_number

pytestmark = pytest.mark.django_db


def verify(by: User, id_number: str = "", **given: Any) -> VerifiedIdentity:
    given.setdefault("name", "张三丰")
    given.setdefault("agreed", True)
    return actions.verify_identity(
        id_number=id_number or new_id_number(), by=by, **given
    )


def test_a_person_is_known_and_shown_masked(citizen: User, told: list[str]) -> None:
    number = new_id_number(date(1950, 3, 4), is_male=False)

    identity = verify(citizen, number)

    assert (identity.birth_on, identity.sex) == (date(1950, 3, 4), "female")
    assert identity.masked_name == "张**"
    assert identity.masked_id_number == f"{number[:4]}**********{number[-4:]}"
    citizen.refresh_from_db()
    assert str(citizen) == "张**"
    assert told == ["accounts.consent.given", "accounts.identity.verified"]
    assert Consent.objects.get(user=citizen).kind == Consent.Kind.REAL_NAME


def test_nothing_readable_is_stored(citizen: User) -> None:
    number = new_id_number()
    verify(citizen, number)

    stored = str(list(VerifiedIdentity.objects.values()))

    assert number not in stored
    assert "张三丰" not in stored
    assert str(number.encode()) not in stored


def test_one_person_has_one_account(citizen: User, stranger: User) -> None:
    number = new_id_number()
    verify(citizen, number)

    with pytest.raises(IdentityTaken):
        verify(stranger, f" {number.lower()} ")

    stranger.refresh_from_db()
    assert stranger.masked_name == ""


def test_an_account_has_one_person(citizen: User) -> None:
    verify(citizen)

    with pytest.raises(AlreadyVerified):
        verify(citizen)


@pytest.mark.parametrize(
    "number", ["", "123", "110105194912310021", "11010519491331002X", "abc" * 6]
)
def test_a_wrong_number_is_refused(citizen: User, number: str) -> None:
    with pytest.raises(BadIdentity):
        verify(citizen, number or " ")


def test_it_needs_consent(citizen: User) -> None:
    with pytest.raises(ConsentNeeded):
        verify(citizen, agreed=False)


def test_nobody_tries_numbers_all_day(citizen: User) -> None:
    for _ in range(10):
        actions.identity.confirm(name="张三", id_number=new_id_number(), by=citizen)

    with pytest.raises(TooOften):
        verify(citizen)


class Sceptic:
    name = "sceptic"

    def confirms(self, **_: str) -> bool:
        return False


class Asleep:
    name = "asleep"

    def confirms(self, **_: str) -> bool:
        raise providers.ProviderAway


@pytest.mark.parametrize(
    ("provider", "refusal"),
    [(Sceptic, IdentityNotConfirmed), (Asleep, IdentityCheckAway)],
)
def test_the_provider_decides(
    citizen: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    provider: type[providers.IdentityProvider],
    refusal: type[Exception],
) -> None:
    monkeypatch.setitem(providers.PROVIDERS, provider.name, provider)
    settings.IDENTITY_PROVIDER = provider.name

    with pytest.raises(refusal):
        verify(citizen)

    assert not VerifiedIdentity.objects.exists()


def test_unmasking_needs_a_reason_and_is_told(
    verified: VerifiedIdentity, stranger: User, told: list[str]
) -> None:
    told.clear()
    with pytest.raises(ReasonNeeded):
        actions.reveal_identity(identity=verified, reason="  ", by=stranger)
    assert told == []

    seen = actions.reveal_identity(identity=verified, reason="Phone call", by=stranger)

    assert seen.name == "张三丰"
    assert told == ["accounts.identity.revealed"]
