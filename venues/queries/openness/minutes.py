"""Minutes of courts, as rows of bits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil

HOUR = 60


@dataclass(frozen=True)
class Figures:
    """Minutes of a venue on one business day, or added up over several.

    `open` counts the time in which at least one court is open; what follows counts each
    court by itself.
    """

    open: int = 0
    courts: int = 0
    priced: int = 0
    low: int = 0
    free: int = 0
    peak: int = 0
    low_peak: int = 0
    over: int = 0
    over_excused: int = 0
    entitled_over: int = 0
    entitled_excused: int = 0
    judged: int = 0
    """Priced time for whose sport a market price is known."""

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            *(
                mine + others
                for mine, others in zip(
                    self.__dict__.values(), other.__dict__.values(), strict=True
                )
            )
        )


def bits(start: int, end: int) -> int:
    """Ones from minute `start` until before `end`."""
    return ((1 << (end - start)) - 1) << start if end > start else 0


@dataclass
class CourtDay:
    """A court on a business day; in each row of bits one stands for a minute."""

    open: int = 0
    priced: int = 0
    low: int = 0
    free: int = 0
    peak: int = 0
    over: int = 0
    over_excused: int = 0
    entitled_over: int = 0
    entitled_excused: int = 0
    judged: int = 0

    def without(self, taken: int) -> CourtDay:
        return CourtDay(*(row & ~taken for row in self.__dict__.values()))

    def mark(self, minutes: int, **rows: bool) -> None:
        for name, is_set in rows.items():
            if is_set:
                setattr(self, name, getattr(self, name) | minutes)

    @property
    def figures(self) -> Figures:
        counted = {name: row.bit_count() for name, row in self.__dict__.items()}
        courts = counted.pop("open")
        low_peak = (self.low & self.peak).bit_count()
        return Figures(courts=courts, low_peak=low_peak, **counted)


def span(midnight: datetime, start: datetime, end: datetime) -> int:
    """Bits of every minute that lies at least partly between the two moments."""
    first = int((start - midnight).total_seconds() // 60)
    last = ceil((end - midnight).total_seconds() / 60)
    return bits(max(0, first), max(0, last))
