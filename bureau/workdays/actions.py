from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db import models, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.tasks import after_commit
from bureau.workdays import signals, tasks
from bureau.workdays.errors import (
    AnotherMustApprove,
    DayOutsideYear,
    DeadlineAlreadySet,
    DeadlineClosed,
    DeadlineOver,
    DeadlinePaused,
    DeadlineRunning,
    ReasonMissing,
    SchoolBreakBackwards,
    SchoolBreakThere,
)
from bureau.workdays.models import (
    CalendarYear,
    DayRule,
    Deadline,
    DeadlineEvent,
    Pause,
    Rule,
    SchoolBreak,
)
from bureau.workdays.queries import Period, calendar

logger = logging.getLogger(__name__)

BATCH = 500
FLAGS = ("warned_at", "overdue_at", "escalated_at")
What = DeadlineEvent.What


@transaction.atomic
def set_year(
    *,
    year: int,
    days: Mapping[date, tuple[str, str]],
    by: User | None,
    source: str = CalendarYear.Source.STAFF,
) -> CalendarYear:
    """Publish a year, or change it: `days` maps a day to (kind, occasion).

    Open deadlines that reach into the year are recomputed afterwards. The same days
    again change nothing. Raises `DayOutsideYear`.
    """
    now = clock.now()
    for day in days:
        if day.year != year:
            raise DayOutsideYear(day=day)
    row, created = CalendarYear.objects.select_for_update(no_key=True).get_or_create(
        year=year, defaults={"source": source, "changed_at": now}
    )
    before = {rule.day: (rule.kind, rule.name) for rule in row.days.all()}
    if not created and before == dict(days):
        return row
    row.days.all().delete()
    DayRule.objects.bulk_create(
        DayRule(year=row, day=day, kind=kind, name=name)
        for day, (kind, name) in sorted(days.items())
    )
    if not created:
        row.version += 1
        row.source = source
        row.changed_at = now
        row.save(update_fields=["version", "source", "changed_at"])
    record(
        "workdays.calendaryear.set",
        subject=row,
        by=by,
        at=now,
        detail={"year": year, "version": row.version, "days": len(days)},
    )
    after_commit(tasks.recompute_deadlines, year=year)
    return row


@constraint_errors(
    workdays_schoolbreak_one_from_a_day=SchoolBreakThere,
    workdays_schoolbreak_first_day_before_last=SchoolBreakBackwards,
)
def set_school_break(
    *,
    name: str,
    first_on: date,
    last_on: date,
    by: User | None,
    school_break: SchoolBreak | None = None,
) -> SchoolBreak:
    """Note the holidays of the city's schools, or correct them; both days included.

    Opening hours of school breaks follow at once. Raises `SchoolBreakThere` or
    `SchoolBreakBackwards`.
    """
    row = school_break or SchoolBreak()
    row.name, row.first_on, row.last_on = name, first_on, last_on
    row.save()
    record(
        "workdays.school_break.set",
        subject=row,
        by=by,
        at=clock.now(),
        detail={"first_on": first_on.isoformat(), "last_on": last_on.isoformat()},
    )
    return row


@transaction.atomic
def drop_school_break(*, school_break: SchoolBreak, by: User | None) -> None:
    """The schools have no holidays then."""
    record(
        "workdays.school_break.dropped",
        subject=school_break,
        by=by,
        at=clock.now(),
        detail={"name": school_break.name},
    )
    school_break.delete()


@transaction.atomic
def set_deadline(
    *, subject: models.Model, rule: Rule, start_at: datetime, by: User | None
) -> Deadline:
    """Start a deadline for a row. Raises `DeadlineAlreadySet` for a second open one."""
    now = clock.now()
    deadline = Deadline(
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        rule=rule.name,
        rule_version=rule.version,
        unit=rule.unit,
        amount=rule.amount,
        warn_hours=rule.warn_hours,
        escalate_hours=rule.escalate_hours,
        started_at=start_at,
    )
    _compute(deadline, pauses=[])
    deadline.original_due_at = deadline.due_at
    with constraint_errors(workdays_deadline_one_open_a_rule=DeadlineAlreadySet):
        deadline.save(force_insert=True)
    _note(deadline, What.SET, at=now, by=by, due_before=None)
    return deadline


