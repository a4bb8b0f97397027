"""The staff page of a venue."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from tests import make

pytestmark = pytest.mark.django_db


def test_only_a_venue_that_citizens_book_leads_to_a_public_page(
    client: Client, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = False
    client.force_login(make.user(is_staff=True, is_superuser=True))
    for kind, is_led in (("public", True), ("business", False)):
        venue = make.venue(kind=kind)
        page = client.get(f"/admin/venues/venue/{venue.pk}/change/").content.decode()
        assert (f"/{venue.pk}/" in page.split("/admin/r/")[-1][:30]) is is_led
