"""What can be done in a draw. Signatures and promises: docs/draws.md."""

from __future__ import annotations

from bureau.draws.actions.announcing import (
    BeaconName,
    PoolPlan,
    announce_draw,
    redo_draw,
)
from bureau.draws.actions.beacons import note_drand, read_beacon
from bureau.draws.actions.drawing import run_draw
from bureau.draws.actions.entering import (
    Receipt,
    enter,
    enter_all,
    receipt_of,
    withdraw,
)
from bureau.draws.actions.freezing import freeze_draw
from bureau.draws.actions.voiding import void_draw

__all__ = [
    "BeaconName",
    "PoolPlan",
    "Receipt",
    "announce_draw",
    "enter",
    "enter_all",
    "freeze_draw",
    "note_drand",
    "read_beacon",
    "receipt_of",
    "redo_draw",
    "run_draw",
    "void_draw",
    "withdraw",
]
