"""A payment provider's server on a local port: real HTTP, locally generated keys."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Keys:
    """One side's RSA key pair."""

    key: rsa.RSAPrivateKey

    @property
    def private_pem(self) -> str:
        return self.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def public_pem(self) -> str:
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(PEM, info).decode()

    def sign(self, text: str) -> str:
        scheme = (padding.PKCS1v15(), hashes.SHA256())
        return b64encode(self.key.sign(text.encode(), *scheme)).decode()


def new_keys() -> Keys:
    return Keys(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Gateway:
    """Answers with `reply`, which a test sets; keeps what it was asked."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    reply: Callable[[Seen], tuple[int, str, dict[str, str]]] | None = None


@contextmanager
def gateway() -> Iterator[Gateway]:
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            seen = Seen(self.command, self.path, dict(self.headers), body)
            state.seen.append(seen)
            assert state.reply is not None
            status, text, headers = state.reply(seen)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
