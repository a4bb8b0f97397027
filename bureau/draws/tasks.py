from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from django.db import transaction

from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.draws import actions, clients
from bureau.draws.models import Beacon, Draw
from bureau.draws.querysets import DrawQuerySet

logger = logging.getLogger(__name__)


@shared_task
def advance_draws() -> None:
    """Take every step whose time has come. Many workers do the work of one.

    A draw that another worker has in hand is passed over.
    """
    now = clock.now()
    for pk in _keys(Draw.objects.to_freeze_at(now)):
        with transaction.atomic():
            if draw := _mine(pk):
                _try(draw, "freeze")
    fetch_drand()
    for pk in _keys(Draw.objects.with_every_beacon_known()):
        with transaction.atomic():
            if draw := _mine(pk):
                _try(draw, "run")


def fetch_drand() -> None:
    """Ask drand for the rounds that draws wait for, where the bureau may ask it."""
    if not settings.DRAND_URL:
        return
    waiting = Beacon.objects.to_read_at(clock.now()).filter(source=Beacon.Source.DRAND)
    for beacon in waiting.select_related("draw").order_by("pk"):
        try:
            signature = clients.fetch_signature(beacon.issue)
            actions.note_drand(beacon=beacon, signature=signature)
        except (clients.DrandAway, DomainError) as why:
            logger.warning("drand round %s: %s", beacon.issue, why)


def _keys(draws: DrawQuerySet) -> list[int]:
    return list(draws.order_by("draws_at", "pk").values_list("pk", flat=True))


def _mine(pk: int) -> Draw | None:
    return Draw.objects.select_for_update(skip_locked=True).filter(pk=pk).first()


def _try(draw: Draw, step: str) -> None:
    try:
        if step == "freeze":
            actions.freeze_draw(draw=draw)
        else:
            actions.run_draw(draw=draw)
    except DomainError as refusal:
        logger.warning("draw %s: %s", draw.draw_id, refusal)
