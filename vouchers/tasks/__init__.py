"""What the workers do: load by id, one call. Each topic has its module."""

from __future__ import annotations

from vouchers.tasks import (
    claiming,
    figures,
    merchants,
    radar,
    settlements,
)

__all__ = [
    "claiming",
    "figures",
    "merchants",
    "radar",
    "settlements",
]
