"""A round that is drawn: one entry, its receipt, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from rest_framework.test import APIClient

from bureau.draws.models import DrawEntry
from tests import make as city
from tests.vouchers.actions import test_drawn as drawn
from vouchers.models import Round, Voucher
from vouchers.queries import live

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def friday_ten() -> Iterator[Any]:
    live.forget()
    with time_machine.travel(drawn.NOW, tick=False) as travel:
        yield travel
    live.forget()


def see(client: Client, shown: Round) -> str:
    live.forget()
    answer = client.get(shown.get_absolute_url())
    assert answer.status_code == 200
    return answer.content.decode()


def test_entering_gives_a_receipt_and_the_way_to_the_proof(client: Client) -> None:
    shown = drawn.drawn_round()
    assert "Enter for" not in see(client, shown)
    client.force_login(city.verified())
    assert "Enter for ¥" in see(client, shown)
    lot = shown.lots.get()
    for _ in range(2):
        answer = client.post(f"{shown.get_absolute_url()}enter/", {"lot": lot.pk})
        assert answer["Location"] == shown.get_absolute_url()
    entry = DrawEntry.objects.get()
    text = see(client, shown)
    assert "You are in the draw" in text
    assert entry.entry_id in text
    assert f"/draws/entries/{entry.entry_id}/" in text
    assert shown.draw
    assert shown.draw.get_absolute_url() in text
    wallet = client.get("/vouchers/mine/").text
    assert "Draws that I am in" in wallet
    assert shown.get_absolute_url() in wallet
    client.force_login(city.verified())
    assert "Draws that I am in" not in client.get("/vouchers/mine/").text


@pytest.mark.parametrize("lot", ["", "x", "-1", "99999999999999999999", "0"])
def test_a_kind_that_is_none_is_not_found(client: Client, lot: str) -> None:
    shown = drawn.drawn_round()
    client.force_login(city.verified())
    answer = client.post(f"{shown.get_absolute_url()}enter/", {"lot": lot})
    assert answer.status_code == 404
    assert not DrawEntry.objects.exists()


def test_who_is_signed_out_enters_nothing(client: Client) -> None:
    shown = drawn.drawn_round()
    answer = client.post(
        f"{shown.get_absolute_url()}enter/", {"lot": shown.lots.get().pk}
    )
    assert answer.status_code == 302
    assert not DrawEntry.objects.exists()


def test_winners_and_losers_read_what_came_of_it(
    client: Client, friday_ten: Any
) -> None:
    shown = drawn.drawn_round(amounts=(1,))
    people = [drawn.enter(shown) for _ in range(3)]
    drawn.hand_out(shown)
    friday_ten.move_to(drawn.NOW + 3 * drawn.DAY)
    words = []
    for person in people:
        client.force_login(person)
        text = see(client, shown)
        words.append("You won a voucher" in text)
        if words[-1]:
            assert Voucher.objects.get().get_absolute_url() in text
        else:
            assert "Not drawn this time" in text
    assert sorted(words) == [False, False, True]


def test_the_same_over_the_api(api: APIClient) -> None:
    shown = drawn.drawn_round()
    person = city.verified()
    api.force_login(person)
    address = f"/api/v1/voucher-rounds/{shown.pk}/"
    assert api.get(address).json()["me"]["stage"] == "enter"
    given = {"lot": shown.lots.get().pk}
    made = api.post(f"{address}entry/", given, format="json")
    assert made.status_code == 201
    again = api.post(f"{address}entry/", given, format="json")
    assert again.json() == made.json()
    me = api.get(address).json()["me"]
    assert me["stage"] == "entered"
    assert me["entry"]["entry_id"] == made.json()["entry_id"]
    assert me["entry"]["salt"]
    none = api.post(f"{address}entry/", {"lot": 999999}, format="json")
    assert none.status_code == 404
