from __future__ import annotations

import inspect

import pytest
from django.contrib import admin
from django.test import Client

from bureau.common.staff_tables import Badge
from tests import make
from venues.models import Booking


def test_every_coloured_state_is_a_badge_whose_text_is_its_words() -> None:
    coloured = {
        f"{type(table).__name__}.{name}": method.__annotations__["return"]
        for table in admin.site._registry.values()
        for name, method in inspect.getmembers(type(table), inspect.isfunction)
        if isinstance(getattr(method, "label", None), dict)
    }
    assert coloured
    assert set(coloured.values()) == {"Badge"}, coloured
    assert str(Badge("held", "waiting for payment")) == "waiting for payment"


@pytest.mark.django_db
def test_the_page_of_a_booking_says_its_state_in_words(client: Client) -> None:
    booking = make.confirmed()
    client.force_login(make.user(is_staff=True, is_superuser=True))
    page = client.get(f"/admin/venues/booking/{booking.pk}/change/").text
    assert str(Booking.State.CONFIRMED.label) in page
    assert "(&#x27;confirmed&#x27;" not in page
