from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO

from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.draws import sportdraw
from bureau.draws.actions.log import locked, write_line
from bureau.draws.actions.publishing import Batches, Publisher
from bureau.draws.errors import BeaconsMissing, NotFrozen
from bureau.draws.models import Draw, Pool, PublishedPart
from bureau.draws.signals import draw_done

_SCORE = 32  # bytes
_PLACE = 4  # bytes of an entry's place among those that were read
_PIECE = 5000  # rows sent to PostgreSQL at a time
_READ = """
    COPY (SELECT id, entry_id, weight, group_size FROM draws_entry
           WHERE draw_id = {draw:d} AND pool_id = {pool:d}) TO STDOUT
"""
_RANKED = """
    DROP TABLE IF EXISTS pg_temp.draws_ranked;
    CREATE TEMP TABLE draws_ranked (id bigint, rank int, score text, won boolean)
        ON COMMIT DROP
"""
# The entries are read from the disk in their order there, and looked up in the ranks:
# the other way round each would be fetched and logged by itself.
_NOTE = """
    SET LOCAL work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL enable_mergejoin = off;
    ANALYZE draws_ranked;
    UPDATE draws_entry e SET rank = r.rank, score = r.score,
        outcome = CASE WHEN r.won THEN 'won' ELSE 'waiting' END
    FROM draws_ranked r WHERE e.id = r.id AND e.draw_id = %s
"""


@transaction.atomic
def run_draw(*, draw: Draw, by: User | None = None, at: datetime | None = None) -> Draw:
    """Compute and publish the result, once all randomness is known.

    All of it is one transaction: what was interrupted has not happened, and is done
    again with the same result, as nothing in it is left to chance. A draw that has
    been drawn comes back unchanged. Raises `NotFrozen`, `BeaconsMissing`.
    """
    at = at or clock.now()
    draw = locked(draw)
    if draw.state == Draw.State.DRAWN:
        return draw
    if draw.state != Draw.State.FROZEN:
        raise NotFrozen
    beacons = list(draw.beacons.order_by("position"))
    if not beacons or any(beacon.known_at is None for beacon in beacons):
        raise BeaconsMissing
    key = sportdraw.seed(
        draw_id=draw.draw_id,
        root=draw.root,
        rules_hash=draw.rules_hash,
        beacons=[beacon.line for beacon in beacons],
    )
    results = Publisher(draw, PublishedPart.Name.RESULTS)
    cutoffs = _rank(draw, key, results)
    results.finish()
    draw.seed, draw.results_hash = key.hex(), results.file_hash
    draw.drawn_at, draw.state = at, Draw.State.DRAWN
    draw.save(update_fields=["seed", "results_hash", "drawn_at", "state"])
    write_line(
        draw=draw,
        step="drawn",
        at=at,
        detail={
            "seed": draw.seed,
            "results_hash": draw.results_hash,
            "cutoffs": cutoffs,
        },
    )
    record("draws.draw.drawn", subject=draw, by=by, at=at)
    draw_done.send(sender=Draw, draw=draw)
    return draw


def _rank(draw: Draw, key: bytes, results: Publisher) -> dict[str, str]:
    """Give every entry its rank, score and outcome, and publish them.

    The score of each pool's last winner comes back, by the pool's prefix.
    """
    score_of = sportdraw.scorer(key)
    lines = Batches(results)
    cutoffs = {}
    with connection.cursor() as cursor:
        cursor.execute(_RANKED)
    pools = sorted(draw.pools.all(), key=lambda pool: pool.prefix.encode())
    for pool in pools:
        standing = _Standing(pool, score_of)
        cutoffs[pool.prefix] = standing.walk(lines)
        standing.send()
        Pool.objects.filter(pk=pool.pk).update(cutoff=cutoffs[pool.prefix])
    lines.finish()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [draw.pk])
    return cutoffs


class _Standing:
    """The entries of one pool. Of a million only some hundred bytes each are kept.

    Each is known by its place in the order in which it was read.
    """

    def __init__(self, pool: Pool, score_of: Callable[[bytes, int], bytes]) -> None:
        self._quota = pool.quota
        self._ids, self._sizes = array("q"), array("B")
        self._scores = bytearray()
        # score, id and place in one: so they are sorted by score, and then by id.
        self._order: list[bytes] = []
        for place, line in enumerate(_entries_of(pool)):
            pk, entry_id, weight, size = line.split(b"\t")
            score = score_of(entry_id, int(weight))
            self._ids.append(int(pk))
            self._sizes.append(int(size))
            self._scores += score
            self._order.append(score + entry_id + place.to_bytes(_PLACE, "big"))
        self._order.sort()
        self._ranks = array("I", bytes(4 * len(self._order)))
        self._won = bytearray(len(self._order))

    def walk(self, lines: Batches) -> str:
        """Rank all, publish them, and find who won; the score of the last winner.

        A group that needs more places than are left is skipped.
        """
        places, cutoff = self._quota, ""
        for rank, packed in enumerate(self._order, start=1):
            place = int.from_bytes(packed[-_PLACE:], "big")
            score = packed[:_SCORE].hex()
            self._ranks[place] = rank
            if self._sizes[place] <= places:
                places -= self._sizes[place]
                self._won[place] = True
                cutoff = score
            lines.add(f"{rank}|{packed[_SCORE:-_PLACE].decode()}|{score}\n".encode())
        self._order.clear()
        return cutoff

    def send(self) -> None:
        """Give ranks, scores and winners to PostgreSQL, in the order of its rows."""
        connection.ensure_connection()
        with connection.connection.cursor() as cursor:
            cursor.copy_expert("COPY pg_temp.draws_ranked FROM STDIN", _Pieces(self))

    def pieces(self) -> Iterator[bytes]:
        for first in range(0, len(self._ids), _PIECE):
            yield "".join(
                f"{self._ids[n]}\t{self._ranks[n]}"
                f"\t{self._scores[n * _SCORE : (n + 1) * _SCORE].hex()}"
                f"\t{self._won[n]}\n"
                for n in range(first, min(first + _PIECE, len(self._ids)))
            ).encode()


class _Pieces:
    """What `copy_expert` reads from, a piece at a time whatever size it asks for."""

    def __init__(self, standing: _Standing) -> None:
        self._left = standing.pieces()

    def read(self, _size: int = -1) -> bytes:
        return next(self._left, b"")


def _entries_of(pool: Pool) -> Iterator[bytes]:
    """A pool's entries as lines of id, number, weight and size, with tabs between."""
    read = BytesIO()
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(_READ.format(draw=pool.draw_id, pool=pool.pk), read)
    read.seek(0)
    return iter(read)
