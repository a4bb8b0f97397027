"""Several jobs at the same moment, each in a thread and on a connection of its own.

No test may wait for ever: every job is given `SECONDS`, and whoever still hangs after
them is left behind in a daemon thread, so that not even the end of the run waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from threading import Barrier, Thread
from time import monotonic
from typing import Any

from django.db import connection

from bureau.common.errors import DomainError

SECONDS = 60  # fifty buyers on a busy machine took eight


class StillRunning(AssertionError):
    """A job has not come to its end in time: most likely it waits for a lock."""


def at_once(*jobs: Callable[[], Any], seconds: float = SECONDS) -> list[Any]:
    """Start the jobs together; their answers in order, a refusal being an answer.

    Any other error is raised here, when all jobs are done.
    """
    start = Barrier(len(jobs), timeout=seconds)
    answers: list[Any] = [None] * len(jobs)
    errors: list[BaseException] = []

    def run(place: int, job: Callable[[], Any]) -> None:
        try:
            start.wait()
            answers[place] = job()
        except DomainError as refusal:
            answers[place] = refusal
        except BaseException as error:  # noqa: BLE001 - raised again, in the test
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=one, daemon=True) for one in enumerate(jobs)]
    for thread in threads:
        thread.start()
    until = monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))
    if errors:
        raise errors[0]
    if late := sum(thread.is_alive() for thread in threads):
        raise StillRunning(f"{late} of {len(jobs)} jobs after {seconds} s")
    return answers


def outcomes(answers: Iterable[Any]) -> Counter[str]:
    """How many were `done`, and how many were refused, by the code of the refusal."""
    return Counter(
        one.code if isinstance(one, DomainError) else "done" for one in answers
    )
