"""What visitors were told, kept outside the portal that is being killed."""

from __future__ import annotations

import threading
from collections import defaultdict


class Ledger:
    """Promises by kind (`held`, `paid`, `confirmed` …), each of a thing's number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._promises: dict[str, set[str]] = defaultdict(set)
        self._tries: dict[str, int] = defaultdict(int)

    def promised(self, kind: str, number: str) -> None:
        with self._lock:
            self._promises[kind].add(number)

    def tried(self, what: str) -> None:
        """Count an answer that promises nothing, for the summary."""
        with self._lock:
            self._tries[what] += 1

    def tries(self, what: str) -> int:
        with self._lock:
            return self._tries[what]

    def all(self, kind: str) -> set[str]:
        with self._lock:
            return set(self._promises[kind])

    def summary(self) -> str:
        with self._lock:
            counts = {kind: len(numbers) for kind, numbers in self._promises.items()}
            counts |= self._tries
        return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
