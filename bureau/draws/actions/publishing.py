"""Write a file of a draw piece by piece, as its lines come out of the database."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from django.db import connection

from bureau.draws import sportdraw
from bureau.draws.models import Draw, PublishedPart

BATCH = 64  # pieces written in one statement, some 6 MB


class Publisher:
    """Takes pieces of lines, and keeps no more of them than a few."""

    def __init__(self, draw: Draw, name: PublishedPart.Name) -> None:
        self.draw, self.name = draw, name
        self.count = self.weight_sum = 0
        self._hash = sha256()
        self._parts: list[PublishedPart] = []
        self._roots: list[bytes] = []
        self._is_list = name == PublishedPart.Name.ENTRIES

    @property
    def file_hash(self) -> str:
        return self._hash.hexdigest()

    def finish(self) -> bytes:
        """Write what is left; the Merkle root of all lines comes back."""
        self._save_parts()
        return sportdraw.merkle_root(self._roots)

    def write_part(self, lines: Sequence[bytes]) -> None:
        """Add a piece; only the last one of a file may be shorter than the others."""
        body = b"".join(lines)
        root = b""
        fields = lines[0].split(b"|", 2)
        if self._is_list:
            root = sportdraw.merkle_root(map(sportdraw.leaf, lines))
            self.weight_sum += sum(int(line.split(b"|", 2)[1]) for line in lines)
        self._hash.update(body)
        self._roots.append(root)
        self._parts.append(
            PublishedPart(
                draw=self.draw,
                name=self.name,
                position=len(self._roots),
                first=fields[0 if self._is_list else 1].decode(),
                root=root,
                body=body,
            )
        )
        self.count += len(lines)
        if len(self._parts) == BATCH:
            self._save_parts()

    def _save_parts(self) -> None:
        PublishedPart.objects.bulk_create(self._parts)
        self._parts = []


class Batches:
    """Takes a file's lines one by one, and makes pieces of them."""

    def __init__(self, into: Publisher) -> None:
        self._into = into
        self._lines: list[bytes] = []

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        if len(self._lines) == PublishedPart.LINES:
            self.finish()

    def finish(self) -> None:
        """Give on what is left."""
        if self._lines:
            self._into.write_part(self._lines)
            self._lines = []


def publish_lines(sql: str, given: Sequence[Any], into: Publisher) -> None:
    """Send the lines that a query gives, one text column, into a file of a draw.

    A cursor of the server's hands them out by the piece: nobody holds the whole.
    """
    connection.ensure_connection()
    with connection.connection.cursor("draws_lines") as cursor:
        cursor.execute(sql, given)
        while lines := cursor.fetchmany(PublishedPart.LINES):
            into.write_part([f"{line}\n".encode() for (line,) in lines])
