from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator

import pytest
from django.db import connection
from django.utils import translation
from playwright.sync_api import Browser, sync_playwright
from pytest_django import DjangoDbBlocker
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


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Ids that tell tables apart; no session of the data base left behind.

    Each table counts from numbers of its own: an id given to the wrong table is never
    by chance the id of a row there, and 1 is the id of nothing. They stay below ten
    million, as in a city: the numbers of entries in a draw begin with one of them.
    A thread of the browser tests' server may outlive its connection's last test.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(sequence, greatest(reached, place * 50000))"
            " FROM (SELECT format('%I.%I', schemaname, sequencename)::regclass"
            "   AS sequence, coalesce(last_value, 1) AS reached,"
            "   row_number() OVER (ORDER BY sequencename) AS place"
            "   FROM pg_sequences) AS every"
        )
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a process, from the system.

    `make setup` installs it; without it these tests fail, they never skip.
    """
    found = os.environ.get("BUREAU_CHROMIUM") or shutil.which("chromium")
    assert found, "Chromium is missing: run `make setup`"
    # Playwright's loop runs in the test's own thread, where the rows are made, too.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture(autouse=True)
def first_language() -> None:
    """Each test starts in the language of the settings.

    A request leaves its language behind in the thread, so that what a test reads would
    depend on the test before it.
    """
    translation.deactivate()


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
