"""What this process saw at most a second ago, for the refusals of a rush.

Hundreds a second are led to the same free times, and to read a page takes longer than
that. Whoever asks for one that has gone meanwhile is refused in turn; what is taken is
never for this memory to say.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LATELY_SECONDS = 1.0
_MOST = 200
_memories: list[Lately[Any]] = []


class Lately(Generic[T]):
    """A small memory of answers; each is asked anew after `LATELY_SECONDS`."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[float, T]] = {}
        _memories.append(self)

    def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        now = monotonic()
        if (seen := self._seen.get(key)) and now - seen[0] < LATELY_SECONDS:
            return seen[1]
        answer = ask()
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[key] = now, answer
        return answer

    def forget(self) -> None:
        self._seen.clear()


def forget_lately() -> None:
    """For tests, which change in a moment what lasts for seconds."""
    for memory in _memories:
        memory.forget()
