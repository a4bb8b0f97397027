"""`make demo` runs once in a checkout: scripts/demo, in a folder of its own."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parent.parent / "scripts/demo"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".local").mkdir()
    shutil.copy(DEMO, tmp_path / "scripts/demo")
    return tmp_path


def run(checkout: Path, *, port: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(checkout / "scripts/demo")],
        env={"PATH": "/usr/bin:/bin", "PORT": port},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_one_is_refused_in_one_line_and_the_first_stays_known(
    checkout: Path,
) -> None:
    pid_file = checkout / ".local/demo.pid"
    with pid_file.open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        first.write("4711\n")
        first.flush()

        second = run(checkout, port="8001")

        assert second.returncode == 1
        assert second.stderr == (
            "demo: the portal of this checkout is running: "
            "end it with `make stop`, or use a second clone.\n"
        )
        assert pid_file.read_text() == "4711\n"


def test_what_a_killed_one_left_is_no_hindrance(checkout: Path) -> None:
    (checkout / ".local/demo.pid").write_text("4711\n")

    refused = run(checkout, port="none")

    assert "PORT=none is no port" in refused.stderr
