"""Whether what somebody is about to save still is what they have read.

Two people open one form. Who saves second would undo, unseen, what the first has done.
So a form carries a mark of what it showed, and is refused where that is another one
now. `seen_forms` does it for the tables of the staff pages.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from django import forms
from django.db.models import Model

from bureau.common.db import advisory_locks
from bureau.common.errors import ChangedMeanwhile


def mark_of(content: Any) -> str:
    """Short for a content: another content, another mark."""
    return sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]


def lock_form_of(row: Model) -> None:
    """Let who else saves a form of this row wait until this transaction is over.

    Before all other locks (docs/adr/0004), and of forms alone: nothing that citizens do
    waits for it.
    """
    about = f"form|{row._meta.label_lower}|{row.pk}".encode()
    key = sha256(about).digest()
    first, second = key[:4], key[4:8]
    advisory_locks(
        [
            (
                int.from_bytes(first, signed=True),
                int.from_bytes(second, signed=True),
            )
        ]
    )


def refuse_if_changed(seen: str, now: str, *, what: str) -> None:
    """Raises `ChangedMeanwhile`, which names what there is another content of."""
    if seen != now:
        raise ChangedMeanwhile(what=what)


class SeenField(forms.CharField):
    """The mark of what the page showed. It is no change of anything."""

    def __init__(self, **kwargs: Any) -> None:
        hidden = forms.HiddenInput()
        super().__init__(required=False, max_length=400, widget=hidden, **kwargs)

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ARG002
        return False
