"""The venues of the demonstration, and two weeks of bookings in them."""

from __future__ import annotations

from bureau.common.demo import DemoCity
from venues.demo import (
    bookings,
    businesses,
    gate,
    photos,
    places,
    rules,
    together,
    waiting,
)


def fill(city: DemoCity) -> None:
    places.fill(city)
    businesses.fill(city)
    rules.fill(city)
    bookings.fill(city)
    gate.fill(city)
    photos.fill(city)
    together.fill(city)
    waiting.fill(city)
