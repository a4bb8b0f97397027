"""What the home page says at a glance: what is drawn, where a door is shut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from venues.models import Ballot, Venue
from venues.queries.about import Closure, closures_in_city
from venues.queries.ballots import coming_ballots, phase_of

AHEAD = timedelta(days=7)
"""How far ahead a closure is news for everybody; the venue's page says all of them."""
MOST = 3


@dataclass(frozen=True)
class News:
    """A few rows of each kind, the most urgent first."""

    ballots: list[tuple[Ballot, str]]
    """With the phase that a person should read, see `phase_of`."""
    closures: list[tuple[Venue, Closure]]

    def __bool__(self) -> bool:
        return bool(self.ballots or self.closures)


def city_news(*, at: datetime) -> News:
    """Three questions at most, however many venues there are."""
    ballots = coming_ballots(at=at)[:MOST]
    return News(
        ballots=[(ballot, phase_of(ballot, at=at)) for ballot in ballots],
        closures=closures_in_city(at=at, until=at + AHEAD, most=MOST),
    )
