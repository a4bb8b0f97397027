from __future__ import annotations

from celery import shared_task

from bureau.workdays import actions


@shared_task
def tick_deadlines() -> None:
    actions.tick_deadlines()


@shared_task(time_limit=3600, soft_time_limit=3500)
def recompute_stale_deadlines() -> None:
    actions.recompute_stale_deadlines()


@shared_task(time_limit=3600, soft_time_limit=3500)
def recompute_deadlines(*, year: int) -> None:
    actions.recompute_deadlines(year=year)
