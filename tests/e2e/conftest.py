"""A real browser against a real server.

Chromium comes from the system, where `make setup` puts it; without it these tests fail,
they never skip. Pages are read in English, the language of the source strings.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from bureau.accounts.models import User
from tests import make
from tests.e2e.screens import Screens
from venues.models import Bookable, Venue

# A page that asks every five seconds, on a machine that does something else meanwhile.
expect.set_options(timeout=15_000)

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture
def portal(live_server: LiveServer, settings: Settings) -> str:
    """The address of a running portal whose SMS codes are shown in the page."""
    settings.PUBLIC_URL = live_server.url
    settings.PAYMENT_NOTIFY_URL = live_server.url
    settings.SMS_SENDER = "page"
    settings.DEMO = True
    return live_server.url


@pytest.fixture
def screens(
    browser: Browser, portal: str, request: pytest.FixtureRequest
) -> Iterator[Screens]:
    opened = Screens(browser, portal)
    yield opened
    if getattr(request.node, "failed_in_call", False):
        folder = Path(".local/failures")
        folder.mkdir(parents=True, exist_ok=True)
        opened.picture(folder / f"{request.node.name}.png")
    opened.close()


@pytest.fixture
def phone(screens: Screens) -> Page:
    return screens.open(PHONE)


@pytest.fixture
def desktop(screens: Screens) -> Page:
    return screens.open(DESKTOP)


@pytest.fixture
def hall(db: None) -> Venue:
    """A hall with two courts, open around the clock at 40 yuan an hour."""
    venue = make.venue(name="任城羽毛球馆", name_en="Rencheng Badminton Hall")
    make.bookable(venue=venue, name="1")
    make.bookable(venue=venue, name="2")
    return venue


@pytest.fixture
def court(hall: Venue) -> Bookable:
    return hall.bookables.get(name="1")


@pytest.fixture
def keeper(hall: Venue) -> User:
    user = make.gatekeeper(hall, name="keeper")
    user.set_password("a long gate password")
    user.save(update_fields=["password"])
    return user


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


def violations(axe: Axe, page: Page) -> list[dict[str, Any]]:
    """What axe-core finds against WCAG 2.1 A and AA.

    Without its preload, which fetches every imported style sheet from a wrong address.
    """
    page.wait_for_load_state()
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "preload": False}
    found = axe.run(page, options=rules).response["violations"]
    return [
        {"id": one["id"], "at": [node["html"][:200] for node in one["nodes"]][:3]}
        for one in found
    ]
