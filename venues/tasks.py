from __future__ import annotations

from celery import shared_task

from bureau.common import clock
from venues import actions


@shared_task
def expire_holds() -> None:
    """Give back the floor of holds that nobody paid for."""
    actions.expire_holds(at=clock.now())
