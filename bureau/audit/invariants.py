"""Promises that can be checked: each is a question whose answer must be no rows.

Every app may have an `invariants` module with `INVARIANTS = [Invariant(...), ...]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Invariant:
    """A promise of an app.

    `name` reads `<app>.<what_is_true>` and never changes, so that an auditor can follow
    it for years. `sql` selects the offenders, one a row, the telling columns first;
    a literal percent sign needs no doubling. `ask` gives the offenders in its place
    where the database cannot see them: what is sealed is opened by us alone.
    """

    name: str
    meaning: StrOrPromise
    sql: str = ""
    ask: Callable[[], Iterable[Mapping[str, Any]]] | None = None


def all_invariants() -> list[Invariant]:
    """The promises of every installed app, in the order of their names."""
    found: list[Invariant] = []
    for app in apps.get_app_configs():
        module = f"{app.name}.invariants"
        if find_spec(module) is not None:
            found.extend(import_module(module).INVARIANTS)
    doubles = [name for name, n in Counter(i.name for i in found).items() if n > 1]
    if doubles:
        raise ImproperlyConfigured(f"Invariants named twice: {', '.join(doubles)}")
    return sorted(found, key=lambda invariant: invariant.name)


INVARIANTS = [
    Invariant(
        "audit.entries_are_guarded",
        _("The audit trail is guarded by its trigger."),
        """
        SELECT 'audit_entry_is_append_only' AS missing_trigger
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgname = 'audit_entry_is_append_only' AND tgenabled IN ('O', 'A')
              AND tgrelid = 'audit_entry'::regclass
        )
        """,
    ),
    Invariant(
        "audit.entries_are_not_from_the_future",
        _("No audit entry is from the future."),
        """
        SELECT id, event, occurred_at FROM audit_entry
        WHERE occurred_at > now() + interval '1 day'
        """,
    ),
]
