from __future__ import annotations

from celery import shared_task

from bureau.common import clock
from vouchers import actions


@shared_task(name="vouchers.tasks.scan_with_radar", time_limit=1800)
def scan_with_radar() -> None:
    """Look at the last days for bills that nobody paid."""
    actions.scan_last_days(at=clock.now())
