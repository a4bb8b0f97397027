from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bureau.draws import actions, sportdraw
from bureau.draws.actions import BeaconName, PoolPlan, publishing
from bureau.draws.errors import (
    AlreadyEntered,
    AlreadyVoid,
    BadBeacons,
    BadBeaconValue,
    BadDrawId,
    BadGroup,
    BadPools,
    BadTimes,
    BadWeight,
    BeaconKnown,
    BeaconNotDrawnYet,
    BeaconsMissing,
    CannotReplace,
    DrawClosed,
    DrawIdTaken,
    FreezeTooEarly,
    FreezeTooLate,
    NotFrozen,
    TooLittleChance,
    UnknownPool,
    VoidNeedsReason,
)
from bureau.draws.models import Draw, DrawEntry, LogLine, PublishedPart
from tests import make
from tests.draws import make as made

pytestmark = pytest.mark.django_db


def file_of(draw: Draw, name: str) -> bytes:
    parts = PublishedPart.objects.of_file(draw, name)
    return b"".join(bytes(part.body) for part in parts)


def oracle(draw: Draw) -> dict[str, tuple[int, str, bool]]:
    """Rank, score and fate of every entry, by the plain algorithm over the file."""
    groups = draw.has_groups
    lines = file_of(draw, "entries.csv").decode().splitlines()
    entries = []
    for line in lines:
        entry_id, weight, commit = line.split("|")
        size = sportdraw.size_of(entry_id, groups=groups)
        entries.append(sportdraw.Entry(entry_id, int(weight), commit, size))
    root = sportdraw.merkle_root([sportdraw.leaf(entry.line) for entry in entries])
    key = sportdraw.seed(
        draw_id=draw.draw_id,
        root=root.hex(),
        rules_hash=sportdraw.sha256_hex(draw.rules),
        beacons=[beacon.line for beacon in draw.beacons.order_by("position")],
    )
    told = {}
    for pool in draw.says["pools"]:
        inside = [
            entry
            for entry in entries
            if sportdraw.prefix_of(entry.entry_id, groups=groups) == pool["prefix"]
        ]
        for one in sportdraw.ranking(key, inside, places=pool["quota"]):
            told[one.entry.entry_id] = (one.rank, one.score, one.won)
    return told


def stored(draw: Draw) -> dict[str, tuple[int | None, str, bool]]:
    return {
        entry.entry_id: (entry.rank, entry.score, entry.outcome == "won")
        for entry in draw.entries.all()
    }


def test_its_result_is_the_one_of_the_plain_algorithm() -> None:
    draw = made.draw(pools=[PoolPlan("A", "Morning", 3), PoolPlan("B", "Evening", 4)])
    for n in range(30):
        made.entry(draw, pool="AB"[n % 2], weight=n % 10 + 1)
    made.freeze(draw)
    made.read(draw)
    draw = made.run(draw)

    assert draw.state == Draw.State.DRAWN
    assert stored(draw) == oracle(draw)
    assert draw.entries.winners().count() == 7
    results = file_of(draw, "results.csv")
    assert sportdraw.sha256(results).hex() == draw.results_hash
    assert results.decode().splitlines()[0].startswith("1|A")
    for pool in draw.pools.all():
        scores = draw.entries.winners().filter(pool=pool).values_list("score")
        assert pool.cutoff == max(score for (score,) in scores)


def test_groups_are_taken_whole_or_skipped() -> None:
    draw = made.draw(places=7, groups=True)
    for size in [3, 1, 4, 2, 5, 1, 2, 3, 4]:
        made.entry(draw, group_size=size)
    made.freeze(draw)
    made.read(draw)
    draw = made.run(draw)

    assert stored(draw) == oracle(draw)
    assert sum(e.group_size for e in draw.entries.winners()) <= 7
    with pytest.raises(DrawClosed):
        made.entry(draw)


def test_nobody_entered_and_it_is_drawn_all_the_same() -> None:
    draw = made.drawn(entries=0)

    assert (draw.state, draw.entry_count) == (Draw.State.DRAWN, 0)
    assert draw.root == sportdraw.sha256().hex()
    assert draw.results_hash == sportdraw.sha256().hex()
    assert draw.pools.get().cutoff == ""


def test_fewer_entries_than_places_all_win() -> None:
    draw = made.drawn(entries=3, places=10)

    assert draw.entries.winners().count() == 3


def test_the_file_is_sorted_hashed_and_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PublishedPart, "LINES", 8)
    monkeypatch.setattr(publishing, "BATCH", 2)
    draw = made.frozen(entries=21)

    parts = list(PublishedPart.objects.of_file(draw, "entries.csv"))
    lines = file_of(draw, "entries.csv").splitlines(keepends=True)
    assert [part.position for part in parts] == [1, 2, 3]
    assert lines == sorted(lines)
    assert draw.root == sportdraw.merkle_root(map(sportdraw.leaf, lines)).hex()
    assert draw.entries_hash == sportdraw.sha256(*lines).hex()
    assert (draw.entry_count, draw.weight_sum) == (21, 21)


