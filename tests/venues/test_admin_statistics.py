"""The staff pages of statistics and of the subsidy report."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.accounts.models import Role, User
from bureau.common import clock
from bureau.regions.models import District, Posting
from tests import make
from venues.models import Venue

pytestmark = pytest.mark.django_db
STATISTICS = "admin:venues_venue_statistics"
SUBSIDY = "admin:venues_venue_subsidy"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def clerk_of(district: District) -> Client:
    call_command("sync_roles", verbosity=0)
    user = make.user(is_staff=True)
    user.add_role(Role.BUREAU_STAFF)
    Posting.objects.create(user=user, district=district)
    return signed_in(user)


@pytest.fixture
def office() -> Client:
    return signed_in(make.user(is_staff=True, is_superuser=True))


def ahead(days: int = 3) -> dict[str, str]:
    """A period around today in which bookings of tomorrow lie."""
    today = clock.today()
    return {
        "first": today.isoformat(),
        "last": (today + timedelta(days=days)).isoformat(),
    }


def sheets(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(BytesIO(content))
    return {page.title: list(page.iter_rows(values_only=True)) for page in book}


def test_a_chart_has_its_table_and_nothing_inline(office: Client) -> None:
    make.confirmed()

    page = office.get(reverse(STATISTICS), ahead()).content.decode()

    assert page.count('<svg class="chart"') >= 8
    assert page.count("<caption") >= page.count('<svg class="chart"')
    charts = page[page.index('class="chart-grid"') :]
    assert "style=" not in charts.split("</main>")[0]
    assert "¥40" in page
