"""Campaigns, turns, claims, draws and the wallet over the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse
from rest_framework.test import APIClient

from bureau.common import clock, codes
from tests import make as city
from tests.vouchers import make
from tests.vouchers.test_views_rounds import OPENS, rush
from vouchers import actions
from vouchers.models import QueueTicket, Voucher
from vouchers.queries import live

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    live.forget()
    yield
    live.forget()


@pytest.fixture
def at() -> Iterator[Any]:
    with time_machine.travel(OPENS - 10 * MINUTE, tick=False) as travel:
        yield travel


def post(api: APIClient, name: str, pk: int, given: dict[str, Any]) -> Any:
    live.forget()
    return api.post(
        reverse(name, args=[pk]),
        given,
        format="json",
        headers={"Idempotency-Key": str(uuid4())},
    )


def test_everybody_can_look(api: APIClient, at: Any) -> None:
    lot = rush(amount=7)
    campaign = lot.tier.campaign
    make.campaign(state="draft")
    (row,) = api.get("/api/v1/voucher-campaigns/").json()
    assert row["slug"] == campaign.slug
    assert row["current_round"] == lot.round.pk
    assert row["tiers"][0]["face_fen"] == 200_00

    one = api.get(f"/api/v1/voucher-campaigns/{campaign.slug}/").json()
    (shown,) = one["rounds"]
    assert (shown["phase"], shown["lots"][0]["left"]) == ("gathering", 7)
    assert any("real name" in rule for rule in one["rules"])

    said = api.get(f"/api/v1/voucher-rounds/{lot.round.pk}/").json()
    assert said["me"] is None
    assert said["campaign"] == campaign.slug
    said = api.get(f"/api/v1/voucher-rounds/{lot.round.pk}/live/").json()
    assert said["present"] == 0


def test_a_round_that_was_called_off_says_when_and_why(api: APIClient, at: Any) -> None:
    lot = rush(amount=7)
    path = f"/api/v1/voucher-rounds/{lot.round.pk}/"
    said = api.get(path).json()
    assert (said["called_off_at"], said["called_off_for"]) == (None, "")

    actions.call_off_round(round=lot.round, reason="台风", by=city.user())
    live.forget()

    campaign = f"/api/v1/voucher-campaigns/{lot.tier.campaign.slug}/"
    (of_campaign,) = api.get(campaign).json()["rounds"]
    for said in (api.get(path).json(), api.get(f"{path}live/").json(), of_campaign):
        assert said["phase"] == "over"
        assert said["called_off_for"] == "台风"
        assert said["called_off_at"].startswith("20")
    api.force_authenticate(city.verified())
    refused = post(api, "api-voucher-queue", lot.round.pk, {})
    assert refused.status_code == 409
    assert refused.json()["code"] == "voucher_round_over"
    assert refused.json()["message"] == "This round is called off. 台风"


def test_drafts_and_what_is_none_are_not_found(api: APIClient) -> None:
    draft = make.round_of(make.campaign(state="draft"))
    for address in (
        f"/api/v1/voucher-campaigns/{draft.campaign.slug}/",
        f"/api/v1/voucher-rounds/{draft.pk}/",
        f"/api/v1/voucher-rounds/{draft.pk}/live/",
        "/api/v1/voucher-rounds/999999/",
    ):
        assert api.get(address).status_code == 404
    api.force_login(city.verified())
    assert post(api, "api-voucher-queue", draft.pk, {}).status_code == 404


def test_from_the_waiting_room_to_a_voucher(api: APIClient, at: Any) -> None:
    lot = rush()
    person = city.verified()
    api.force_login(person)
    address = f"/api/v1/voucher-rounds/{lot.round.pk}/"
    assert api.get(address).json()["me"]["stage"] == "join"

    came = post(api, "api-voucher-queue", lot.round.pk, {})
    assert came.status_code == 201
    QueueTicket.objects.update(place=0)
    me = api.get(address).json()["me"]
    assert me["stage"] == "wait"
    assert me["turn"]["about"] == 1

    given = {"lot": lot.pk, "turn": me["turn"]["turn"], "nth": me["next_nth"]}
    early = post(api, "api-voucher-claim", lot.round.pk, given)
    assert early.status_code == 409
    assert early.json()["code"] == "voucher_round_not_open"
    at.move_to(OPENS)
    got = post(api, "api-voucher-claim", lot.round.pk, given)
    assert got.status_code == 201
    voucher = Voucher.objects.get()
    assert got.json()["code"] == voucher.code
    assert voucher.person == person
    again = post(api, "api-voucher-claim", lot.round.pk, given)
    assert again.json() == got.json()
    assert Voucher.objects.count() == 1
    me = api.get(address).json()["me"]
    assert me["stage"] == "has"
    assert me["vouchers"] == [voucher.code]


def test_a_turn_is_of_one_device(api: APIClient, at: Any) -> None:
    lot = rush()
    person = city.verified()
    api.force_login(person)
    came = post(api, "api-voucher-queue", lot.round.pk, {}).json()
    QueueTicket.objects.update(place=0)
    at.move_to(OPENS + MINUTE)
    other = APIClient()
    other.force_login(city.verified())
    answer = post(
        other,
        "api-voucher-claim",
        lot.round.pk,
        {"lot": lot.pk, "turn": came["turn"], "nth": 1},
    )
    assert answer.json()["code"] == "voucher_turn_forged"
    assert not Voucher.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"lot": "x", "turn": "y"},
        {"lot": 2**70, "turn": "y"},
        {"lot": 1, "turn": "y" * 300},
        {"lot": 1, "turn": "y", "nth": -1},
    ],
)
def test_a_claim_that_makes_no_sense_is_invalid(
    api: APIClient, at: Any, given: dict[str, Any]
) -> None:
    lot = rush()
    api.force_login(city.verified())
    answer = post(api, "api-voucher-claim", lot.round.pk, given)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"


def test_a_lot_of_another_round_is_not_there(api: APIClient, at: Any) -> None:
    mine, other = rush(), rush()
    api.force_login(city.verified())
    given = {"lot": other.pk, "turn": "1.2.3.4", "nth": 1}
    answer = post(api, "api-voucher-claim", mine.round.pk, given)
    assert answer.status_code == 404


def test_a_place_that_is_none_is_invalid(api: APIClient, at: Any) -> None:
    lot = rush()
    api.force_login(city.verified())
    answer = post(api, "api-voucher-queue", lot.round.pk, {"place": "here"})
    assert answer.status_code == 400


def test_who_may_not_reads_why(api: APIClient, at: Any) -> None:
    lot = rush()
    api.force_login(city.citizen())
    me = api.get(f"/api/v1/voucher-rounds/{lot.round.pk}/").json()["me"]
    assert (me["stage"], me["reasons"][0]["code"]) == ("not_eligible", "real_name")
    answer = post(api, "api-voucher-queue", lot.round.pk, {})
    assert answer.status_code == 409
    assert answer.json()["code"] == "voucher_not_eligible"


def test_a_wallet_is_ones_own(api: APIClient) -> None:
    lot = make.lot(make.tier(per_person=3))
    mine = make.voucher(lot)
    used = make.redemption(make.voucher(lot, person=mine.person), bill_fen=600_00)
    make.voucher(lot)
    api.force_login(mine.person)

    rows = api.get("/api/v1/vouchers/").json()["results"]
    assert [row["code"] for row in rows] == [mine.code]
    (row,) = api.get("/api/v1/vouchers/?show=used").json()["results"]
    assert row["use"]["paid_fen"] == 400_00
    assert row["use"]["shop"] == used.shop.name
    assert api.get("/api/v1/vouchers/?show=all").status_code == 400
    one = api.get(f"/api/v1/vouchers/{codes.grouped(mine.code).lower()}/").json()
    assert one["state"] == "live"
    assert one["rules"]

    api.force_login(city.verified())
    for name in ("", "proof/"):
        answer = api.get(f"/api/v1/vouchers/{mine.code}/{name}")
        assert answer.status_code == 404


def test_the_proof_lives_for_half_a_minute(api: APIClient) -> None:
    voucher = make.voucher()
    api.force_login(voucher.person)
    address = f"/api/v1/vouchers/{voucher.code}/proof/"
    answer = api.get(address)
    assert answer["Cache-Control"] == "no-store"
    scanned = codes.parse(answer.json()["text"], kind="v")
    assert scanned
    now = clock.now()
    assert codes.is_live(scanned.code, scanned.proof, key=voucher.key, at=now)
    later = now + timedelta(seconds=61)
    assert not codes.is_live(scanned.code, scanned.proof, key=voucher.key, at=later)
    make.redemption(voucher)
    assert api.get(address).status_code == 404


def test_who_is_signed_out_is_told(api: APIClient, at: Any) -> None:
    lot = rush()
    assert api.get("/api/v1/vouchers/").status_code == 401
    assert post(api, "api-voucher-queue", lot.round.pk, {}).status_code == 401
