"""The venues of the demonstration, and two weeks of bookings in them."""

from __future__ import annotations

from bureau.common.demo import DemoCity
from venues.demo import (
    ballots,
    bookings,
    businesses,
    closures,
    conduct,
    gate,
    photos,
    places,
    programmes,
    rules,
    seasons,
    sessions,
    together,
    waiting,
)


def fill(city: DemoCity) -> None:
    places.fill(city)
    businesses.fill(city)
    rules.fill(city)
    sessions.fill(city)
    ballots.fill(city)
    bookings.fill(city)
    conduct.fill(city)
    gate.fill(city)
    photos.fill(city)
    together.fill(city)
    waiting.fill(city)
    closures.fill(city)
    seasons.fill(city)
    programmes.fill(city)
