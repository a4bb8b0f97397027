"""Many clients at one moment: all are connected before the first byte is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.wrk import Request

PATIENCE = 60


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    seconds: float


def rush(host: str, port: int, requests: Sequence[Request]) -> list[Answer]:
    """Send all requests at once, each on a connection of its own."""
    return asyncio.run(_rush(host, port, requests))


async def _rush(host: str, port: int, requests: Sequence[Request]) -> list[Answer]:
    pipes = [await asyncio.open_connection(host, port) for _ in requests]
    start = asyncio.Event()

    async def client(number: int) -> Answer:
        reader, writer = pipes[number]
        await start.wait()
        began = time.perf_counter()
        writer.write(as_bytes(host, port, requests[number]))
        raw = await reader.read()  # the server closes: `Connection: close`
        took = time.perf_counter() - began
        writer.close()
        return answer_of(raw, took)

    clients = [asyncio.create_task(client(n)) for n in range(len(requests))]
    await asyncio.sleep(0)
    start.set()
    return list(await asyncio.wait_for(asyncio.gather(*clients), PATIENCE))


def as_bytes(host: str, port: int, request: Request) -> bytes:
    body = request.body.encode()
    head = [
        f"{request.method} {request.path} HTTP/1.1",
        f"Host: {host}:{port}",
        f"Cookie: {request.cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def answer_of(raw: bytes, seconds: float = 0) -> Answer:
    """An answer that never came counts as 599: worse than any error of the server."""
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    words = head[0].split()
    location = next(
        (line[9:].strip() for line in head if line.lower().startswith("location:")), ""
    )
    return Answer(int(words[1]) if len(words) > 1 else 599, location, seconds)
