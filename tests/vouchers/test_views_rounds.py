"""One round for one person: what the page is about, and the one thing to do now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from bureau.accounts.models import User, VerifiedIdentity
from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from vouchers.models import Lot, QueueTicket, Round, Voucher
from vouchers.queries import live

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
OPENS = datetime(2026, 12, 1, 20, tzinfo=clock.CHINA)


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


@pytest.fixture
def at() -> Iterator[Any]:
    """Ten minutes before a rush opens, in its waiting room."""
    with time_machine.travel(OPENS - 10 * MINUTE, tick=False) as travel:
        yield travel


def rush(amount: int = 10, *, terms: dict[str, Any] | None = None, **given: Any) -> Lot:
    campaign = make.campaign(terms=terms)
    given = {
        "opens_at": OPENS,
        "lobby_minutes": 15,
        "spread_seconds": 60,
        **given,
    }
    opening = make.round_of(campaign, **given)
    return make.lot(make.tier(campaign), amount=amount, round=opening)


def see(client: Client, shown: Round) -> str:
    live.forget()
    answer = client.get(shown.get_absolute_url())
    assert answer.status_code == 200
    return answer.content.decode()


def heading_of(text: str) -> str:
    return text.split("<h1")[1].split(">", 1)[1].split("</h1>", maxsplit=1)[0].strip()


def turn_in(text: str) -> str:
    return text.split('name="turn" value="')[1].split('"', maxsplit=1)[0]


def claim(client: Client, lot: Lot, token: str, nth: int = 0, **extra: Any) -> Any:
    given = {"lot": lot.pk, "turn": token, "nth": nth}
    return client.post("/vouchers/claim", given, **extra)


def joined(client: Client, shown: Round, *, place: float = 0.5) -> User:
    """Somebody in the waiting room at a known place of the order."""
    person = city.verified()
    client.force_login(person)
    assert client.post(f"{shown.get_absolute_url()}join/").status_code == 302
    QueueTicket.objects.filter(person=person).update(
        place=int(place * QueueTicket.PLACES)
    )
    return person


# --- One page, one thing ----------------------------------------------------------


def test_before_the_waiting_room_opens_one_can_prepare(client: Client, at: Any) -> None:
    lot = rush()
    at.move_to(OPENS - 60 * MINUTE)
    assert "Sign in to see whether you may take part" in see(client, lot.round)
    client.force_login(city.citizen())
    assert "Confirm my real name" in see(client, lot.round)
    client.force_login(city.verified())
    text = see(client, lot.round)
    assert "You may take part." in text
    assert "I am here" not in text


def test_who_is_signed_out_is_asked_to_sign_in(client: Client, at: Any) -> None:
    lot = rush()
    assert "next=%2Fvouchers%2Frounds%2F" in see(client, lot.round)
    assert "Sign in before the round opens" in see(client, lot.round)
    at.move_to(OPENS + MINUTE)
    assert "Sign in before the round opens" not in see(client, lot.round)
    answer = client.post(f"{lot.round.get_absolute_url()}join/")
    assert "next=" in answer["Location"]
    assert not QueueTicket.objects.exists()


def test_coming_twice_is_coming_once(client: Client, at: Any) -> None:
    lot = rush()
    client.force_login(city.verified())
    assert "I am here" in see(client, lot.round)
    for _ in range(2):
        answer = client.post(f"{lot.round.get_absolute_url()}join/")
        assert answer["Location"] == lot.round.get_absolute_url()
    assert QueueTicket.objects.count() == 1


def test_the_wait_tells_the_turn_and_the_place_honestly(
    client: Client, at: Any
) -> None:
    lot = rush()
    for _ in range(3):
        QueueTicket.objects.create(
            round=lot.round, person=city.verified(), place=1, joined_at=clock.now()
        )
    joined(client, lot.round, place=0.5)
    text = see(client, lot.round)
    assert "Your turn is at 20:00:30." in text
    assert "About number 3 of 4 people" in text
    assert 'data-rush-share="0.500000"' in text
    assert '<noscript><meta http-equiv="refresh" content="30">' in text

    at.move_to(OPENS + timedelta(seconds=25))
    assert '<noscript><meta http-equiv="refresh" content="6">' in see(client, lot.round)


def test_at_ones_turn_there_is_one_button_for_each_kind(
    client: Client, at: Any
) -> None:
    lot = rush()
    joined(client, lot.round)
    at.move_to(OPENS + timedelta(seconds=30))
    text = see(client, lot.round)
    assert "It is your turn" in text
    assert "Claim ¥200" in text
    assert "data-rush-claim>" in text  # not hidden


def test_a_claim_leads_to_the_voucher_and_a_second_tap_to_words(
    client: Client, at: Any
) -> None:
    lot = rush()
    person = joined(client, lot.round)
    at.move_to(OPENS + timedelta(seconds=30))
    token = turn_in(see(client, lot.round))
    answer = claim(client, lot, token)
    voucher = Voucher.objects.get()
    assert voucher.person == person
    assert answer["Location"] == voucher.get_absolute_url()

    live.forget()
    text = client.get(claim(client, lot, token)["Location"]).content.decode()
    assert Voucher.objects.count() == 1
    assert "You have a voucher" in text
    assert voucher.get_absolute_url() in text
    assert "of this kind, and you have it" in text


def test_the_pages_script_is_answered_in_json(client: Client, at: Any) -> None:
    lot = rush()
    joined(client, lot.round)
    token = turn_in(see(client, lot.round))
    json: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}
    early = claim(client, lot, token, **json)
    assert early.status_code == 409
    assert early.json()["code"] == "voucher_round_not_open"
    at.move_to(OPENS + timedelta(seconds=29))
    early = claim(client, lot, token, **json)
    assert early.json()["code"] == "voucher_not_your_turn"
    at.shift(timedelta(seconds=1))
    got = claim(client, lot, token, **json)
    assert got.status_code == 201
    assert got.json()["url"] == Voucher.objects.get().get_absolute_url()
    again = claim(client, lot, token, **json)
    assert again.json()["code"] == "voucher_already_claimed"


def test_the_same_tap_twice_is_one_voucher_and_the_next_one_is_another(
    client: Client, at: Any
) -> None:
    lot = rush()
    lot.tier.per_person = 2
    lot.tier.save()
    joined(client, lot.round)
    at.move_to(OPENS + MINUTE)
    text = see(client, lot.round)
    assert 'name="nth" value="1"' in text
    token = turn_in(text)
    first = claim(client, lot, token, nth=1)["Location"]
    assert claim(client, lot, token, nth=1)["Location"] == first
    assert Voucher.objects.count() == 1

    text = see(client, lot.round)
    assert first in text
    assert 'name="nth" value="2"' in text
    assert claim(client, lot, turn_in(text), nth=2)["Location"] != first


def test_a_stolen_turn_is_of_no_use(client: Client, at: Any) -> None:
    lot = rush()
    joined(client, lot.round, place=0)
    token = turn_in(see(client, lot.round))
    at.move_to(OPENS + MINUTE)
    thief = Client()
    thief.force_login(city.verified())
    answer = claim(thief, lot, token, HTTP_ACCEPT="application/json")
    assert answer.json()["code"] == "voucher_turn_forged"
    answer = claim(Client(), lot, token, HTTP_ACCEPT="application/json")
    assert answer.status_code >= 400
    assert not Voucher.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"lot": "x", "turn": "y"},
        {"lot": "-1", "turn": "1.2.3.4"},
        {"lot": "9" * 40, "turn": "\x00"},
        {"lot": "\uff11", "turn": "1.2.3." + "0" * 40},
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(
    client: Client, given: dict[str, str]
) -> None:
    client.force_login(city.verified())
    answer = client.post("/vouchers/claim", given, HTTP_ACCEPT="application/json")
    assert 400 <= answer.status_code < 500
    assert answer.json()["message"]
    assert client.post("/vouchers/claim", given).status_code == 303


def test_all_claimed_is_said_with_the_next_chance(client: Client, at: Any) -> None:
    lot = rush(amount=1)
    later = make.round_of(
        lot.tier.campaign, opens_at=OPENS + 60 * 24 * MINUTE, number=999
    )
    joined(client, lot.round)
    at.move_to(OPENS + MINUTE)
    token = turn_in(see(client, lot.round))
    make.voucher(lot)
    text = client.get(claim(client, lot, token)["Location"]).content.decode()
    assert "All vouchers of this kind have been claimed." in text
    Lot.objects.filter(pk=lot.pk).update(sold_out_at=clock.now())
    text = see(client, lot.round)
    assert "all claimed at 20:01:00" in text
    assert later.get_absolute_url() in text


def test_where_all_is_claimed_a_campaign_does_not_say_that_one_may(
    client: Client, at: Any
) -> None:
    lot = rush(amount=1)
    client.force_login(city.verified())
    at.move_to(OPENS + MINUTE)
    campaign = lot.tier.campaign.get_absolute_url()
    may = "Nothing speaks against it"
    assert may in client.get(campaign).content.decode()
    Lot.objects.filter(pk=lot.pk).update(sold_out_at=clock.now())
    live.forget()
    text = client.get(campaign).content.decode()
    assert may not in text
    assert "All claimed" in text


def test_after_its_end_the_round_is_over(client: Client, at: Any) -> None:
    lot = rush()
    joined(client, lot.round)
    at.move_to(lot.round.closes_at)
    assert "This round is over" in see(client, lot.round)


def test_who_is_too_young_reads_why_and_gets_no_button(client: Client, at: Any) -> None:
    lot = rush(terms={"least_age": 18})
    child = city.verified()
    VerifiedIdentity.objects.filter(user=child).update(birth_on=date(2015, 1, 1))
    client.force_login(child)
    text = see(client, lot.round)
    assert "18 years and older" in text
    assert "I am here" not in text
    # Nothing counts down to what is not for them, and nothing invites them.
    assert "Vouchers can be claimed from" not in text
    campaign = client.get(lot.tier.campaign.get_absolute_url()).content.decode()
    assert "To this round" in campaign
    assert "To the waiting room" not in campaign


def test_who_only_lacks_a_name_is_told_to_confirm_it_and_not_that_they_cannot(
    client: Client, at: Any
) -> None:
    shown = rush().round
    client.force_login(city.citizen())
    text = see(client, shown)
    assert heading_of(text) == "First confirm your real name"


def test_who_has_enough_from_another_round_is_told_so_and_not_that_they_cannot(
    client: Client, at: Any
) -> None:
    lot = rush(terms={"most_in_all": 1})
    person = city.verified()
    earlier = make.round_of(lot.tier.campaign, number=2, opens_at=OPENS - DAY)
    make.voucher(make.lot(lot.tier, amount=5, round=earlier), person=person)
    client.force_login(person)
    text = see(client, lot.round)
    assert heading_of(text) == "You have your vouchers already"
    assert "and you have it." in text


def test_a_voucher_that_was_used_is_not_offered_to_be_shown(
    client: Client, at: Any
) -> None:
    shown = rush(terms={"most_a_round": 1}).round
    lot = shown.lots.get()
    voucher = make.voucher(lot)
    client.force_login(voucher.person)
    assert "Show my voucher" in see(client, shown)
    Voucher.objects.filter(pk=voucher.pk).update(state=Voucher.State.REDEEMED)
    text = see(client, shown)
    assert "Show my voucher" not in text
    assert voucher.get_absolute_url() in text


def test_the_place_is_asked_for_only_where_the_rules_want_it(
    client: Client, at: Any
) -> None:
    client.force_login(city.verified())
    assert "My phone may say where it is" not in see(client, rush().round)

    lot = rush(terms={"needs_place": True})
    town = city.district()
    assert "My phone may say where it is" in see(client, lot.round)
    join = f"{lot.round.get_absolute_url()}join/"
    for nowhere in ("", "nonsense", "91,0"):
        client.post(join, {"place": nowhere})
        assert "My phone may say where it is" in see(client, lot.round)
    client.post(join, {"place": "35.41,116.58"})
    assert "Your turn is at" in see(client, lot.round)
    assert QueueTicket.objects.get().district == town


# --- What the page asks for again and again -----------------------------------------


def test_the_look_of_the_script_costs_no_question_within_a_second(
    client: Client, at: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lot = rush()
    address = f"{lot.round.get_absolute_url()}now.json"
    first = client.get(address).json()
    assert first["phase"] == "gathering"
    assert first["at_ms"] == round(clock.now().timestamp() * 1000)
    joined(client, lot.round)
    with django_assert_num_queries(0):
        assert Client().get(address).json()["present"] == 0
    at.shift(timedelta(seconds=1))
    assert client.get(address).json()["present"] == 1


def test_a_round_that_is_none_is_not_found(client: Client) -> None:
    for name in ("", "now.json"):
        assert client.get(f"/vouchers/rounds/999999/{name}").status_code == 404
    assert client.post("/vouchers/rounds/999999/join/").status_code == 404
