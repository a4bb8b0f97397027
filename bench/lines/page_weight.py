"""What a first visit costs a phone: the bytes over the wire, as Chromium counts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from django.urls import reverse
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from bench import city
from bench.portal import CannotStart, Portal
from bench.table import Line

LIMIT_KB = 60
PHONE: ViewportSize = {"width": 390, "height": 844}


def measure(portal: Portal) -> list[Line]:
    hall = city.venue(courts=6)
    for _ in range(12):
        city.venue(courts=4)
    pages = {
        "home": reverse("portal:home"),
        "venue list": reverse("venues:list"),
        "venue page": hall.get_absolute_url(),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_chromium(), args=["--no-sandbox"]
        )
        lines = [
            _line(name, _weigh(browser, portal.url + path))
            for name, path in pages.items()
        ]
        browser.close()
    return lines


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise CannotStart("Chromium is missing: scripts/services packages test")


def _weigh(browser: Browser, url: str) -> dict[str, int]:
    """Bytes of the answers, headers included, by address."""
    page = browser.new_context(viewport=PHONE, locale="zh-CN").new_page()
    protocol = page.context.new_cdp_session(page)
    protocol.send("Network.enable")
    addresses: dict[str, str] = {}
    weights: dict[str, int] = {}

    def on_response(event: Mapping[str, object]) -> None:
        answer = event["response"]
        if isinstance(answer, Mapping):
            addresses[str(event["requestId"])] = str(answer["url"])

    def on_finished(event: Mapping[str, object]) -> None:
        address = addresses.get(str(event["requestId"]), "")
        weight = event["encodedDataLength"]
        if isinstance(weight, int | float) and not address.startswith("data:"):
            weights[address] = weights.get(address, 0) + int(weight)

    protocol.on("Network.responseReceived", on_response)
    protocol.on("Network.loadingFinished", on_finished)
    answer = page.goto(url, wait_until="networkidle")
    if answer is None or answer.status != 200:
        raise CannotStart(f"{url} answers {answer and answer.status}")
    page.context.close()
    return weights


def _line(name: str, weights: Mapping[str, int]) -> Line:
    total = sum(weights.values()) / 1024
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:3]
    parts = ", ".join(
        f"{url.rsplit('/', 1)[-1] or 'the page'} {weight / 1024:.1f}"
        for url, weight in heaviest
    )
    return Line(
        what=f"first visit, {name}",
        figure=f"{total:.1f} KB in {len(weights)} answers",
        goal=f"≤ {LIMIT_KB} KB",
        met=total <= LIMIT_KB,
        note=f"heaviest: {parts} KB",
    )
