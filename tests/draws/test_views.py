from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bureau.accounts.models import User
from bureau.common import id_numbers
from bureau.draws import actions, queries, sportdraw
from bureau.draws.models import Draw, DrawEntry, PublishedPart
from tests import make
from tests.draws import make as made

pytestmark = pytest.mark.django_db


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_the_list_shows_draws_in_every_state(client: Client) -> None:
    assert "no draw yet" in page(client, reverse("draws:list"))
    made.draw()
    made.frozen()
    void = made.drawn()
    made.drawn()
    actions.void_draw(draw=void, reason="Read wrongly", by=None)

    text = page(client, reverse("draws:list"))
    for words in ["Open for entries", "List is frozen", "Drawn", "Void"]:
        assert words in text


@pytest.mark.parametrize("state", ["open", "frozen", "drawn", "void"])
def test_a_draw_tells_all_that_is_public(client: Client, state: str) -> None:
    draw = made.draw() if state == "open" else made.frozen()
    if state in {"drawn", "void"}:
        made.read(draw)
        draw = made.run(draw)
    if state == "void":
        actions.void_draw(draw=draw, reason="Read wrongly", by=None)
    text = page(client, draw.get_absolute_url())

    assert draw.title in text
    assert ("entries.csv" in text) == (state != "open")
    assert (draw.root in text) == (state != "open") or not draw.root
    assert ("results.csv" in text) == (state in {"drawn", "void"})
    assert ("Read wrongly" in text) == (state == "void")


def test_winners_are_shown_masked(client: Client) -> None:
    draw = made.draw(places=1)
    winner = make.citizen(masked_name="张*")
    made.entry(draw, person=winner)
    made.freeze(draw)
    made.read(draw)
    made.run(draw)

    text = page(client, draw.get_absolute_url())
    assert "张*" in text
    assert str(winner.phone) not in text


def test_files_are_served_as_they_were_hashed(client: Client) -> None:
    draw = made.drawn()
    for file in queries.files_of(draw):
        answer = client.get(reverse("draws:file", args=[draw.draw_id, file.name]))
        body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        if file.sha256:
            assert sportdraw.sha256(body).hex() == file.sha256
        else:
            assert not list(sportdraw.broken_links(body.decode().splitlines()))


def test_a_file_that_is_not_published_is_not_there(client: Client) -> None:
    draw = made.draw()
    for name in ["entries.csv", "results.csv", "salts.csv", "..", "rules.json.gz"]:
        address = f"/draws/{draw.draw_id}/files/{name}"
        assert client.get(address).status_code == 404


def test_only_the_person_sees_the_receipt(
    client: Client, citizen: User, stranger: User
) -> None:
    receipt = made.entry(made.draw(), person=citizen)
    address = reverse("draws:entry", args=[receipt.entry_id])

    assert client.get(address).status_code == 302
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    client.force_login(citizen)
    assert receipt.salt in page(client, address)
    assert receipt.entry.draw.title in page(client, reverse("draws:entries"))


def test_a_draw_shows_me_my_own_entry(client: Client, citizen: User) -> None:
    draw = made.draw(places=1)
    made.entry(draw, person=citizen)
    made.freeze(draw)
    client.force_login(citizen)
    assert "You are in this draw" in page(client, draw.get_absolute_url())

    made.read(draw)
    made.run(draw)
    assert "You won a place" in page(client, draw.get_absolute_url())
    assert "You won: rank 1" in page(
        client, reverse("draws:entry", args=[draw.entries.get().entry_id])
    )


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_a_proof_holds_for_everybody(
    client: Client, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PublishedPart, "LINES", 4)
    draw = made.drawn(entries=count)
    for entry in draw.entries.select_related("draw", "pool"):
        answer = client.get(reverse("draws:proof", args=[entry.entry_id]))
        told: dict[str, Any] = json.loads(answer.content)
        path = [
            sportdraw.Step(side, bytes.fromhex(sibling))
            for side, sibling in told["path"]
        ]
        line = sportdraw.Entry(told["entry_id"], told["weight"], told["commit"]).line
        assert sportdraw.is_under_root(
            sportdraw.leaf(line), path, bytes.fromhex(draw.root)
        )
        assert told["rank"] == entry.rank
        assert "salt" not in told


