from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bureau.accounts.models import User
from bureau.common.clock import CHINA
from bureau.workdays import actions, signals
from bureau.workdays.errors import (
    AnotherMustApprove,
    DeadlineAlreadySet,
    DeadlineClosed,
    DeadlineOver,
    DeadlinePaused,
    DeadlineRunning,
    ReasonMissing,
)
from bureau.workdays.models import Deadline, DeadlineEvent, Rule, Unit
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]

RULE = Rule("tests.fix", 1, Unit.WORKDAYS, 5, warn_hours=24, escalate_hours=48)
START = datetime(2025, 9, 22, 10, tzinfo=CHINA)  # a Monday
DUE = datetime(2025, 9, 29, tzinfo=CHINA)  # Friday and the worked Sunday count


@pytest.fixture
def clerk() -> User:
    return make.user(is_staff=True)


@pytest.fixture
def boss() -> User:
    return make.user(is_staff=True)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def deadline(clock: Any, citizen: User, clerk: User) -> Deadline:
    return actions.set_deadline(subject=citizen, rule=RULE, start_at=START, by=clerk)


@pytest.fixture
def told() -> Iterator[list[str]]:
    heard: list[str] = []

    def hear(sender: Any, *, what: str, **_kwargs: Any) -> None:
        heard.append(what)

    signals.deadline_reached.connect(hear)
    yield heard
    signals.deadline_reached.disconnect(hear)


def whats(deadline: Deadline) -> list[str]:
    return list(deadline.events.order_by("pk").values_list("what", flat=True))


def test_a_deadline_knows_its_rule_and_calendar(deadline: Deadline) -> None:
    # 23, 24, 25, 26 September and Sunday the 28th, which is worked.
    assert deadline.due_at == deadline.original_due_at == DUE
    assert (deadline.rule, deadline.rule_version) == ("tests.fix", 1)
    assert deadline.calendar_version == "2025.1"
    assert not deadline.is_provisional
    assert deadline.next_change_at == DUE - timedelta(hours=24)


def test_it_is_overdue_from_the_first_moment_after(deadline: Deadline) -> None:
    assert not deadline.is_overdue_at(DUE - timedelta(microseconds=1))
    assert deadline.is_overdue_at(DUE)
    assert not Deadline.objects.overdue_at(DUE - timedelta(microseconds=1)).exists()
    assert Deadline.objects.overdue_at(DUE).exists()


def test_a_rule_has_one_open_deadline(deadline: Deadline, citizen: User) -> None:
    with pytest.raises(DeadlineAlreadySet):
        actions.set_deadline(subject=citizen, rule=RULE, start_at=START, by=None)


def test_a_closed_one_makes_room(
    deadline: Deadline, citizen: User, clerk: User
) -> None:
    closed = actions.close_deadline(deadline_id=deadline.pk, by=clerk)
    assert closed.was_kept()
    assert closed.next_change_at is None
    actions.set_deadline(subject=citizen, rule=RULE, start_at=START, by=clerk)
    with pytest.raises(DeadlineClosed):
        actions.close_deadline(deadline_id=deadline.pk, by=clerk)


def test_an_extension_needs_a_reason_and_another_person(
    deadline: Deadline, clerk: User, boss: User
) -> None:
    given: dict[str, Any] = {"deadline_id": deadline.pk, "amount": 2, "by": clerk}
    with pytest.raises(ReasonMissing):
        actions.extend_deadline(**given, reason=" ", approver=boss)
    with pytest.raises(AnotherMustApprove):
        actions.extend_deadline(**given, reason="parts", approver=clerk)

    extended = actions.extend_deadline(**given, reason="parts", approver=boss)

    assert extended.due_at == datetime(2025, 10, 1, tzinfo=CHINA)
    assert extended.original_due_at == DUE
    event = extended.events.get(what="extended")
    assert (event.reason, event.by, event.approver) == ("parts", clerk, boss)
    assert (event.due_before_at, event.due_after_at) == (DUE, extended.due_at)


def test_it_is_judged_by_both_ends(
    deadline: Deadline, clerk: User, boss: User, clock: Any
) -> None:
    actions.extend_deadline(
        deadline_id=deadline.pk, amount=2, reason="parts", by=clerk, approver=boss
    )
    clock.move_to(DUE + timedelta(hours=1))
    closed = actions.close_deadline(deadline_id=deadline.pk, by=clerk)
    assert closed.was_kept()
    assert closed.was_kept_originally() is False


def test_days_of_a_pause_do_not_count(
    deadline: Deadline, clerk: User, clock: Any
) -> None:
    clock.move_to(START + timedelta(days=1))
    paused = actions.pause_deadline(
        deadline_id=deadline.pk, reason="waiting for the owner", by=clerk
    )
    assert not paused.is_running
    assert paused.next_change_at is None
    with pytest.raises(DeadlinePaused):
        actions.pause_deadline(deadline_id=deadline.pk, reason="again", by=clerk)

    clock.move_to(START + timedelta(days=3))
    resumed = actions.resume_deadline(deadline_id=deadline.pk, by=clerk)

    # 26, 28, 29, 30 September, and after the holiday the 9th of October.
    assert resumed.due_at == datetime(2025, 10, 10, tzinfo=CHINA)
    with pytest.raises(DeadlineRunning):
        actions.resume_deadline(deadline_id=deadline.pk, by=clerk)


