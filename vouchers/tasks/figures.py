from __future__ import annotations

from celery import shared_task

from bureau.common import clock
from vouchers import actions


@shared_task(name="vouchers.tasks.count_hours", time_limit=300)
def count_hours() -> None:
    """Count the hours in which something changed."""
    actions.count_all_hours(at=clock.now())


@shared_task(name="vouchers.tasks.count_afresh", time_limit=1800)
def count_afresh() -> None:
    """Count all hours anew, for rows that came with a moment long past."""
    actions.count_all_hours(at=clock.now(), afresh=True)
