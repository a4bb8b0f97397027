from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from bureau.common import clock


def test_what_is_done_as_of_a_moment_is_done_then_and_afterwards_it_is_now() -> None:
    then = clock.at(clock.today() - timedelta(days=30), 9 * 60)

    with clock.as_of(then):
        assert clock.now() == then
        assert clock.today() == clock.local_day(then)
        with ThreadPoolExecutor() as pool:
            assert pool.submit(clock.now).result() > then

    assert clock.now() > then


def test_a_failure_inside_turns_the_clock_forward_again() -> None:
    then = clock.now() - timedelta(days=30)

    with pytest.raises(ZeroDivisionError), clock.as_of(then):
        1 / 0  # noqa: B018

    assert clock.now() > then


def test_only_the_demonstration_turns_the_clock_back() -> None:
    root = Path(settings.BASE_DIR)
    found = [
        path.relative_to(root)
        for app in ("bureau", "venues", "vouchers", "equipment", "events", "safety")
        for path in (root / app).rglob("*.py")
        if re.search(r"\bas_of\(", path.read_text("utf-8"))
    ]

    assert Path("bureau/common/clock.py") in found
    assert all("demo" in str(path) or path.name == "clock.py" for path in found)
