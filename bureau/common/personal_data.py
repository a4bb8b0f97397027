"""Who holds data about a person: every app that does registers here in `ready()`.

The person can take a copy of it and can have the account deleted (PIPL, articles 45 and
47); accounts asks the holders and knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser


def _no_objection(user: AbstractBaseUser) -> Iterable[str]:  # noqa: ARG001
    return ()


def _nothing_to_erase(user: AbstractBaseUser) -> None:
    """For rows that the law keeps and that point at the anonymised person."""


@dataclass(frozen=True)
class Holder:
    """One app's answer to the rights of a person.

    `export` gives what is held, as JSON types. `objections` gives sentences in the
    person's language that say what must end first (a booking next week). `erase` runs
    inside the transaction of the deletion.
    """

    name: str
    export: Callable[[Any], Any]
    objections: Callable[[Any], Iterable[str]] = _no_objection
    erase: Callable[[Any], None] = _nothing_to_erase


_holders: dict[str, Holder] = {}


def register(holder: Holder) -> None:
    _holders[holder.name] = holder


def holders() -> list[Holder]:
    """Every holder, by name."""
    return [_holders[name] for name in sorted(_holders)]
