from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bureau.draws import sportdraw
from bureau.draws.sportdraw import Entry

# From the description of SPORTDRAW-1: made by its reference implementation.
VECTORS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("data").joinpath("vectors.json").read_text()
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["draw_id"])
def test_every_vector_of_the_description_holds(vector: dict[str, Any]) -> None:
    entries = sorted(Entry(*row) for row in vector["entries"])
    leaves = [sportdraw.leaf(entry.line) for entry in entries]
    root = sportdraw.merkle_root(leaves)
    key = sportdraw.seed(
        draw_id=vector["draw_id"],
        root=root.hex(),
        rules_hash=vector["rules_hash"],
        beacons=vector["beacons"],
    )
    ranked = sportdraw.ranking(key, entries, places=vector["places"])

    assert root.hex() == vector["root"]
    assert key.hex() == vector["seed"]
    assert [one.entry.entry_id for one in ranked] == vector["order"]
    assert [one.entry.entry_id for one in ranked if one.won] == vector["winners"]
    for index, leaf in enumerate(leaves):
        path = sportdraw.merkle_path(leaves, index)
        assert sportdraw.is_under_root(leaf, path, root)
        assert len(path) <= 17


@pytest.mark.parametrize("count", [*range(40), 1024, 1025, 3000])
def test_a_tree_of_pieces_has_the_root_of_the_whole(count: int) -> None:
    leaves = [sportdraw.sha256(str(n).encode()) for n in range(count)]
    pieces = [
        sportdraw.merkle_root(leaves[n : n + 8]) for n in range(0, len(leaves), 8)
    ]

    assert sportdraw.merkle_root(pieces) == sportdraw.merkle_root(leaves)
    assert sportdraw.merkle_root(leaves) == slow_root(leaves)


def slow_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return sportdraw.sha256()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sportdraw.node(slow_root(leaves[:split]), slow_root(leaves[split:]))


@pytest.mark.parametrize(
    ("source", "typed", "value"),
    [
        ("fc-ssq", "30 5 1 22 12 18 + 9", "01,05,12,18,22,30+09"),
        ("fc-ssq", "01,05,12,18,22,30+09", "01,05,12,18,22,30+09"),
        ("fc-3d", "3 3 3", "3,3,3"),
        ("fc-3d", "825", "8,2,5"),
        (
            "fc-kl8",
            "79、72、71、67、66、63、61、57、51、48、40、33、22、21、15、14、12、11、06、04",
            "04,06,11,12,14,15,21,22,33,40,48,51,57,61,63,66,67,71,72,79",
        ),
        ("drand-quicknet", "AB" * 32, "ab" * 32),
        ("drand-quicknet", "00" * 48, sportdraw.sha256(bytes(48)).hex()),
    ],
)
def test_what_a_person_typed_becomes_the_canonical_value(
    source: str, typed: str, value: str
) -> None:
    assert sportdraw.value_of(source, typed) == value


@pytest.mark.parametrize(
    ("source", "typed"),
    [
        ("fc-ssq", "1 2 3 4 5 6"),
        ("fc-ssq", "1 2 3 4 5 34 1"),
        ("fc-ssq", "1 2 3 4 5 6 17"),
        ("fc-ssq", "1 1 3 4 5 6 7"),
        ("fc-3d", "3 3"),
        ("fc-kl8", "1 2 3"),
        ("fc-kl8", " ".join(str(n) for n in range(20))),
        ("drand-quicknet", "ab"),
        ("lotto", "1"),
    ],
)
def test_what_no_source_can_give_is_refused(source: str, typed: str) -> None:
    with pytest.raises(sportdraw.BadValue):
        sportdraw.value_of(source, typed)


def test_a_drand_round_is_the_one_of_its_moment() -> None:
    genesis = datetime.fromtimestamp(sportdraw.GENESIS, UTC)

    assert sportdraw.drand_round(genesis) == 1
    assert sportdraw.drand_round(genesis.replace(second=genesis.second + 3)) == 2


def test_a_group_that_does_not_fit_is_skipped_and_the_next_may_win() -> None:
    key = sportdraw.sha256(b"any seed")
    entries = [Entry(f"E{n}", 1, "", size) for n, size in enumerate([3, 3, 1, 1, 2])]
    ranked = sportdraw.ranking(key, entries, places=4)

    places = 4
    for one in ranked:
        assert one.won == (one.entry.size <= places)
        places -= one.entry.size if one.won else 0


def test_an_id_with_a_group_tells_its_size_and_its_pool() -> None:
    made = sportdraw.id_of(prefix="A1", random_part="0123456789ABCDEF", group_size=4)

    assert made == "A1G040123456789ABCDEF"
    assert sportdraw.size_of(made, groups=True) == 4
    assert sportdraw.prefix_of(made, groups=True) == "A1"
