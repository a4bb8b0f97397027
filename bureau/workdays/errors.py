from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class DeadlineClosed(DomainError):
    code = "deadline_closed"
    message = _("This deadline is closed.")


class DeadlinePaused(DomainError):
    code = "deadline_paused"
    message = _("This deadline is paused.")


class DeadlineOver(DomainError):
    code = "deadline_over"
    message = _("The time is over. It can only be extended.")


class DeadlineRunning(DomainError):
    code = "deadline_running"
    message = _("This deadline is not paused.")


class DeadlineAlreadySet(DomainError):
    code = "deadline_already_set"
    message = _("A deadline of this kind is already running.")


class ReasonMissing(DomainError):
    code = "deadline_reason_missing"
    message = _("Say why the deadline changes.")


class AnotherMustApprove(DomainError):
    code = "deadline_another_must_approve"
    message = _("Someone else has to approve a longer deadline.")


class SchoolBreakThere(DomainError):
    code = "workdays_school_break_there"
    message = _("A school break begins on that day already.")


class SchoolBreakBackwards(DomainError):
    code = "workdays_school_break_backwards"
    message = _("A school break ends after it begins.")


class DayOutsideYear(DomainError):
    code = "workdays_day_outside_year"
    message = _("%(day)s is not in this year.")