def test_each_step_stands_in_a_chained_log() -> None:
    draw = made.drawn()
    actions.void_draw(draw=draw, reason="Wrong quota", by=make.user())

    log = list(LogLine.objects.filter(draw=draw).in_order())
    lines = [line.as_line(draw.draw_id) for line in log]
    assert [line.step for line in log] == [
        "announced",
        "frozen",
        "beacon",
        "beacon",
        "drawn",
        "void",
    ]
    assert not list(sportdraw.broken_links(lines))
    assert [line.line_hash for line in log] == list(map(sportdraw.log_hash, lines))
    with pytest.raises(IntegrityError), transaction.atomic():
        LogLine.objects.filter(draw=draw).update(detail="{}")
    with pytest.raises(IntegrityError), transaction.atomic():
        PublishedPart.objects.filter(draw=draw).delete()


def test_a_receipt_opens_the_commitment() -> None:
    draw = made.draw()
    receipt = made.entry(draw, id_number="370611199001011239", weight=3)

    salt = bytes.fromhex(receipt.salt)
    commit = sportdraw.commit_of(salt=salt, id_number="370611199001011239")
    assert receipt.entry.commit == commit
    assert receipt.entry_id.startswith("A")
    assert len(receipt.entry_id) == 17
    assert actions.receipt_of(DrawEntry.objects.get()) == receipt


def test_one_person_enters_once() -> None:
    draw = made.draw(pools=[PoolPlan("A", "One", 1), PoolPlan("B", "Two", 1)])
    receipt = made.entry(draw, id_number="370611199001011239")

    with pytest.raises(AlreadyEntered):
        made.entry(draw, pool="B", id_number=" 370611199001011239 ")
    actions.withdraw(entry=receipt.entry, by=None, at=draw.announced_at)
    made.entry(draw, pool="B", id_number="370611199001011239")
    assert draw.entries.count() == 1


def test_entries_close_and_nobody_leaves_either() -> None:
    draw = made.draw()
    receipt = made.entry(draw)

    with pytest.raises(DrawClosed):
        made.entry(draw, at=draw.entries_close_at)
    with pytest.raises(DrawClosed):
        actions.withdraw(entry=receipt.entry, by=None, at=draw.entries_close_at)


def test_wrong_entries_are_refused() -> None:
    draw = made.draw()

    with pytest.raises(UnknownPool):
        made.entry(draw, pool="X")
    with pytest.raises(BadWeight):
        made.entry(draw, weight=11)
    with pytest.raises(BadGroup):
        made.entry(draw, group_size=2)


def test_a_list_is_frozen_in_its_hour_and_once() -> None:
    draw = made.draw()
    made.entry(draw)
    with pytest.raises(FreezeTooEarly):
        actions.freeze_draw(draw=draw, at=draw.freezes_at - timedelta(seconds=1))
    late = draw.draws_at - timedelta(minutes=59)
    with pytest.raises(FreezeTooLate):
        actions.freeze_draw(draw=draw, at=late)

    first = made.freeze(draw)
    again = actions.freeze_draw(draw=draw, at=late)
    assert (again.root, again.frozen_at) == (first.root, first.frozen_at)
    with pytest.raises(IntegrityError), transaction.atomic():
        Draw.objects.filter(pk=draw.pk).update(frozen_at=late)


def test_two_different_people_must_read_the_same() -> None:
    draw = made.frozen()
    one, other = make.user(), make.user()
    beacon = draw.beacons.get(source="fc-kl8")
    digits = draw.beacons.get(source="fc-3d")

    def read(value: str, by: object) -> None:
        actions.read_beacon(beacon=digits, value=value, by=by, at=draw.draws_at)  # type: ignore[arg-type]
        digits.refresh_from_db()

    with pytest.raises(BeaconNotDrawnYet):
        actions.read_beacon(
            beacon=beacon,
            value=made.KL8,
            by=one,
            at=draw.draws_at - timedelta(seconds=1),
        )
    with pytest.raises(BadBeaconValue):
        read("12", one)
    read("3 8 0", one)
    read("3 8 0", one)  # the same person twice is one person
    assert digits.known_at is None
    read("3 8 1", other)
    assert digits.known_at is None
    with pytest.raises(BeaconsMissing):
        made.run(draw)
    read("3,8,0", other)
    assert digits.line == "fc-3d:2026001:3,8,0"
    with pytest.raises(BeaconKnown):
        read("1 2 3", make.user())


def test_a_result_is_not_read_before_the_list_is_frozen() -> None:
    draw = made.draw()

    with pytest.raises(NotFrozen):
        made.read(draw)
    with pytest.raises(NotFrozen):
        made.run(draw)


