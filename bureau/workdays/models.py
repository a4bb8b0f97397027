from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.workdays.querysets import DeadlineQuerySet


class CalendarYear(models.Model):
    """The State Council's arrangement of one year. `version` counts its changes.

    A year without a row is not published yet: see queries.Calendar.
    """

    class Source(models.TextChoices):
        PACKAGE = "package", _("chinesecalendar")
        STAFF = "staff", _("entered by staff")

    year = models.PositiveSmallIntegerField(_("year"), unique=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    source = models.CharField(_("source"), max_length=8, choices=Source.choices)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("calendar year")
        verbose_name_plural = _("calendar years")
        constraints = [
            models.CheckConstraint(
                condition=Q(year__gte=2000, year__lte=2200),
                name="workdays_calendaryear_is_a_year",
            ),
        ]

    def __str__(self) -> str:
        return str(self.year)


class DayRule(models.Model):
    """A day that is not what its weekday says: a holiday, or a make-up working day."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", _("holiday")
        WORKING = "working", _("working day")

    year = models.ForeignKey(
        CalendarYear,
        verbose_name=_("year"),
        on_delete=models.CASCADE,
        related_name="days",
    )
    day = models.DateField(_("day"), unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    name = models.CharField(_("occasion"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("special day")
        verbose_name_plural = _("special days")

    def __str__(self) -> str:
        return f"{self.day} {self.get_kind_display()}"


class SchoolBreak(models.Model):
    """The holidays of the city's schools (寒暑假); public venues open longer then."""

    name = models.CharField(_("name"), max_length=60)
    first_on = models.DateField(_("first day"))
    last_on = models.DateField(_("last day"))

    class Meta:
        verbose_name = _("school break")
        verbose_name_plural = _("school breaks")
        constraints = [
            models.CheckConstraint(
                condition=Q(first_on__lte=F("last_on")),
                name="workdays_schoolbreak_first_day_before_last",
            ),
            models.UniqueConstraint(
                fields=["first_on"], name="workdays_schoolbreak_one_from_a_day"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DayType(models.TextChoices):
    WORKING = "working", _("working day")
    WEEKEND = "weekend", _("weekend")
    HOLIDAY = "holiday", _("holiday")


class Unit(models.TextChoices):
    WORKDAYS = "workdays", _("working days")
    DAYS = "days", _("days")
    HOURS = "hours", _("hours")


@dataclass(frozen=True)
class Rule:
    """How long something may take. A rule whose numbers change gets a new version.

    The day on which the time starts is not counted; the last counted day is whole. Days
    that end on a weekend or holiday roll to the next working day (Civil Code, article
    203). `warn_hours` before the end and `escalate_hours` after it are clock hours.
    """

    name: str
    version: int
    unit: Unit
    amount: int
    warn_hours: int | None = None
    escalate_hours: int | None = None


class Deadline(models.Model):
    """Until when something must be done, and how that came about.

    Overdue is derived from `due_at`; `warned_at`, `overdue_at` and `escalated_at` only
    say that the sweep has told so. `next_change_at` is when it has to look again.
    """

    subject_type = models.CharField(_("kind of subject"), max_length=80)
    subject_id = models.BigIntegerField(_("subject"))
    rule = models.CharField(_("rule"), max_length=80)
    rule_version = models.PositiveSmallIntegerField(_("version of the rule"))
    unit = models.CharField(_("unit of time"), max_length=8, choices=Unit.choices)
    amount = models.PositiveIntegerField(_("amount"))
    extension = models.PositiveIntegerField(_("extended by"), default=0)
    warn_hours = models.PositiveIntegerField(_("warn before, hours"), null=True)
    escalate_hours = models.PositiveIntegerField(_("escalate after, hours"), null=True)
    calendar_version = models.CharField(_("version of the calendar"), max_length=120)
    is_provisional = models.BooleanField(_("provisional"), default=False)
    started_at = models.DateTimeField(_("started at"))
    original_due_at = models.DateTimeField(_("originally due at"))
    due_at = models.DateTimeField(_("due at"))
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    warned_at = models.DateTimeField(_("warned at"), null=True, blank=True)
    overdue_at = models.DateTimeField(_("told overdue at"), null=True, blank=True)
    escalated_at = models.DateTimeField(_("escalated at"), null=True, blank=True)
    next_change_at = models.DateTimeField(_("next change at"), null=True, blank=True)
    # Counts how often the end moved on, so that the sweep tells about each end once.
    telling = models.PositiveSmallIntegerField(_("telling"), default=1)

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "rule"],
                condition=Q(closed_at__isnull=True),
                name="workdays_deadline_one_open_a_rule",
            ),
            models.CheckConstraint(
                condition=Q(started_at__lte=F("due_at")),
                name="workdays_deadline_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(next_change_at__isnull=True)
                | Q(closed_at__isnull=True, paused_at__isnull=True),
                name="workdays_deadline_changes_only_while_running",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_change_at"],
                condition=Q(next_change_at__isnull=False),
                name="workdays_deadline_next_change",
            ),
            models.Index(
                fields=["subject_type", "subject_id"], name="workdays_deadline_subject"
            ),
            models.Index(
                fields=["due_at"],
                condition=Q(closed_at__isnull=True),
                name="workdays_deadline_open_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject_type}:{self.subject_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def is_running(self) -> bool:
        return self.is_open and self.paused_at is None

    def is_overdue_at(self, moment: datetime) -> bool:
        return self.is_running and moment >= self.due_at

    def was_kept(self) -> bool | None:
        """Whether it was closed in time, extensions granted; None while open."""
        return self.closed_at < self.due_at if self.closed_at else None

    def was_kept_originally(self) -> bool | None:
        """Whether it was closed within the time first given; None while open."""
        return self.closed_at < self.original_due_at if self.closed_at else None

    def steps(self) -> list[tuple[str, datetime]]:
        """What the sweep has still to tell, in order, each with its moment."""
        steps: list[tuple[str, datetime]] = []
        if self.warn_hours is not None and not (self.warned_at or self.overdue_at):
            warn_at = self.due_at - timedelta(hours=self.warn_hours)
            steps.append(("warned", max(warn_at, self.started_at)))
        if not self.overdue_at:
            steps.append(("overdue", self.due_at))
        if self.escalate_hours is not None and not self.escalated_at:
            escalate_at = self.due_at + timedelta(hours=self.escalate_hours)
            steps.append(("escalated", escalate_at))
        return steps

    def next_step_at(self) -> datetime | None:
        steps = self.steps() if self.is_running else []
        return steps[0][1] if steps else None


class Pause(models.Model):
    """A time that does not count: [from, until). Open while `until_at` is empty."""

    deadline = models.ForeignKey(
        Deadline,
        verbose_name=_("deadline"),
        on_delete=models.CASCADE,
        related_name="pauses",
    )
    from_at = models.DateTimeField(_("from"))
    until_at = models.DateTimeField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(from_at__lte=F("until_at")),
                name="workdays_pause_from_before_until",
            ),
            models.UniqueConstraint(
                fields=["deadline"],
                condition=Q(until_at__isnull=True),
                name="workdays_pause_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deadline}: {self.reason}"


class DeadlineEvent(models.Model):
    """Every change of a deadline: what, why, by whom, approved by whom."""

    class What(models.TextChoices):
        SET = "set", _("set")
        EXTENDED = "extended", _("extended")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("resumed")
        RECOMPUTED = "recomputed", _("recomputed for a new calendar")
        WARNED = "warned", _("warned")
        OVERDUE = "overdue", _("told overdue")
        ESCALATED = "escalated", _("escalated")
        CLOSED = "closed", _("closed")

    deadline = models.ForeignKey(
        Deadline,
        verbose_name=_("deadline"),
        on_delete=models.CASCADE,
        related_name="events",
    )
    what = models.CharField(_("what"), max_length=12, choices=What.choices)
    occurred_at = models.DateTimeField(_("at"))
    due_before_at = models.DateTimeField(_("due before"), null=True, blank=True)
    due_after_at = models.DateTimeField(_("due after"))
    telling = models.PositiveSmallIntegerField(_("telling"), default=1)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.ForeignKey(
        User,
        verbose_name=_("by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    approver = models.ForeignKey(
        User,
        verbose_name=_("approved by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    class Meta:
        verbose_name = _("change of a deadline")
        verbose_name_plural = _("changes of deadlines")
        constraints = [
            models.UniqueConstraint(
                fields=["deadline", "what", "telling"],
                condition=Q(what__in=["warned", "overdue", "escalated"]),
                name="workdays_deadlineevent_told_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deadline} {self.what}"
