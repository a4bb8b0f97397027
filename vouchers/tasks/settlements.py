from __future__ import annotations

from celery import shared_task

from bureau.common import clock
from vouchers import actions
from vouchers.models import SettlementRun


@shared_task(name="vouchers.tasks.prepare_settlements", acks_late=True, time_limit=1800)
def prepare_settlements(*, run_id: int) -> None:
    """Prepare what each merchant gets; what a crash left, the sweep finishes."""
    run = SettlementRun.objects.select_related("campaign").get(pk=run_id)
    actions.work_through_run(run=run)


@shared_task(name="vouchers.tasks.finish_settlement_runs")
def finish_settlement_runs() -> None:
    """Go on with preparations that a crash interrupted."""
    actions.finish_settlement_runs()


@shared_task(name="vouchers.tasks.propose_settlements")
def propose_settlements() -> None:
    """Tell staff that a week is over and what it would cost."""
    actions.propose_settlements(at=clock.now())