def test_drand_gives_its_value_by_its_signature() -> None:
    draw = made.of_round_1000()
    beacon = draw.beacons.get()

    assert int(beacon.issue) == sportdraw.drand_round(draw.draws_at) == 1000
    for _twice in range(2):
        actions.note_drand(beacon=beacon, signature=made.SIGNATURE, at=draw.draws_at)
    beacon.refresh_from_db()
    assert beacon.value == sportdraw.sha256(bytes.fromhex(made.SIGNATURE)).hex()
    assert made.run(draw).state == Draw.State.DRAWN


def test_what_drand_has_not_signed_is_not_taken_fetched_or_typed() -> None:
    draw = made.frozen(beacons=[BeaconName("drand-quicknet")])
    beacon, at = draw.beacons.get(), draw.draws_at  # of another round

    with pytest.raises(BadBeaconValue):
        actions.note_drand(beacon=beacon, signature=made.SIGNATURE, at=at)
    with pytest.raises(BadBeaconValue):
        actions.read_beacon(beacon=beacon, value=made.SIGNATURE, by=make.user(), at=at)
    beacon.refresh_from_db()
    assert beacon.known_at is None


def test_a_typed_signature_stands_in_the_log() -> None:
    draw = made.of_round_1000()
    for _each in range(2):
        actions.read_beacon(
            beacon=draw.beacons.get(),
            value=f" {made.SIGNATURE.upper()} ",
            by=make.user(),
            at=draw.draws_at,
        )
    line = LogLine.objects.get(draw=draw, step="beacon")
    assert f'"signature":"{made.SIGNATURE}"' in line.detail


def test_run_twice_it_is_drawn_once() -> None:
    draw = made.drawn()
    before = stored(draw)

    again = made.run(draw)
    assert again.drawn_at == draw.drawn_at
    assert stored(draw) == before
    assert LogLine.objects.filter(draw=draw, step="drawn").count() == 1


def test_a_void_draw_is_redone_under_a_new_number() -> None:
    draw = made.drawn(entries=4)
    when = draw.draws_at
    plan = {
        "draw_id": f"{draw.draw_id}-2",
        "entries_close_at": when + made.HOUR,
        "freezes_at": when + made.HOUR,
        "draws_at": when + 3 * made.HOUR,
        "beacons": [BeaconName("drand-quicknet")],
        "by": None,
        "at": when,
    }
    with pytest.raises(CannotReplace):
        actions.redo_draw(draw=draw, **plan)  # type: ignore[arg-type]
    with pytest.raises(VoidNeedsReason):
        actions.void_draw(draw=draw, reason=" ", by=None)
    actions.void_draw(draw=draw, reason="A source was read wrongly", by=None)
    with pytest.raises(AlreadyVoid):
        actions.void_draw(draw=draw, reason="Again", by=None)

    again = actions.redo_draw(draw=draw, **plan)  # type: ignore[arg-type]
    assert again.replaces == draw
    assert again.says["replaces"] == draw.draw_id
    kept = set(draw.entries.values_list("subject", "commit", "weight"))
    assert set(again.entries.values_list("subject", "commit", "weight")) == kept
    ids = set(draw.entries.values_list("entry_id"))
    assert not ids & set(again.entries.values_list("entry_id"))
    with pytest.raises(CannotReplace):
        actions.redo_draw(draw=draw, **{**plan, "draw_id": "THIRD"})  # type: ignore[arg-type]


def test_announcements_that_nobody_could_trust_are_refused() -> None:
    first = made.draw()
    kl8, d3 = BeaconName("fc-kl8", "2026001"), BeaconName("fc-3d", "2026001")

    with pytest.raises(DrawIdTaken):
        made.draw(draw_id=first.draw_id)
    with pytest.raises(BadDrawId):
        made.draw(draw_id="a b")
    with pytest.raises(BadPools):
        made.draw(pools=[PoolPlan("A", "One", 1), PoolPlan("A", "Two", 1)])
    with pytest.raises(BadPools):
        made.draw(pools=[PoolPlan("a|", "One", 1)])
    with pytest.raises(BadPools):
        made.draw(pools=[PoolPlan("ABCDEF", "One", 1)], groups=True)
    with pytest.raises(BadTimes):
        made.draw(freezes_at=first.draws_at - timedelta(minutes=69))
    with pytest.raises(BadBeacons):
        made.draw(beacons=[])
    with pytest.raises(BadBeacons):
        made.draw(beacons=[kl8, kl8])
    with pytest.raises(BadBeacons):
        made.draw(beacons=[BeaconName("tc-dlt", "2026001")])
    with pytest.raises(BadBeacons):
        made.draw(beacons=[BeaconName("fc-kl8", "tonight")])
    with pytest.raises(BadBeacons):
        made.draw(beacons=[BeaconName("drand-quicknet", "1")])
    with pytest.raises(TooLittleChance):
        made.draw(beacons=[d3])
