"""Eight workers sweep the same deadlines."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import models

from bureau.accounts.models import User
from bureau.common import clock
from bureau.workdays import actions, signals
from bureau.workdays.models import Deadline, DeadlineEvent, Rule, Unit
from bureau.workdays.querysets import DeadlineQuerySet
from tests import make
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 8
DEADLINES = 12
RULE = Rule("tests.sweep", 1, Unit.HOURS, 1, warn_hours=1, escalate_hours=1)


def overdue_ones() -> None:
    start = clock.now() - timedelta(days=1)
    for _number in range(DEADLINES):
        actions.set_deadline(subject=make.user(), rule=RULE, start_at=start, by=None)


def sweep_together() -> tuple[int, list[Any]]:
    heard: list[Any] = []

    def hear(sender: Any, *, deadline: Deadline, what: str, **_kwargs: Any) -> None:
        heard.append((deadline.pk, what))

    signals.deadline_reached.connect(hear)
    try:
        return sum(at_once(*[actions.tick_deadlines] * WORKERS)), heard
    finally:
        signals.deadline_reached.disconnect(hear)


def test_eight_workers_tell_each_step_once() -> None:
    overdue_ones()
    told, heard = sweep_together()

    assert told == DEADLINES * 3
    assert len(heard) == len(set(heard)) == DEADLINES * 3
    assert DeadlineEvent.objects.filter(what="overdue").count() == DEADLINES
    assert not Deadline.objects.to_change_at(clock.now()).exists()


def test_control_without_the_condition_steps_are_told_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overdue_ones()
    # The guard off: the update asks for nothing but the row, and the events' unique
    # constraint, which would catch the second telling, is silent.
    pause = Barrier(2, timeout=10)
    told: list[str] = []
    deadline = Deadline.objects.order_by("pk")[0]

    def update_anyway(self: DeadlineQuerySet, **values: Any) -> int:
        pause.wait()
        rows = Deadline.objects.filter(pk=deadline.pk)
        return int(models.QuerySet.update(rows, **values))

    def note(*_args: Any, **_kwargs: Any) -> None:
        told.append("told")

    monkeypatch.setattr(DeadlineQuerySet, "update", update_anyway)
    monkeypatch.setattr(actions, "_note", note)
    now = clock.now()

    assert at_once(*[partial(actions._tell, deadline.pk, now)] * 2) == [1, 1]
    assert len(told) == 2


def test_an_extension_and_the_sweep_do_not_undo_each_other(citizen: User) -> None:
    boss, clerk = make.user(), make.user()
    start = clock.now() - timedelta(hours=2)
    deadline = actions.set_deadline(subject=citizen, rule=RULE, start_at=start, by=None)

    def extend() -> None:
        actions.extend_deadline(
            deadline_id=deadline.pk, amount=9, reason="x", by=clerk, approver=boss
        )

    at_once(extend, actions.tick_deadlines)
    deadline.refresh_from_db()
    assert deadline.due_at == start + timedelta(hours=10)
    assert deadline.overdue_at is None
    assert deadline.next_change_at == deadline.due_at - timedelta(hours=1)
