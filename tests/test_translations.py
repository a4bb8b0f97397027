"""Every word that a person can meet is there in Chinese.

English is the source and needs no catalogue. `makemessages` runs on a copy of the
source files, so that a string which nobody has translated yet fails here and not in
front of a citizen.
"""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

import pytest

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("locale/zh_Hans/LC_MESSAGES/django.po")
SOURCES = ("bureau", "venues", "equipment", "events", "vouchers", "safety", "templates")

KEYWORD = re.compile(
    r'(?P<what>msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (?P<text>".*")'
)
PERCENT = re.compile(r"%(?:\(\w+\))?[sdf]")


@dataclass
class Message:
    """One entry of a catalogue; `texts` are its translations."""

    flags: set[str] = field(default_factory=set)
    parts: dict[str, str] = field(default_factory=dict)
    is_obsolete: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.parts.get("msgctxt", ""), self.parts["msgid"]

    @property
    def texts(self) -> list[str]:
        return [text for name, text in self.parts.items() if name.startswith("msgstr")]


def unquoted(text: str) -> str:
    escapes = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
    return re.sub(r"\\(.)", lambda found: escapes[found[1]], text[1:-1])


def message_of(block: str) -> Message:
    message, last = Message(), ""
    for written in block.splitlines():
        message.is_obsolete |= written.startswith("#~")
        line = written.removeprefix("#~ ")
        if line.startswith("#,"):
            message.flags |= {flag.strip() for flag in line[2:].split(",")}
        elif found := KEYWORD.fullmatch(line):
            last = found["what"]
            message.parts[last] = unquoted(found["text"])
        elif line.startswith('"'):
            message.parts[last] += unquoted(line)
    return message


def messages_in(path: Path) -> list[Message]:
    """All entries but the header."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    found = [message_of(block) for block in blocks]
    return [message for message in found if message.parts.get("msgid") != ""]


def names_in(text: str) -> Counter[str]:
    """The placeholders of a text: `%(name)s`, `%s`, and `{n}` for our scripts."""
    percent = PERCENT.findall(text.replace("%%", ""))
    try:
        braces = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError:
        braces = []
    return Counter([*percent, *braces])


@pytest.fixture(scope="module")
def catalogue() -> list[Message]:
    return messages_in(ROOT / CATALOGUE)


@pytest.fixture(scope="module")
def strings_in_the_source(
    tmp_path_factory: pytest.TempPathFactory,
) -> set[tuple[str, str]]:
    copy = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    (copy / "locale").mkdir()
    # The settings of the tests are not in the copy, and makemessages needs none.
    env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(
        [
            sys.executable, "-m", "django", "makemessages", "--locale", "zh_Hans",
            "--no-wrap", "--no-location",
        ],
        cwd=copy, check=True, capture_output=True, timeout=120, env=env,
    )  # fmt: skip
    return {message.key for message in messages_in(copy / CATALOGUE)}


def test_every_string_of_the_source_is_in_the_catalogue(
    catalogue: list[Message], strings_in_the_source: set[tuple[str, str]]
) -> None:
    missing = strings_in_the_source - {message.key for message in catalogue}

    assert not missing, "run makemessages (CONTRIBUTING.md) and translate these"


def test_the_catalogue_has_nothing_that_the_source_does_not_say(
    catalogue: list[Message], strings_in_the_source: set[tuple[str, str]]
) -> None:
    assert not {message.key for message in catalogue} - strings_in_the_source


def test_every_message_is_translated(catalogue: list[Message]) -> None:
    assert catalogue
    assert [m.key for m in catalogue if not m.texts or not all(m.texts)] == []


def test_no_translation_is_a_guess(catalogue: list[Message]) -> None:
    assert [m.key for m in catalogue if "fuzzy" in m.flags] == []


def test_nothing_obsolete_is_left(catalogue: list[Message]) -> None:
    assert [m.key for m in catalogue if m.is_obsolete] == []


def test_no_message_stands_there_twice(catalogue: list[Message]) -> None:
    keys = Counter(message.key for message in catalogue)

    assert [key for key, count in keys.items() if count > 1] == []


def test_placeholders_are_the_same_on_both_sides(catalogue: list[Message]) -> None:
    for message in catalogue:
        source = message.parts.get("msgid_plural", message.parts["msgid"])
        for text in message.texts:
            assert names_in(text) == names_in(source), message.key


def test_tags_are_the_same_on_both_sides(catalogue: list[Message]) -> None:
    tag = re.compile(r"<[^>]+>")
    for message in catalogue:
        for text in message.texts:
            assert tag.findall(text) == tag.findall(message.parts["msgid"]), message.key


def test_people_are_addressed_as_nin(catalogue: list[Message]) -> None:
    assert [m.key for m in catalogue if any("你" in text for text in m.texts)] == []


def test_the_catalogue_compiles(tmp_path: Path) -> None:
    compiled = tmp_path / "django.mo"
    subprocess.run(  # noqa: S603
        ["msgfmt", "--check", "-o", compiled, ROOT / CATALOGUE],  # noqa: S607
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip

    with compiled.open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Book a court") == "一键订场"
