from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from bureau.draws import actions, queries, verify
from bureau.draws.actions import BeaconName, PoolPlan
from bureau.draws.models import Draw
from tests.draws import make as made

pytestmark = pytest.mark.django_db


def saved(draw: Draw, folder: Path) -> Path:
    for file in queries.files_of(draw):
        text = b"".join(queries.published_bytes(draw, file.name))
        (folder / file.name).write_bytes(text)
    return folder


@pytest.fixture
def draw() -> Draw:
    draw = made.draw(
        pools=[PoolPlan("A", "Morning", 3), PoolPlan("B", "Evening", 4)], groups=True
    )
    for n in range(20):
        made.entry(draw, pool="AB"[n % 2], weight=n % 10 + 1, group_size=n % 3 + 1)
    made.freeze(draw)
    made.read(draw)
    return made.run(draw)


def verdict(folder: Path, capsys: pytest.CaptureFixture[str], *given: str) -> str:
    code = verify.main([str(folder), "--lang", "en", *given])
    return f"{code} {capsys.readouterr().out}"


def test_it_runs_on_a_bare_python(draw: Draw, tmp_path: Path) -> None:
    """No Django, no packages, and from another place than ours."""
    program = ["-m", "bureau.draws.verify", str(saved(draw, tmp_path)), "--lang", "en"]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", BARE, *program[2:]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert "✗" not in done.stdout
    assert done.stdout.rstrip().endswith("Everything holds.")


# -I -S leave site-packages out, and the current folder; only our source is added.
BARE = f"""
import runpy, sys
sys.path.append({str(settings.BASE_DIR)!r})
sys.argv = ["verify", *sys.argv[1:]]
runpy.run_module("bureau.draws.verify", run_name="__main__")
"""


def test_a_draw_before_its_time_holds_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = verdict(saved(made.frozen(), tmp_path), capsys)

    assert told.startswith("0 ")
    assert "has not been drawn yet" in told


def test_it_tells_the_root_the_rank_and_the_sample(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = draw.entries.order_by("rank", "pk")[0]
    folder = saved(draw, tmp_path)
    told = verdict(
        folder, capsys, "--root", draw.root, "--entry", entry.entry_id, "--audit", "3"
    )

    assert told.startswith("0 ")
    assert "the one that you noted" in told
    assert f"{entry.entry_id} has rank 1, score {entry.score}." in told
    for sample in queries.audit_sample(draw, 3):
        assert f"  {sample.entry.entry_id}\n" in told
    assert verdict(folder, capsys, "--root", "00").startswith("1 ")


def test_a_void_draw_says_so(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    actions.void_draw(draw=draw, reason="Read wrongly", by=None)

    assert "declared void: Read wrongly" in verdict(saved(draw, tmp_path), capsys)


def test_drand_is_checked_by_its_signature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = made.of_round_1000()
    actions.note_drand(
        beacon=draw.beacons.get(), signature=made.SIGNATURE, at=draw.draws_at
    )
    folder = saved(made.run(draw), tmp_path)
    said = verdict(folder, capsys)
    assert said.startswith("0 ")
    assert "✓ Round 1000 of drand is signed by drand's network." in said

    log = folder / "log.jsonl"
    log.write_text(log.read_text().replace(made.SIGNATURE, "cd" * 48))
    said = verdict(folder, capsys)
    assert "none that this source can have" in said
    assert "✗ Round 1000 of drand is not signed by drand's network." in said


def test_a_value_without_a_signature_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = made.frozen(beacons=[BeaconName("drand-quicknet")])
    made.read(draw)
    said = verdict(saved(made.run(draw), tmp_path), capsys)
    assert said.startswith("0 ")
    assert "? Round " in said
    assert "noted without its signature" in said


TOUCHES = {
    "quota": ("rules.json", '"quota":3', '"quota":9', "The rules are not the ones"),
    "weight": ("entries.csv", "|1|", "|2|", "The list is not the one that was frozen"),
    "rank": ("results.csv", "1|A", "2|A", "ranks or scores are not as published"),
    "step": ("log.jsonl", '"step":"frozen"', '"step":"Frozen"', "The log was changed"),
    "value": (
        "log.jsonl",
        "fc-3d:2026001:3,8,0",
        "fc-3d:2026001:3,8,1",
        "does not follow",
    ),
    "issue": ("log.jsonl", "fc-3d:2026001", "fc-3d:2026002", "does not come from"),
}


@pytest.mark.parametrize("touch", TOUCHES)
def test_whatever_is_touched_is_noticed(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str], touch: str
) -> None:
    name, old, new, words = TOUCHES[touch]
    folder = saved(draw, tmp_path)
    file = folder / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))

    told = verdict(folder, capsys)
    assert told.startswith("1 ")
    assert words in told


def test_an_entry_left_out_or_put_in_is_noticed(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(draw, tmp_path)
    file = folder / "entries.csv"
    lines = file.read_text().splitlines(keepends=True)

    file.write_text("".join(lines[1:]))
    assert verdict(folder, capsys).startswith("1 ")
    ghost = f"AG01{'0' * 16}|1|{'0' * 64}\n"
    file.write_text("".join(sorted([ghost, *lines])))
    assert verdict(folder, capsys).startswith("1 ")


def test_a_file_that_is_missing_is_named(
    draw: Draw, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(draw, tmp_path)
    (folder / "results.csv").unlink()

    assert verdict(folder, capsys) == "2 results.csv is missing.\n"
