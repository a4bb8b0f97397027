from __future__ import annotations

from celery import shared_task

from bureau.notices import actions


@shared_task
def send_delivery(*, delivery_id: int) -> None:
    """Try one delivery, if no other worker is at it."""
    actions.send_delivery(delivery_id=delivery_id)


@shared_task
def sweep_deliveries() -> None:
    """Find what a crash left behind."""
    actions.sweep_deliveries()
