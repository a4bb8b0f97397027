"""The helper of all races must not hide an error, nor wait for ever."""

from __future__ import annotations

from threading import Event, Lock

import pytest

from bureau.common.errors import DomainError
from tests.at_once import StillRunning, at_once, outcomes


class Sold(DomainError):
    code = "sold"


def refuse() -> None:
    raise Sold


def test_answers_come_in_order_and_a_refusal_is_one() -> None:
    one, refusal, two = at_once(lambda: 1, refuse, lambda: 2)

    assert (one, two) == (1, 2)
    assert isinstance(refusal, Sold)
    assert outcomes([one, refusal, two]) == {"done": 2, "sold": 1}


def test_another_error_is_raised_when_all_are_done() -> None:
    done = Event()

    def fail() -> None:
        raise ZeroDivisionError

    def finish() -> None:
        done.wait(0.2)
        done.set()

    with pytest.raises(ZeroDivisionError):
        at_once(finish, fail, finish)
    assert done.is_set()


def test_who_never_ends_is_left_behind() -> None:
    lock = Lock()
    with lock, pytest.raises(StillRunning, match="1 of 2"):
        at_once(lambda: lock.acquire(timeout=5), lambda: None, seconds=0.2)
