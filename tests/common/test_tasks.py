"""What is committed stays committed, whether or not a worker can be told."""

from __future__ import annotations

import pytest
from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from bureau.common.tasks import after_commit

pytestmark = pytest.mark.django_db(transaction=True)

heard: list[str] = []


@shared_task
def unheard() -> None:
    """Fails where a broker that is away fails: while it is queued."""
    raise OperationalError("the broker is away")


@shared_task
def hear(word: str) -> None:
    heard.append(word)


@pytest.fixture(autouse=True)
def _silence() -> None:
    heard.clear()


def test_a_task_is_queued_after_the_commit_and_not_before() -> None:
    with transaction.atomic():
        after_commit(hear, word="done")
        assert heard == []

    assert heard == ["done"]


def test_a_task_that_cannot_be_queued_is_logged_and_not_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with transaction.atomic():
        after_commit(unheard)

    assert "the broker is away" in caplog.text


def test_a_task_that_cannot_be_queued_does_not_keep_the_next_from_it() -> None:
    with transaction.atomic():
        after_commit(unheard)
        after_commit(hear, word="next")

    assert heard == ["next"]
