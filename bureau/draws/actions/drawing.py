from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.draws import sportdraw
from bureau.draws.actions.log import locked, write_line
from bureau.draws.actions.publishing import Publisher, publish_lines
from bureau.draws.errors import BeaconsMissing, NotFrozen
from bureau.draws.models import Draw, DrawEntry, Pool, PublishedPart
from bureau.draws.signals import draw_done

# In the order of the keys, which is the order of the rows on the disk: written in the
# order of ranks, each row would be fetched and logged by itself.
# HMAC-SHA-256 from its definition (RFC 2104), since PostgreSQL has SHA-256 and no HMAC:
# the key, padded to a block, XOR 0x5c and 0x36. Scores are compared as bytes, that is,
# as numbers.
_BLOCK = 64
_MAC = (
    "sha256(%(outer)s || sha256(%(inner)s || "
    "convert_to(e.entry_id || '|' || {ticket}, 'UTF8')))"
)
_FIRST, _NTH = _MAC.format(ticket="'0'"), _MAC.format(ticket="n")
_RANK = f"""
    CREATE TEMP TABLE draws_ranked ON COMMIT DROP AS
    WITH scored AS MATERIALIZED (
        SELECT e.id, e.entry_id, e.pool_id, e.group_size,
            CASE WHEN e.weight = 1 THEN {_FIRST}
            ELSE (SELECT {_NTH} FROM generate_series(0, e.weight - 1) AS n
                  ORDER BY 1 LIMIT 1)
            END AS score
        FROM draws_entry e WHERE e.draw_id = %(draw)s
    )
    SELECT id, entry_id, pool_id, group_size, score, row_number() OVER (
        PARTITION BY pool_id ORDER BY score, entry_id COLLATE "C"
    )::int AS rank
    FROM scored ORDER BY id
"""  # noqa: S608 - nothing in it comes from outside
_NOTE = """
    UPDATE draws_entry e SET rank = r.rank, score = encode(r.score, 'hex'),
        outcome = CASE WHEN {won} THEN 'won' ELSE 'waiting' END
    FROM draws_ranked r JOIN draws_pool p ON p.id = r.pool_id
    WHERE e.id = r.id AND e.draw_id = p.draw_id
"""
_LINES = """
    SELECT r.rank || '|' || r.entry_id || '|' || encode(r.score, 'hex')
    FROM draws_ranked r JOIN draws_pool p ON p.id = r.pool_id
    ORDER BY p.prefix COLLATE "C", r.rank
"""
# A million rows are sorted in memory, and no plan of three statements is worth a
# second of compiling.
_ROOM = "SET LOCAL work_mem = '256MB'; SET LOCAL jit = off"


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
    _rank(draw, key)
    results = Publisher(draw, PublishedPart.Name.RESULTS)
    publish_lines(_LINES, [], results)
    results.finish()
    cutoffs = _note_cutoffs(draw)
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


def _rank(draw: Draw, key: bytes) -> None:
    """Give every entry its rank, score and outcome."""
    padded = key.ljust(_BLOCK, b"\x00")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.draws_ranked")
        cursor.execute(_ROOM)
        cursor.execute(
            _RANK,
            {
                "draw": draw.pk,
                "outer": bytes(byte ^ 0x5C for byte in padded),
                "inner": bytes(byte ^ 0x36 for byte in padded),
            },
        )
        cursor.execute("ANALYZE draws_ranked")
        if draw.has_groups:
            cursor.execute(_NOTE.format(won="r.id = ANY(%s)"), [_walk(draw)])
        else:
            cursor.execute(_NOTE.format(won="r.rank <= p.quota"))


def _walk(draw: Draw) -> list[int]:
    """Who wins where groups enter: in order, skipping whom the rest cannot hold."""
    won: list[int] = []
    for pool in draw.pools.all():
        places = pool.quota
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, group_size FROM draws_ranked WHERE pool_id = %s"
                " ORDER BY rank",
                [pool.pk],
            )
            while places and (row := cursor.fetchone()):
                entry, size = row
                if size <= places:
                    places -= size
                    won.append(entry)
    return won


def _note_cutoffs(draw: Draw) -> dict[str, str]:
    """The score of each pool's last winner, kept and returned by prefix."""
    cutoffs = {}
    for pool in draw.pools.order_by("prefix"):
        last = (
            DrawEntry.objects.filter(pool=pool, outcome=DrawEntry.Outcome.WON)
            .order_by("-rank")
            .first()
        )
        cutoffs[pool.prefix] = last.score if last else ""
        Pool.objects.filter(pk=pool.pk).update(cutoff=cutoffs[pool.prefix])
    return cutoffs
