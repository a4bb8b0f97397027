"""A connection to PostgreSQL that answered a moment ago is not asked whether it lives.

Django asks once a request (CONN_HEALTH_CHECKS), which is a question of its own. Where
thousands come in a second, that is one for each of them; here it is one a second.
"""

from __future__ import annotations

from threading import local
from time import monotonic

from django.db import connection

TRUSTED_SECONDS = 1.0

_answered = local()


def trust_connection() -> None:
    """Spare this request the question, where this thread was answered within a second.

    Where the session has died in between, what is done next fails as it does when it
    dies in the middle of it. So who calls this is ready for that.
    """
    if monotonic() - getattr(_answered, "at", -TRUSTED_SECONDS) < TRUSTED_SECONDS:
        connection.health_check_done = True  # type: ignore[attr-defined]


def note_answer() -> None:
    """PostgreSQL has just answered this thread."""
    _answered.at = monotonic()
