"""What the demonstration city's modules share: one moment and a seeded choice.

Every app that has something to show holds `demo.py` with `fill(city: DemoCity)`;
`manage.py demo_city` calls them from the lowest layer up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from django.db import connection

from bureau.common import clock, codes

T = TypeVar("T")
SEED = 20261122


@dataclass(frozen=True)
class DemoCity:
    """The city that is being filled.

    Its choices come from a seed, a chain for each part of it, so that the same moment
    always gives the same city, and a change in one part leaves the others as they were.
    Invented people and bookings are no lottery: nothing of value hangs on them.
    """

    now: datetime
    say: Callable[[str], None]
    dice: random.Random = field(
        default_factory=lambda: random.Random(SEED)  # noqa: S311 - see above
    )

    @property
    def today(self) -> date:
        return clock.local_day(self.now)

    def let_the_planner_know(self) -> None:
        """Let PostgreSQL count what was written; to be called after thousands of rows.

        They are not committed yet, and to autovacuum, which counts what others can
        see, such a table is empty. On its word a join of empty tables is planned, and
        takes a quarter of an hour.
        """
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def begin(self, part: str) -> None:
        """From here on choices are those of a part of the city."""
        self.dice.seed(f"{SEED} {part}")

    def code(self, length: int) -> str:
        """As `codes.new_code`, of this city's own dice."""
        return "".join(self.dice.choices(codes.ALPHABET, k=length))

    def chance(self, share: float) -> bool:
        """True in about `share` of the cases."""
        return self.dice.random() < share

    def one_of(self, things: Sequence[T]) -> T:
        return self.dice.choice(things)

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self.dice.randint(least, most)
