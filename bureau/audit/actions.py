from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction

from bureau.accounts.models import User
from bureau.audit.errors import IdempotencyKeyBusy, IdempotencyKeyReused
from bureau.audit.invariants import Invariant, all_invariants
from bureau.audit.models import IdempotentAnswer, ProofOffence, ProofRun
from bureau.common import clock
from bureau.common.db import constraint_errors

SAMPLE = 20
STATEMENT_SECONDS = 60
KEPT_PROOFS = timedelta(days=400)
KEPT_ANSWERS = timedelta(hours=48)
TWIN_SECONDS = 10
LOCK_NOT_AVAILABLE = "55P03"


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
            if invariant.ask:
                found = list(invariant.ask())
                columns = list(found[0]) if found else []
                rows = [(*one.values(), len(found)) for one in found[:SAMPLE]]
            else:
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


@dataclass(frozen=True)
class Answer:
    """What a request was answered; `body` is plain JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    is_replay: bool = False

    @property
    def is_final(self) -> bool:
        """Whether a repetition would be told the same: no breakdown, no "try later"."""
        return self.status < 500 and self.status != 429


def answer_once(
    *,
    user: User,
    key: str,
    method: str,
    path: str,
    fingerprint: str,
    work: Callable[[], Answer],
) -> Answer:
    """Do the work of a request once for a person's key; repetitions get its answer.

    The key's row and the work share one transaction, so that after a crash there is
    either both or neither. A twin waits at the unique constraint until the first has
    ended. `work` undoes its own writes when it refuses (a savepoint).

    Raises `IdempotencyKeyReused` when the key belongs to another request, and
    `IdempotencyKeyBusy` when the twin takes longer than 10 seconds.
    """
    with transaction.atomic():
        row = IdempotentAnswer(
            user=user,
            key=key,
            method=method,
            path=path[:512],
            fingerprint=fingerprint,
            created_at=clock.now(),
        )
        try:
            _insert_or_wait(row)
        except _Repeated:
            return _stored(row)
        answer = work()
        if answer.is_final:
            row.status, row.body, row.headers = (
                answer.status,
                answer.body,
                answer.headers,
            )
            row.save(update_fields=["status", "body", "headers"])
        else:
            row.delete()
    return answer


class _Repeated(IdempotencyKeyReused):
    """The key is taken; whether by the same request is seen next."""


def _insert_or_wait(row: IdempotentAnswer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before = cursor.fetchone()[0]
        cursor.execute(f"SET LOCAL lock_timeout = '{TWIN_SECONDS}s'")
        try:
            with constraint_errors(audit_idempotentanswer_one_per_key=_Repeated):
                row.save(force_insert=True)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", "") != LOCK_NOT_AVAILABLE:
                raise
            raise IdempotencyKeyBusy from error
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])


def _stored(asked: IdempotentAnswer) -> Answer:
    first = IdempotentAnswer.objects.filter(user=asked.user, key=asked.key).first()
    if first is None:
        # The first was cleaned away between our two questions.
        raise IdempotencyKeyBusy
    same = (first.method, first.path, first.fingerprint)
    if same != (asked.method, asked.path, asked.fingerprint):
        raise IdempotencyKeyReused
    return Answer(first.status, first.body, first.headers, is_replay=True)
