from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction

from bureau.audit.invariants import Invariant, all_invariants
from bureau.audit.models import IdempotentAnswer, ProofOffence, ProofRun
from bureau.common import clock

SAMPLE = 20
STATEMENT_SECONDS = 60
KEPT_PROOFS = timedelta(days=400)
KEPT_ANSWERS = timedelta(hours=48)


def prove() -> ProofRun:
    """Ask every invariant's question and keep the answers.

    A question that fails is itself an offence: a promise that cannot be checked is not
    kept. Not one transaction: each question sees the data of its own moment, and the
    nightly run holds no snapshot for minutes.
    """
    run = ProofRun.objects.create(started_at=clock.now())
    invariants = all_invariants()
    offences = [found for invariant in invariants if (found := _ask(invariant, run))]
    with transaction.atomic():
        ProofOffence.objects.bulk_create(offences)
        run.finished_at = clock.now()
        run.checked, run.broken = len(invariants), len(offences)
        run.save(update_fields=["finished_at", "checked", "broken"])
    return run


def _ask(invariant: Invariant, run: ProofRun) -> ProofOffence | None:
    offence = ProofOffence(run=run, name=invariant.name, count=0, sample=[])
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            cursor.execute(_counted(invariant.sql))
            rows = cursor.fetchall()
            columns = [column.name for column in cursor.description][:-1]
    except DatabaseError as error:
        offence.error = str(error).strip()
        return offence
    if not rows:
        return None
    offence.count = rows[0][-1]
    offence.sample = [_as_json(columns, row) for row in rows]
    return offence


def _counted(sql: str) -> str:
    # The count is of all offenders, the rows are the first ones.
    return (
        f"SELECT offender.*, count(*) OVER () FROM ({sql.strip().rstrip(';')})"  # noqa: S608 - our own text
        f" AS offender LIMIT {SAMPLE}"
    )


def _as_json(columns: list[str], row: tuple[Any, ...]) -> dict[str, Any]:
    # What JSON cannot say (a range, a point) is shown as text.
    plain = (str, int, float, bool, type(None))
    values = (value if isinstance(value, plain) else str(value) for value in row)
    return dict(zip(columns, values, strict=False))


@transaction.atomic
def forget_old_proofs() -> int:
    """Drop proofs older than thirteen months; how many rows went comes back."""
    old = ProofRun.objects.started_before(clock.now() - KEPT_PROOFS)
    return old.delete()[0]


@transaction.atomic
def forget_old_answers() -> int:
    """Drop stored answers after 48 hours; how many went comes back."""
    old = IdempotentAnswer.objects.given_before(clock.now() - KEPT_ANSWERS)
    return old.delete()[0]
