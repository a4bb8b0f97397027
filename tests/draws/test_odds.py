"""Over many seeds nobody is favoured. Seeds are fixed, so these tests never waver."""

from __future__ import annotations

from collections import Counter

from bureau.draws import sportdraw
from bureau.draws.sportdraw import Entry

SEEDS = 10_000
COMMIT = "0" * 64


def seed(number: int) -> bytes:
    return sportdraw.sha256(f"seed {number}".encode())


def test_each_of_twenty_wins_as_often_as_the_others() -> None:
    entries = [Entry(f"A{n:016}", 1, COMMIT) for n in range(20)]
    places, wins = 5, Counter[str]()
    for number in range(SEEDS):
        ranked = sportdraw.ranking(seed(number), entries, places=places)
        wins.update(one.entry.entry_id for one in ranked if one.won)

    share = places / len(entries)
    expected = SEEDS * share
    # Winners of one draw exclude each other, which the last factor accounts for.
    chi_square = sum(
        (wins[entry.entry_id] - expected) ** 2 / expected for entry in entries
    ) * ((len(entries) - 1) / len(entries) / (1 - share))
    assert chi_square < 43.82  # 19 degrees of freedom, p = 0.001


def test_each_rank_is_as_likely_for_everybody() -> None:
    entries = [Entry(f"A{n:016}", 1, COMMIT) for n in range(8)]
    seen = Counter[tuple[str, int]]()
    for number in range(SEEDS):
        ranked = sportdraw.ranking(seed(number), entries, places=0)
        seen.update((one.entry.entry_id, one.rank) for one in ranked)

    expected = SEEDS / 8
    chi_square = sum(
        (seen[entry.entry_id, rank] - expected) ** 2 / expected
        for entry in entries
        for rank in range(1, 9)
    )
    assert chi_square < 85.35  # 7 × 7 degrees of freedom, p = 0.001


def test_weights_are_the_odds_of_an_urn() -> None:
    """An entry of weight 3 has three tickets; who was drawn leaves with all of them."""
    weights = [1, 1, 2, 3, 5, 10]
    entries = [Entry(f"A{n:016}", weight, COMMIT) for n, weight in enumerate(weights)]
    total, wins = sum(weights), Counter[str]()
    for number in range(SEEDS):
        ranked = sportdraw.ranking(seed(number), entries, places=2)
        wins.update(one.entry.entry_id for one in ranked if one.won)

    for entry in entries:
        first = entry.weight / total
        second = sum(
            other.weight / total * entry.weight / (total - other.weight)
            for other in entries
            if other is not entry
        )
        share = first + second
        error = (share * (1 - share) / SEEDS) ** 0.5
        assert abs(wins[entry.entry_id] / SEEDS - share) < 3.5 * error


def test_a_sample_of_the_auditor_is_another_one_than_the_winners() -> None:
    entries = [f"A{n:016}" for n in range(1000)]
    key = seed(1)
    audited = sorted(entries, key=lambda one: sportdraw.audit_score(key, one))[:100]
    won = sorted(entries, key=lambda one: sportdraw.score(key, one))[:100]

    assert len(set(audited) & set(won)) < 30  # 10 are expected
