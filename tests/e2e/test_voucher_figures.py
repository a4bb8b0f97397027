"""What the money did, in a real browser: for everybody, and for the staff."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import ViewportSize, expect

from bureau.common import clock
from tests.e2e.conftest import DESKTOP, PHONE, violations
from tests.e2e.screens import Screens, no_sideways_scroll, sign_in_staff
from tests.make import user as make_user
from tests.vouchers import make
from tests.vouchers.test_figures import rush
from vouchers import actions
from vouchers.models import Flag, Redemption

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def used(db: None) -> Redemption:
    """A rush that is over, and a large bill in it."""
    of = rush(people=10, vouchers=5)
    voucher = of.lots.get().vouchers.order_by("pk")[0]
    made = make.redemption(voucher, bill_fen=987_654_32)
    actions.count_hours(campaign=of.campaign, at=clock.now())
    return made


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_everybody_can_read_the_figures(
    screens: Screens, axe: Axe, used: Redemption, viewport: ViewportSize
) -> None:
    page = screens.open(viewport, for_axe=True)
    page.goto(reverse("vouchers:figures", args=[used.voucher.campaign.slug]))

    expect(page.get_by_role("heading", name="Was it fair?")).to_be_visible()
    expect(page.get_by_text("All gone after")).to_be_visible()
    assert no_sideways_scroll(page)
    assert violations(axe, page) == []


def test_staff_decide_a_flag(screens: Screens, used: Redemption) -> None:
    flag = Flag.objects.create(
        campaign=used.voucher.campaign,
        merchant=used.merchant,
        rule="far",
        day=clock.today(),
        score=1.2,
        evidence={
            "judged": 12,
            "marked": 9,
            "marked_today": 3,
            "share": 0.75,
            "market": 0.03,
            "z": 14.6,
            "days": 14,
        },
        raised_at=clock.now(),
    )
    flag.redemptions.add(used)
    staff = make_user("boss", is_staff=True, is_superuser=True)
    staff.set_password("a long boss password")
    staff.save(update_fields=["password"])
    page = screens.open(PHONE)
    at = reverse("admin:vouchers_flag_change", args=[flag.pk])
    sign_in_staff(page, "boss", "a long boss password", to=at)

    expect(page.get_by_text("A flag accuses nobody.")).to_be_visible()
    page.goto(reverse("admin:vouchers_flag_clear", args=[flag.pk]))
    page.get_by_label("Reason").fill("A stall at the street festival.")
    page.get_by_role("button", name="In order").click()

    expect(page.get_by_text("Decided.")).to_be_visible()
    flag.refresh_from_db()
    assert flag.state == "cleared"