def test_before_the_freeze_there_is_no_proof(client: Client) -> None:
    receipt = made.entry(made.draw())
    address = reverse("draws:proof", args=[receipt.entry_id])

    assert client.get(address).status_code == 404
    text = page(client, f"{reverse('draws:check')}?entry={receipt.entry_id}")
    assert "not published yet" in text


def test_the_checker_answers_without_javascript_and_without_an_account(
    client: Client,
) -> None:
    entry = made.drawn().entries.order_by("pk")[0]
    text = page(client, f"{reverse('draws:check')}?entry={entry.entry_id.lower()}")

    assert entry.score in text
    assert "Computed by our server" in text
    verdict = queries.verdict_on(queries.proof_of(entry))  # type: ignore[arg-type]
    assert verdict == queries.Verdict(listed=True, seeded=True, scored=True)
    assert "no entry with this number" in page(
        client, f"{reverse('draws:check')}?entry=NOBODY"
    )


def test_what_was_changed_afterwards_does_not_check(client: Client) -> None:
    draw = made.drawn()
    entry = draw.entries.order_by("rank")[4]
    DrawEntry.objects.filter(pk=entry.pk).update(outcome="won")
    entry = DrawEntry.objects.select_related("draw", "pool").get(pk=entry.pk)

    proof = queries.proof_of(entry)
    assert proof
    assert queries.verdict_on(proof).scored is False


def test_the_checker_is_one_file_that_asks_nobody(client: Client) -> None:
    answer = client.get(reverse("draws:check-file"))
    text = answer.content.decode()

    assert "attachment" in answer["Content-Disposition"]
    assert "checkProof" in text
    assert "commitOf" in text
    for foreign in ["import ", "export ", "src=", "href=", "http://", "https://"]:
        assert foreign not in text.replace("without https", ""), foreign


def test_pages_ask_as_often_for_many_as_for_one(client: Client) -> None:
    from django.db import connection  # noqa: PLC0415

    def asked(draw: Draw) -> int:
        client.get(draw.get_absolute_url())
        with CaptureQueriesContext(connection) as seen:
            client.get(draw.get_absolute_url())
        return len(seen)

    assert asked(made.drawn(entries=3, places=1)) == asked(
        made.drawn(entries=30, places=20)
    )


def test_the_copy_of_my_data_has_my_receipts(citizen: User) -> None:
    receipt = made.entry(made.draw(), person=citizen)

    (told,) = queries.personal_data_of(citizen)
    assert (told["entry"], told["salt"]) == (receipt.entry_id, receipt.salt)


def test_an_auditor_opens_commitments_and_finds_a_ghost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from bureau.accounts.actions import verify_identity  # noqa: PLC0415

    real, ghost = make.citizen(), make.citizen()
    number = "37061119900101123"
    number += id_numbers.check_digit(number)
    verify_identity(name="张三", id_number=number, agreed=True, by=real)
    draw = made.draw(places=1)
    made.entry(draw, person=real, id_number=number)
    made.entry(draw, id_number="91370800MA3XXXXX0X")
    made.freeze(draw)
    with pytest.raises(CommandError, match="not been drawn"):
        call_command("audit_draw", draw.draw_id)
    made.read(draw)
    made.run(draw)
    call_command("audit_draw", draw.draw_id)
    assert "2 commitments looked at, 0 ghosts" in capsys.readouterr().out

    DrawEntry.objects.filter(person=None).update(person=ghost)
    with pytest.raises(SystemExit):
        call_command("audit_draw", draw.draw_id)
    assert "DOES NOT OPEN" in capsys.readouterr().out


def test_the_log_shows_the_signature_that_everybody_can_check(client: Client) -> None:
    draw = made.of_round_1000()
    actions.note_drand(
        beacon=draw.beacons.get(), signature=made.SIGNATURE, at=draw.draws_at
    )
    text = page(client, made.run(draw).get_absolute_url())
    assert made.SIGNATURE in text
    assert "Signature of drand" in text
