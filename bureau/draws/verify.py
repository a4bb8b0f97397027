"""Redo a draw from its published files: `python -m bureau.draws.verify DIR`.

DIR holds rules.json, entries.csv, log.jsonl and, once it is drawn, results.csv, as
anybody can download them. Needs Python and nothing else, and asks no server. The exit
code is 0 when everything holds, 1 when something does not, 2 when a file is missing.
"""

from __future__ import annotations

import argparse
import gettext
import json
import locale
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from bureau.draws import quicknet, sportdraw
from bureau.draws.sportdraw import Entry

_LINE = re.compile(r"([A-Z0-9]{6,24})\|([1-9]|10)\|([0-9a-f]{64})", re.ASCII)
_LOCALES = Path(__file__).resolve().parents[2] / "locale"
_ = gettext.gettext


class Unreadable(Exception):
    """A file is missing or is not what it should be."""


class Check:
    """One draw's files, and what was found in them so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[tuple[bool, str]] = []
        self.notes: list[str] = []
        """What these files cannot show, and who else can."""
        self.rules_text = self._text("rules.json")
        self.rules: dict[str, Any] = self._json(self.rules_text, "rules.json")
        self.list_text = self._text("entries.csv")
        self.log_lines = self._text("log.jsonl").splitlines()
        self.log = [self._json(line, "log.jsonl") for line in self.log_lines]
        self.results: bytes | None = None
        if (folder / "results.csv").exists():
            self.results = (folder / "results.csv").read_bytes()
        self.entries: list[Entry] = []
        self.root = self.seed = ""

    @property
    def holds(self) -> bool:
        return all(good for good, _words in self.findings)

    @property
    def rules_hash(self) -> str:
        return sportdraw.sha256_hex(self.rules_text)

    def _text(self, name: str) -> str:
        try:
            return (self.folder / name).read_bytes().decode()
        except OSError as missing:
            raise Unreadable(_("%s is missing.") % name) from missing
        except UnicodeDecodeError as bad:
            raise Unreadable(_("%s is no text.") % name) from bad

    def _json(self, text: str, name: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as bad:
            raise Unreadable(_("%s cannot be read.") % name) from bad

    def say(self, good: bool, yes: str, no: str) -> bool:  # noqa: FBT001
        self.findings.append((good, yes if good else no))
        return good

    def step(self, name: str) -> dict[str, Any] | None:
        """What the log tells of a step; None when it has not been taken."""
        found = [line for line in self.log if line["step"] == name]
        return dict(found[0]["detail"], at=found[0]["at"]) if found else None

    # --- What is looked at, in this order ------------------------------------------
    def run(self) -> None:
        self.check_log()
        self.check_rules()
        self.check_list()
        if self.step("drawn"):
            self.check_seed()
            self.check_results()

    def check_log(self) -> None:
        broken = list(sportdraw.broken_links(self.log_lines))
        self.say(
            not broken,
            _("The log is one unbroken chain."),
            _("The log was changed: line %s does not follow from the one before.")
            % (broken[0] if broken else ""),
        )
        ids = {line["draw_id"] for line in self.log}
        self.say(
            ids == {self.rules["draw_id"]},
            _("All files are of the draw %s.") % self.rules["draw_id"],
            _("The log is of another draw."),
        )

    def check_rules(self) -> None:
        announced = self.step("announced") or {}
        self.say(
            announced.get("rules_hash") == self.rules_hash,
            _("The rules are the ones that were announced."),
            _("The rules are not the ones that were announced."),
        )

    def check_list(self) -> None:
        self.entries = list(self._entries())
        ids = [entry.entry_id for entry in self.entries]
        self.say(
            all(one < other for one, other in pairwise(ids)),
            _("The list is sorted, and nobody stands in it twice."),
            _("The list is not sorted, or somebody stands in it twice."),
        )
        self.root = sportdraw.merkle_root(
            sportdraw.leaf(entry.line) for entry in self.entries
        ).hex()
        frozen = self.step("frozen")
        if frozen is None:
            self.say(False, "", _("The list has not been frozen yet."))  # noqa: FBT003
            return
        same = (
            frozen["root"] == self.root
            and frozen["entries"] == len(self.entries)
            and frozen["weights"] == sum(entry.weight for entry in self.entries)
            and frozen["entries_hash"] == sportdraw.sha256_hex(self.list_text)
        )
        self.say(
            same,
            _("The list is the one that was frozen: %s entries.") % len(self.entries),
            _("The list is not the one that was frozen."),
        )
        notice = _moment(self.rules["draws_at"]) - _moment(frozen["at"])
        self.say(
            notice >= timedelta(hours=1),
            _("It was frozen at least an hour before the draw."),
            _("It was frozen less than an hour before the draw."),
        )

    def _entries(self) -> Iterator[Entry]:
        for number, line in enumerate(self.list_text.splitlines(), start=1):
            found = _LINE.fullmatch(line)
            if found is None:
                raise Unreadable(_("entries.csv: line %s cannot be read.") % number)
            entry_id, weight, commit = found.groups()
            size = sportdraw.size_of(entry_id, groups=self.rules["groups"])
            yield Entry(entry_id, int(weight), commit, size)

    def check_seed(self) -> None:
        beacons = sorted(
            (line["detail"] for line in self.log if line["step"] == "beacon"),
            key=lambda detail: detail["position"],
        )
        lines = [detail["line"] for detail in beacons]
        self.say(
            [line.rpartition(":")[0] for line in lines] == self.rules["beacons"],
            _("The randomness comes from the sources that the rules name."),
            _("The randomness does not come from the sources that the rules name."),
        )
        self.say(
            all(map(self._is_canonical, beacons)),
            _("Each source's result is one that this source can have."),
            _("A source's result is none that this source can have."),
        )
        for detail in beacons:
            self.check_signature(detail)
        self.seed = sportdraw.seed(
            draw_id=self.rules["draw_id"],
            root=self.root,
            rules_hash=self.rules_hash,
            beacons=lines,
        ).hex()
        drawn = self.step("drawn") or {}
        self.say(
            drawn.get("seed") == self.seed,
            _("The seed follows from the list, the rules and these results."),
            _("The seed does not follow from the list, the rules and these results."),
        )

    def check_signature(self, detail: dict[str, Any]) -> None:
        """A round of drand is what its network signed, whoever tells it."""
        source, issue, _value = detail["line"].split(":", 2)
        if source != "drand-quicknet":
            return
        if "signature" not in detail:
            self.notes.append(
                _(
                    "Round %s of drand was noted without its signature: compare its"
                    " value with what drand publishes."
                )
                % issue
            )
            return
        self.say(
            quicknet.is_signed(int(issue), detail["signature"]),
            _("Round %s of drand is signed by drand's network.") % issue,
            _("Round %s of drand is not signed by drand's network.") % issue,
        )

    def _is_canonical(self, detail: dict[str, Any]) -> bool:
        source, _issue, value = detail["line"].split(":", 2)
        typed = detail.get("signature", value)
        try:
            return bool(sportdraw.value_of(source, typed) == value)
        except sportdraw.BadValue:
            return False

    def check_results(self) -> None:
        drawn = self.step("drawn") or {}
        key, groups = bytes.fromhex(self.seed), self.rules["groups"]
        pools: dict[str, list[Entry]] = {
            pool["prefix"]: [] for pool in self.rules["pools"]
        }
        for entry in self.entries:
            prefix = sportdraw.prefix_of(entry.entry_id, groups=groups)
            if prefix not in pools:
                raise Unreadable(_("%s belongs to no pool.") % entry.entry_id)
            pools[prefix].append(entry)
        quotas = {pool["prefix"]: pool["quota"] for pool in self.rules["pools"]}
        text, cutoffs = b"", {}
        for prefix in sorted(pools):
            ranked = sportdraw.ranking(key, pools[prefix], places=quotas[prefix])
            text += b"".join(map(sportdraw.result_line, ranked))
            cutoffs[prefix] = sportdraw.cutoff(ranked)
        if self.results is None:
            raise Unreadable(_("%s is missing.") % "results.csv")
        self.say(
            self.results == text,
            _("Computed again, every rank and every score is as published."),
            _("Computed again, ranks or scores are not as published."),
        )
        self.say(
            drawn.get("results_hash") == sportdraw.sha256(text).hex()
            and drawn.get("cutoffs") == cutoffs,
            _("The cut-off scores are as published."),
            _("The cut-off scores are not as published."),
        )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _speak(language: str) -> None:
    global _  # noqa: PLW0603 - the one switch of this program
    wanted = ["zh_Hans"] if language.lower().startswith("zh") else ["en"]
    _ = gettext.translation("django", _LOCALES, wanted, fallback=True).gettext


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bureau.draws.verify",
        description="Redo a draw from its published files.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--root", help="the root that you noted before the draw")
    parser.add_argument("--entry", help="tell the rank of this entry")
    parser.add_argument(
        "--audit", type=int, default=0, metavar="N", help="list N entries to look up"
    )
    parser.add_argument("--lang", default=locale.getlocale()[0] or "")
    asked = parser.parse_args(given)
    _speak(asked.lang)
    try:
        check = Check(asked.folder)
        check.run()
    except Unreadable as why:
        _tell(str(why))
        return 2
    if asked.root:
        check.say(
            asked.root.lower() == check.root,
            _("The root is the one that you noted."),
            _("The root is not the one that you noted."),
        )
    for good, words in check.findings:
        _tell(f"{'✓' if good else '✗'} {words}")
    for note in check.notes:
        _tell(f"? {note}")
    _tell(_("Root of the list: %s") % check.root)
    if not check.step("drawn"):
        _tell(_("This draw has not been drawn yet."))
    if void := check.step("void"):
        _tell(_("This draw was declared void: %s") % void["reason"])
    if asked.entry:
        _tell_entry(check, asked.entry.upper())
    _tell_sample(check, asked.audit)
    _tell(_("Everything holds.") if check.holds else _("Something does not hold."))
    return 0 if check.holds else 1


def _tell_entry(check: Check, entry_id: str) -> None:
    for line in (check.results or b"").decode().splitlines():
        rank, found, score = line.split("|")
        if found == entry_id:
            _tell(
                _("%(entry)s has rank %(rank)s, score %(score)s.")
                % {"entry": found, "rank": rank, "score": score}
            )
            return
    _tell(_("%s is not in the results.") % entry_id)


def _tell_sample(check: Check, count: int) -> None:
    if not count or not check.seed:
        return
    key = bytes.fromhex(check.seed)
    ids = sorted(
        (entry.entry_id for entry in check.entries),
        key=lambda entry_id: sportdraw.audit_score(key, entry_id),
    )
    _tell(_("Entries whose persons an auditor looks up:"))
    for entry_id in ids[:count]:
        _tell(f"  {entry_id}")


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
