from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from pytest_django import Settings

from bureau.common import limits
from bureau.common.limits import LimitsAway, TooOften, wait_text


def test_a_window_has_room_for_so_many_and_says_when_the_next_begins() -> None:
    of = str(uuid4())
    with time_machine.travel(datetime(2026, 1, 1, 8, 0, 20, tzinfo=UTC)) as time:
        limits.take("test", of, limit=2, seconds=60)
        limits.take("test", of, limit=2, seconds=60)
        with pytest.raises(TooOften, match="40 seconds") as refusal:
            limits.take("test", of, limit=2, seconds=60)
        assert refusal.value.values["after"] == 40

        limits.take("test", str(uuid4()), limit=2, seconds=60)
        time.shift(timedelta(seconds=40))
        limits.take("test", of, limit=2, seconds=60)


def test_without_redis_nobody_passes(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    with pytest.raises(LimitsAway):
        limits.take("test", "x", limit=10**9, seconds=60)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (9000, "3 hours"),
    ],
)
def test_a_wait_is_rounded_up(seconds: int, text: str) -> None:
    assert wait_text(seconds) == text
