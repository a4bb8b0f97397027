from __future__ import annotations

from collections.abc import Generator

import pytest
from rest_framework.test import APIClient

from bureau.accounts.models import User
from tests import make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures see whether their test failed."""
    report = yield
    if report.when == "call":
        item.failed_in_call = report.failed  # type: ignore[attr-defined]
    return report


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
