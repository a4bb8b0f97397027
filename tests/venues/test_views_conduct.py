"""My conduct: what a person reads about points and bans, and the appeal."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from bureau.accounts.models import User
from bureau.common.personal_data import holders
from tests import make
from tests.venues.actions.test_conduct import miss
from venues import actions
from venues.models import Appeal, Bookable, ConductPoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def court(db: None) -> Bookable:
    make.conduct_rule()
    return make.bookable(venue=make.venue(no_show_minutes=15))


@pytest.fixture
def point(court: Bookable, citizen: User) -> ConductPoint:
    return miss(court, citizen, make.tomorrow_at(9))


def later() -> time_machine.travel:
    return time_machine.travel(make.tomorrow_at(16), tick=False)


def read(person: User, address: str = "/conduct/") -> str:
    client = Client()
    client.force_login(person)
    return client.get(address).text


def test_nobody_has_points_to_begin_with(court: Bookable, citizen: User) -> None:
    text = read(citizen)

    assert "You have no points" in text
    assert "With 3 points you cannot book on line for 30 days" in text
    assert 'href="/conduct/"' in read(citizen, "/me/")


def test_without_a_rule_the_page_is_there(citizen: User) -> None:
    assert "You have no points" in read(citizen)


def test_a_point_is_told_with_its_end_and_the_way_to_appeal(
    point: ConductPoint, citizen: User
) -> None:
    with later():
        text = read(citizen)
        booking_page = read(citizen, point.booking.get_absolute_url())

    assert "You have 1 point." in text
    assert "2 more, and you cannot book on line for 30 days" in text
    assert f"/conduct/{point.pk}/appeal/" in text
    assert "Nobody came in time" in booking_page
    assert 'href="/conduct/"' in booking_page


def test_a_ban_is_told_in_plain_words(court: Bookable, citizen: User) -> None:
    for hour in (9, 12, 14):
        miss(court, citizen, make.tomorrow_at(hour))

    with later():
        text = read(citizen)

    assert "You cannot book on line until" in text
    assert "in force" in text
    assert "Used up by a ban" in text


def test_appealing_and_the_answer(point: ConductPoint, citizen: User) -> None:
    client = Client()
    client.force_login(citizen)
    address = f"/conduct/{point.pk}/appeal/"
    with later():
        client.force_login(citizen)
        assert client.get(address).status_code == 200
        assert client.post(address, {"words": " "}).status_code == 422
        assert client.post(address, {"words": "The gate broke"}).status_code == 302
        assert "Our staff look at it" in client.get("/conduct/").text
        again = client.post(address, {"words": "Again"})
        assert again.status_code == 409
        assert client.get(address).status_code == 302
        actions.decide_appeal(
            appeal=Appeal.objects.get(),
            is_granted=True,
            answer="It did",
            by=make.user(),
        )
        text = client.get("/conduct/").text

    assert "It did" in text
    assert "Excused" in text
    assert "You have no points" in text


def test_a_person_takes_their_conduct_along_and_their_words_go(
    point: ConductPoint, citizen: User
) -> None:
    actions.appeal_against(point=point, words="The gate broke", by=citizen)
    holder = next(one for one in holders() if one.name == "venues.conduct")

    (copy,) = holder.export(citizen)
    assert copy["booking"] == point.booking.number
    assert copy["appeal"]["words"] == "The gate broke"

    holder.erase(citizen)
    assert Appeal.objects.get().words == ""


def test_nobody_appeals_for_somebody_else(point: ConductPoint, stranger: User) -> None:
    client = Client()
    client.force_login(stranger)

    answer = client.post(f"/conduct/{point.pk}/appeal/", {"words": "Hello"})

    assert answer.status_code == 404
    assert not Appeal.objects.exists()
