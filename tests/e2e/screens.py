from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize


class Screens:
    """Browser windows of different people; each has its own cookies."""

    def __init__(self, browser: Browser, portal: str) -> None:
        self.browser = browser
        self.portal = portal
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(
        self,
        viewport: ViewportSize,
        *,
        scripts: bool = True,
        locale: str = "en",
        for_axe: bool = False,
    ) -> Page:
        """A window; what its console complains about is an error of the test.

        `for_axe` lifts the content security policy, which axe itself would break, and
        asks for no motion: a colour that is changing has no contrast to judge.
        """
        context = self.browser.new_context(
            viewport=viewport,
            base_url=self.portal,
            locale=locale,
            java_script_enabled=scripts,
            bypass_csp=for_axe,
            reduced_motion="reduce" if for_axe else None,
        )
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if "Content Security Policy" in message.text
                else None
            ),
        )
        return page

    def picture(self, path: Path) -> None:
        for context in self.contexts[-1:]:
            for page in context.pages[-1:]:
                page.screenshot(path=path, full_page=True)

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        assert not self.complaints, self.complaints


def sign_in(page: Page, phone: str) -> None:
    """Go through the citizens' door, from the page that asks for the number."""
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Get a code").click()
    shown = page.locator("[data-demo-code]")
    page.get_by_label("Code", exact=False).first.fill(
        shown.get_attribute("data-demo-code") or ""
    )
    agree = page.locator("input[name=agreed]")
    if agree.count():
        agree.check()
    page.get_by_role("button", name="Sign in").click()


def sign_in_staff(page: Page, name: str, password: str, *, to: str) -> None:
    page.goto(urljoin("/accounts/staff/login/", f"?next={to}"))
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def pay(page: Page) -> None:
    """From the only cashier to the booking that it pays for."""
    page.get_by_role("button", name="Pay", exact=True).click()


def no_sideways_scroll(page: Page) -> bool:
    page.wait_for_load_state()  # a page that was only just begun has no body yet
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= window.innerWidth"
            " && document.body.scrollWidth <= window.innerWidth"
        )
    )
