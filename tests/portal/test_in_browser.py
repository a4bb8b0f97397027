"""The portal's own pages in a real browser: at all widths, in all modes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from bureau.accounts.models import User
from bureau.common import clock
from bureau.payments.models import Payment
from tests import make
from venues.models import Booking

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = ["/", "/about/", "/accessibility/", "/privacy/", "/terms/", "/offline/"]


@pytest.fixture
def site(live_server: LiveServer, settings: Settings) -> str:
    settings.DEMO = True  # shows the styleguide
    venue = make.venue(name="Canal Hall")
    make.bookable(venue=venue)
    return str(live_server.url)


def context(
    browser: Browser, site: str, *, elder: bool = False, **options: object
) -> BrowserContext:
    made = browser.new_context(**options)  # type: ignore[arg-type]
    made.add_cookies([{"name": "lang", "value": "en", "url": site}])
    if elder:
        made.add_cookies([{"name": "mode", "value": "elder", "url": site}])
    return made


def complaints(page: Page) -> list[str]:
    """What the browser's console will say from now on."""
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def sign_in(made: BrowserContext, site: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    value = client.cookies["bureau_session"].value
    made.add_cookies([{"name": "bureau_session", "value": value, "url": site}])


@pytest.mark.parametrize(
    ("scheme", "elder"),
    [("light", False), ("dark", True)],
    ids=["light", "dark and large"],
)
def test_everybody_can_read_the_pages_on_a_small_phone(
    browser: Browser,
    site: str,
    scheme: str,
    elder: bool,  # noqa: FBT001
) -> None:
    phone = {"width": 320, "height": 640}
    with context(
        browser, site, elder=elder, viewport=phone, color_scheme=scheme
    ) as made:
        for path in [*PUBLIC, "/styleguide/"]:
            page = made.new_page()
            said = complaints(page)
            page.goto(site + path)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width == 320, path
            assert said == [], path
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            page.close()


def test_everybody_can_read_their_own_page(
    browser: Browser, site: str, citizen: User
) -> None:
    make.held(by=citizen)
    with context(browser, site, viewport={"width": 390, "height": 844}) as made:
        sign_in(made, site, citizen)
        page = made.new_page()
        said = complaints(page)
        page.goto(f"{site}/me/")
        assert "To be paid" in page.inner_text("main")
        assert said == []
        assert Axe().run(page).violations_count == 0


def test_the_large_view_works_without_script(browser: Browser, site: str) -> None:
    with context(browser, site, java_script_enabled=False) as made:
        page = made.new_page()
        page.goto(f"{site}/about/")
        page.get_by_role("link", name="Large view").click()
        assert page.url == f"{site}/about/"
        assert page.locator("html[data-mode=elder]").count() == 1
        page.get_by_role("link", name="Standard view").click()
        assert page.locator("html[data-mode=elder]").count() == 0


def test_the_language_switches_and_the_page_stays(browser: Browser, site: str) -> None:
    with context(browser, site) as made:
        page = made.new_page()
        page.goto(f"{site}/terms/")
        page.get_by_role("link", name="中文").click()
        assert page.url == f"{site}/terms/"
        assert page.get_attribute("html", "lang") == "zh-hans"


def test_the_slot_grid_adds_up(browser: Browser, site: str) -> None:
    with context(browser, site) as made:
        page = made.new_page()
        page.goto(f"{site}/styleguide/")
        total = page.locator("[data-slot-total]")
        page.get_by_label("1 18:00 ¥30").check()
        page.get_by_label("2 18:00 ¥45.50 peak").check()
        assert total.inner_text() == "¥75.50"
        assert page.locator("[data-slot-count]").inner_text() == "2 slots chosen"
        page.get_by_label("3 18:00 free").click()
        assert not page.get_by_label("3 18:00 free").is_checked()
        page.get_by_text("At most 2 slots at a time").wait_for()


def test_time_counts_down(browser: Browser, site: str) -> None:
    with context(browser, site) as made:
        page = made.new_page()
        page.goto(f"{site}/styleguide/")
        page.locator(".countdown--inline", has_text="09:5").wait_for()


def test_without_network_a_page_of_ours_says_so(browser: Browser, site: str) -> None:
    with context(browser, site) as made:
        page = made.new_page()
        page.goto(site)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        made.set_offline(True)
        page.goto(f"{site}/about/")
        assert "There is no network now" in page.inner_text("main")


def test_the_map_shows_venues_on_the_districts(browser: Browser, site: str) -> None:
    with context(browser, site) as made:
        page = made.new_page()
        said = complaints(page)
        page.goto(f"{site}/venues/map/")
        page.locator(".map__pin").first.click()
        page.locator(".leaflet-popup a", has_text="Canal Hall").wait_for()
        assert page.locator(".map__district").count() >= 1
        assert said == []


def test_venues_that_lie_close_are_one_number_on_the_map(
    browser: Browser, site: str
) -> None:
    make.venue(name="Next Door")
    with context(browser, site) as made:
        page = made.new_page()
        page.goto(f"{site}/venues/map/")
        group = page.locator(".map__group")
        group.wait_for()
        assert group.inner_text() == "2"
        # Both in one instant: the map may still be gliding to its place.
        off = group.evaluate("""circle => {
            const box = of => of.getBoundingClientRect();
            const middle = of => box(of).x + box(of).width / 2;
            return Math.abs(middle(circle.querySelector("b")) - middle(circle));
        }""")
        assert off < 2


def test_staff_pages_run_under_their_policy(
    browser: Browser, site: str, admin_user: User
) -> None:
    with context(browser, site, viewport={"width": 1280, "height": 800}) as made:
        sign_in(made, site, admin_user)
        page = made.new_page()
        said = complaints(page)
        page.goto(f"{site}/admin/", wait_until="networkidle")
        assert "Paid today" in page.inner_text("body")
        assert said == []


def test_the_api_pages_run_under_their_policy(browser: Browser, site: str) -> None:
    with context(browser, site) as made:
        page = made.new_page()
        said = complaints(page)
        page.goto(f"{site}/api/v1/docs/", wait_until="networkidle")
        page.locator(".swagger-ui .opblock").first.wait_for()
        assert said == []


PHONE = {"width": 390, "height": 844}


def test_another_code_is_to_be_had_when_its_minute_is_over(
    browser: Browser, site: str
) -> None:
    with context(browser, site, viewport=PHONE) as made:
        page = made.new_page()
        page.clock.install()
        page.goto(f"{site}/accounts/login/")
        page.get_by_label("Mobile number").fill("13900000001")
        page.get_by_role("button", name="Get a code").click()
        again = page.locator("[data-wait]")

        expect(again).to_be_disabled()
        expect(again).to_have_text(re.compile(r"Send another code in (59|60) s"))
        page.clock.run_for(10_000)
        expect(again).to_have_text(re.compile(r"Send another code in (49|50) s"))
        page.clock.run_for(60_000)
        expect(again).to_be_enabled()
        expect(again).to_have_text("Send another code")


def test_the_wait_for_another_code_is_told_without_script(
    browser: Browser, site: str
) -> None:
    with context(browser, site, java_script_enabled=False) as made:
        page = made.new_page()
        page.goto(f"{site}/accounts/login/")
        page.get_by_label("Mobile number").fill("13900000002")
        page.get_by_role("button", name="Get a code").click()

        assert "You can ask for another code in" in page.inner_text("main")


def test_no_districts_name_lies_under_a_pin(browser: Browser, site: str) -> None:
    with context(browser, site, viewport=PHONE) as made:
        page = made.new_page()
        page.goto(f"{site}/venues/map/")
        page.locator(".map__pin").first.wait_for()
        page.locator(".map__label").first.wait_for(state="attached")
        page.wait_for_load_state("networkidle")

        under = page.evaluate(
            """() => {
              const boxes = (what) => [...document.querySelectorAll(what)]
                .map((found) => found.getBoundingClientRect())
                .filter((box) => box.width);
              return boxes(".map__label > span").filter((name) =>
                boxes(".map__pin, .map__group").some((pin) => name.left < pin.right
                  && pin.left < name.right && name.top < pin.bottom
                  && pin.top < name.bottom)).length;
            }"""
        )

        assert under == 0


@pytest.mark.parametrize("elder", [False, True], ids=["standard", "large"])
def test_the_button_of_a_short_page_lies_at_the_thumb(
    browser: Browser,
    site: str,
    elder: bool,  # noqa: FBT001
) -> None:
    person = make.user(phone="+8613900000003")
    payment = make.payment_of(make.held(by=person))
    with context(browser, site, elder=elder, viewport=PHONE) as made:
        sign_in(made, site, person)
        page = made.new_page()
        page.goto(f"{site}/pay/{payment.number}/")

        bar = page.locator(".actionbar").bounding_box()

        assert bar is not None
        assert bar["y"] + bar["height"] == pytest.approx(PHONE["height"], abs=1)


def test_the_page_that_waits_for_money_says_by_itself_that_time_is_up(
    browser: Browser, site: str
) -> None:
    person = make.user(phone="+8613900000004")
    payment = make.payment_of(make.held(by=person))
    soon = clock.now() + timedelta(seconds=4)
    Payment.objects.filter(pk=payment.pk).update(expires_at=soon)
    Booking.objects.update(hold_until=soon)
    with context(browser, site, viewport=PHONE) as made:
        sign_in(made, site, person)
        page = made.new_page()
        page.goto(f"{site}/pay/{payment.number}/")

        page.get_by_role("heading", name="The time to pay is over").wait_for()


def test_a_staff_list_and_a_venues_map_fit_a_phone(
    browser: Browser, site: str, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = False
    boss = make.user(is_staff=True, is_superuser=True)
    venue = make.confirmed().venue
    with context(browser, site, viewport=PHONE) as made:
        sign_in(made, site, boss)
        page = made.new_page()
        for path in ("booking/", f"venue/{venue.pk}/change/"):
            page.goto(f"{site}/admin/venues/{path}")
            page.wait_for_load_state("networkidle")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], path
