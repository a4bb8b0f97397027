"""Staff plan a ballot with a preview, and call it off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bureau.accounts.models import Role
from bureau.common import clock
from bureau.draws.models import Draw
from tests import make
from tests.venues.test_admin import client_of, staff
from venues.models import Ballot, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> Client:
    return client_of(staff(Role.CITY_STAFF))


def hall() -> Venue:
    venue = make.venue(opens=540, closes=1320)
    for _n in range(2):
        make.bookable(venue=venue)
    return venue


def form(**given: Any) -> dict[str, str]:
    day = clock.today()

    def on(days: int) -> str:
        return (day + timedelta(days=days)).isoformat()

    return {
        "sport": "badminton",
        "on": on(8),
        "since": "18:00",
        "until": "20:00",
        "opens_at_0": on(1),
        "opens_at_1": "09:00",
        "closes_at_0": on(5),
        "closes_at_1": "18:00",
        "draws_at_0": on(5),
        "draws_at_1": "21:30",
        "pay_until_0": on(7),
        "pay_until_1": "12:00",
        "kl8_issue": "2026326",
        "d3_issue": "2026326",
        **given,
    }


def test_a_ballot_is_previewed_then_announced_then_called_off(city: Client) -> None:
    venue = hall()
    page = "/admin/venues/ballot/add/"
    assert city.get(page).status_code == 200
    page += f"?venue={venue.pk}"
    assert city.get(page).status_code == 200
    preview = city.post(page, form())
    assert "is drawn" in preview.text
    assert not Ballot.objects.exists()

    answer = city.post(page, form(announce="1"))
    assert answer.status_code == 302, answer.text
    ballot = Ballot.objects.get()
    assert ballot.slots.count() == 4
    change = f"/admin/venues/ballot/{ballot.pk}/"
    assert "2 courts" in city.get(f"{change}change/").text
    assert city.get("/admin/venues/ballot/").status_code == 200

    city.post(f"{change}call-off/", {"reason": "Burst pipe"})
    ballot.refresh_from_db()
    assert ballot.state == "called_off"


def test_what_cannot_be_drawn_is_said(city: Client) -> None:
    page = f"/admin/venues/ballot/add/?venue={hall().pk}"
    assert city.post(page, form(since="23:00", until="23:30")).status_code == 422
    late = form(draws_at_1="18:30", announce="1")
    assert city.post(page, late).status_code == 422
    assert not Ballot.objects.exists()


def test_nobody_is_put_into_the_draw_of_a_ballot_by_hand(city: Client) -> None:
    """They would win a court without having asked for one."""
    page = f"/admin/venues/ballot/add/?venue={hall().pk}"
    city.post(page, form(announce="1"))
    draw = Draw.objects.get()
    pool = draw.pools.order_by("prefix")[0]
    refused = city.post(
        f"/admin/draws/draw/{draw.pk}/put-in/",
        {"pool": pool.prefix, "numbers": "370811195603153217"},
    )
    assert "ask for its times themselves" in refused.text
    assert not draw.entries.exists()


def test_the_void_draw_of_a_ballot_is_not_announced_again(city: Client) -> None:
    """Its times were opened to everybody: it would draw for nothing."""
    page = f"/admin/venues/ballot/add/?venue={hall().pk}"
    city.post(page, form(announce="1"))
    ballot = Ballot.objects.get()
    city.post(f"/admin/venues/ballot/{ballot.pk}/call-off/", {"reason": "Burst pipe"})
    assert ballot.draw
    again = {
        "draw_id": "AGAIN",
        **{
            f"{name}_{part}": form()[f"{source}_{part}"]
            for name, source in (
                ("entries_close_at", "closes_at"),
                ("freezes_at", "closes_at"),
                ("draws_at", "draws_at"),
            )
            for part in (0, 1)
        },
    }
    other = client_of(staff(Role.CITY_STAFF))
    refused = other.post(f"/admin/draws/draw/{ballot.draw.pk}/redo/", again)
    assert "Plan a new ballot" in refused.text
    assert Draw.objects.count() == 1
