"""The home page and the list of venues say what is drawn and where a door is shut."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from bureau.common import clock
from tests import make
from venues import queries
from venues.models import Ballot, Block, Venue

pytestmark = pytest.mark.django_db


def closure(
    venue: Venue, *, after: timedelta = timedelta(days=1), **given: Any
) -> Block:
    start = clock.now() + after
    given = {
        "venue": venue,
        "reason": "The pipes are renewed",
        "is_closure": True,
        "announced_at": clock.now() - timedelta(hours=1),
        "starts_at": start,
        "ends_at": start + timedelta(hours=4),
        "set_by": make.user(),
        "created_at": clock.now(),
    } | given
    return Block.objects.create(**given)


def ballot(venue: Venue) -> Ballot:
    now = clock.now()
    return Ballot.objects.create(
        number=f"B-{venue.pk}",
        venue=venue,
        sport="badminton",
        on=clock.local_day(now) + timedelta(days=5),
        opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=1),
        draws_at=now + timedelta(days=2),
        pay_until=now + timedelta(days=3),
        set_by=make.user(),
    )


def names() -> list[str]:
    return [venue.name for venue, _ in queries.city_news(at=clock.now()).closures]


@pytest.mark.parametrize("address", ["/", "/venues/"])
def test_pages_name_what_is_closed_and_why(client: Client, address: str) -> None:
    closure(make.venue(name="Canal Hall"))

    response = client.get(address)

    assertContains(response, "Closed these days")
    assertContains(response, "The pipes are renewed")


@pytest.mark.parametrize("address", ["/", "/venues/"])
def test_pages_lead_to_a_ballot(client: Client, address: str) -> None:
    shown = ballot(make.venue())

    response = client.get(address)

    assertContains(response, f"/ballots/{shown.number}/")
    assertContains(response, "Ask now")


@pytest.mark.parametrize("address", ["/", "/venues/"])
def test_pages_say_nothing_when_there_is_nothing(client: Client, address: str) -> None:
    make.venue()

    response = client.get(address)

    assertNotContains(response, "Closed these days")
    assertNotContains(response, 'id="ballots"')


def test_a_closure_of_next_month_is_no_news() -> None:
    closure(make.venue(name="Soon"), after=timedelta(days=6))
    closure(make.venue(name="Later"), after=timedelta(days=8))

    assert names() == ["Soon"]


def test_only_what_the_public_was_told_is_news() -> None:
    told = clock.now() + timedelta(hours=1)
    closure(make.venue(name="Not yet announced"), announced_at=told)
    closure(make.venue(name="Open again"), lifted_at=clock.now())
    closure(make.venue(name="A block"), is_closure=False, announced_at=None)
    closure(make.venue(name="A business", kind=Venue.Kind.BUSINESS))

    assert names() == []


def test_the_next_closures_come_first_and_are_few() -> None:
    for days in (4, 2, 3, 1):
        closure(make.venue(name=str(days)), after=timedelta(days=days))

    assert names() == ["1", "2", "3"]


def test_a_closed_court_is_named_and_not_the_whole_hall() -> None:
    venue = make.venue()
    shut, _open = (make.unit(venue=venue, name=name) for name in ("1", "2"))
    closure(venue, unit_ids=[shut.pk])
    closure(venue, after=timedelta(days=2))

    news = queries.city_news(at=clock.now())

    assert [one.courts for _, one in news.closures] == [("1",), ()]
