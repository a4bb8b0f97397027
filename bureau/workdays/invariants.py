from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        "workdays.running_deadlines_are_watched",
        _("Every running deadline that is not told overdue is watched."),
        """
        SELECT id, rule, due_at FROM workdays_deadline
        WHERE closed_at IS NULL AND paused_at IS NULL
          AND overdue_at IS NULL AND next_change_at IS NULL
        """,
    ),
    Invariant(
        "workdays.overdue_is_told_within_an_hour",
        _("What is overdue has been told so within an hour."),
        """
        SELECT id, rule, due_at FROM workdays_deadline
        WHERE closed_at IS NULL AND paused_at IS NULL AND overdue_at IS NULL
          AND due_at < now() - interval '1 hour'
        """,
    ),
    Invariant(
        "workdays.paused_deadlines_have_a_pause",
        _("A deadline is paused exactly while a pause is open."),
        """
        SELECT d.id, d.rule FROM workdays_deadline d
        WHERE (d.paused_at IS NOT NULL) <> EXISTS (
            SELECT FROM workdays_pause p
            WHERE p.deadline_id = d.id AND p.until_at IS NULL
        )
        """,
    ),
    Invariant(
        "workdays.moved_deadlines_have_a_reason",
        _("A deadline whose end moved has an event that says why."),
        """
        SELECT d.id, d.rule, d.original_due_at, d.due_at FROM workdays_deadline d
        WHERE d.due_at <> d.original_due_at AND NOT EXISTS (
            SELECT FROM workdays_deadlineevent e
            WHERE e.deadline_id = d.id AND e.due_after_at = d.due_at
              AND e.what IN ('extended', 'resumed', 'recomputed')
        )
        """,
    ),
    Invariant(
        "workdays.special_days_are_in_their_year",
        _("A special day belongs to its own year."),
        """
        SELECT r.id, r.day, y.year FROM workdays_dayrule r
        JOIN workdays_calendaryear y ON y.id = r.year_id
        WHERE extract(year FROM r.day) <> y.year
        """,
    ),
]
