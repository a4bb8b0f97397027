from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django import Settings

from bureau.accounts.models import VerifiedIdentity
from bureau.common import sealed
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget_keys() -> Iterator[None]:
    yield
    sealed._box.cache_clear()


def test_the_old_key_can_be_dropped(
    verified: VerifiedIdentity, settings: Settings
) -> None:
    TOTP.activate(make.user(is_staff=True), "JBSWY3DPEHPK3PXP")
    old, new = settings.SEAL_KEYS[0], Fernet.generate_key().decode()
    settings.SEAL_KEYS = [new, old]
    sealed._box.cache_clear()

    call_command("reseal")

    settings.SEAL_KEYS = [new]
    sealed._box.cache_clear()
    verified.refresh_from_db()
    assert sealed.unseal(verified.sealed_name) == "张三丰"
    secret = Authenticator.objects.get(type="totp").data["secret"]
    assert sealed.unseal(secret.encode()) == "JBSWY3DPEHPK3PXP"