@transaction.atomic
def extend_deadline(
    *, deadline_id: int, amount: int, reason: str, by: User, approver: User
) -> Deadline:
    """Give `amount` more units; `approver` is the person who allowed it.

    Raises `DeadlineClosed`, `DeadlinePaused`, `ReasonMissing` or `AnotherMustApprove`.
    """
    now = clock.now()
    deadline = _lock_running(deadline_id)
    if not reason.strip():
        raise ReasonMissing
    if approver.pk == by.pk:
        raise AnotherMustApprove
    before = deadline.due_at
    deadline.extension += amount
    _move(deadline)
    _note(
        deadline,
        What.EXTENDED,
        at=now,
        by=by,
        due_before=before,
        reason=reason,
        approver=approver,
    )
    return deadline


@transaction.atomic
def pause_deadline(
    *, deadline_id: int, reason: str, by: User, approver: User | None = None
) -> Deadline:
    """Stop the clock of a deadline that is not over yet.

    Raises `DeadlineClosed`, `DeadlinePaused`, `DeadlineOver` or `ReasonMissing`.
    """
    now = clock.now()
    deadline = _lock_running(deadline_id)
    if deadline.is_overdue_at(now):
        raise DeadlineOver
    if not reason.strip():
        raise ReasonMissing
    Pause.objects.create(deadline=deadline, from_at=now, reason=reason)
    deadline.paused_at = now
    deadline.next_change_at = None
    deadline.save(update_fields=["paused_at", "next_change_at"])
    _note(
        deadline,
        What.PAUSED,
        at=now,
        by=by,
        due_before=deadline.due_at,
        reason=reason,
        approver=approver,
    )
    return deadline


@transaction.atomic
def resume_deadline(*, deadline_id: int, by: User, reason: str = "") -> Deadline:
    """Let the clock run on. Raises `DeadlineClosed` or `DeadlineRunning`."""
    now = clock.now()
    deadline = _lock(deadline_id)
    if deadline.paused_at is None:
        raise DeadlineRunning
    before = deadline.due_at
    deadline.pauses.filter(until_at__isnull=True).update(until_at=now)
    deadline.paused_at = None
    _move(deadline)
    _note(deadline, What.RESUMED, at=now, by=by, due_before=before, reason=reason)
    return deadline


@transaction.atomic
def close_deadline(
    *, deadline_id: int, by: User | None, at: datetime | None = None, reason: str = ""
) -> Deadline:
    """What was due is done (at `at`, if not now), or is no longer asked.

    Raises `DeadlineClosed`.
    """
    now = clock.now()
    deadline = _lock(deadline_id)
    if deadline.paused_at is not None:
        deadline.pauses.filter(until_at__isnull=True).update(until_at=now)
    deadline.paused_at = None
    deadline.closed_at = at or now
    deadline.next_change_at = None
    deadline.save(update_fields=["paused_at", "closed_at", "next_change_at"])
    _note(
        deadline,
        What.CLOSED,
        at=now,
        by=by,
        due_before=deadline.due_at,
        reason=reason,
    )
    return deadline


def recompute_deadlines(*, year: int) -> int:
    """Apply a changed year to the open deadlines that reach into it; how many moved.

    Each is its own transaction, so that a long list blocks nobody; running it twice is
    harmless.
    """
    first, last = clock.at(date(year, 1, 1), 0), clock.at(date(year, 12, 31), 24 * 60)
    touched = Deadline.objects.open().touching(first, last + timedelta(days=1))
    ids = list(touched.order_by("pk").values_list("pk", flat=True))
    return sum(_recompute(deadline_id) for deadline_id in ids)


def recompute_stale_deadlines() -> int:
    """Recompute what was computed with an older calendar; how many moved comes back.

    Publishing a year does it at once; this finds what a crash left behind.
    """
    known = calendar()
    rows = (
        Deadline.objects.running()
        .order_by("pk")
        .values_list("pk", "started_at", "due_at", "calendar_version")
    )
    stale = [
        pk
        for pk, start, due, version in rows.iterator()
        if version
        != known.version_between(clock.local_day(start), clock.local_day(due))
    ]
    return sum(_recompute(deadline_id) for deadline_id in stale)


