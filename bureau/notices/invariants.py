from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        "notices.nothing_waits_unseen",
        _("No message has waited an hour beyond its next try."),
        """
        SELECT id, channel, tries, next_try_at FROM notices_delivery
        WHERE state = 'waiting' AND next_try_at < now() - interval '1 hour'
        """,
    ),
]