def test_what_is_over_can_not_be_paused(
    deadline: Deadline, clerk: User, clock: Any
) -> None:
    clock.move_to(DUE)
    with pytest.raises(DeadlineOver):
        actions.pause_deadline(deadline_id=deadline.pk, reason="late", by=clerk)


def test_the_sweep_warns_tells_and_escalates_once(
    deadline: Deadline, clock: Any, told: list[str]
) -> None:
    for moment in (DUE - timedelta(hours=24), DUE, DUE + timedelta(hours=48)):
        clock.move_to(moment - timedelta(seconds=1))
        assert actions.tick_deadlines() == 0
        clock.move_to(moment)
        assert actions.tick_deadlines() == 1
        assert actions.tick_deadlines() == 0
    assert told == ["warned", "overdue", "escalated"]
    assert whats(deadline) == ["set", *told]
    deadline.refresh_from_db()
    assert deadline.next_change_at is None


def test_after_a_long_outage_everything_is_told_in_order(
    deadline: Deadline, clock: Any, told: list[str]
) -> None:
    clock.move_to(DUE + timedelta(days=30))
    assert actions.tick_deadlines() == 3
    assert told == ["warned", "overdue", "escalated"]


def test_an_extended_end_is_told_anew(
    deadline: Deadline, clerk: User, boss: User, clock: Any, told: list[str]
) -> None:
    clock.move_to(DUE)
    actions.tick_deadlines()
    extended = actions.extend_deadline(
        deadline_id=deadline.pk, amount=3, reason="parts", by=clerk, approver=boss
    )
    assert extended.overdue_at is None
    clock.move_to(extended.due_at)
    actions.tick_deadlines()
    assert told == ["warned", "overdue", "warned", "overdue"]


def test_one_that_fails_does_not_hold_up_the_others(
    deadline: Deadline, stranger: User, clock: Any
) -> None:
    other = actions.set_deadline(subject=stranger, rule=RULE, start_at=START, by=None)

    def fail(sender: Any, *, deadline: Deadline, **_kwargs: Any) -> None:
        if deadline.subject_id != stranger.pk:
            raise RuntimeError

    signals.deadline_reached.connect(fail)
    try:
        clock.move_to(DUE)
        assert actions.tick_deadlines() == 2
    finally:
        signals.deadline_reached.disconnect(fail)
    assert whats(other) == ["set", "warned", "overdue"]
    assert whats(deadline) == ["set"]


def test_closed_and_paused_ones_are_left_alone(
    deadline: Deadline, stranger: User, clerk: User, clock: Any
) -> None:
    other = actions.set_deadline(subject=stranger, rule=RULE, start_at=START, by=None)
    actions.close_deadline(deadline_id=deadline.pk, by=clerk)
    actions.pause_deadline(deadline_id=other.pk, reason="owner", by=clerk)
    clock.move_to(DUE + timedelta(days=9))
    assert actions.tick_deadlines() == 0


def test_a_provisional_deadline_moves_when_the_year_is_published(
    clock: Any, citizen: User, clerk: User, django_capture_on_commit_callbacks: Any
) -> None:
    clock.move_to(datetime(2026, 12, 31, 10, tzinfo=CHINA))
    deadline = actions.set_deadline(
        subject=citizen,
        rule=RULE,
        start_at=datetime(2026, 12, 31, 10, tzinfo=CHINA),
        by=clerk,
    )
    assert deadline.is_provisional
    assert deadline.due_at == datetime(2027, 1, 9, tzinfo=CHINA)

    with django_capture_on_commit_callbacks(execute=True):
        actions.set_year(
            year=2027,
            days={
                date(2027, 1, 1): ("holiday", "New Year"),
                date(2027, 1, 2): ("working", "New Year"),
                date(2027, 1, 3): ("working", "New Year"),
            },
            by=clerk,
        )

    deadline = Deadline.objects.get(pk=deadline.pk)
    assert deadline.due_at == datetime(2027, 1, 7, tzinfo=CHINA)
    assert deadline.original_due_at == datetime(2027, 1, 9, tzinfo=CHINA)
    assert not deadline.is_provisional
    assert deadline.calendar_version == "2026.1 2027.1"
    assert whats(deadline) == ["set", "recomputed"]
    assert actions.recompute_deadlines(year=2027) == 0
    assert DeadlineEvent.objects.filter(what="recomputed").count() == 1


def test_a_lost_task_is_made_up_for_at_night(
    clock: Any, citizen: User, clerk: User, deadline: Deadline
) -> None:
    assert actions.recompute_stale_deadlines() == 0
    # Published, and the task that follows was lost: nothing runs here after a commit.
    days = {date(2025, 9, 25): ("holiday", "test")}
    actions.set_year(year=2025, days=days, by=clerk)
    deadline.refresh_from_db()
    assert deadline.due_at == DUE

    assert actions.recompute_stale_deadlines() == 1
    assert actions.recompute_stale_deadlines() == 0
    deadline.refresh_from_db()
    # 23, 24, 26 and 29, 30 September: the Sunday is no longer worked.
    assert deadline.due_at == datetime(2025, 10, 1, tzinfo=CHINA)
    assert deadline.calendar_version == "2025.2"
