from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bureau.accounts.models import User
from tests.draws import make as made

pytestmark = pytest.mark.django_db


def test_draws_are_public(api: APIClient) -> None:
    draw = made.drawn()

    (listed,) = api.get("/api/v1/draws/").json()["results"]
    assert listed["draw_id"] == draw.draw_id
    told = api.get(f"/api/v1/draws/{draw.draw_id}/").json()
    assert told["root"] == draw.root
    assert told["pools"][0]["cutoff"] == draw.pools.get().cutoff
    assert [beacon["source"] for beacon in told["beacons"]] == ["fc-kl8", "fc-3d"]
    assert [file["name"] for file in told["files"]] == [
        "rules.json",
        "entries.csv",
        "results.csv",
        "log.jsonl",
    ]
    for file in told["files"]:
        assert api.get(file["path"]).status_code == 200


def test_a_proof_is_public_once_the_list_is(api: APIClient) -> None:
    receipt = made.entry(draw := made.draw())
    address = f"/api/v1/draws/proofs/{receipt.entry_id}/"
    assert api.get(address).status_code == 404

    made.freeze(draw)
    told = api.get(address).json()
    assert told["commit"] == receipt.entry.commit
    assert (told["rank"], told["score"]) == (None, "")


def test_my_entries_come_with_their_receipts(api: APIClient, citizen: User) -> None:
    draw = made.draw()
    receipt = made.entry(draw, person=citizen)
    made.entry(draw)
    assert api.get("/api/v1/draws/entries/").status_code == 401

    api.force_authenticate(citizen)
    (mine,) = api.get("/api/v1/draws/entries/").json()["results"]
    assert (mine["entry_id"], mine["salt"]) == (receipt.entry_id, receipt.salt)
