"""Charts that the server draws: plain SVG, whose figures stand in a table beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil

WIDTH = 320  # as many units as a phone has pixels for it: words keep their size
HEIGHT = 200
_LEFT = 46  # for the words of the axis
_BOTTOM = 24
_TOP = 12
_FATTEST = 56
_ROW = 44
_MOST_ROWS = 20
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    words: str
    """The value as people read it."""


@dataclass(frozen=True)
class DrawnBar:
    """A bar in its place; `shows_label` keeps the words of many columns apart."""

    bar: Bar
    x: float
    y: float
    width: float
    height: float
    middle: float
    shows_label: bool = True


@dataclass(frozen=True)
class Tick:
    y: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Takes: key (unique in the page), title, what the two columns of its table are."""

    key: str
    title: str
    head: tuple[str, str]
    bars: Sequence[Bar]
    note: str = ""
    kind: str = "columns"
    words: Callable[[float], str] = field(default=lambda value: f"{value:g}")
    most: float | None = None
    """The top of the scale, where it is known: 100 percent."""

    @property
    def is_empty(self) -> bool:
        return not any(bar.value for bar in self.bars)

    @property
    def width(self) -> int:
        return WIDTH

    @property
    def height(self) -> int:
        if self.kind == "rows":
            return max(1, len(self.bars[:_MOST_ROWS])) * _ROW
        return HEIGHT

    @property
    def left_out(self) -> int:
        """Rows that stand in the table alone."""
        return max(0, len(self.bars) - _MOST_ROWS) if self.kind == "rows" else 0

    @property
    def ticks(self) -> list[Tick]:
        low, high, step = self._scale
        count = round((high - low) / step)
        values = [low + step * n for n in range(count + 1)]
        return [Tick(self._y(value), self.words(value)) for value in values]

    @property
    def baseline(self) -> float:
        return self._y(0)

    @property
    def drawn(self) -> list[DrawnBar]:
        return self._rows() if self.kind == "rows" else self._columns()

    def _columns(self) -> list[DrawnBar]:
        slot = (WIDTH - _LEFT) / max(1, len(self.bars))
        wanted = max((len(bar.label) for bar in self.bars), default=1) * 7 + 8
        every = max(1, ceil(wanted / slot))
        width = min(slot * 0.76, _FATTEST)
        drawn = []
        for place, bar in enumerate(self.bars):
            top, foot = sorted((self._y(bar.value), self.baseline))
            x = _LEFT + place * slot
            drawn.append(
                DrawnBar(
                    bar,
                    x=round(x + (slot - width) / 2, 1),
                    y=top,
                    width=round(width, 1),
                    height=round(max(0.0, foot - top), 1),
                    middle=round(x + slot / 2, 1),
                    shows_label=place % every == 0,
                )
            )
        return drawn

    def _rows(self) -> list[DrawnBar]:
        shown = self.bars[:_MOST_ROWS]
        top = self.most or max((abs(bar.value) for bar in shown), default=0) or 1
        return [
            DrawnBar(
                bar,
                x=0,
                y=place * _ROW + 22,
                width=round(min(1.0, abs(bar.value) / top) * WIDTH, 1),
                height=12,
                middle=place * _ROW + 15,
            )
            for place, bar in enumerate(shown)
        ]

    @property
    def _scale(self) -> tuple[float, float, float]:
        """(lowest, highest, step) of the axis, in round numbers, with 0 in it."""
        low = min([0.0, *(bar.value for bar in self.bars)])
        high = max([0.0, *(bar.value for bar in self.bars)])
        if self.most is not None:
            high = self.most
        step = _round_step((high - low) / 4 or 0.25)
        return (step * (low // step), step * -(-high // step), step)

    def _y(self, value: float) -> float:
        low, high, _step = self._scale
        room = HEIGHT - _TOP - _BOTTOM
        return round(_TOP + room * (high - value) / (high - low or 1), 1)


def _round_step(rough: float) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten."""
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    return next(power * step for step in _STEPS if power * step >= rough)
