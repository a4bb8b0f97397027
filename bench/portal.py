"""A whole portal of our own: private servers, private database, private ports."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"

WEB = (
    "granian --interface wsgi --host {host} --port {port} --workers 2"
    " --blocking-threads 4 --backlog 2048 --respawn-failed-workers --no-ws"
    " --log-level warning bureau.wsgi:application"
)
WORKER = (
    "celery -A bureau worker --concurrency 2 --loglevel WARNING"
    " --without-gossip --without-mingle"
)
BEAT = "celery -A bureau beat --loglevel WARNING --schedule {scratch}/beat"


class CannotStart(Exception):
    """What a person has to do before this can run."""


@dataclass
class Portal:
    """Servers, settings and processes of one run."""

    instance: str
    scratch: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def services(self, command: str, *options: str) -> str:
        done = subprocess.run(
            [
                str(ROOT / "scripts/services"),
                command,
                "--instance",
                self.instance,
                *options,
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise CannotStart(done.stderr.strip())
        return done.stdout

    def server_pids(self) -> dict[str, int]:
        """The process ids of PostgreSQL and Redis, where they run."""
        words = (line.split() for line in self.services("status").splitlines())
        return {name: int(pid) for name, pid in words if pid.isdigit()}

    def configure(self, settings: str) -> None:
        """Put the settings of this run into our own environment, and start Django.

        As in production: no debugging, real static files, real Redis, real keys. Only
        the cashier is the sandbox.
        """
        for line in self.services("env").splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            os.environ[name] = shlex.split(value)[0]
        seal = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        os.environ.update(
            {
                "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
                "PYTHONUNBUFFERED": "1",
                "DJANGO_SETTINGS_MODULE": settings,
                "BUREAU_SECRET_KEY": secrets.token_urlsafe(50),
                "BUREAU_FINGERPRINT_KEY": secrets.token_urlsafe(32),
                "BUREAU_SANDBOX_KEY": secrets.token_urlsafe(32),
                "BUREAU_SEAL_KEYS": seal,
                "BUREAU_DEMO": "0",
                "BUREAU_DEBUG": "0",
                "BUREAU_PUBLIC_URL": self.url,
                "BUREAU_PAYMENT_PROVIDERS": "sandbox",
                "BUREAU_SMS_SENDER": "console",
                "BUREAU_LOG_LEVEL": "ERROR",
                "BUREAU_MEDIA_ROOT": str(self.scratch / "media"),
                "BUREAU_STATIC_ROOT": str(ROOT / ".local" / "static"),
            }
        )
        import django  # noqa: PLC0415  # only now is there an environment to read

        django.setup()

    def start(self, name: str) -> None:
        """Start `web`, `worker` or `beat`, with a log in the scratch folder."""
        line = {"web": WEB, "worker": WORKER, "beat": BEAT}[name]
        words = line.format(host=HOST, port=self.port, scratch=self.scratch).split()
        # The web server brings its workers back by itself.
        again = [] if name == "web" else [str(ROOT / "scripts/again")]
        with (self.scratch / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*again, sys.executable, "-m", *words],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """`kill -9` a process of ours and the children it made."""
        process = self.processes.pop(name)
        for pid in [*descendants(process.pid), process.pid]:
            _signal(pid, signal.SIGKILL)
        process.wait(20)

    def wait_until_ready(self, path: str = "/readyz", patience: float = 60) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > until:
                raise CannotStart(
                    f"the web server does not answer {path}: {self.last_words('web')}"
                )
            time.sleep(0.1)

    def last_words(self, name: str) -> str:
        log = self.scratch / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return lines[-1] if lines else "it wrote nothing"

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in [*descendants(process.pid), process.pid]:
                    _signal(pid, signal.SIGKILL)
        self.processes.clear()


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def descendants(pid: int) -> Iterator[int]:
    """The children of a process, and theirs, as the kernel lists them."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in map(int, listed.split()):
        yield from descendants(child)
        yield child


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def new_portal(instance: str) -> Portal:
    """Fresh servers: what an earlier run left in this instance is dropped."""
    scratch = Path(tempfile.mkdtemp(prefix=f"sports-bureau-{instance}-"))
    portal = Portal(instance, scratch, free_port())
    portal.services("reset")
    portal.services("start")
    return portal
