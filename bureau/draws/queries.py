from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Collate

from bureau.accounts.models import Dependant, User, VerifiedIdentity
from bureau.common import sealed
from bureau.draws import sportdraw
from bureau.draws.models import (
    Beacon,
    Draw,
    DrawEntry,
    LogLine,
    PublishedPart,
    moment_text,
)

BATCH = 32  # pieces read at a time, some 3 MB
RULES, LOG = "rules.json", "log.jsonl"


# --- Published files ---------------------------------------------------------------
@dataclass(frozen=True)
class PublishedFile:
    name: str
    about: str  # one of the keys that the page has words for
    sha256: str  # empty for the log, which grows


def files_of(draw: Draw) -> list[PublishedFile]:
    """What of a draw anybody can take home by now."""
    files = [PublishedFile(RULES, "rules", draw.rules_hash)]
    if draw.root:
        name = PublishedPart.Name.ENTRIES.value
        files.append(PublishedFile(name, "entries", draw.entries_hash))
    if draw.seed:
        name = PublishedPart.Name.RESULTS.value
        files.append(PublishedFile(name, "results", draw.results_hash))
    return [*files, PublishedFile(LOG, "log", "")]


def published_bytes(draw: Draw, name: str) -> Iterator[bytes]:
    """A published file, a piece at a time; nothing when it is not published."""
    if name == RULES:
        yield draw.rules.encode()
    elif name == LOG:
        for line in LogLine.objects.filter(draw=draw).in_order():
            yield f"{line.as_line(draw.draw_id)}\n".encode()
    else:
        parts = PublishedPart.objects.of_file(draw, name)
        for body in parts.values_list("body", flat=True).iterator(BATCH):
            yield bytes(body)


@dataclass(frozen=True)
class Step:
    """A line of the public log, for people."""

    name: str
    at: datetime
    detail: dict[str, Any]
    line_hash: str


def steps_of(draw: Draw) -> list[Step]:
    """What happened, newest first."""
    lines = LogLine.objects.filter(draw=draw).order_by("-position")
    return [
        Step(line.step, line.at, json.loads(line.detail), line.line_hash)
        for line in lines
    ]


def winners_of(draw: Draw) -> QuerySet[DrawEntry]:
    """Who won, pool by pool in order, with what may be shown of their names."""
    won = draw.entries.winners().select_related("pool", "person")
    return won.order_by("pool__prefix", "rank", "pk")


# --- Proof of one entry ------------------------------------------------------------
@dataclass(frozen=True)
class Proof:
    """All that a check of one entry needs; none of it is secret."""

    draw: Draw
    entry: DrawEntry
    beacons: list[str]
    path: list[sportdraw.Step]

    def as_json(self) -> dict[str, Any]:
        draw, entry, pool = self.draw, self.entry, self.entry.pool
        return {
            "version": sportdraw.VERSION,
            "draw_id": draw.draw_id,
            "title": draw.title,
            "state": draw.state,
            "frozen_at": moment_text(draw.frozen_at) if draw.frozen_at else "",
            "draws_at": moment_text(draw.draws_at),
            "entry_id": entry.entry_id,
            "weight": entry.weight,
            "commit": entry.commit,
            "group_size": entry.group_size,
            "entries": draw.entry_count,
            "root": draw.root,
            "path": [[step.side, step.sibling.hex()] for step in self.path],
            "rules_hash": draw.rules_hash,
            "beacons": self.beacons,
            "seed": draw.seed,
            "pool": pool.name,
            "places": pool.quota,
            "rank": entry.rank,
            "score": entry.score,
            "cutoff": pool.cutoff,
            "won": entry.outcome == DrawEntry.Outcome.WON,
        }


# What a page shows where there is no proof yet.
NO_PROOF: dict[str, Any] = {
    "draw_id": "",
    "entry_id": "",
    "weight": "",
    "entries": "",
    "places": "",
    "rank": "",
    "root": "",
    "beacons": [],
    "seed": "",
    "score": "",
    "cutoff": "",
}


@dataclass(frozen=True)
class Verdict:
    """What a check of a proof found; None is what cannot be told yet."""

    listed: bool
    seeded: bool | None
    scored: bool | None


