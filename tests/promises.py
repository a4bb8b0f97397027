"""Every promise of every app, asked of the test's own database."""

from __future__ import annotations

from django.db import connection

from bureau.audit.invariants import Invariant, all_invariants
from bureau.common import clock

# Tests move the clock to and fro; tests/audit/test_prove.py holds this promise alone.
OF_THE_REAL_CLOCK = {"audit.entries_are_not_from_the_future"}


def broken_promises(*, of: str = "") -> list[str]:
    """The names of the promises that do not hold; `of` is the start of a name.

    They are asked at the time of the test, which may have moved its clock: the
    database's own stays where it is, and a test would fail on the day that passes the
    dates in it.
    """
    return [
        invariant.name
        for invariant in all_invariants()
        if invariant.name.startswith(of)
        and invariant.name not in OF_THE_REAL_CLOCK
        and _has_offenders(invariant)
    ]


def _has_offenders(invariant: Invariant) -> bool:
    if invariant.ask:
        return any(True for _row in invariant.ask())
    sql = invariant.sql.replace("%", "%%").replace("now()", "%(now)s::timestamptz")
    with connection.cursor() as cursor:
        cursor.execute(sql, {"now": clock.now()})
        return cursor.fetchone() is not None
