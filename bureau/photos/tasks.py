from __future__ import annotations

from celery import shared_task

from bureau.photos import actions


@shared_task(time_limit=3600, soft_time_limit=3500)
def forget_orphans() -> None:
    actions.forget_orphans()
