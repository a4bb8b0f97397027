from __future__ import annotations

from celery import shared_task

from bureau.common import clock
from vouchers import actions
from vouchers.models import Round


@shared_task(name="vouchers.tasks.lay_out_rounds")
def lay_out_rounds() -> None:
    """Put the stock of coming rounds on offer, take back that of rounds that ended."""
    now = clock.now()
    actions.lay_out_rounds(at=now)
    actions.end_rounds(at=now)
    # What a crash left untold.
    actions.tell_of_called_off_rounds(at=now)


@shared_task(name="vouchers.tasks.tell_of_called_off_rounds")
def tell_of_called_off_rounds() -> None:
    """Tell who waited for a round that was called off."""
    actions.tell_of_called_off_rounds(at=clock.now())


@shared_task(name="vouchers.tasks.call_queues")
def call_queues() -> None:
    """Call the next people of waiting rooms."""
    actions.call_queues(at=clock.now())


@shared_task(name="vouchers.tasks.hand_out")
def hand_out(*, round_id: int) -> None:
    """Hand out what was drawn in a round."""
    actions.hand_out_draw(round=Round.objects.get(pk=round_id))


@shared_task(name="vouchers.tasks.hand_out_drawn")
def hand_out_drawn() -> None:
    """Go on with what a crash interrupted."""
    actions.hand_out_drawn(at=clock.now())


@shared_task(name="vouchers.tasks.expire_vouchers")
def expire_vouchers() -> None:
    """Take back vouchers that have run out."""
    actions.expire_vouchers(at=clock.now())


@shared_task(name="vouchers.tasks.remind_of_expiry")
def remind_of_expiry() -> None:
    """Tell people of vouchers that run out soon."""
    actions.remind_of_expiry(at=clock.now())
