"""scripts/services gives every checkout servers of its own, whatever happened before.

Each test works on a copy of scripts/ in a folder of its own; everything that it starts
is dropped at its end.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
import redis

ROOT = Path(__file__).resolve().parent.parent
GIVEN = {"DATABASE_URL", "REDIS_URL"}


@dataclass(frozen=True)
class Checkout:
    """A folder with scripts/ in it."""

    path: Path

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in GIVEN}
        return subprocess.run(
            [str(self.path / "scripts/services"), *words],
            env=clean | env,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def start(self, *options: str) -> None:
        done = self.run("start", *options)
        assert done.returncode == 0, done.stderr

    def env(self, **env: str) -> dict[str, str]:
        lines = self.run("env", **env).stdout.splitlines()
        pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
        return {name: shlex.split(value)[0] for name, value in pairs}

    def sockets(self) -> str:
        return self.env()["DATABASE_URL"].split("?host=")[1]

    def ask(self, sql: str) -> str:
        """The first column of the first row, if there is any."""
        connection = psycopg2.connect(
            host=self.sockets(), user="bureau", dbname="bureau"
        )
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return str(cursor.fetchone()[0]) if cursor.description else ""
        finally:
            connection.close()

    def redis_answers(self) -> bool:
        client = redis.Redis(unix_socket_path=f"{self.sockets()}/redis.sock")
        try:
            return bool(client.ping())
        finally:
            client.close()

    def pids(self) -> list[int]:
        words = (line.split() for line in self.run("status").stdout.splitlines())
        return [int(word) for _name, word in words if word.isdigit()]


@pytest.fixture
def new_checkout(tmp_path: Path) -> Iterator[Callable[..., Checkout]]:
    made: list[Checkout] = []

    def make(name: str = "checkout", *, copy_of: Checkout | None = None) -> Checkout:
        path = tmp_path / name
        source = copy_of.path if copy_of else ROOT
        path.mkdir(parents=True)
        shutil.copytree(source / "scripts", path / "scripts")
        if copy_of:
            (path / ".local").mkdir()
            shutil.copy(source / ".local/checkout", path / ".local")
        made.append(Checkout(path))
        return made[-1]

    yield make
    for checkout in made:
        if checkout.path.exists():
            checkout.run("reset", "--all")


def test_starts_both_on_sockets_only(new_checkout: Callable[..., Checkout]) -> None:
    checkout = new_checkout()
    checkout.start("--fast")
    assert checkout.ask("SHOW listen_addresses") == ""
    assert checkout.ask("CREATE EXTENSION postgis; SELECT postgis_version()")
    assert checkout.redis_answers()


def test_started_twice_keeps_what_runs(new_checkout: Callable[..., Checkout]) -> None:
    checkout = new_checkout()
    checkout.start("--fast")
    before = checkout.pids()
    checkout.start("--fast")
    assert checkout.pids() == before


def test_a_stop_keeps_the_data_and_a_reset_drops_it(
    new_checkout: Callable[..., Checkout],
) -> None:
    checkout = new_checkout()
    checkout.start("--fast")
    checkout.ask("CREATE TABLE kept (n int)")
    checkout.run("stop")
    assert checkout.pids() == []
    checkout.start("--fast")
    assert checkout.ask("SELECT to_regclass('kept')") == "kept"
    checkout.run("reset")
    checkout.start("--fast")
    assert checkout.ask("SELECT to_regclass('kept')") == "None"


def test_a_cluster_left_by_kill_9_starts_again(
    new_checkout: Callable[..., Checkout],
) -> None:
    checkout = new_checkout()
    checkout.start()  # durable: --fast may lose what was just written
    checkout.ask("CREATE TABLE kept AS SELECT 1 AS n")
    for pid in checkout.pids():
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while checkout.pids() and time.monotonic() < until:
        time.sleep(0.05)
    checkout.start()
    assert checkout.ask("SELECT n FROM kept") == "1"
    assert checkout.redis_answers()


def test_a_path_may_be_longer_than_a_socket_name(
    new_checkout: Callable[..., Checkout],
) -> None:
    checkout = new_checkout("/".join(["long folder " + "x" * 60] * 3))
    checkout.start("--fast")
    assert len(f"{checkout.sockets()}/.s.PGSQL.5432") < 108
    assert checkout.ask("SELECT 1") == "1"


def test_two_clones_have_servers_of_their_own(
    new_checkout: Callable[..., Checkout],
) -> None:
    one, other = new_checkout("one"), new_checkout("other")
    one.start("--fast")
    other.start("--fast")
    one.ask("CREATE TABLE mine (n int)")
    assert other.ask("SELECT to_regclass('mine')") == "None"
    assert not set(one.pids()) & set(other.pids())


def test_a_copied_checkout_does_not_share(
    new_checkout: Callable[..., Checkout],
) -> None:
    original = new_checkout()
    original.start("--fast")
    copy = new_checkout("copy", copy_of=original)
    copy.start("--fast")
    assert copy.sockets() != original.sockets()


def test_a_moved_checkout_keeps_its_data(
    new_checkout: Callable[..., Checkout], tmp_path: Path
) -> None:
    before = new_checkout("before")
    before.start("--fast")
    before.ask("CREATE TABLE kept (n int)")
    before.run("stop")
    shutil.move(before.path, tmp_path / "after")
    after = Checkout(tmp_path / "after")
    try:
        after.start("--fast")
        assert after.ask("SELECT to_regclass('kept')") == "kept"
    finally:
        after.run("reset", "--all")


def test_given_servers_are_used_as_they_are(
    new_checkout: Callable[..., Checkout],
) -> None:
    checkout = new_checkout()
    given = {"DATABASE_URL": "postgis://u@h/d", "REDIS_URL": "redis://h:6379"}
    assert checkout.run("start", **given).returncode == 0
    assert checkout.env(**given) == given
    assert checkout.pids() == []


def test_a_full_disk_is_one_line_that_says_what_to_do(
    new_checkout: Callable[..., Checkout], tmp_path: Path
) -> None:
    checkout = new_checkout()
    tools = tmp_path / "tools"
    tools.mkdir()
    df = tools / "df"
    df.write_text("#!/bin/sh\necho header\necho /dev/vda 1000 999 1 99% /\n")
    df.chmod(0o755)
    done = checkout.run("start", PATH=f"{tools}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is full: 1 MB free" in done.stderr
    assert checkout.pids() == []


def test_a_taken_port_is_one_line_that_says_what_to_do(
    new_checkout: Callable[..., Checkout],
) -> None:
    checkout = new_checkout()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            ["python3", str(checkout.path / "scripts/demo")],
            env=os.environ | {"PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"Port {port} is in use" in done.stderr
    assert checkout.pids() == []