def proof_of(entry: DrawEntry) -> Proof | None:
    """The proof of an entry; None as long as its list is not published."""
    draw = entry.draw
    parts = PublishedPart.objects.of_file(draw, PublishedPart.Name.ENTRIES)
    part = (
        parts.annotate(start=Collate("first", "C"))
        .filter(start__lte=entry.entry_id)
        .order_by("-position")
        .first()
    )
    if not draw.root or part is None:
        return None
    lines = bytes(part.body).splitlines(keepends=True)
    mine = f"{entry.entry_id}|{entry.weight}|{entry.commit}\n".encode()
    if mine not in lines:
        return None
    inside = sportdraw.merkle_path(
        [sportdraw.leaf(line) for line in lines], lines.index(mine)
    )
    roots = [bytes(root) for root in parts.values_list("root", flat=True)]
    above = sportdraw.merkle_path(roots, part.position - 1)
    known = draw.beacons.exclude(known_at=None).order_by("position")
    return Proof(draw, entry, [beacon.line for beacon in known], [*inside, *above])


def verdict_on(proof: Proof) -> Verdict:
    """What the citizen's own check finds, computed here for who has no JavaScript."""
    draw, entry = proof.draw, proof.entry
    line = sportdraw.Entry(entry.entry_id, entry.weight, entry.commit).line
    listed = sportdraw.is_under_root(
        sportdraw.leaf(line), proof.path, bytes.fromhex(draw.root)
    )
    if not draw.seed:
        return Verdict(listed, None, None)
    key = sportdraw.seed(
        draw_id=draw.draw_id,
        root=draw.root,
        rules_hash=draw.rules_hash,
        beacons=proof.beacons,
    )
    score = sportdraw.score(key, entry.entry_id, entry.weight)
    cutoff, won = entry.pool.cutoff, entry.outcome == DrawEntry.Outcome.WON
    within = bool(cutoff) and score <= cutoff
    # A group that did not fit is skipped, whatever its score.
    fair = won == within or (entry.group_size > 1 and not won)
    return Verdict(listed, key.hex() == draw.seed, score == entry.score and fair)


# --- For staff and auditors --------------------------------------------------------
def beacons_to_read(moment: datetime) -> int:
    """How many results staff should type now."""
    return Beacon.objects.to_read_at(moment).count()


@dataclass(frozen=True)
class Sample:
    """One entry that an auditor looks up."""

    entry: DrawEntry
    salt: str
    whose: str  # what may be shown of the name; empty without an account
    opens: bool | None  # whether the commitment is of this person; None: look yourself


def audit_sample(draw: Draw, size: int) -> list[Sample]:
    """Entries that nobody could choose, with what opens their commitments.

    The draw's own seed chooses them (domain AUDIT), so the sample is as public as the
    draw is. The draw must have been drawn.
    """
    key = bytes.fromhex(draw.seed)
    ids = draw.entries.values_list("entry_id", flat=True).order_by("pk")
    chosen = heapq.nsmallest(
        size,
        ids.iterator(10_000),
        key=lambda entry_id: sportdraw.audit_score(key, entry_id),
    )
    entries = {
        entry.entry_id: entry
        for entry in DrawEntry.objects.filter(entry_id__in=chosen).select_related(
            "person"
        )
    }
    return [_opened(entries[entry_id]) for entry_id in chosen]


def _opened(entry: DrawEntry) -> Sample:
    salt = sealed.unseal(entry.salt_sealed)
    if entry.person is None:
        return Sample(entry, salt, "", None)
    for known in _identities(entry.person):
        number = sealed.unseal(known.sealed_id_number)
        commit = sportdraw.commit_of(salt=bytes.fromhex(salt), id_number=number)
        if commit == entry.commit:
            return Sample(entry, salt, known.masked_name, opens=True)
    return Sample(entry, salt, entry.person.display_name, opens=False)


def _identities(person: User) -> Iterator[VerifiedIdentity | Dependant]:
    yield from VerifiedIdentity.objects.filter(user=person)
    yield from Dependant.objects.filter(guardian=person)


# --- For the person ----------------------------------------------------------------
def personal_data_of(user: User) -> list[dict[str, Any]]:
    """A person's entries with their receipts, for the copy of one's own data."""
    mine = (
        DrawEntry.objects.visible_to(user).select_related("draw", "pool").order_by("pk")
    )
    return [
        {
            "draw": entry.draw.draw_id,
            "title": entry.draw.title,
            "pool": entry.pool.name,
            "entry": entry.entry_id,
            "salt": sealed.unseal(entry.salt_sealed),
            "weight": entry.weight,
            "group_size": entry.group_size,
            "entered_at": entry.entered_at.isoformat(),
            "rank": entry.rank,
            "outcome": entry.outcome,
        }
        for entry in mine
    ]