@transaction.atomic
def _recompute(deadline_id: int) -> bool:
    now = clock.now()
    deadline = Deadline.objects.select_for_update(no_key=True).get(pk=deadline_id)
    if not deadline.is_running:
        return False  # a paused one is computed when it is resumed
    before = deadline.due_at
    _move(deadline)
    if deadline.due_at == before:
        return False
    _note(deadline, What.RECOMPUTED, at=now, by=None, due_before=before)
    return True


def tick_deadlines() -> int:
    """Tell what has become due for a warning, overdue, or due for escalation.

    Eight workers may run it at once: each step is taken by a conditional update, so one
    of them tells it. How many steps this call told comes back.
    """
    now = clock.now()
    told, broken = 0, set[int]()
    while ids := _ids_to_change(now, but=broken):
        for deadline_id in ids:
            try:
                told += _tell(deadline_id, now)
            except Exception:  # one that fails must not hold up the others
                logger.exception("Deadline %s could not be told", deadline_id)
                broken.add(deadline_id)
    return told


def _ids_to_change(now: datetime, *, but: set[int]) -> list[int]:
    due = Deadline.objects.to_change_at(now).exclude(pk__in=but)
    return list(
        due.order_by("next_change_at", "pk").values_list("pk", flat=True)[:BATCH]
    )


@transaction.atomic
def _tell(deadline_id: int, now: datetime) -> int:
    due = Deadline.objects.to_change_at(now)
    deadline = due.filter(pk=deadline_id).first()
    if deadline is None:
        return 0
    seen = deadline.next_change_at
    what = deadline.steps()[0][0]
    setattr(deadline, f"{what}_at", now)
    deadline.next_change_at = deadline.next_step_at()
    taken = due.filter(
        pk=deadline_id, next_change_at=seen, **{f"{what}_at__isnull": True}
    ).update(**{f"{what}_at": now, "next_change_at": deadline.next_change_at})
    if not taken:
        return 0
    _note(deadline, What(what), at=now, by=None, due_before=deadline.due_at)
    signals.deadline_reached.send(Deadline, deadline=deadline, what=what, at=now)
    return 1


def _lock(deadline_id: int) -> Deadline:
    deadline = Deadline.objects.select_for_update(no_key=True).get(pk=deadline_id)
    if not deadline.is_open:
        raise DeadlineClosed
    return deadline


def _lock_running(deadline_id: int) -> Deadline:
    deadline = _lock(deadline_id)
    if not deadline.is_running:
        raise DeadlinePaused
    return deadline


def _pauses(deadline: Deadline) -> list[Period]:
    ended = deadline.pauses.filter(until_at__isnull=False).order_by("from_at", "pk")
    return [
        (pause.from_at, pause.until_at) for pause in ended if pause.until_at is not None
    ]


def _compute(deadline: Deadline, *, pauses: list[Period]) -> None:
    known = calendar()
    deadline.due_at = known.end_of(
        start=deadline.started_at,
        unit=deadline.unit,
        amount=deadline.amount + deadline.extension,
        pauses=pauses,
    )
    first, last = map(clock.local_day, (deadline.started_at, deadline.due_at))
    deadline.calendar_version = known.version_between(first, last)
    deadline.is_provisional = known.is_provisional(first, last)
    deadline.next_change_at = deadline.next_step_at()


def _move(deadline: Deadline) -> None:
    """Compute the end anew; what was told about an end that moved on is told again."""
    before = deadline.due_at
    _compute(deadline, pauses=_pauses(deadline))
    if deadline.due_at > before:
        deadline.telling += 1
        for flag in FLAGS:
            setattr(deadline, flag, None)
    deadline.next_change_at = deadline.next_step_at()
    deadline.save()


def _note(
    deadline: Deadline,
    what: DeadlineEvent.What,
    *,
    at: datetime,
    by: User | None,
    due_before: datetime | None,
    reason: str = "",
    approver: User | None = None,
) -> None:
    DeadlineEvent.objects.create(
        deadline=deadline,
        what=what,
        occurred_at=at,
        due_before_at=due_before,
        due_after_at=deadline.due_at,
        telling=deadline.telling,
        reason=reason,
        by=by,
        approver=approver,
    )
    record(
        f"workdays.deadline.{what}",
        subject=deadline,
        by=by,
        at=at,
        detail={"due_at": deadline.due_at, "reason": reason}
        | ({"approver": approver.pk} if approver else {}),
    )
