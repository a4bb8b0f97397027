from __future__ import annotations

import logging

from celery import shared_task

from bureau.audit import actions

logger = logging.getLogger(__name__)


@shared_task(time_limit=3600, soft_time_limit=3500)
def prove() -> None:
    """The nightly proof; what it finds is on the dashboard and in the log."""
    run = actions.prove()
    for offence in run.offences.order_by("name", "pk"):
        logger.error("Broken promise %s: %s offenders", offence.name, offence.count)
    actions.forget_old_proofs()


@shared_task
def forget_old_answers() -> None:
    actions.forget_old_answers()
