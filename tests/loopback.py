"""A receiver of our own on 127.0.0.1, that does what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Answer = int | Callable[[list[Any]], int]


@dataclass
class Receiver:
    """Answers with the codes in turn, the last one for ever; keeps what it took."""

    address: str = ""
    answers: list[Answer] = field(default_factory=lambda: [200])
    asked: list[list[Any]] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    def answer(self, body: list[Any]) -> int:
        with self.lock:
            self.asked.append(body)
            now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        code = now(body) if callable(now) else now
        if 200 <= code < 300:
            with self.lock:
                self.taken += body
        return code


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Serve until the block ends."""
    mine = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            mine.headers.append(dict(self.headers))
            code = mine.answer(json.loads(self.rfile.read(length)))
            try:
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # who asked has gone: killed, or out of patience

        def log_message(self, *_args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    mine.address = f"http://127.0.0.1:{server.server_port}/batch"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield mine
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
