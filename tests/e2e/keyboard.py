"""What the keyboard alone does on a page, and what can be seen of it."""

from __future__ import annotations

from typing import cast

import pytest
from playwright.sync_api import Locator, Page, expect

FARTHEST = 150  # stops of the Tab key on the longest page, the timetable

# What the key stands on shows a ring, itself or as the face of its own check box,
# and no bar that sticks to the edge of the screen lies over what of it is in sight.
HIDDEN = """() => {
  const here = document.activeElement;
  const face = here.nextElementSibling;
  const drawn = [here, face].filter(Boolean).find((one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  });
  if (!drawn) return 'no ring';
  const box = (drawn.getClientRects()[0] ?? drawn.getBoundingClientRect());
  const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
  const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
  if (left >= right || top >= bottom) return 'off the screen';
  const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  const bar = over?.closest('.tabbar, .actionbar');
  return bar && !bar.contains(here) ? 'under a bar' : '';
}"""

# Everything that a mouse could use and that is in sight; of a radio group the keyboard
# reaches one, and the arrows the others.
NOT_REACHED = """() => {
  const groups = new Set(window.reached.map((it) => it.type === 'radio' && it.name));
  return [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex="0"]',
  )].filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.disabled
    && it.type !== 'hidden' && !window.reached.includes(it)
    && !(it.type === 'radio' && groups.has(it.name)),
  ).map((it) => `not reached: ${it.outerHTML.slice(0, 160)}`);
}"""

# Links in the flow of a text are as tall as its line (WCAG 2.5.8 leaves them out), a
# check box counts with its label, a link that covers its card with the card.
TOO_SMALL = """(least) => [...document.querySelectorAll(
  'a[href], button, input, select, textarea, summary',
)].filter((it) => {
  if (!it.checkVisibility({ visibilityProperty: true })) return false;
  if (it.type === 'hidden') return false;
  if (it.matches('p a, dd a, td a, th a, small a')
    && getComputedStyle(it).display === 'inline') return false;
  const whole = it.closest('.card__link') ? it.closest('.card')
    : it.closest('.list__link') ? it.closest('.list__item')
    : it.closest('label') ?? it.closest('.slot') ?? it.labels?.[0];
  const box = it.getBoundingClientRect();
  const more = whole?.getBoundingClientRect() ?? box;
  if (box.width <= 2 && more === box) return false; // for ears only
  return Math.max(box.width, more.width) < least - 0.5
    || Math.max(box.height, more.height) < least - 0.5;
}).map((it) => {
  const { width, height } = it.getBoundingClientRect();
  return `${Math.round(width)} x ${Math.round(height)}: ${it.outerHTML.slice(0, 160)}`;
})"""


def tab_to(page: Page, wanted: Locator, *, key: str = "Tab") -> None:
    """Press Tab until the key stands there; each stop on the way can be seen."""
    expect(wanted).to_be_attached()
    for _ in range(FARTHEST):
        if wanted.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press(key)
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


def walk(page: Page) -> list[str]:
    """Go round the page with Tab; what cannot be seen or reached on the way.

    The walk begins at the top, also where a field takes the focus of a new page, and
    ends where it leaves the page.
    """
    page.evaluate(
        """() => {
          window.reached = [];
          document.activeElement.blur();
          document.body.tabIndex = -1;
          document.body.focus();
          document.body.removeAttribute('tabindex');
        }"""
    )
    complaints = []
    for _ in range(FARTHEST):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        is_new = page.evaluate(
            """() => {
              const here = document.activeElement;
              const isSame = window.reached.at(-1) === here;
              if (window.reached.includes(here) && !isSame) return false;
              window.reached.push(here);
              return true;
            }"""
        )
        if not is_new:
            break  # round once
        if found := page.evaluate(HIDDEN):
            words = page.evaluate("document.activeElement.outerHTML.slice(0, 160)")
            complaints.append(f"{found}: {words}")
    return complaints + cast("list[str]", page.evaluate(NOT_REACHED))


def too_small(page: Page, *, least: int) -> list[str]:
    """What is smaller than `least` pixels, in CSS's own, either way."""
    return cast("list[str]", page.evaluate(TOO_SMALL, least))
