"""Facts from the apps below: each receiver makes one action call."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bureau.accounts.signals import resealing
from bureau.draws.models import Draw
from bureau.draws.signals import (
    draw_done,
    draw_redone,
    draw_voided,
    entered_by_staff,
)
from vouchers import actions


@receiver(draw_done)
def hand_out(draw: Draw, **_: Any) -> None:
    actions.queue_round_hand_out(draw=draw)


@receiver(draw_voided)
def refuse_void(draw: Draw, **_: Any) -> None:
    actions.refuse_void_of_round(draw=draw)


@receiver(draw_redone)
def follow_redraw(draw: Draw, replaces: Draw, **_: Any) -> None:
    actions.follow_redraw(draw=draw, replaces=replaces)


@receiver(entered_by_staff)
def refuse_entries_by_staff(draw: Draw, **_: Any) -> None:
    actions.refuse_round_entries_by_staff(draw=draw)


@receiver(resealing)
def reseal_accounts(**_: Any) -> None:
    actions.reseal_accounts()
