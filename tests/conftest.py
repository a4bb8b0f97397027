from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bureau.accounts.models import User
from tests import make


@pytest.fixture
def api() -> APIClient:
    return APIClient()


@pytest.fixture
def citizen(db: None) -> User:
    """Known by a mobile number; no real name yet."""
    return make.citizen()


@pytest.fixture
def stranger(db: None) -> User:
    """Another citizen, who has no business here."""
    return make.citizen()
