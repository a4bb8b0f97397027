"""SPORTDRAW-1, steps 1 to 7: everything about a draw that is arithmetic.

Standard library only, on purpose: the portal and the citizen's checker (verify.py) use
the same lines, and an outsider reads them here without knowing Django.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

VERSION = "SPORTDRAW-1"
RANDOM_PART = 16  # Crockford characters of an entry's id, 80 bits
MAX_WEIGHT, MAX_GROUP = 10, 50
NO_HASH = "0" * 64
GENESIS, PERIOD = 1692803367, 3  # drand quicknet, in seconds

_HEX64 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HEX96 = re.compile(r"[0-9a-f]{96}", re.ASCII)


class Entry(NamedTuple):
    """One line of entries.csv, and how many places it needs."""

    entry_id: str
    weight: int
    commit: str  # 64 hex digits
    size: int = 1

    @property
    def line(self) -> bytes:
        return f"{self.entry_id}|{self.weight}|{self.commit}\n".encode()


class Step(NamedTuple):
    """One step up the tree: on which side the sibling stands (L, R), and its hash."""

    side: str
    sibling: bytes


class Ranked(NamedTuple):
    rank: int
    entry: Entry
    score: str  # 64 hex digits; as text they sort as the numbers do
    won: bool


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: one way to write it, so one hash."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- An entry ----------------------------------------------------------------------
def commit_of(*, salt: bytes, id_number: str) -> str:
    """What binds an entry to its person without naming the person."""
    return sha256(b"SPORTDRAW-ID", salt, id_number.encode()).hex()


def id_of(*, prefix: str, random_part: str, group_size: int | None) -> str:
    """A pool's prefix, in draws with groups G and two digits, and 80 random bits.

    The size stands in the id, so that the root binds it, too.
    """
    group = "" if group_size is None else f"G{group_size:02}"
    return f"{prefix}{group}{random_part}"


def prefix_of(entry_id: str, *, groups: bool) -> str:
    return entry_id[: -RANDOM_PART - (3 if groups else 0)]


def size_of(entry_id: str, *, groups: bool) -> int:
    return int(entry_id[-RANDOM_PART - 2 : -RANDOM_PART]) if groups else 1


# --- The list and its root ---------------------------------------------------------
def leaf(line: bytes) -> bytes:
    """The hash of one line of entries.csv, its LF included."""
    return sha256(b"\x00", line)


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01", left, right)


def merkle_root(hashes: Iterable[bytes]) -> bytes:
    """The root over leaves, or over equal full subtrees (a power of two of leaves).

    The tree has the shape of RFC 6962. It is built as the leaves come: a million of
    them need no more memory than twenty hashes.
    """
    roots: list[tuple[int, bytes]] = []
    for one in hashes:
        height, top = 0, one
        while roots and roots[-1][0] == height:
            top = node(roots.pop()[1], top)
            height += 1
        roots.append((height, top))
    if not roots:
        return sha256()
    top = roots.pop()[1]
    while roots:
        top = node(roots.pop()[1], top)
    return top


def merkle_path(hashes: Sequence[bytes], index: int) -> list[Step]:
    """The siblings of one leaf from the bottom up: all that a check of it needs."""
    path: list[Step] = []
    row = list(hashes)
    while len(row) > 1:
        sibling = index ^ 1
        if sibling < len(row):
            path.append(Step("R" if index % 2 == 0 else "L", row[sibling]))
        pairs = [node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]  # who has no sibling moves up as it is
        index //= 2
    return path


def is_under_root(one: bytes, path: Iterable[Step], root: bytes) -> bool:
    for side, sibling in path:
        one = node(one, sibling) if side == "R" else node(sibling, one)
    return one == root


# --- Randomness --------------------------------------------------------------------
class BadValue(ValueError):
    """The text is no result of this source."""


def drand_round(at: datetime) -> int:
    """The round of drand quicknet that is born at a moment, or next after it."""
    return (int(at.timestamp()) - GENESIS) // PERIOD + 1


def value_of(source: str, typed: str) -> str:
    """The canonical value of a source, from what a person typed.

    Raises `BadValue`.
    """
    try:
        read = _READERS[source]
    except KeyError:
        raise BadValue(source) from None
    return read(typed.strip().lower())


def is_issue(source: str, issue: str) -> bool:
    """Whether a text can be the number of an issue or round of a source."""
    if source == "drand-quicknet":
        return re.fullmatch(r"[1-9][0-9]{0,14}", issue, re.ASCII) is not None
    return re.fullmatch(r"20[0-9]{5}", issue, re.ASCII) is not None


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]+", text)]


def _distinct(numbers: list[int], *, count: int, highest: int) -> str:
    chosen = sorted(set(numbers))
    if len(numbers) != count or len(chosen) != count:
        raise BadValue
    if chosen[0] < 1 or chosen[-1] > highest:
        raise BadValue
    return ",".join(f"{number:02}" for number in chosen)


def _kl8(text: str) -> str:
    return _distinct(_numbers(text), count=20, highest=80)


def _ssq(text: str) -> str:
    numbers = _numbers(text)
    if len(numbers) != 7:
        raise BadValue
    blue = _distinct(numbers[6:], count=1, highest=16)
    return f"{_distinct(numbers[:6], count=6, highest=33)}+{blue}"


def _d3(text: str) -> str:
    # Three drums: the order counts, and a digit may come again.
    digits = re.findall(r"[0-9]", text)
    if len(digits) != 3:
        raise BadValue
    return ",".join(digits)


def _drand(text: str) -> str:
    if _HEX96.fullmatch(text):
        return sha256(bytes.fromhex(text)).hex()  # the signature itself
    if not _HEX64.fullmatch(text):
        raise BadValue
    return text


_READERS = {"drand-quicknet": _drand, "fc-kl8": _kl8, "fc-3d": _d3, "fc-ssq": _ssq}
# How much chance each holds: too little could be tried through beforehand.
BITS = {"drand-quicknet": 256.0, "fc-kl8": 61.6, "fc-ssq": 24.1, "fc-3d": 9.9}
ENOUGH_BITS = 60


def seed(*, draw_id: str, root: str, rules_hash: str, beacons: Iterable[str]) -> bytes:
    """32 bytes that follow from the list, the rules and the public randomness."""
    lines = [VERSION, draw_id, root, rules_hash, *beacons]
    return sha256("".join(f"{line}\n" for line in lines).encode())


# --- The result --------------------------------------------------------------------
def score(key: bytes, entry_id: str, weight: int = 1) -> str:
    """The best of `weight` tickets, as 64 hex digits; the lower, the better."""
    return min(
        hmac.digest(key, f"{entry_id}|{ticket}".encode(), "sha256")
        for ticket in range(weight)
    ).hex()


_BLOCK = 64  # bytes that SHA-256 takes in at a time


def scorer(key: bytes) -> Callable[[bytes, int], bytes]:
    """`score` as bytes, for who asks it a million times: (entry's id, weight) → score.

    HMAC as RFC 2104 writes it down. Both hashes begin with the key, the same each time;
    what SHA-256 has made of it is kept and copied, so that half of the work is left.
    """
    padded = key.ljust(_BLOCK, b"\x00")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def of_ticket(message: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    def best_of(entry_id: bytes, weight: int) -> bytes:
        if weight == 1:
            return of_ticket(entry_id + b"|0")
        return min(of_ticket(b"%b|%d" % (entry_id, n)) for n in range(weight))

    return best_of


def ranking(key: bytes, entries: Iterable[Entry], *, places: int) -> list[Ranked]:
    """A pool's entries in their order, and who of them won.

    A group that needs more places than are left is skipped; who comes behind it may
    still win.
    """
    score_of = scorer(key)
    scored = sorted(
        (score_of(entry.entry_id.encode(), entry.weight).hex(), entry)
        for entry in entries
    )
    ranked = []
    for rank, (points, entry) in enumerate(scored, start=1):
        won = entry.size <= places
        places -= entry.size if won else 0
        ranked.append(Ranked(rank, entry, points, won))
    return ranked


def result_line(one: Ranked) -> bytes:
    return f"{one.rank}|{one.entry.entry_id}|{one.score}\n".encode()


def cutoff(ranked: Iterable[Ranked]) -> str:
    """The score of the last winner; empty when nobody won."""
    return max((one.score for one in ranked if one.won), default="")


def audit_score(key: bytes, entry_id: str) -> str:
    """The lowest of these are the entries whose persons an auditor looks up."""
    return hmac.digest(key, f"AUDIT|{entry_id}".encode(), "sha256").hex()


# --- The public log ----------------------------------------------------------------
def log_line(
    *, draw_id: str, position: int, step: str, at: str, detail: Any, previous: str
) -> str:
    """One line of log.jsonl without its LF; `previous` is the hash before."""
    return canonical(
        {
            "at": at,
            "detail": detail,
            "draw_id": draw_id,
            "position": position,
            "previous": previous,
            "step": step,
        }
    )


def log_hash(line: str) -> str:
    """The hash of a line with its LF, as `sha256sum` reads it from the file."""
    return sha256_hex(f"{line}\n")


def broken_links(lines: Iterable[str]) -> Iterator[int]:
    """The numbers (from 1) of log lines that do not follow from the one before."""
    before = NO_HASH
    for number, line in enumerate(lines, start=1):
        told = json.loads(line)
        if told["previous"] != before or told["position"] != number:
            yield number
        before = log_hash(line)
