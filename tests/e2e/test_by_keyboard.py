"""The way to a paid court for somebody who has no mouse and no finger on the glass."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from bureau.common import clock
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.screens import Screens
from venues.models import Bookable, Booking, Venue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e]

TOMORROW = clock.today() + timedelta(days=1)
FARTHEST = 150  # stops of the Tab key on the longest page, the timetable

# What the key stands on shows a ring, itself or as the face of its own check box,
# and no bar that sticks to the edge of the screen lies over its middle.
HIDDEN = """() => {
  const here = document.activeElement;
  const face = here.nextElementSibling;
  const drawn = [here, face].filter(Boolean).find((one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  });
  if (!drawn) return 'no ring';
  const box = (drawn.getClientRects()[0] ?? drawn.getBoundingClientRect());
  const x = box.left + box.width / 2;
  const y = box.top + box.height / 2;
  if (x < 0 || y < 0 || x > innerWidth || y > innerHeight) return 'off the screen';
  const over = document.elementFromPoint(x, y);
  const bar = over?.closest('.tabbar, .actionbar');
  return bar && !bar.contains(here) ? 'under a bar' : '';
}"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the key stands there; each stop on the way can be seen."""
    expect(wanted).to_be_attached()
    for _ in range(FARTHEST):
        if wanted.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # past the last stop, into the browser's own bar
        found = page.evaluate(HIDDEN)
        assert not found, (
            found,
            page.url,
            page.evaluate("document.activeElement.outerHTML.slice(0, 300)"),
        )
    pytest.fail(f"Tab does not lead to {wanted} on {page.url}")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    tab_to(page, wanted)
    page.keyboard.press(key)


def write(page: Page, wanted: Locator, text: str) -> None:
    tab_to(page, wanted)
    page.keyboard.type(text)


def skip_to_content(page: Page) -> None:
    """The first stop of a page leaves out its head and its main navigation."""
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize(
    ("size", "number"),
    [
        (PHONE, "13900000046"),
        (DESKTOP, "13900000043"),
        (ViewportSize(width=320, height=450), "13900000044"),
    ],
    ids=["phone", "desktop", "magnified four times"],
)
def test_from_the_home_page_to_a_paid_court(
    screens: Screens,
    hall: Venue,
    court: Bookable,
    size: ViewportSize,
    number: str,
) -> None:
    page = screens.open(size)
    page.emulate_media(reduced_motion="reduce")  # a glide has no place to look at
    page.goto("/")
    skip_to_content(page)
    press(
        page, page.locator('main a[href^="/venues/?"], main a[href="/venues/"]').first
    )
    page.wait_for_url(re.compile(r"/venues/(\?|$)"))

    skip_to_content(page)
    press(page, page.locator("main").get_by_role("link", name=hall.display_name).first)
    page.wait_for_url(re.compile(rf"/venues/{hall.code}/"))

    # The link leads past the head of the page by itself.
    press(page, page.locator(f'main a[href*="on={TOMORROW:%Y-%m-%d}"]').first)
    page.wait_for_url(re.compile(rf"on={TOMORROW:%Y-%m-%d}"))
    slot = page.locator(f"input[value='{court.pk}@{TOMORROW:%Y-%m-%d}T18:00']")
    press(page, slot, "Space")
    expect(slot).to_be_checked()
    press(page, page.get_by_role("button", name="Next"))

    write(page, page.get_by_label("Mobile number"), number)
    page.keyboard.press("Enter")
    code = page.locator("[data-demo-code]").get_attribute("data-demo-code") or ""
    write(page, page.locator("input[name=code]"), code)
    press(page, page.locator("input[name=agreed]"), "Space")
    press(page, page.get_by_role("button", name="Sign in"))

    expect(page.get_by_role("heading", name="Confirm your booking")).to_be_visible()
    press(page, page.get_by_role("button", name="Book and pay"))
    page.wait_for_url(re.compile(r"/pay/"))
    press(page, page.get_by_role("button", name="Pay", exact=True))
    page.wait_for_url(re.compile(r"/bookings/[0-9A-Z]+/$"))
    assert Booking.objects.get().state == Booking.State.CONFIRMED
