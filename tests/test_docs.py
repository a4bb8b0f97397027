"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.apps import apps
from django.utils import translation

from bureau.accounts.demo import PASSWORD, PEOPLE
from bureau.accounts.models import Role

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
OURS = ("bureau.", "venues", "equipment", "events", "vouchers", "safety")

LINK = re.compile(r"(?:\]\(|(?:src|href)=\")(?P<to>[^)\s\"]+)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.splitlines()]
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    return re.split(r"^#+ ", text.split(f"\n{heading}\n", 1)[1], flags=re.MULTILINE)[0]


def table(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text, headings left out."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    for row, after in pairwise([*rows, ""]):
        if not set(row) <= set("|- :") and not (after and set(after) <= set("|- :")):
            yield [cell.strip() for cell in row.strip("|").split("|")]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def direct_dependencies(name: str) -> set[str]:
    text = (ROOT / name).read_text()
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return {
        re.split(r"[<>=~!]", line)[0]
        for line in lines
        if line and not line.startswith("-")
    }


def test_every_setting_that_is_read_is_in_the_readme_and_no_other() -> None:
    source = (ROOT / "bureau/settings.py").read_text()
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z0-9_]+)\"", source))
    told = {quoted(row[0])[0] for row in table(section(README, "### Settings"))}

    assert told == read


def test_the_readme_tells_each_setting_once_with_its_default() -> None:
    source = (ROOT / "bureau/settings.py").read_text()
    rows = list(table(section(README, "### Settings")))
    told = {quoted(row[0])[0]: row[1] for row in rows}
    # Only literal defaults: the others depend on other settings and are told in words.
    literal = r"env\.\w+\(\s*\"(\w+)\",\s*(?:default=)?(\"[^\"]*\"|\d+|False)\s*\)"

    assert len(told) == len(rows)
    for name, default in re.findall(literal, source):
        value = {"False": "0", '""': "empty"}.get(default, default.strip('"'))
        assert value in told[name], name


def test_every_variable_of_the_containers_is_in_the_readme() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    caddy = (ROOT / "deploy/Caddyfile").read_text()
    read = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose))
    read |= set(re.findall(r"\{\$([A-Z_]+)", caddy))
    told = {
        name
        for heading in ("### Settings", "### Containers")
        for row in table(section(README, heading))
        for name in quoted(row[0])
    }

    assert read <= told


def test_every_make_target_is_in_the_readme_and_no_other() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, flags=re.MULTILINE))
    told = {quoted(row[0])[0].split()[1] for row in table(section(README, "## Try it"))}

    assert told == targets
    for document in documents():
        # `make` in code, followed by a word: a target, wherever it is named.
        for named in re.findall(
            r"(?:`|^    )make ([a-z]+)", document.read_text(), re.MULTILINE
        ):
            assert named in targets, f"{document.name}: make {named}"


def test_the_people_of_the_demonstration_are_in_the_readme() -> None:
    rows = table(section(README, "### Whom to sign in as"))
    told = [(quoted(row[0])[0], row[1], quoted(row[2])[0]) for row in rows]

    with translation.override("en"):
        people = [(who.login, str(who.what), who.first_page) for who in PEOPLE]
    assert told == people
    assert f"`{PASSWORD}`" in README


def test_every_role_is_in_the_readme() -> None:
    told = {
        name for row in table(section(README, "## Roles")) for name in quoted(row[0])
    }

    assert told == set(Role.values)


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_local_link_leads_somewhere(document: Path) -> None:
    for found in LINK.finditer(CODE.sub("", document.read_text())):
        target = unquote(found["to"].split("#")[0])
        if target and not re.match(r"[a-z]+:", target):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_decision_is_listed_in_the_architecture() -> None:
    listed = (ROOT / "docs/architecture.md").read_text()

    for decision in (ROOT / "docs/adr").glob("*.md"):
        assert f"(adr/{decision.name})" in listed


def test_every_direct_dependency_is_explained_and_no_other() -> None:
    text = (ROOT / "docs/dependencies.md").read_text()

    for heading, name in (
        ("## The portal", "requirements.in"),
        ("## Development and tests", "requirements-dev.in"),
    ):
        told = {row[0] for row in table(section(text, heading))}
        assert told == direct_dependencies(name)


def test_the_glossary_has_every_model_and_is_in_order() -> None:
    rows = [row[:2] for row in table((ROOT / "docs/glossary.md").read_text())]
    words = [english for english, _chinese in rows]

    assert words == sorted(words, key=str.casefold)
    assert len(words) == len(set(words))
    with translation.override("en"):
        models = {
            str(model._meta.verbose_name)
            for model in apps.get_models()
            if model.__module__.startswith(OURS)
        }
    assert models <= set(words)
    assert all(re.search(r"[\u4e00-\u9fff]", chinese) for _english, chinese in rows)
